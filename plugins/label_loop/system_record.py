"""The parameter ``For-System-Use-Only``: the names of a loop's resources and its operational state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from label_loop.exceptions import LoopNotSetUpError
from label_loop.loop import Loop

_LONGEST_COUNT = 15
SYSTEM_RECORD = "For-System-Use-Only"
SYSTEM_RECORD_DESCRIPTION = (
    "Resource names and operational state of the loop. Written by the loop, shown here for reading only."
)
UPLOADS_SEEN_KEY = "uploads_seen_until"  # of the record: how far the folder was listed
# The same where a queue tells of objects, and a listing finds what it did not tell of.
# Uploads up to this moment are in the log under other ids: another detected them.
TAKEN_OVER_KEY = "uploads_taken_over_until"
UPLOADS_RECONCILED_KEY, ANSWERS_RECONCILED_KEY = "uploads_reconciled_until", "answers_reconciled_until"


@dataclass(frozen=True)
class SystemRecord:
    """The JSON object ``For-System-Use-Only``: the sample's keys, ours, and unknown ones kept untouched."""

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
    def endpoint_arn(self) -> str | None:
        """The project version that serves, or None before the first deployment."""
        return self.get("rekognition_project_version_arn")

    @property
    def endpoint_moved_at(self) -> str | None:
        """When another version began to serve, in ISO 8601; None where that was before it was kept."""
        return self.get("endpoint_moved_at")

    @property
    def endpoint_started_at(self) -> str | None:
        """When the endpoint was last started, in ISO 8601; None where nothing of this loop started it."""
        return self.get("endpoint_started_at")

    @property
    def stopped_because(self) -> str | None:
        """Why the endpoint was stopped: "idle", "by hand", or None where it was not, or by others."""
        return self.get("stopped_because")

    @property
    def deploying_since(self) -> str | None:
        """When the deployment under way began, in ISO 8601; a crash may leave it."""
        return self.get("deploying_since")

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

    @property
    def previous_trained_images(self) -> int:
        """How many images the last training attempt had; the sample keeps no more than this."""
        value = self.values.get("previous_trained_images")
        text = str(value if value is not None else 0)
        # Python reads no number of thousands of digits.
        return int(text) if text.isdecimal() and len(text) <= _LONGEST_COUNT else 0

    @property
    def last_training_attempt(self) -> Mapping[str, Any] | None:
        """What the last training attempt was, as ``payloads.TrainingAttempt.to_json`` wrote it."""
        value = self.values.get("last_training_attempt")
        return value if isinstance(value, dict) else None
