"""The storage of a loop's state: an item in DynamoDB with conditional updates."""

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
    """The storage of the state of one loop."""

    def read(self) -> LoopState:
        """Return the current state."""
        ...

    def write(self, before: LoopState, after: LoopState) -> bool:
        """Store the changes if the state still equals ``before``; return whether they were stored."""
        ...


class LoopStateHook(DynamoDBHook):
    """The state in its table. It is migrated once from the system record if the table has none."""

    def __init__(self, table: str, loop: Loop, parameter_store: ParameterStoreHook, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table
        self.loop = loop
        self.parameter_store = parameter_store

    @property
    def _client(self) -> Any:
        # The client of a resource converts from and to plain Python values.
        return self.conn.meta.client

    def read(self) -> LoopState:
        """Return the current state."""
        response = self._client.get_item(TableName=self.table, Key={LOOP: self.loop.path}, ConsistentRead=True)
        item: Mapping[str, Any] | None = response.get("Item")
        return LoopState.parse(item) if item is not None else self._taken_over()

    def write(self, before: LoopState, after: LoopState) -> bool:
        """Store the changes if the state still equals ``before``; return whether they were stored."""
        client = self._client
        try:
            client.update_item(TableName=self.table, Key={LOOP: self.loop.path}, **_update(before, after))
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _taken_over(self) -> LoopState:
        """Copy the state from the system record to the table and return it; a concurrent copy wins."""
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
        log.info("Migrated the state of %s from its system record", self.loop.path)
        return state


class RecordedLoopState:
    """The state in the system record, for a loop without a state table. Parameter Store has no conditional writes."""

    def __init__(self, loop: Loop, parameter_store: ParameterStoreHook) -> None:
        self.loop = loop
        self.parameter_store = parameter_store

    def read(self) -> LoopState:
        """Return the current state."""
        return LoopState.parse(self.parameter_store.record(self.loop).values)

    def write(self, before: LoopState, after: LoopState) -> bool:
        """Store the changes if the state still equals ``before``; return whether they were stored."""
        if self.read() != before:
            return False
        self.parameter_store.update_record(self.loop, after.compact().changes_since(before))
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
