"""Waits until Parameter Store and the Variables of a loop differ."""

import logging
from functools import cached_property

from botocore.exceptions import BotoCoreError, ClientError

from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.loop import Loop
from label_loop.triggers.polling import LoopPollingTrigger
from label_loop.workflows.parameter_sync import Sides

log = logging.getLogger(__name__)


class ParameterChangeTrigger(LoopPollingTrigger):
    """Compares both sides every few seconds: Variables send no events, and Parameter Store's may get lost."""

    @cached_property
    def _hook(self) -> ParameterStoreHook:
        return ParameterStoreHook(aws_conn_id=self.aws_conn_id)

    def look(self) -> bool:
        """Return whether the sides differ; Parameter Store being away for a while is no difference."""
        loop = Loop(self.loop_path)
        try:
            stored = self._hook.stored(loop)
        except (BotoCoreError, ClientError) as error:
            log.warning("The parameters of %s cannot be read for now: %s", loop.path, error)
            return False
        return Sides.read(loop, stored).differ()
