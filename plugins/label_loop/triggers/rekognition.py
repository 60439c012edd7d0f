"""Waits for Rekognition project versions."""

import logging
from collections.abc import AsyncIterator
from functools import cached_property

from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger
from airflow.triggers.base import TriggerEvent
from botocore.exceptions import BotoCoreError, ClientError

from label_loop.hooks.rekognition import RekognitionHook
from label_loop.settings import Loop
from label_loop.states.context import LoopContext
from label_loop.triggers.polling import LoopPollingTrigger
from label_loop.triggers.settling import settle

log = logging.getLogger(__name__)


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


class ServingModelTrigger(LoopPollingTrigger):
    """Waits until a loop has a model that serves: its record names an endpoint, and that version runs."""

    @cached_property
    def _context(self) -> LoopContext:
        return LoopContext(Loop(self.loop_path), self.aws_conn_id)

    def look(self) -> bool:
        """Return whether a model serves; AWS being away for a while is no answer."""
        try:
            return self._context.serves()
        except (BotoCoreError, ClientError) as error:
            log.warning("The model of %s cannot be looked at for now: %s", self.loop_path, error)
            return False
