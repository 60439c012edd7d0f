"""The operators of the bake: they watch a version that the loop has just deployed, and have the former one return."""

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from label_loop.domain.approval import RETURN_RUN
from label_loop.operators.base import LoopOperator, trigger_run

if TYPE_CHECKING:
    from airflow.sdk import Context

    from label_loop.domain.bake import BakeVerdict
    from label_loop.workflows.bake import BakeWorkflow

BAKE_POLL_SECONDS = 600


class BakeOperator(LoopOperator):
    """A step of a bake. ``version`` of the run's parameters names the version that bakes."""

    def workflow(self) -> "BakeWorkflow":
        """Return the bake of the loop, with a new context."""
        from label_loop.workflows.bake import BakeWorkflow

        return BakeWorkflow(self.loop_context())


class StartBakeOperator(BakeOperator):
    """Triggers a run of the DAG that watches a version, if the version bakes."""

    template_fields = ("version_name",)

    def __init__(self, *, version_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version_name = version_name

    def execute(self, context: "Context") -> None:
        """Trigger the run, once for each deployment."""
        workflow = self.workflow()
        bake = workflow.bake_of(self.version_name)
        if bake is None:
            raise AirflowSkipException(f"{self.version_name} is not watched: see Bake-Hours.")
        run_id = f"bake__{bake.version_name}__{bake.since}"
        trigger_run(workflow.context.loop.dag_id("bake"), run_id, {"version": bake.version_name})


class _WatchOperator(BakeOperator):
    """Waits without occupying a worker until what it watches leads to something, or the bake ends."""

    at_failures: bool

    def execute(self, context: "Context") -> Any:
        """Look, and defer while there is nothing to do. Skips itself if the bake ends."""
        workflow, version_name = self.workflow(), str(context["params"]["version"])
        verdict = workflow.look(version_name, at_failures=self.at_failures)
        self.log.info("%s: %s (%s)", version_name, verdict.action, verdict.reason)
        if verdict.action == "wait":
            from label_loop.triggers.bake import BakeTrigger

            trigger = BakeTrigger(
                self.loop_path, BAKE_POLL_SECONDS, self.aws_conn_id, version_name, at_failures=self.at_failures
            )
            self.defer(trigger=trigger, method_name="execute_complete")
        return self.act(workflow, version_name, verdict)

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> Any:
        """Look again after the trigger has found something to do."""
        return self.execute(context)

    def act(self, workflow: "BakeWorkflow", version_name: str, verdict: "BakeVerdict") -> None:
        """Do what a verdict other than to wait says."""
        raise NotImplementedError


class WatchFailuresOperator(_WatchOperator):
    """Triggers the return of the former version if more uploads fail with the new one; else ends the bake."""

    at_failures = True

    def act(self, workflow: "BakeWorkflow", version_name: str, verdict: "BakeVerdict") -> None:
        """Trigger the deployment of the former version, or end the bake."""
        if verdict.action == "end":
            workflow.end(version_name, verdict.reason)
            raise AirflowSkipException(f"{version_name} is no longer watched: {verdict.reason}.")
        bake = workflow.return_former(version_name, verdict.reason)
        if bake is None:
            raise AirflowSkipException("Another version serves by now.")
        dag_id = workflow.context.loop.dag_id("training")
        trigger_run(dag_id, f"{RETURN_RUN}{version_name}__{bake.since}", {"version": bake.former_name})


class WatchSharesOperator(_WatchOperator):
    """Has a person asked if detections or answers differ from those of the former version, in the DAG approval."""

    at_failures = False

    def act(self, workflow: "BakeWorkflow", version_name: str, verdict: "BakeVerdict") -> None:
        """Trigger the question."""
        if verdict.action == "end":
            raise AirflowSkipException(f"{version_name} is no longer watched: {verdict.reason}.")
        bake = workflow.ask(version_name, verdict.reason)
        if bake is None:
            raise AirflowSkipException(f"Nobody is asked: {verdict.reason}.")
        run_id = f"ask__{bake.former_name}__{bake.since}"
        trigger_run(workflow.context.loop.dag_id("approval"), run_id, {"version": bake.former_name})
