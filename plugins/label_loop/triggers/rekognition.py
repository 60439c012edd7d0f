"""Waits for Rekognition project versions."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from label_loop.hooks.rekognition import RekognitionHook
from label_loop.settings import Loop
from label_loop.states.context import LoopContext
from label_loop.triggers.settling import settle


class RekognitionProjectVersionTrigger(AwsBaseWaiterTrigger):
    """Waits until a project version reaches what one of the waiters in ``waiters/rekognition.json`` waits for."""

    def __init__(
        self,
        *,
        project_arn: str,
        version_name: str,
        waiter_name: str,
        waiter_delay: int,
        waiter_max_attempts: int,
        aws_conn_id: str | None = "aws_default",
    ) -> None:
        super().__init__(
            serialized_fields={"project_arn": project_arn, "version_name": version_name, "waiter_name": waiter_name},
            waiter_name=waiter_name,
            waiter_args={"ProjectArn": project_arn, "VersionNames": [version_name]},
            failure_message=f"{version_name} did not get there",
            status_message=f"{version_name} is",
            status_queries=["ProjectVersionDescriptions[0].Status"],
            return_key="version_name",
            return_value=version_name,
            waiter_delay=waiter_delay,
            waiter_max_attempts=waiter_max_attempts,
            aws_conn_id=aws_conn_id,
        )

    def hook(self) -> RekognitionHook:
        """Return the hook whose waiters are used."""
        return RekognitionHook(aws_conn_id=self.aws_conn_id)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait as the base class does, after the pause."""
        await settle()
        async for event in super().run():
            yield event


class ServingModelTrigger(BaseTrigger):
    """Waits until a loop has a model that serves: its record names an endpoint, and that version runs."""

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
        """Look at the record and the version until the version serves."""
        await settle()
        # Boto3 in a thread: two calls every half minute do not justify a second, asynchronous way to make them.
        look = sync_to_async(LoopContext(Loop(self.loop_path), self.aws_conn_id).serves, thread_sensitive=False)
        while not await look():
            await asyncio.sleep(self.poll_interval_seconds)
        yield TriggerEvent({"status": "success"})
