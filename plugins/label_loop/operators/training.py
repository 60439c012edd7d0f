"""The operators of training."""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from label_loop.domain.approval import APPROVED_RUN, RETURN_RUN
from label_loop.exceptions import UnusableTrainingSetError, VersionNotCreatedError, VersionNotDeployableError
from label_loop.operators.base import LoopOperator
from label_loop.payloads import TrainingAttempt

if TYPE_CHECKING:
    from airflow.sdk import Context

    from label_loop.domain.deployment import DeploymentDecision
    from label_loop.workflows.training import TrainingWorkflow


DATASETS_POLL_SECONDS = 15.0
MAX_DATASETS_TIME = timedelta(hours=2)  # of one change of a dataset


class TrainingOperator(LoopOperator):
    """A step of a training run."""

    def workflow(self) -> "TrainingWorkflow":
        """Return the training workflow of the loop, with a new context."""
        from label_loop.workflows.training import TrainingWorkflow

        return TrainingWorkflow(self.loop_context())


class TrainingCheckOperator(TrainingOperator):
    """Decides whether the run trains, deploys a version by hand, or does nothing.

    Returns the decision as a dict, from which downstream tasks read whether to skip.
    """

    def execute(self, context: "Context") -> Any:
        """Decide. With the parameter ``force`` no new images are required; with ``version`` nothing is trained."""
        version_name = (context["params"].get("version") or "").strip()
        if version_name:
            return asdict(self._decide_deployment(context, version_name))
        return asdict(self.workflow().check(forced=bool(context["params"].get("force"))))

    def _decide_deployment(self, context: "Context", version_name: str) -> "DeploymentDecision":
        from label_loop.workflows.deployment import DeploymentWorkflow

        asked_by = context["dag_run"].triggering_user_name or "an unnamed user"
        workflow = DeploymentWorkflow(self.loop_context())
        try:
            if context["run_id"].startswith(APPROVED_RUN):
                return workflow.decide_approved(version_name)
            if context["run_id"].startswith(RETURN_RUN):
                return workflow.decide_return(version_name)
            return workflow.decide(version_name, asked_by=asked_by)
        except VersionNotDeployableError as error:
            raise AirflowFailException(str(error)) from error


class TrainingWriteManifestOperator(TrainingOperator):
    """Checks the images and writes the manifest. Returns the attempt, or None if they have nothing new to train."""

    template_fields = ("decision",)

    def __init__(self, *, decision: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decision = decision

    def execute(self, context: "Context") -> Any:
        """Prepare the training set. An unusable set fails at once, since a retry would not help."""
        if self.decision["action"] not in {"train", "resume"}:
            raise AirflowSkipException(f"No training: {self.decision['reason']}.")
        try:
            attempt = self.workflow().prepare(
                resume=self.decision["action"] == "resume",
                forced=bool(context["params"].get("force")),
                run_id=str(context["run_id"]),
            )
        except UnusableTrainingSetError as error:
            raise AirflowFailException(str(error)) from error
        return attempt.to_json() if attempt else None


class TrainingCreateVersionOperator(TrainingOperator):
    """Starts the training of an attempt. Idempotent. Returns the version's name."""

    template_fields = ("attempt",)

    def __init__(self, *, attempt: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attempt = attempt

    def execute(self, context: "Context") -> str:
        """Record the attempt, then create the version; defer while the project's datasets are made for it."""
        if self.attempt is None:
            raise AirflowSkipException("No training: the usable images have nothing new; write_manifest says why.")
        try:
            name = self.workflow().create_version(TrainingAttempt(**self.attempt))
        except VersionNotCreatedError as error:
            raise AirflowFailException(str(error)) from error
        if name is None:
            from label_loop.triggers.datasets import DatasetsTrigger

            trigger = DatasetsTrigger(self.loop_path, DATASETS_POLL_SECONDS, self.aws_conn_id)
            self.defer(trigger=trigger, method_name="execute_complete", timeout=MAX_DATASETS_TIME)
        return name

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> str:
        """Go on once no dataset is changing."""
        return self.execute(context)


class AuditLabelsOperator(LoopOperator):
    """Lists the labels that are likely wrong, of the images with which a version is trained and tested.

    Returns their number. Skips itself if no other version serves that could say anything, and if it fails: what it
    finds is advice, for which no training is lost.
    """

    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name

    def execute(self, context: "Context") -> int:
        """Audit for about two minutes at most."""
        from label_loop.hooks.aws_errors import reason
        from label_loop.workflows.label_audit import LabelAuditWorkflow

        try:
            found = LabelAuditWorkflow(self.loop_context()).audit(self.version_name)
        except Exception as error:
            self.log.exception("The audit failed")
            raise AirflowSkipException(f"The labels are not audited: {reason(error)}.") from error
        if found is None:
            raise AirflowSkipException("The labels are not audited: no other version serves.")
        return len(found.suspects)


class TrainingEvaluateOperator(LoopOperator):
    """Judges a version by its F1 score, and against the serving one. Returns its name, or None if it is held."""

    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name

    def execute(self, context: "Context") -> str | None:
        """Judge the version and record the verdict."""
        from label_loop.workflows.evaluation import EvaluationWorkflow

        workflow = EvaluationWorkflow(self.loop_context())
        return str(self.version_name) if workflow.accepts(self.version_name) else None
