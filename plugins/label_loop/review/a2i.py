"""Review in Amazon Augmented AI, for accounts that have it."""

from botocore.config import Config
from botocore.exceptions import ClientError

from label_loop.domain.reviews import human_loop_name, task_input
from label_loop.exceptions import ReviewRefusedError
from label_loop.hooks.a2i import AugmentedAIRuntimeHook
from label_loop.hooks.aws_errors import error_code
from label_loop.hooks.retries import PATIENT
from label_loop.payloads import ReviewStarted, ReviewTask

_REFUSALS = frozenset(
    {
        "AccessDeniedException",
        "ResourceNotFoundException",
        "ServiceQuotaExceededException",
        "ValidationException",
    }
)


class A2IReview:
    """Starts human loops of one flow definition."""

    def __init__(self, flow_definition_arn: str | None, aws_conn_id: str | None, config: Config = PATIENT) -> None:
        self.flow_definition_arn = flow_definition_arn
        self.hook = AugmentedAIRuntimeHook(aws_conn_id=aws_conn_id, config=config)
        self.hook.get_conn()  # created here once, since threads would each create one

    def start(self, task: ReviewTask) -> ReviewStarted:
        """Start the human loop of a detection. Its name contains the detection id, so A2I rejects a second one.

        Raises ReviewRefusedError if A2I does not accept tasks from this account or loop.
        """
        if not self.flow_definition_arn:
            raise ReviewRefusedError(
                "The loop has no flow_definition_arn, so no reviews can be sent to Amazon A2I. Run "
                "`python -m label_loop provision <loop>`, or set Enable-A2I-Workflow to false."
            )
        name = human_loop_name(task.detection_id)
        try:
            request_id = self.hook.start_human_loop(
                name=name, flow_definition_arn=self.flow_definition_arn, input_content=task_input(task)
            )
        except ClientError as error:
            if error_code(error) not in _REFUSALS:
                raise
            raise ReviewRefusedError(
                f"Amazon A2I rejected a review task ({error_code(error)}). A2I is closed to new customers: an account "
                "that has never used it can review in the Airflow UI (`python -m label_loop provision <loop> "
                "--review-backend airflow`). Otherwise check the flow definition "
                f"{self.flow_definition_arn} and the role's permission sagemaker:StartHumanLoop."
            ) from error
        return ReviewStarted(name, request_id)

    def collect(self) -> int:
        """Do nothing and return 0: A2I writes the answers itself."""
        return 0
