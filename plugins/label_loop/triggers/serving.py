"""A trigger that waits for the serving model."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from airflow.triggers.base import TriggerEvent
from botocore.exceptions import BotoCoreError, ClientError

from label_loop.context import LoopContext
from label_loop.hooks.aws_errors import reason
from label_loop.loop import Loop
from label_loop.serving import ServingModel
from label_loop.triggers.limit import WaitLimit
from label_loop.triggers.polling import LoopPollingTrigger

log = logging.getLogger(__name__)


class ServingModelTrigger(LoopPollingTrigger):
    """Waits until detection has something to do: a model serves, must be started, or running versions must be checked.

    ``began`` is the start of the wait in ISO 8601; ``first_look_seconds`` is an additional pause before the first poll.
    """

    def __init__(
        self,
        loop_path: str,
        poll_interval_seconds: float,
        aws_conn_id: str | None,
        began: str,
        first_look_seconds: float = 0.0,
    ) -> None:
        super().__init__(loop_path, poll_interval_seconds, aws_conn_id)
        self.began = began
        self.first_look_seconds = first_look_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to make this trigger again."""
        path, arguments = super().serialize()
        return path, {**arguments, "began": self.began, "first_look_seconds": self.first_look_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll as the base class does, after the additional pause."""
        await asyncio.sleep(self.first_look_seconds)
        async for event in super().run():
            yield event

    @cached_property
    def _context(self) -> LoopContext:
        return LoopContext.of(Loop(self.loop_path), self.aws_conn_id)

    def poll(self) -> bool:
        """Return whether there is something to do; errors of AWS are logged and count as nothing to do."""
        try:
            if ServingModel(self._context).next_action() != "wait":
                return True
            return WaitLimit(self.loop_path).is_check_due(self.began, datetime.now(UTC))
        except (BotoCoreError, ClientError) as error:
            log.warning("Could not check the model of %s, will try again: %s", self.loop_path, reason(error))
            return False
