"""A trigger that waits until a bake leads to something, or ends."""

import logging
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from label_loop.context import LoopContext
from label_loop.hooks.aws_errors import reason
from label_loop.loop import Loop
from label_loop.triggers.polling import LoopPollingTrigger
from label_loop.workflows.bake import BakeWorkflow

log = logging.getLogger(__name__)


class BakeTrigger(LoopPollingTrigger):
    """Looks at the version every few minutes: at what fails, or at the shares that a person is asked about."""

    def __init__(
        self,
        loop_path: str,
        poll_interval_seconds: float,
        aws_conn_id: str | None,
        version_name: str,
        *,
        at_failures: bool,
    ) -> None:
        super().__init__(loop_path, poll_interval_seconds, aws_conn_id)
        self.version_name = version_name
        self.at_failures = at_failures

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to make this trigger again."""
        path, arguments = super().serialize()
        return path, {**arguments, "version_name": self.version_name, "at_failures": self.at_failures}

    @cached_property
    def _workflow(self) -> BakeWorkflow:
        return BakeWorkflow(LoopContext.of(Loop(self.loop_path), self.aws_conn_id))

    def poll(self) -> bool:
        """Return whether the task has something to do; errors of AWS are logged and count as nothing to do."""
        try:
            return self._workflow.look(self.version_name, at_failures=self.at_failures).action != "wait"
        except (BotoCoreError, ClientError) as error:
            log.warning("Could not look at the bake of %s, will try again: %s", self.loop_path, reason(error))
            return False
