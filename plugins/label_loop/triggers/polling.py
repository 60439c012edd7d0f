"""The base of triggers that poll a loop."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from label_loop.triggers.settling import settle


class LoopPollingTrigger(BaseTrigger):
    """Fires once ``poll`` returns True.

    ``poll`` runs in a thread: one or two calls every 15 seconds do not justify asynchronous hooks.
    """

    def __init__(self, loop_path: str, poll_interval_seconds: float, aws_conn_id: str | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.loop_path = loop_path
        self.poll_interval_seconds = poll_interval_seconds
        self.aws_conn_id = aws_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "loop_path": self.loop_path,
                "poll_interval_seconds": self.poll_interval_seconds,
                "aws_conn_id": self.aws_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the condition is met."""
        await settle()
        poll = sync_to_async(self.poll, thread_sensitive=False)
        while not await poll():
            await asyncio.sleep(self.poll_interval_seconds)
        yield TriggerEvent({"status": "success"})

    @abstractmethod
    def poll(self) -> bool:
        """Return whether the condition is met."""
