"""How many reviews a day has had, counted exactly: one item a day in the table of statistics."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from airflow.providers.amazon.aws.hooks.dynamodb import DynamoDBHook

from label_loop.domain.review_budget import Spent
from label_loop.hooks.retries import PATIENT
from label_loop.hooks.statistics import DAY_AND_VERSION, MONTH
from label_loop.payloads import ReviewTask

BUDGET = "budget"  # in place of a month, so that no report of days reads these items
_TRIES = 50
_IDS, _UNDRAWN, _REVISION = "Ids", "Undrawn", "Revision"


class ReviewBudgetHook(DynamoDBHook):
    """The reviews of each day of one loop."""

    def __init__(self, table: str, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table
        self._seen: tuple[str, Mapping[str, Any]] = ("", {})  # the day, and its item as last written

    def spend(
        self, day: str, tasks: Collection[ReviewTask], choose: Callable[[Spent], Collection[ReviewTask]]
    ) -> list[ReviewTask]:
        """Record which of the tasks of a day are chosen, by what it has had so far; return them.

        The choice is made again if others have spent in the meantime, so no budget is exceeded, however many processes
        share it. Ids are kept, since a process may end before its detections are logged: they are detected again, and
        must be chosen again. So none is refused by what was read for an earlier batch.
        """
        is_fresh = False
        for _ in range(_TRIES):
            item = self._seen[1] if self._seen[0] == day else {}
            spent = Spent(frozenset(item.get(_IDS, ())), int(item.get(_UNDRAWN, 0)))
            chosen = list(choose(spent))
            new = [task for task in chosen if task.detection_id not in spent.ids]
            if len(chosen) < len(tasks) and not is_fresh:
                self._read(day)
                is_fresh = True
            elif not new or self._add(day, item, new):
                return chosen
        raise TimeoutError(f"Other processes have changed the budget of {day} {_TRIES} times.")

    def _read(self, day: str) -> None:
        key = {MONTH: BUDGET, DAY_AND_VERSION: day}
        found = self.conn.meta.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        self._seen = (day, found.get("Item", {}))

    def _add(self, day: str, item: Mapping[str, Any], new: Collection[ReviewTask]) -> bool:
        """Write what is new if the item is as it was seen; else see it as it is, and return False."""
        client = self.conn.meta.client
        seen = int(item.get(_REVISION, 0))
        try:
            written = client.update_item(
                TableName=self.table,
                Key={MONTH: BUDGET, DAY_AND_VERSION: day},
                UpdateExpression=f"ADD {_IDS} :ids, {_UNDRAWN} :undrawn, {_REVISION} :one",
                ConditionExpression=f"{_REVISION} = :seen" if seen else f"attribute_not_exists({_REVISION})",
                ExpressionAttributeValues={
                    ":ids": {task.detection_id for task in new},
                    ":undrawn": sum(not task.is_drawn for task in new),
                    ":one": 1,
                    **({":seen": seen} if seen else {}),
                },
                ReturnValues="ALL_NEW",
            )
        except client.exceptions.ConditionalCheckFailedException:
            self._read(day)
            return False
        self._seen = (day, written["Attributes"])
        return True
