"""A loop's tables that its stack did not create."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from label_loop.domain import label_history, log_row
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import ManagedResource, Site
from label_loop.system_record import RecordKey

INDEX = "Sampled_GSI"


@dataclass(frozen=True)
class Layout:
    """The layout of a table: its key and its indexes by name, each as one or two text attributes, the hash key first.

    ``record_key`` is the key of the system record that names the table.
    """

    record_key: str
    key: tuple[str, ...]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def inference_log(index: str) -> Layout:
    """Return the layout of the inference log; the name of its index may come from an adopted loop."""
    return Layout(RecordKey.LOG_TABLE, log_row.TABLE_KEY, {index: log_row.INDEX_KEY})


REVIEWS = Layout(
    RecordKey.REVIEWS_TABLE,
    ("HumanLoopName",),
    {"Queue_Confidence_GSI": ("Queue", "ConfidenceOrder"), "Queue_Date_GSI": ("Queue", "DateOrder")},
)
"""The layout of the reviews in the Airflow UI."""

STATISTICS = Layout(RecordKey.STATISTICS_TABLE, ("Month", "DayAndVersion"))
"""The layout of the daily statistics."""

STATE = Layout(RecordKey.STATE_TABLE, ("Loop",))
"""The layout of the loop's state."""

LABELS = Layout(RecordKey.LABELS_TABLE, label_history.TABLE_KEY)
"""The layout of what people said of each image."""


def layout_problem(layout: Layout, table: Mapping[str, Any]) -> str | None:
    """Return why a table, as DescribeTable returns it, cannot be used with a layout; a missing index is no reason."""
    if table["KeySchema"] != _schema(layout.key):
        return f"its key is not {' and '.join(layout.key)}"
    for index in table.get("GlobalSecondaryIndexes", []):
        name = index["IndexName"]
        wanted = layout.indexes.get(name)
        if wanted and index["KeySchema"] != _schema(wanted):
            return f"the key of its index {name} is not {' and '.join(wanted)}"
        if wanted and index["Projection"]["ProjectionType"] == "INCLUDE":
            return f"its index {name} projects some attributes, not all or only the keys"
    return None


def adapt_table(site: Site, name: str, layout: Layout) -> None:
    """Add the indexes that a table lacks, and point-in-time recovery.

    Its billing mode, its rows and its other indexes are kept.
    """
    with site.resource("table", name) as resource:
        present = site.client("dynamodb").describe_table(TableName=name)["Table"]
        problem = layout_problem(layout, present)
        if problem:
            remedy = f"name a table of the loop's own in the record's key {layout.record_key}, or remove that key"
            raise ProvisioningError("table", name, problem, remedy)
        _add_indexes(site, name, layout, present, resource)
        if not resource.dry_run:
            _wait(site, name, layout.indexes)
        _enable_recovery(site, name, resource)


def _schema(attributes: Sequence[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(attributes, ("HASH", "RANGE"), strict=False)]


def _definitions(*keys: Sequence[str]) -> list[dict[str, str]]:
    names = dict.fromkeys(name for key in keys for name in key)
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def _index(name: str, attributes: Sequence[str]) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": _schema(attributes), "Projection": {"ProjectionType": "ALL"}}


def _add_indexes(site: Site, name: str, layout: Layout, table: Mapping[str, Any], resource: ManagedResource) -> None:
    present = {one["IndexName"] for one in table.get("GlobalSecondaryIndexes", [])}
    for index, attributes in layout.indexes.items():
        if index in present:
            continue
        change = {
            "TableName": name,
            "AttributeDefinitions": _definitions(layout.key, attributes),
            "GlobalSecondaryIndexUpdates": [{"Create": _index(index, attributes) | _capacity(table)}],
        }
        resource.update(f"index {index}", partial(site.client("dynamodb").update_table, **change))
        if not resource.dry_run:
            _wait(site, name, [index])  # DynamoDB creates one at a time


def _capacity(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the capacity of an index to add: in a provisioned table, each index needs its own."""
    if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return {}
    units = table["ProvisionedThroughput"]
    return {"ProvisionedThroughput": {key: units[key] for key in ("ReadCapacityUnits", "WriteCapacityUnits")}}


def _wait(site: Site, name: str, indexes: Collection[str]) -> None:
    def is_active() -> bool:
        table = site.client("dynamodb").describe_table(TableName=name)["Table"]
        states = {one["IndexName"]: one["IndexStatus"] for one in table.get("GlobalSecondaryIndexes", [])}
        return table["TableStatus"] == "ACTIVE" and all(states.get(index) == "ACTIVE" for index in indexes)

    site.until(is_active, "table", name, "active")


def _enable_recovery(site: Site, name: str, resource: ManagedResource) -> None:
    dynamodb = site.client("dynamodb")
    answer = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = answer.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if recovery != "ENABLED":
        enabled = {"PointInTimeRecoveryEnabled": True}
        # DynamoDB refuses this until it has enabled backups for a new table.
        resource.update(
            "point-in-time recovery",
            lambda: site.retry_on(
                lambda: dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=enabled),
                "ContinuousBackupsUnavailableException",
            ),
        )
