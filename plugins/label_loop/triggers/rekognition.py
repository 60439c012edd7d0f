"""A trigger that waits for Rekognition project versions."""

from collections.abc import AsyncIterator

from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger
from airflow.triggers.base import TriggerEvent

from label_loop.hooks.rekognition import RekognitionHook
from label_loop.triggers.settling import settle


class RekognitionProjectVersionTrigger(AwsBaseWaiterTrigger):
    """Waits with one of the waiters in ``waiters/rekognition.json``."""

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
        self.version_name = version_name
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
        """Wait as the base class does, after ``settle``.

        The sensor resumes to return the name: what a ``TaskSuccessEvent`` pushes itself, Airflow 3 encodes twice.
        """
        await settle()
        async for event in super().run():
            yield event
