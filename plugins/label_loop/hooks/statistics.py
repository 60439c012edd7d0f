"""The daily statistics in DynamoDB: counters, incremented in the transaction of the change that they count."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

from airflow.providers.amazon.aws.hooks.dynamodb import DynamoDBHook

from label_loop.domain.insight import DailyCounts
from label_loop.domain.statistics import Counts, StatisticsKey
from label_loop.hooks.retries import PATIENT

MONTH = "Month"
DAY_AND_VERSION = "DayAndVersion"
_MAX_PAGES = 60  # of 1 MB; a typical loop has some 13 pages per year


def increments(table: str, counts: Counts) -> list[dict[str, Any]]:
    """Return the TransactItems that add counts to a table, one per item; missing items are created."""
    return [_increment(table, item, counters) for item, counters in counts.items()]


def _increment(table: str, item: StatisticsKey, counters: Counter[str]) -> dict[str, Any]:
    # Counters are passed as placeholders, since labels may contain any character.
    names = {f"#{n}": counter for n, counter in enumerate(counters)}
    return {
        "Update": {
            "TableName": table,
            "Key": {MONTH: item.month, DAY_AND_VERSION: item.day_and_version},
            "UpdateExpression": "ADD " + ", ".join(f"{name} :{name[1:]}" for name in names),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {f":{n}": count for n, count in enumerate(counters.values())},
        }
    }


class StatisticsHook(DynamoDBHook):
    """The table of statistics of one loop: for reading, and for counts that belong to no change of the log."""

    def __init__(self, table: str, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table

    def add(self, counts: Counts) -> None:
        """Add counts, one call per item."""
        for increment in increments(self.table, counts):
            self.conn.meta.client.update_item(**increment["Update"])

    def days(self, first: date, last: date) -> tuple[list[DailyCounts], date]:
        """Return the counts from ``first`` to ``last``, oldest first, and the day from which they are complete.

        That day is ``first``, or a later one if there are more than 60 pages.
        """
        pages = self._pages(first, last)
        found: dict[tuple[str, str], Counter[str]] = {}
        oldest = ""
        for page in islice(pages, _MAX_PAGES):
            for values in page:
                item = StatisticsKey(values.pop(MONTH), values.pop(DAY_AND_VERSION))
                oldest = item.day_and_version_name[0]
                counters = {name: int(value) for name, value in values.items()}
                found.setdefault(item.day_and_version_name, Counter()).update(counters)
        # The oldest day may be incomplete.
        is_cut = next(pages, None) is not None
        days = [DailyCounts(*key, counts) for key, counts in sorted(found.items()) if not (is_cut and key[0] == oldest)]
        return days, date.fromisoformat(days[0].day) if is_cut and days else first

    def _pages(self, first: date, last: date) -> Iterator[list[dict[str, Any]]]:
        """Yield pages of items, newest first."""
        paginator = self.conn.meta.client.get_paginator("query")
        for month in _months(first, last):
            pages = paginator.paginate(
                TableName=self.table,
                KeyConditionExpression=f"#month = :month AND {DAY_AND_VERSION} BETWEEN :first AND :last",
                ExpressionAttributeNames={"#month": MONTH},  # a reserved word
                # A dollar sign comes after the number sign that follows a day.
                ExpressionAttributeValues={":month": month, ":first": first.isoformat(), ":last": f"{last}$"},
                ScanIndexForward=False,
            )
            yield from (page["Items"] for page in pages)


def _months(first: date, last: date) -> list[str]:
    """Return the months from the last to the first, such as 2026-11."""
    numbers = range(last.year * 12 + last.month - 1, first.year * 12 + first.month - 2, -1)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]
