"""Corrections of labels from the command line."""

from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from label_loop.domain.labelling import people
from label_loop.domain.log_row import TABLE_KEY, LogRow
from label_loop.hooks.label_history import LabelHistory
from label_loop.parameters import PARAMETERS
from label_loop.provisioning.parameter_store import require_record
from label_loop.provisioning.site import Site, or_none
from label_loop.system_record import SystemRecord
from label_loop.workflows.correction import Corrections

_NEW_LABELS = "Review-Allow-New-Labels"


def corrections_of(site: Site) -> Corrections:
    """Return the corrections of a loop, by whoever the AWS configuration stands for. Raises UnknownLoopError."""
    record, dynamodb = SystemRecord(site.loop, require_record(site)), site.client("dynamodb")
    table = record.labels_table

    def row(detection_id: str) -> LogRow | None:
        key = {TABLE_KEY[0]: {"S": detection_id}}
        item = dynamodb.get_item(TableName=record.log_table, Key=key, ConsistentRead=True).get("Item")
        read = TypeDeserializer().deserialize
        return LogRow.from_item({name: read(value) for name, value in item.items()}) if item else None

    return Corrections(
        client=site.client("s3"),
        bucket=record.bucket,
        history=LabelHistory(dynamodb, table) if table else None,
        row=row,
        allows_new_labels=_allows_new_labels(site),
        who=people([site.client("sts").get_caller_identity()["Arn"]]),
        dry_run=site.options.dry_run,
    )


def _allows_new_labels(site: Site) -> bool:
    parameter = PARAMETERS[_NEW_LABELS]
    look = site.client("ssm").get_parameter
    answer: Any = or_none(lambda: look(Name=site.loop.parameter(_NEW_LABELS)), "ParameterNotFound")
    return bool(parameter.parse(answer["Parameter"]["Value"] if answer else parameter.default))
