"""Waits until Parameter Store and the Variables of a loop differ."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async
from botocore.exceptions import BotoCoreError, ClientError

from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.settings import Loop
from label_loop.states.parameter_sync import Sides, read_variables
from label_loop.triggers.settling import settle

log = logging.getLogger(__name__)


class ParameterChangeTrigger(BaseTrigger):
    """Compares both sides every few seconds: Variables send no events, and Parameter Store's may get lost."""

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
        """Compare until the sides differ; Parameter Store being away for a while is no difference."""
        await settle()
        hook = ParameterStoreHook(aws_conn_id=self.aws_conn_id)
        differ = sync_to_async(self._differ, thread_sensitive=False)
        while not await differ(hook):
            await asyncio.sleep(self.poll_interval_seconds)
        yield TriggerEvent({"status": "success"})

    def _differ(self, hook: ParameterStoreHook) -> bool:
        loop = Loop(self.loop_path)
        try:
            store = hook.texts(loop)
        except (BotoCoreError, ClientError) as error:
            log.warning("The parameters of %s cannot be read for now: %s", loop.path, error)
            return False
        return Sides(store, *read_variables(loop)).differ()
