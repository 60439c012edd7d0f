"""The base of triggers that look at a loop again and again."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from label_loop.triggers.settling import settle


class LoopPollingTrigger(BaseTrigger):
    """Fires when ``look`` says so.

    ``look`` runs in a thread: a call or two every quarter of a minute do not justify a second, asynchronous way
    to make them.
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
        """Look until there is what is waited for."""
        await settle()
        look = sync_to_async(self.look, thread_sensitive=False)
        while not await look():
            await asyncio.sleep(self.poll_interval_seconds)
        yield TriggerEvent({"status": "success"})

    @abstractmethod
    def look(self) -> bool:
        """Return whether there is what is waited for."""
