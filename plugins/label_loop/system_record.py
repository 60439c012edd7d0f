"""The parameter ``For-System-Use-Only``: the names of a loop's resources."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from label_loop.exceptions import LoopNotSetUpError
from label_loop.loop import Loop

SYSTEM_RECORD = "For-System-Use-Only"
SYSTEM_RECORD_DESCRIPTION = "Resource names and operational state of the loop. Written by the loop; read-only here."


class RecordKey(StrEnum):
    """The keys of the record; those that the AWS sample has keep the sample's names."""

    BUCKET = "s3_bucket"
    PROJECT_ARN = "rekognition_project_arn"
    TOPIC_ARN = "sns-topic"
    LOG_TABLE = "dynamodb_table"
    LOG_INDEX = "dynamodb_table_GSI"
    FLOW_DEFINITION_ARN = "flow_definition_arn"
    REVIEW_BACKEND = "review_backend"
    REVIEWS_TABLE = "reviews_table"
    STATISTICS_TABLE = "statistics_table"
    STATE_TABLE = "state_table"
    LABELS_TABLE = "labels_table"
    UPLOADS_QUEUE_URL = "uploads_queue_url"
    UPLOADS_DEAD_LETTER_QUEUE_URL = "uploads_dead_letter_queue_url"
    ANSWERS_QUEUE_URL = "answers_queue_url"
    ANSWERS_DEAD_LETTER_QUEUE_URL = "answers_dead_letter_queue_url"


@dataclass(frozen=True)
class SystemRecord:
    """The JSON object ``For-System-Use-Only``: the AWS sample's keys, this package's, and unknown ones, kept as is."""

    loop: Loop
    values: Mapping[str, Any]

    @classmethod
    def parse(cls, loop: Loop, text: str | None) -> "SystemRecord":
        """Parse the record. Raises LoopNotSetUpError if it is missing or not a JSON object."""
        name = loop.parameter(SYSTEM_RECORD)
        if text is None:
            raise LoopNotSetUpError(loop.path, f"Parameter Store has no parameter {name}")
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise LoopNotSetUpError(loop.path, f"{name} is not a JSON object")
        return cls(loop, values)

    def get(self, key: str) -> str | None:
        """Return a text value, or None if it is missing or empty."""
        value = self.values.get(key)
        return value if isinstance(value, str) and value else None

    def require(self, key: str) -> str:
        """Return a text value. Raises LoopNotSetUpError if it is missing or empty."""
        value = self.get(key)
        if value is None:
            raise LoopNotSetUpError(self.loop.path, f"{SYSTEM_RECORD} has no {str(key)!r}")
        return value

    @property
    def bucket(self) -> str:
        """The name of the bucket with the loop's images."""
        return self.require(RecordKey.BUCKET)

    @property
    def project_arn(self) -> str:
        """The ARN of the Rekognition project."""
        return self.require(RecordKey.PROJECT_ARN)

    @property
    def topic_arn(self) -> str | None:
        """The ARN of the SNS topic for the loop's events."""
        return self.get(RecordKey.TOPIC_ARN)

    @property
    def log_table(self) -> str:
        """The DynamoDB table of the inference log."""
        return self.require(RecordKey.LOG_TABLE)

    @property
    def log_index(self) -> str:
        """The secondary index of the inference log."""
        return self.require(RecordKey.LOG_INDEX)

    @property
    def statistics_table(self) -> str | None:
        """The table of the daily statistics; None if nothing is counted."""
        return self.get(RecordKey.STATISTICS_TABLE)

    @property
    def state_table(self) -> str | None:
        """The table of the loop's state; None if the state is in this record."""
        return self.get(RecordKey.STATE_TABLE)

    @property
    def labels_table(self) -> str | None:
        """The table of what people said of each image; None in a loop that was last set up by an older release."""
        return self.get(RecordKey.LABELS_TABLE)

    @property
    def review_backend(self) -> str | None:
        """The review backend, one of the names in ``review.base``; None for the AWS sample's."""
        return self.get(RecordKey.REVIEW_BACKEND)

    @property
    def reviews_table(self) -> str | None:
        """The table of the reviews in the Airflow UI."""
        return self.get(RecordKey.REVIEWS_TABLE)

    @property
    def flow_definition_arn(self) -> str | None:
        """The ARN of the flow definition for reviews in Amazon A2I."""
        return self.get(RecordKey.FLOW_DEFINITION_ARN)

    @property
    def uploads_queue_url(self) -> str | None:
        """The queue of notifications for ``images_for_detection/``; None if the folder is listed instead."""
        return self.get(RecordKey.UPLOADS_QUEUE_URL)

    @property
    def answers_queue_url(self) -> str | None:
        """The queue of notifications for ``a2i-human-loop-data/``; None if the folder is listed instead."""
        return self.get(RecordKey.ANSWERS_QUEUE_URL)

    @property
    def dead_letter_queue_urls(self) -> dict[str, str]:
        """The URLs of the dead-letter queues by those of their source queues."""
        pairs = {
            self.uploads_queue_url: self.get(RecordKey.UPLOADS_DEAD_LETTER_QUEUE_URL),
            self.answers_queue_url: self.get(RecordKey.ANSWERS_DEAD_LETTER_QUEUE_URL),
        }
        return {queue: dead for queue, dead in pairs.items() if queue and dead}
