"""Shows what a loop's listings found and put aside, since it failed five times; a listing has no dead-letter queue."""

from boto3.dynamodb.types import TypeDeserializer

from label_loop.loop_state import LoopState
from label_loop.payloads import FailedObject
from label_loop.provisioning.parameter_store import require_record
from label_loop.provisioning.site import Site, aws_errors_as
from label_loop.system_record import SystemRecord


def put_aside(site: Site) -> list[str]:
    """Return the key and the reason of each object that was put aside, latest last, from the loop's state."""
    return [_text(failed) for failed in _state(site).failed_objects if failed.is_put_aside]


def _text(failed: FailedObject) -> str:
    # A system record has no room for texts.
    return failed.text or f"object {failed.id}: its key and the reason are in the message that reported it"


def _state(site: Site) -> LoopState:
    record = require_record(site)
    table = SystemRecord(site.loop, record).state_table
    if table is None:
        return LoopState.parse(record)
    key = {"Loop": {"S": site.loop.path}}
    with aws_errors_as("table", table):
        answer = site.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
    # Without an item, the loop's first task will take its state over from the record.
    if "Item" not in answer:
        return LoopState.parse(record)
    read = TypeDeserializer().deserialize
    return LoopState.parse({name: read(value) for name, value in answer["Item"].items()})
