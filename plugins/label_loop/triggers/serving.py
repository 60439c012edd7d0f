"""Waits for the model that serves."""

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
from label_loop.triggers.limit import Limit
from label_loop.triggers.polling import LoopPollingTrigger

log = logging.getLogger(__name__)


class ServingModelTrigger(LoopPollingTrigger):
    """Waits until a model serves, or one that was stopped as idle has uploads to do, or what runs has to be looked at.

    ``began`` is when the wait did, in ISO 8601; ``first_look_seconds`` is how much later than usual it looks first.
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
        """Look as the base class does, after what may be a longer pause."""
        await asyncio.sleep(self.first_look_seconds)
        async for event in super().run():
            yield event

    @cached_property
    def _context(self) -> LoopContext:
        return LoopContext(Loop(self.loop_path), self.aws_conn_id)

    def look(self) -> bool:
        """Return whether there is something to do; AWS being away for a while is no answer."""
        try:
            if ServingModel(self._context).next_step() != "wait":
                return True
            return Limit(self.loop_path).look_is_due(self.began, datetime.now(UTC))
        except (BotoCoreError, ClientError) as error:
            log.warning("The model of %s cannot be looked at for now: %s", self.loop_path, reason(error))
            return False
