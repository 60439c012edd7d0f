"""The inference log's table."""

from collections.abc import Mapping
from typing import Any

from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site, Work, found

INDEX = "Sampled_GSI"
_KEY = "DetectLabelRequestId"
_KEY_SCHEMA = [{"AttributeName": _KEY, "KeyType": "HASH"}]
_INDEX_KEYS = [
    {"AttributeName": "Sampled", "KeyType": "HASH"},
    {"AttributeName": "DetectLabelDate", "KeyType": "RANGE"},
]
_ATTRIBUTES = [{"AttributeName": name, "AttributeType": "S"} for name in (_KEY, "Sampled", "DetectLabelDate")]


def ensure_table(site: Site, name: str, index: str) -> None:
    """Make the table with its index and point-in-time recovery, and wait until both are active.

    A table that exists keeps its billing mode, its rows and its other indexes.
    """
    dynamodb = site.client("dynamodb")
    with site.resource("table", name) as work:
        present = found(lambda: dynamodb.describe_table(TableName=name), "ResourceNotFoundException")
        if present is None:
            work.create(lambda: _create(site, name, index))
        else:
            _check_key(name, present["Table"])
            _mend_index(site, name, index, present["Table"], work)
        if work.dry_run and present is None:
            return
        if not work.dry_run:
            site.until(lambda: _is_active(site, name, index), "table", name, "active")
        _mend_recovery(site, name, work)


def _create(site: Site, name: str, index: str) -> None:
    site.client("dynamodb").create_table(
        TableName=name,
        KeySchema=_KEY_SCHEMA,
        AttributeDefinitions=_ATTRIBUTES,
        GlobalSecondaryIndexes=[_index(index)],
        BillingMode="PAY_PER_REQUEST",
        Tags=site.tag_list,
    )


def _index(name: str) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": _INDEX_KEYS, "Projection": {"ProjectionType": "ALL"}}


def _check_key(name: str, table: Mapping[str, Any]) -> None:
    if table["KeySchema"] != _KEY_SCHEMA:
        problem = f"there is one with another key than {_KEY}"
        way_out = "name a table of the loop's own in the record's key dynamodb_table, or remove that key"
        raise ProvisioningError("table", name, problem, way_out)


def _mend_index(site: Site, name: str, index: str, table: Mapping[str, Any], work: Work) -> None:
    present = {one["IndexName"] for one in table.get("GlobalSecondaryIndexes", [])}
    if index in present:
        return
    wanted = _index(index)
    if table.get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST":
        units = table["ProvisionedThroughput"]  # an index of a provisioned table needs its own capacity
        wanted["ProvisionedThroughput"] = {key: units[key] for key in ("ReadCapacityUnits", "WriteCapacityUnits")}
    work.mend(
        f"index {index}",
        lambda: site.client("dynamodb").update_table(
            TableName=name,
            AttributeDefinitions=_ATTRIBUTES,
            GlobalSecondaryIndexUpdates=[{"Create": wanted}],
        ),
    )


def _is_active(site: Site, name: str, index: str) -> bool:
    table = site.client("dynamodb").describe_table(TableName=name)["Table"]
    states = {one["IndexName"]: one["IndexStatus"] for one in table.get("GlobalSecondaryIndexes", [])}
    return table["TableStatus"] == "ACTIVE" and states.get(index) == "ACTIVE"


def _mend_recovery(site: Site, name: str, work: Work) -> None:
    dynamodb = site.client("dynamodb")
    answer = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = answer.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if recovery != "ENABLED":
        enabled = {"PointInTimeRecoveryEnabled": True}
        # DynamoDB refuses it until it has enabled the backups of a new table.
        work.mend(
            "point-in-time recovery",
            lambda: site.patiently(
                lambda: dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=enabled),
                "ContinuousBackupsUnavailableException",
            ),
        )
