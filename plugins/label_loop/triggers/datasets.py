"""A trigger that waits until no dataset of a project is changing."""

import logging
from functools import cached_property

from botocore.exceptions import BotoCoreError, ClientError

from label_loop.context import LoopContext
from label_loop.hooks.aws_errors import reason
from label_loop.loop import Loop
from label_loop.triggers.polling import LoopPollingTrigger

log = logging.getLogger(__name__)


class DatasetsTrigger(LoopPollingTrigger):
    """Fires once each dataset of a loop's project is complete, failed or gone."""

    @cached_property
    def _context(self) -> LoopContext:
        return LoopContext.of(Loop(self.loop_path), self.aws_conn_id)

    def poll(self) -> bool:
        """Return whether nothing is changing; errors of AWS are logged and count as a change."""
        try:
            found = self._context.clients.rekognition.datasets(self._context.store.record.project_arn)
        except (BotoCoreError, ClientError) as error:
            log.warning("Could not look at the datasets of %s, will try again: %s", self.loop_path, reason(error))
            return False
        return not any(one.is_changing for one in found)
