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
        self.hook.get_conn()  # made here, or each thread would make its own

    def start(self, task: ReviewTask) -> ReviewStarted:
        """Start the human loop of a detection; its name is the detection's, so A2I refuses a second one."""
        if not self.flow_definition_arn:
            raise ReviewRefusedError(
                "The loop has no flow_definition_arn, so nothing can be sent to Amazon A2I: set the loop up with "
                "`python -m label_loop provision`, or set Enable-A2I-Workflow to false."
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
                f"Amazon A2I refused a review task ({error_code(error)}). A2I takes no new customers: an account "
                "that never used it reviews in the Airflow UI (`python -m label_loop provision <loop> "
                "--review-backend airflow`); otherwise check the flow definition "
                f"{self.flow_definition_arn} and the role's permission sagemaker:StartHumanLoop."
            ) from error
        return ReviewStarted(name, request_id)

    def collect(self) -> int:
        """Do nothing: A2I writes answers by itself."""
        return 0
