"""Triggers that wait for work in an inbox: messages in a queue, or objects in a folder.

Work ends the sensor directly from the triggerer; when a limit ends the wait, the sensor pokes again.
"""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from itertools import repeat
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.hooks.sqs import SqsHook
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent
from botocore.exceptions import BotoCoreError, ClientError

from label_loop.hooks.aws_errors import reason
from label_loop.hooks.notification_queue import RECEIVABLE
from label_loop.triggers.limit import WaitLimit
from label_loop.triggers.settling import settle

log = logging.getLogger(__name__)

_MIN_POLL_SECONDS = 1.0
_MAX_POLL_SECONDS = 3.0
_POLL_GROWTH = 1.05  # factor between two polls of a queue: uploads often come in quick succession


class InboxTrigger(BaseTrigger):
    """Polls until there is work or the limit is reached; ``limit`` has the arguments of ``WaitLimit``."""

    def __init__(self, aws_conn_id: str | None, limit: dict[str, Any] | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.aws_conn_id = aws_conn_id
        self.limit = limit

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to make this trigger again."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {**self.arguments(), "aws_conn_id": self.aws_conn_id, "limit": self.limit}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is work or the limit is reached. Errors of AWS are logged, and polling goes on."""
        await settle()
        limit, has_work = WaitLimit.of(self.limit), False
        async with await self.hook().get_async_conn() as client:
            pauses = self.pauses()
            while not has_work:
                try:
                    has_work = await self.poll(client)
                except (BotoCoreError, ClientError) as error:
                    log.warning("Could not poll %s, will try again: %s", self.arguments(), reason(error))
                if not has_work:
                    if limit and await limit.is_reached():
                        break
                    await asyncio.sleep(next(pauses))
        yield TaskSuccessEvent() if has_work else TriggerEvent({"status": "limit"})

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the subclass, without those of its base."""

    @abstractmethod
    def hook(self) -> AwsGenericHook[Any]:
        """Return the hook whose client ``poll`` is given."""

    @abstractmethod
    def pauses(self) -> Iterator[float]:
        """Yield the seconds between polls, endlessly."""

    @abstractmethod
    async def poll(self, client: Any) -> bool:
        """Return whether there is work."""


class QueueTrigger(InboxTrigger):
    """Waits until a queue has messages, without receiving any, since receives are counted for dead letters."""

    def __init__(self, queue_url: str, aws_conn_id: str | None, limit: dict[str, Any] | None = None) -> None:
        super().__init__(aws_conn_id, limit)
        self.queue_url = queue_url

    def arguments(self) -> dict[str, Any]:
        """Return the queue."""
        return {"queue_url": self.queue_url}

    def hook(self) -> AwsGenericHook[Any]:
        """Return the provider's hook of SQS."""
        return SqsHook(aws_conn_id=self.aws_conn_id)

    def pauses(self) -> Iterator[float]:
        """Yield pauses that grow from 1 to 3 seconds."""
        seconds = _MIN_POLL_SECONDS
        while True:
            yield seconds
            seconds = min(seconds * _POLL_GROWTH, _MAX_POLL_SECONDS)

    async def poll(self, client: Any) -> bool:
        """Return whether a message can be received."""
        response = await client.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=[RECEIVABLE])
        return int(response["Attributes"][RECEIVABLE]) > 0


class FolderTrigger(InboxTrigger):
    """Waits until a folder has an object newer than ``seen`` (ISO 8601), or any object if that is None.

    Each poll lists the whole folder, so the interval should be long.
    """

    def __init__(
        self,
        bucket: str,
        folder: str,
        seen: str | None,
        poll_interval_seconds: float,
        *,
        aws_conn_id: str | None,
        limit: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(aws_conn_id, limit)
        self.bucket = bucket
        self.folder = folder
        self.seen = seen
        self.poll_interval_seconds = poll_interval_seconds

    def arguments(self) -> dict[str, Any]:
        """Return the folder and the mark."""
        return {
            "bucket": self.bucket,
            "folder": self.folder,
            "seen": self.seen,
            "poll_interval_seconds": self.poll_interval_seconds,
        }

    def hook(self) -> AwsGenericHook[Any]:
        """Return the provider's hook of S3."""
        return S3Hook(aws_conn_id=self.aws_conn_id)

    def pauses(self) -> Iterator[float]:
        """Yield the same pause endlessly."""
        return repeat(self.poll_interval_seconds)

    async def poll(self, client: Any) -> bool:
        """Return whether an object is newer than ``seen``."""
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.folder)
        async for page in pages:
            for item in page.get("Contents", []):
                is_marker = item["Key"].endswith("/")
                if not is_marker and (not self.seen or item["LastModified"].isoformat() > self.seen):
                    return True
        return False
