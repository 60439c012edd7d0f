"""Counts an inference log that is older than its statistics.

The whole log is read once. Since reads are billed, provisioning does not do so unasked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from label_loop.domain import statistics
from label_loop.domain.log_row import LogRow
from label_loop.domain.statistics import Counts, StatisticsKey, of_row
from label_loop.hooks.transactions import is_contention, is_full, write_together
from label_loop.provisioning.parameter_store import require_record
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site, aws_errors_as
from label_loop.provisioning.table import STATISTICS
from label_loop.system_record import RecordKey

_MONTH, _DAY_AND_VERSION = STATISTICS.key
# Anything that is counted changes one of these counters.
_CHANGING = (
    statistics.DETECTIONS,
    statistics.FAILED,
    statistics.SAMPLED,
    statistics.WITHHELD,
    statistics.WITHDRAWN,
    statistics.answered_counter(statistics.REVIEWS),
    statistics.answered_counter(statistics.SAMPLES),
)


def rebuild(site: Site) -> tuple[int, list[StatisticsKey]]:
    """Replace the counts of each day in the log; return how many were replaced, and the days that changed meanwhile.

    The loop may keep running: a day is replaced only if its counts have not changed since before the log was read. In a
    dry run, nothing is replaced, and the number is that of the days that would be.
    Raises UnknownLoopError, and ProvisioningError if the record names no tables.
    """
    record = require_record(site)
    log, table = record.get(RecordKey.LOG_TABLE), record.get(RecordKey.STATISTICS_TABLE)
    if not (log and table):
        remedy = f"run `python -m label_loop provision {site.loop.path}` first"
        raise ProvisioningError("statistics of", site.loop.path, "the loop has no table for them", remedy)
    with aws_errors_as("statistics", table):
        before = {StatisticsKey(row[_MONTH], row[_DAY_AND_VERSION]): row for row in _rows(site, table)}
        counts: Counts = {}
        for row in map(LogRow.from_item, _rows(site, log)):
            for item, counters in of_row(row).items():
                counts.setdefault(item, Counter()).update(counters)
        days = [item for item in counts if not item.is_of_pairs]
        if site.options.dry_run:
            return len(days), []
        changed = [day for day in days if not _replace(site, table, day, counts, before.get(day))]
    return len(days) - len(changed), changed


def _rows(site: Site, table: str) -> Iterator[dict[str, Any]]:
    read = TypeDeserializer().deserialize
    for page in site.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from ({name: read(value) for name, value in row.items()} for row in page["Items"])


def _replace(site: Site, table: str, day: StatisticsKey, counts: Counts, before: Mapping[str, Any] | None) -> bool:
    """Write a day's counts and pairs unless they have changed; return whether they were written."""
    client = site.client("dynamodb")
    put = _put(table, day, counts[day]) | _if_as(before)
    pairs = counts.get(day.pairs)
    try:
        return not write_together(client, [{"Put": put}, *([{"Put": _put(table, day.pairs, pairs)}] if pairs else [])])
    except ClientError as error:
        if is_contention(error):
            return False  # the loop is changing these counts at this moment
        if not is_full(error):
            raise
        return not write_together(client, [{"Put": put}])


def _put(table: str, item: StatisticsKey, counters: Counter[str]) -> dict[str, Any]:
    write = TypeSerializer().serialize
    values = {_MONTH: item.month, _DAY_AND_VERSION: item.day_and_version, **counters}
    return {"TableName": table, "Item": {name: write(value) for name, value in values.items()}}


def _if_as(before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the condition that an item has not changed since it was read, or is still missing."""
    if before is None:
        return {"ConditionExpression": f"attribute_not_exists({_DAY_AND_VERSION})"}
    names = {f"#{n}": name for n, name in enumerate(_CHANGING)}
    known = {f":{n}": TypeSerializer().serialize(before[name]) for n, name in enumerate(_CHANGING) if name in before}
    conditions = [
        f"#{n} = :{n}" if name in before else f"attribute_not_exists(#{n})" for n, name in enumerate(_CHANGING)
    ]
    values = {"ExpressionAttributeValues": known} if known else {}
    return {"ConditionExpression": " AND ".join(conditions), "ExpressionAttributeNames": names, **values}
