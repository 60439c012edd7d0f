"""Tells people and programs what happens, by SNS."""

import json
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from label_loop.exceptions import LabelLoopError
from label_loop.loop import Loop
from label_loop.payloads import Event

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

_ENTRIES_A_CALL = 10
_LONGEST_SUBJECT = 100


class Announcer:
    """Publishes a loop's events, 10 a call. Work never stops for a message: a failure is told in the log."""

    def __init__(self, loop: Loop, topic_arn: str | None, aws_conn_id: str | None) -> None:
        self.loop = loop
        self.topic_arn = topic_arn
        self.aws_conn_id = aws_conn_id

    def tell(self, events: Sequence[Event]) -> None:
        """Publish events; a loop without a topic tells them to the log only."""
        if not events:
            return
        if not self.topic_arn:
            log.info("%s has no SNS topic; not told: %s", self.loop.path, [event.text for event in events])
            return
        for some in batched(events, _ENTRIES_A_CALL):
            self._publish([{"Id": str(n), **self._entry(event)} for n, event in enumerate(some)])

    @cached_property
    def _client(self) -> Any:
        from airflow.providers.amazon.aws.hooks.sns import SnsHook

        from label_loop.hooks.retries import PATIENT

        return SnsHook(aws_conn_id=self.aws_conn_id, config=PATIENT).conn

    def _publish(self, entries: list[dict[str, Any]]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            response = self._client.publish_batch(TopicArn=self.topic_arn, PublishBatchRequestEntries=entries)
        except (BotoCoreError, ClientError) as error:
            log.warning("%d events of %s could not be published: %s", len(entries), self.loop.path, error)
            return
        for failed in response.get("Failed", []):
            log.warning("An event of %s was refused by SNS: %s", self.loop.path, failed.get("Code"))

    def _entry(self, event: Event) -> dict[str, Any]:
        attributes = {"loop": self.loop.name, "event": event.kind}
        if event.label:
            attributes["label"] = event.label
        if event.accepted is not None:
            attributes["accepted"] = str(event.accepted).lower()
        body = {"loop": self.loop.name, "event": event.kind, "message": event.text, **event.facts}
        return {
            "Subject": f"Label Loop {self.loop.name}: {event.kind}"[:_LONGEST_SUBJECT],
            "Message": json.dumps(body, ensure_ascii=False, indent=1),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        }


class FailureNotifier(BaseNotifier):
    """The failure callback of every task: mails what failed and where to look, never an internal message."""

    template_fields = ()

    def __init__(self, loop_path: str, aws_conn_id: str | None = "aws_default") -> None:
        super().__init__()
        self.loop_path = loop_path
        self.aws_conn_id = aws_conn_id

    def notify(self, context: "Context") -> None:
        """Publish the failure of a task instance, with a link to its log."""
        from label_loop.hooks.parameter_store import ParameterStoreHook

        loop = Loop(self.loop_path)
        try:
            topic_arn = ParameterStoreHook(aws_conn_id=self.aws_conn_id).record(loop).topic_arn
        except Exception as error:  # the failure that is told may be that very service's
            log.warning("A failure of %s could not be told: %s", loop.path, type(error).__name__)
            return
        Announcer(loop, topic_arn, self.aws_conn_id).tell([failure_event(context)])


def failure_event(context: Mapping[str, Any]) -> Event:
    """Return the event of a failed task. Only messages written for people are quoted."""
    from airflow.sdk.exceptions import AirflowFailException

    ti = context["ti"]
    error = context.get("exception")
    for_people = isinstance(error, LabelLoopError | AirflowFailException)
    reason = str(error) if for_people else f"{type(error).__name__}; the task's log has the details"
    return Event(
        kind="failure",
        text=f"{ti.dag_id}.{ti.task_id} failed: {reason}",
        facts={
            "dag": ti.dag_id,
            "task": ti.task_id,
            "run": ti.run_id,
            "log": str(getattr(ti, "log_url", "") or ""),
        },
    )
