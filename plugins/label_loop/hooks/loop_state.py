"""Where the state of a loop is kept: an item in DynamoDB, whose changes are conditional."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from airflow.providers.amazon.aws.hooks.dynamodb import DynamoDBHook

from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.retries import PATIENT
from label_loop.loop import Loop
from label_loop.loop_state import LoopState

log = logging.getLogger(__name__)

LOOP = "Loop"  # the table's key: the loop's path


class LoopStateStore(Protocol):
    """Keeps the state of one loop."""

    def read(self) -> LoopState:
        """Return the state as it is at this moment."""
        ...

    def write(self, before: LoopState, after: LoopState) -> bool:
        """Store what differs, unless the state is not ``before`` any more; return whether it was stored."""
        ...


class LoopStateHook(DynamoDBHook):
    """The state in its table. A loop that has none there yet takes it over from its system record, once."""

    def __init__(self, table: str, loop: Loop, parameter_store: ParameterStoreHook, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table
        self.loop = loop
        self.parameter_store = parameter_store

    @property
    def _client(self) -> Any:
        # The client under a resource takes and gives plain Python values.
        return self.conn.meta.client

    def read(self) -> LoopState:
        """Return the state as it is at this moment."""
        response = self._client.get_item(TableName=self.table, Key={LOOP: self.loop.path}, ConsistentRead=True)
        item: Mapping[str, Any] | None = response.get("Item")
        return LoopState.parse(item) if item is not None else self._taken_over()

    def write(self, before: LoopState, after: LoopState) -> bool:
        """Store what differs, unless the state is not ``before`` any more; return whether it was stored."""
        client = self._client
        try:
            client.update_item(TableName=self.table, Key={LOOP: self.loop.path}, **_update(before, after))
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _taken_over(self) -> LoopState:
        """Return the state that the system record has, written into the table; of several at once, the first counts."""
        state = LoopState.parse(self.parameter_store.record(self.loop).values)
        client = self._client
        try:
            client.put_item(
                TableName=self.table,
                Item={LOOP: self.loop.path, **state.changes_since(LoopState())},
                ConditionExpression="attribute_not_exists(#loop)",
                ExpressionAttributeNames={"#loop": LOOP},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return self.read()
        log.info("The state of %s is taken over from its system record", self.loop.path)
        return state


class RecordedLoopState:
    """The state in the system record, for a loop whose table is not made yet. Parameter Store knows no conditions."""

    def __init__(self, loop: Loop, parameter_store: ParameterStoreHook) -> None:
        self.loop = loop
        self.parameter_store = parameter_store

    def read(self) -> LoopState:
        """Return the state as it is at this moment."""
        return LoopState.parse(self.parameter_store.record(self.loop).values)

    def write(self, before: LoopState, after: LoopState) -> bool:
        """Store what differs, unless the state is not ``before`` any more; return whether it was stored."""
        if self.read() != before:
            return False
        self.parameter_store.update_record(self.loop, after.changes_since(before))
        return True


def _update(before: LoopState, after: LoopState) -> dict[str, Any]:
    """Return the arguments of UpdateItem."""
    changes = after.changes_since(before)
    names = {name: f"#{n}" for n, name in enumerate(changes)}
    sets = [f"{names[name]} = :{names[name][1:]}" for name, value in changes.items() if value is not None]
    removes = [names[name] for name, value in changes.items() if value is None]
    clauses = {"SET": sets, "REMOVE": removes}
    return {
        "UpdateExpression": " ".join(f"{verb} {', '.join(what)}" for verb, what in clauses.items() if what),
        "ConditionExpression": "#revision = :before" if before.revision else "attribute_not_exists(#revision)",
        "ExpressionAttributeNames": {"#revision": "revision", **{short: name for name, short in names.items()}},
        "ExpressionAttributeValues": {
            **({":before": before.revision} if before.revision else {}),
            **{f":{names[name][1:]}": value for name, value in changes.items() if value is not None},
        },
    }
