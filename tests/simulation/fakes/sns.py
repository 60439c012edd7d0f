"""Amazon SNS: what was published is kept."""

# ruff: noqa: N803 - AWS's names
from collections.abc import Sequence
from typing import Any


class FakeSns:
    """The topics of one account."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        self.published += PublishBatchRequestEntries
        return {"Successful": [{"Id": entry["Id"]} for entry in PublishBatchRequestEntries], "Failed": []}
