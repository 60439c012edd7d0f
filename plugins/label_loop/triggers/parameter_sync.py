"""A trigger that waits until Parameter Store and the Variables of a loop differ."""

import logging
from functools import cached_property

from botocore.exceptions import BotoCoreError, ClientError

from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.loop import Loop
from label_loop.triggers.polling import LoopPollingTrigger
from label_loop.workflows.parameter_sync import ParameterSides

log = logging.getLogger(__name__)


class ParameterChangeTrigger(LoopPollingTrigger):
    """Compares both sides every few seconds: Variables emit no events, and those of Parameter Store may be lost."""

    @cached_property
    def _hook(self) -> ParameterStoreHook:
        return ParameterStoreHook(aws_conn_id=self.aws_conn_id)

    def poll(self) -> bool:
        """Return whether the sides differ; errors of Parameter Store are logged and count as no difference."""
        loop = Loop(self.loop_path)
        try:
            stored = self._hook.stored(loop)
        except (BotoCoreError, ClientError) as error:
            log.warning("Could not read the parameters of %s, will try again: %s", loop.path, error)
            return False
        return ParameterSides.read(loop, stored).differ()
