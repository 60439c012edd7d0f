"""Publishes events of a loop to SNS, for people and programs."""

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
    from types_boto3_sns import SNSClient
    from types_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef

log = logging.getLogger(__name__)

_ENTRIES_PER_CALL = 10
_MAX_SUBJECT_CHARACTERS = 100


class Announcer:
    """Publishes a loop's events in batches of 10. A failure to publish is logged and never raised."""

    def __init__(self, loop: Loop, topic_arn: str | None, aws_conn_id: str | None) -> None:
        self.loop = loop
        self.topic_arn = topic_arn
        self.aws_conn_id = aws_conn_id

    def publish(self, events: Sequence[Event]) -> None:
        """Publish events; without a topic, only log them."""
        if not events:
            return
        if not self.topic_arn:
            log.info("%s has no SNS topic; not published: %s", self.loop.path, [event.text for event in events])
            return
        for batch in batched(events, _ENTRIES_PER_CALL):
            self._publish(self.topic_arn, [self._entry(str(n), event) for n, event in enumerate(batch)])

    @cached_property
    def _client(self) -> "SNSClient":
        from airflow.providers.amazon.aws.hooks.sns import SnsHook

        from label_loop.hooks.retries import PATIENT

        client: SNSClient = SnsHook(aws_conn_id=self.aws_conn_id, config=PATIENT).conn
        return client

    def _publish(self, topic_arn: str, entries: list["PublishBatchRequestEntryTypeDef"]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            response = self._client.publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
        except (BotoCoreError, ClientError) as error:
            log.warning("Could not publish %d event(s) of %s: %s", len(entries), self.loop.path, error)
            return
        for failed in response.get("Failed", []):
            log.warning("SNS rejected an event of %s: %s", self.loop.path, failed.get("Code"))

    def _entry(self, id_: str, event: Event) -> "PublishBatchRequestEntryTypeDef":
        attributes = {"loop": self.loop.name, "event": event.kind}
        if event.label:
            attributes["label"] = event.label
        if event.accepted is not None:
            attributes["accepted"] = str(event.accepted).lower()
        body = {"loop": self.loop.name, "event": event.kind, "message": event.text, **event.facts}
        page = self.loop.page(f"detections/{event.facts['detection']}") if "detection" in event.facts else None
        if page:
            body["page"] = page
        return {
            "Id": id_,
            "Subject": f"Label Loop {self.loop.name}: {event.kind}"[:_MAX_SUBJECT_CHARACTERS],
            "Message": json.dumps(body, ensure_ascii=False, indent=1),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        }


class FailureNotifier(BaseNotifier):
    """The failure callback of every task: publishes which task failed, why, and the link to its log.

    Only messages written for people are quoted.
    """

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
        except Exception as error:  # the task may have failed because Parameter Store is unavailable
            log.warning("Could not report a task failure of %s: %s", loop.path, type(error).__name__)
            return
        Announcer(loop, topic_arn, self.aws_conn_id).publish([failure_event(context)])


def failure_event(context: Mapping[str, Any]) -> Event:
    """Return the event of a failed task. Only messages written for people are quoted."""
    from airflow.sdk.exceptions import AirflowFailException

    ti = context["ti"]
    error = context.get("exception")
    for_people = isinstance(error, LabelLoopError | AirflowFailException)
    reason = str(error) if for_people else f"{type(error).__name__}; see the task log for details"
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
