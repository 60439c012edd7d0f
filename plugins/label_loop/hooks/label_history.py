"""The table of what people said of each image, in DynamoDB. Entries are added, and never changed."""

from collections.abc import Sequence
from itertools import batched
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from label_loop.domain.label_history import CONTENT, LabelEntry
from label_loop.hooks.transactions import MAX_ITEMS, write_together


class LabelHistory:
    """The entries of one loop, over boto3's low-level client. Methods are thread-safe and raise botocore's errors."""

    def __init__(self, client: Any, table: str) -> None:
        self.client = client
        self.table = table

    def latest(self, content: str) -> LabelEntry | None:
        """Return the last entry of a content by a consistent read, or None."""
        return next(iter(self.entries(content, 1)), None)

    def entries(self, content: str, most: int) -> list[LabelEntry]:
        """Return the last entries of a content, at most so many, newest first, by a consistent read."""
        found = self.client.query(
            TableName=self.table,
            KeyConditionExpression="#content = :content",
            ExpressionAttributeNames={"#content": CONTENT},
            ExpressionAttributeValues={":content": {"S": content}},
            ScanIndexForward=False,
            Limit=most,
            ConsistentRead=True,
        )["Items"]
        read = TypeDeserializer().deserialize
        return [LabelEntry.from_item({name: read(value) for name, value in item.items()}) for item in found]

    def add(self, entries: Sequence[LabelEntry]) -> None:
        """Add entries, of different contents, as far as they are not there already."""
        for batch in batched(entries, MAX_ITEMS):
            left = list(batch)
            while left:
                refused = write_together(self.client, [{"Put": self._put(entry)} for entry in left])
                # A transaction is all or nothing: those that are not there are written without the others.
                left = [entry for entry, is_there in zip(left, refused, strict=False) if not is_there]

    def _put(self, entry: LabelEntry) -> dict[str, Any]:
        write = TypeSerializer().serialize
        return {
            "TableName": self.table,
            "Item": {name: write(value) for name, value in entry.to_item().items()},
            "ConditionExpression": f"attribute_not_exists({CONTENT})",
        }
