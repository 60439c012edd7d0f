"""The operators of approval: a question to a person whether to deploy a version, and its answer."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import conf
from airflow.sdk.exceptions import AirflowSkipException

from label_loop.domain.approval import APPROVED_RUN, OPTIONS
from label_loop.domain.version_numbers import display_name
from label_loop.operators.base import LoopOperator, trigger_run
from label_loop.payloads import ApprovalQuestion

if TYPE_CHECKING:
    from airflow.sdk import Context

    from label_loop.workflows.approval import ApprovalWorkflow

_CHOICES = {option: choice for choice, option in OPTIONS.items()}
_SHORTEST_WAIT = timedelta(minutes=1)


class ApprovalOperator(LoopOperator):
    """A step of a question."""

    def workflow(self) -> "ApprovalWorkflow":
        """Return the approval workflow of the loop, with a new context."""
        from label_loop.workflows.approval import ApprovalWorkflow

        return ApprovalWorkflow(self.loop_context())


class RequestApprovalOperator(ApprovalOperator):
    """Triggers a run of the DAG that asks about a version, if the loop's state has an open question about it."""

    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name

    def execute(self, context: "Context") -> None:
        """Trigger the run, once for each version."""
        workflow = self.workflow()
        if not workflow.open_question(self.version_name):
            raise AirflowSkipException(f"Nobody is asked about {self.version_name}.")
        trigger_run(
            workflow.context.loop.dag_id("approval"), f"ask__{self.version_name}", {"version": self.version_name}
        )


class ReadQuestionOperator(ApprovalOperator):
    """Returns the question about a version as a dict, and announces it. Skips itself if it is closed."""

    def execute(self, context: "Context") -> dict[str, Any]:
        """Read it; ``version`` of the run's parameters names the version."""
        workflow, version_name = self.workflow(), str(context["params"]["version"])
        question = workflow.open_question(version_name)
        if question is None:
            raise AirflowSkipException(f"There is no open question about {version_name}.")
        run = f"/dags/{context['ti'].dag_id}/runs/{context['run_id']}/required_actions"
        workflow.announce_question(question, f"{conf.get('api', 'base_url', fallback='').rstrip('/')}{run}")
        return asdict(question)


class AskOperator(HITLOperator):
    """Asks whether to deploy a version, until the question's deadline; then its ``otherwise`` is the answer.

    :param question: the question as a dict
    """

    template_fields = ("question",)

    def __init__(self, *, question: Any, **kwargs: Any) -> None:
        super().__init__(subject="Deploy the new version?", options=list(_CHOICES), **kwargs)
        self.question = question

    def execute(self, context: "Context") -> Any:
        """Wait for the answer without occupying a worker. Returns it as a dict."""
        question = ApprovalQuestion(**self.question)
        self.subject = f"Deploy {display_name(question.version_name)}?"
        self.body = (
            f"{question.reason}.\n\nWithout an answer by {question.deadline}, the decision is: "
            f"{OPTIONS[question.otherwise]}. A newer version, or a deployment by hand, closes the question; an answer "
            "then has no effect."
        )
        self.defaults = [OPTIONS[question.otherwise]]
        self.response_timeout = max(datetime.fromisoformat(question.until) - datetime.now(UTC), _SHORTEST_WAIT)
        return super().execute(context)


class ApplyAnswerOperator(ApprovalOperator):
    """Records the answer, and triggers the deployment if it is to deploy.

    :param question: the question as a dict
    :param answer: what the person answered, as a dict
    """

    template_fields = ("question", "answer")

    def __init__(self, *, question: Any, answer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.question = question
        self.answer = answer

    def execute(self, context: "Context") -> None:
        """Record and deploy. Skips itself if the question was closed before."""
        workflow, version_name = self.workflow(), self.question["version_name"]
        user = self.answer["responded_by_user"]
        decided = workflow.answer(version_name, _CHOICES[self.answer["chosen_options"][0]], user and user["name"])
        if decided is None:
            raise AirflowSkipException(
                f"The answer about {version_name} has no effect: a newer version or a deployment by hand came first."
            )
        if decided == "deploy":
            trigger_run(
                workflow.context.loop.dag_id("training"), f"{APPROVED_RUN}{version_name}", {"version": version_name}
            )
