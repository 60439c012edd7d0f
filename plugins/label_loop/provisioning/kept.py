"""A loop's resources that its stack did not create: those of the AWS sample, or of a release without stacks.

The template takes the ARN of each as a parameter, and leaves it out of the stack.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from label_loop.provisioning.bucket import adapt_bucket, find_bucket
from label_loop.provisioning.report import ProvisioningError, ResourceLine, ResourceOutcome
from label_loop.provisioning.site import Site, aws_errors_as, or_none
from label_loop.provisioning.stack import Stack
from label_loop.provisioning.table import INDEX, LABELS, REVIEWS, STATE, STATISTICS, adapt_table, inference_log
from label_loop.system_record import RecordKey

_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_LOST = "the loop's stack created it, but it no longer exists: delete the stack, which keeps all data, and try again"
_BUCKET, _PROJECT = "bucket", "Rekognition project"

type _Find = Callable[[Site, str], tuple[str, str] | None]
"""Returns the ARN of the resource with that name and the value that the record has for it, or None."""


@dataclass
class Kept:
    """``parameters`` are for the template, ``values`` for the record; the stack is to create what is ``missing``."""

    parameters: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    missing: list[tuple[str, str]] = field(default_factory=list)  # kinds and names


@dataclass(frozen=True)
class _Part:
    kind: str
    logical: str  # in the template
    key: str  # of the record
    name: str  # unless the record has another
    find: _Find
    adapt: Callable[[Site, str], None] | None = None  # brings it up to date, and reports it

    @property
    def parameter(self) -> str:
        return f"Existing{self.logical}"


def find_kept(site: Site, record: Mapping[str, Any], stack: Stack | None, bucket: str) -> Kept:
    """Return the loop's resources that are not in its stack, after bringing each up to date and reporting it.

    Before the stack exists, resources with the names that it would use count as the loop's. This continues an
    interrupted run, and a loop whose stack was deleted. Raises ProvisioningError if a resource no longer exists and no
    stack can replace it.
    """
    kept = Kept()
    for part in _parts(site, record, bucket):
        arn, recorded = (stack.parameters.get(part.parameter) if stack else None), record.get(part.key)
        name = _name_in(arn or recorded or part.name)
        with aws_errors_as(part.kind, name):
            there = part.find(site, name)
        if stack and not arn:
            if there is None and created_by(stack).get(part.key):
                site.report(ResourceLine(part.kind, name, ResourceOutcome.PROBLEM, _LOST))
        elif there is not None and (part.kind != _PROJECT or recorded in (None, "", there[1])):
            _report(site, part, name)
            kept.parameters[part.parameter], kept.values[part.key] = there
        elif stack or (part.kind == _PROJECT and recorded) or name != part.name:
            raise _missing(part, name, recorded)
        else:
            kept.missing.append((part.kind, name))
    return kept


def created_by(stack: Stack | None) -> dict[str, str]:
    """Return what a stack created, by the record's keys; nothing for a stack that is older than that output."""
    values: dict[str, str] = json.loads((stack.outputs if stack else {}).get("Record", "{}"))
    return {key: value for key, value in values.items() if value}


def _report(site: Site, part: _Part, name: str) -> None:
    if part.adapt:
        part.adapt(site, name)
    else:
        site.report(ResourceLine(part.kind, name, ResourceOutcome.UNCHANGED))


def report_created(site: Site, kept: Kept) -> None:
    """Report what the stack created because it was missing."""
    for kind, name in kept.missing:
        site.report(ResourceLine(kind, name, ResourceOutcome.CREATED, planned=site.options.dry_run))


def _parts(site: Site, record: Mapping[str, Any], bucket: str) -> list[_Part]:
    base, names = site.names.base, site.names
    log = inference_log(record.get(RecordKey.LOG_INDEX) or INDEX)
    queues = [
        _Part("queue", f"{purpose.title()}{kind}", f"{purpose}_{key}_url", name, _queue)
        for purpose in ("uploads", "answers")
        for kind, key, name in (
            ("DeadLetterQueue", "dead_letter_queue", names.dead_letter_queue(purpose)),
            ("Queue", "queue", names.queue(purpose)),
        )
    ]
    tables = [
        _Part("table", logical, layout.record_key, f"{base}{suffix}", _table, partial(adapt_table, layout=layout))
        for logical, suffix, layout in (
            ("InferenceLog", "", log),
            ("Reviews", "-reviews", REVIEWS),
            ("Statistics", "-statistics", STATISTICS),
            ("State", "-state", STATE),
            ("Labels", "-labels", LABELS),
        )
    ]
    return [
        _Part(_BUCKET, "Bucket", RecordKey.BUCKET, bucket, find_bucket, adapt_bucket),
        *queues,
        *tables,
        _Part("topic", "Topic", RecordKey.TOPIC_ARN, base, _topic),
        _Part(_PROJECT, "Project", RecordKey.PROJECT_ARN, base, _project),
    ]


def _name_in(value: str) -> str:
    """Return the name in an ARN or in a queue's URL; any other value is the name itself."""
    if not value.startswith("arn:"):
        return value.rsplit("/", 1)[-1]
    resource = value.split(":", 5)[-1]
    return resource.split("/")[1] if "/" in resource else resource


def _queue(site: Site, name: str) -> tuple[str, str] | None:
    sqs = site.client("sqs")
    answer = or_none(lambda: sqs.get_queue_url(QueueName=name), *_NO_QUEUE)
    return (site.names.arn("sqs", name), str(answer["QueueUrl"])) if answer else None


def _table(site: Site, name: str) -> tuple[str, str] | None:
    look = site.client("dynamodb").describe_table
    answer = or_none(lambda: look(TableName=name), "ResourceNotFoundException")
    return (str(answer["Table"]["TableArn"]), name) if answer else None


def _topic(site: Site, name: str) -> tuple[str, str] | None:
    sns, arn = site.client("sns"), site.names.arn("sns", name)
    answer = or_none(lambda: sns.get_topic_attributes(TopicArn=arn), "NotFound", "NotFoundException")
    return (arn, arn) if answer else None


def _project(site: Site, name: str) -> tuple[str, str] | None:
    described = site.client("rekognition").describe_projects(ProjectNames=[name])["ProjectDescriptions"]
    if not described:
        return None
    if described[0].get("Status") == "DELETING":
        raise ProvisioningError(_PROJECT, name, "it is being deleted", "run the command again once it is deleted")
    return (arn := str(described[0]["ProjectArn"])), arn


def _missing(part: _Part, name: str, recorded: Any) -> ProvisioningError:
    problem = f"the loop's record names {recorded or name}, which does not exist"
    remedy = f"restore it, correct the record's key {part.key}, or remove that key to have a new one created"
    return ProvisioningError(part.kind, name, problem, remedy)
