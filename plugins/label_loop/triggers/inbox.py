"""Waits for work in an inbox: messages in a queue, or objects in a folder that is listed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.triggers.sqs import SqsSensorTrigger
from airflow.triggers.base import BaseTrigger, TriggerEvent

from label_loop.hooks.notification_queue import RECEIVE_COUNT
from label_loop.triggers.limit import Limit
from label_loop.triggers.settling import settle


class NotificationQueueTrigger(SqsSensorTrigger):
    """Waits for the first messages of a queue, by long polling, and hands them over undeleted; none at the limit."""

    def __init__(self, *, limit: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to make this trigger again."""
        path, arguments = super().serialize()
        return path, {**arguments, "limit": self.limit}

    async def poll_sqs(self, client: Any) -> Any:
        """Receive as the base class does, and how often each message was received before, which it does not ask for."""
        return await client.receive_message(
            QueueUrl=self.sqs_queue,
            MaxNumberOfMessages=self.max_messages,
            WaitTimeSeconds=self.wait_time_seconds,
            MessageSystemAttributeNames=[RECEIVE_COUNT],
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait as the base class does, after the pause; between two polls, so that none is broken off with messages."""
        await settle()
        limit = Limit.of(self.limit)
        messages: list[Any] = []
        while not messages:
            async with await self.hook.get_async_conn() as client:
                messages = await self.poke(client=client)
            if not messages:
                if limit and await limit.is_reached():
                    break
                await asyncio.sleep(self.waiter_delay)
        yield TriggerEvent({"status": "success", "message_batch": messages})


class FolderTrigger(BaseTrigger):
    """Waits until a folder has an object that is newer than what was seen; lists it all, so it looks seldom."""

    def __init__(
        self,
        bucket: str,
        folder: str,
        seen: str | None,
        poll_interval_seconds: float,
        aws_conn_id: str | None,
        *,
        limit: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bucket = bucket
        self.folder = folder
        self.seen = seen
        self.poll_interval_seconds = poll_interval_seconds
        self.aws_conn_id = aws_conn_id
        self.limit = limit

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "bucket": self.bucket,
                "folder": self.folder,
                "seen": self.seen,
                "poll_interval_seconds": self.poll_interval_seconds,
                "aws_conn_id": self.aws_conn_id,
                "limit": self.limit,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """List until something is newer, or the limit is reached."""
        await settle()
        limit = Limit.of(self.limit)
        hook = S3Hook(aws_conn_id=self.aws_conn_id)
        async with await hook.get_async_conn() as client:
            while not (await self._has_news(client) or (limit and await limit.is_reached())):
                await asyncio.sleep(self.poll_interval_seconds)
        yield TriggerEvent({"status": "success"})

    async def _has_news(self, client: Any) -> bool:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.folder)
        async for page in pages:
            for item in page.get("Contents", []):
                is_marker = item["Key"].endswith("/")
                if not is_marker and (not self.seen or item["LastModified"].isoformat() > self.seen):
                    return True
        return False
