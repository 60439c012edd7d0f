"""The parameter ``For-System-Use-Only``: the names of a loop's resources."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from label_loop.exceptions import LoopNotSetUpError
from label_loop.loop import Loop

SYSTEM_RECORD = "For-System-Use-Only"
SYSTEM_RECORD_DESCRIPTION = (
    "Resource names and operational state of the loop. Written by the loop, shown here for reading only."
)


@dataclass(frozen=True)
class SystemRecord:
    """The JSON object ``For-System-Use-Only``: the AWS sample's keys, ours, and unknown ones kept untouched."""

    loop: Loop
    values: Mapping[str, Any]

    @classmethod
    def parse(cls, loop: Loop, text: str | None) -> "SystemRecord":
        """Read the record. Raises LoopNotSetUpError where it is missing or not a JSON object."""
        name = loop.parameter(SYSTEM_RECORD)
        if text is None:
            raise LoopNotSetUpError(loop.path, f"Parameter Store has no {name}")
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise LoopNotSetUpError(loop.path, f"{name} is not a JSON object")
        return cls(loop, values)

    def get(self, key: str) -> str | None:
        """Return a text value, or None where it is missing or empty."""
        value = self.values.get(key)
        return value if isinstance(value, str) and value else None

    def require(self, key: str) -> str:
        """Return a text value. Raises LoopNotSetUpError where it is missing."""
        value = self.get(key)
        if value is None:
            raise LoopNotSetUpError(self.loop.path, f"{SYSTEM_RECORD} has no {key!r}")
        return value

    @property
    def bucket(self) -> str:
        """The bucket that holds the loop's images."""
        return self.require("s3_bucket")

    @property
    def project_arn(self) -> str:
        """The Rekognition project."""
        return self.require("rekognition_project_arn")

    @property
    def state_table(self) -> str | None:
        """The table of the loop's state; None: the state is in this record."""
        return self.get("state_table")

    @property
    def topic_arn(self) -> str | None:
        """The SNS topic of the loop's messages."""
        return self.get("sns-topic")

    def dead_letter_queue_url(self, queue_url: str) -> str | None:
        """Return the queue for what fails again and again in one of the loop's queues."""
        for purpose in ("uploads", "answers"):
            if self.get(f"{purpose}_queue_url") == queue_url:
                return self.get(f"{purpose}_dead_letter_queue_url")
        return None

    @property
    def uploads_queue_url(self) -> str | None:
        """The queue of notifications for ``images_for_detection/``; None: the folder is listed."""
        return self.get("uploads_queue_url")

    @property
    def answers_queue_url(self) -> str | None:
        """The queue of notifications for ``a2i-human-loop-data/``; None: the folder is listed."""
        return self.get("answers_queue_url")
