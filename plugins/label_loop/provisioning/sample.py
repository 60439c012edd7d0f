"""What a deployment of the AWS sample consists of, and what prevents a loop from taking it over."""

from collections.abc import Iterator, Mapping
from itertools import batched
from typing import Any

from label_loop.domain.pacing import IMAGES_PER_SECOND_PER_UNIT
from label_loop.exceptions import InvalidParameterError
from label_loop.loop_state import LoopState
from label_loop.parameters import PARAMETERS
from label_loop.provisioning.notifications import function_notifications, is_within_folders, read_notifications
from label_loop.provisioning.report import ProvisioningError, ResourceLine, ResourceOutcome
from label_loop.provisioning.site import Site, aws_errors_as, or_none
from label_loop.provisioning.table import inference_log, layout_problem
from label_loop.system_record import RecordKey

_REQUIRED = (RecordKey.BUCKET, RecordKey.PROJECT_ARN, RecordKey.TOPIC_ARN, RecordKey.LOG_TABLE)
_BUSY = ("TRAINING_IN_PROGRESS", "STARTING")
_NAMES_PER_CALL = 10  # of GetParameters
_WRITE_UNITS_PER_DETECTION = 2  # for a transaction, of up to 1 KB


def check(site: Site, record: Mapping[str, Any]) -> None:
    """Report everything that the record names, without changing anything.

    Raises ProvisioningError at the end if something must be fixed first.
    """
    missing = [key for key in _REQUIRED if not (isinstance(record.get(key), str) and record[key])]
    if missing:
        remedy = "give the path of the sample's parameters, or restore the parameter from its history"
        name = site.loop.parameter("For-System-Use-Only")
        raise ProvisioningError("parameter", name, f"it has no {', '.join(missing)}", remedy)
    _report_parameters(site)
    problems = [*_bucket(site, record[RecordKey.BUCKET]), *_table(site, record), *_project(site, record)]
    if problems:
        problem = f"problems prevent the takeover: {'; '.join(problems)}"
        raise ProvisioningError("loop", site.loop.path, problem, "solve these problems, then run the command again")


def check_idle(site: Site, record: Mapping[str, Any]) -> None:
    """Raise ProvisioningError while a version is trained or started: it costs money, and nothing would wait for it."""
    busy = [text for text, status in _versions(site, record) if status in _BUSY]
    if busy:
        remedy = "run the command again when that has finished"
        problem = f"the sample is training or starting {', '.join(busy)}"
        raise ProvisioningError("loop", site.loop.path, problem, remedy)


def _report_parameters(site: Site) -> None:
    """Report the parameters, also those that do not parse: until they are corrected, the loop uses their defaults."""
    names = {site.loop.parameter(name): parameter for name, parameter in PARAMETERS.items()}
    for some in batched(names, _NAMES_PER_CALL):
        answer = site.client("ssm").get_parameters(Names=list(some))["Parameters"]  # in any order
        present = {one["Name"]: one["Value"] for one in answer}
        for name in filter(present.__contains__, some):
            try:
                names[name].parse(present[name])
                site.report(ResourceLine("parameter", name, ResourceOutcome.FOUND))
            except InvalidParameterError as error:
                detail = f"{error}; its default applies until then"
                site.report(ResourceLine("parameter", name, ResourceOutcome.PROBLEM, detail))


def _bucket(site: Site, name: str) -> Iterator[str]:
    with aws_errors_as("bucket", name):
        there = or_none(lambda: site.client("s3").head_bucket(Bucket=name), "404", "NoSuchBucket", "301")
    if there is None:
        yield from _problem(site, "bucket", name, "it does not exist, or is in another region")
        return
    region = there.get("BucketRegion", site.names.region)
    if region != site.names.region:
        yield from _problem(site, "bucket", name, f"it is in {region}, but the command works in {site.names.region}")
        return
    site.report(ResourceLine("bucket", name, ResourceOutcome.FOUND))
    for one in function_notifications(read_notifications(site, name)):
        if not is_within_folders(one):
            problem = f"{one['LambdaFunctionArn']} is notified of more than the loop's folders: give it a prefix"
            yield from _problem(site, "notifications of", name, problem)


def _table(site: Site, record: Mapping[str, Any]) -> Iterator[str]:
    name, index = record[RecordKey.LOG_TABLE], record.get(RecordKey.LOG_INDEX) or "Sampled_GSI"
    look = site.client("dynamodb").describe_table
    with aws_errors_as("table", name):
        answer = or_none(lambda: look(TableName=name), "ResourceNotFoundException")
    if answer is None:
        yield from _problem(
            site, "table", name, "it does not exist: restore it, or correct the record's dynamodb_table"
        )
        return
    problem = layout_problem(inference_log(index), answer["Table"])
    if problem:
        yield from _problem(site, "table", name, problem)
        return
    indexes = [one["IndexName"] for one in answer["Table"].get("GlobalSecondaryIndexes", [])]
    notes = [] if index in indexes else [f"its index {index} is missing and will be created"]
    site.report(ResourceLine("table", name, ResourceOutcome.FOUND, "; ".join([*notes, *_capacity(answer["Table"])])))


def _capacity(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a provisioned capacity means, if it is less than what a model can detect; on-demand ones have 0."""
    units = table.get("ProvisionedThroughput", {}).get("WriteCapacityUnits", 0)
    detections = units // _WRITE_UNITS_PER_DETECTION
    if units and detections < IMAGES_PER_SECOND_PER_UNIT:
        yield (
            f"its {units} write units carry about {detections} detections a second, less than one inference unit "
            "serves: switch it to on-demand capacity"
        )


def _project(site: Site, record: Mapping[str, Any]) -> Iterator[str]:
    arn = record[RecordKey.PROJECT_ARN]
    name = arn.split(":project/")[-1].split("/")[0]
    with aws_errors_as("Rekognition project", name):
        described = site.client("rekognition").describe_projects(ProjectNames=[name])["ProjectDescriptions"]
        if arn not in [one["ProjectArn"] for one in described]:
            yield from _problem(site, "Rekognition project", name, f"{arn} does not exist")
            return
        statuses = dict(_versions(site, record))
    site.report(ResourceLine("Rekognition project", name, ResourceOutcome.FOUND))
    endpoint = LoopState.parse(record).endpoint_arn
    if not endpoint:
        site.report(ResourceLine("model", "none", ResourceOutcome.FOUND, "uploads wait for the first one"))
    elif statuses.get(endpoint) == "RUNNING":
        site.report(ResourceLine("model", endpoint, ResourceOutcome.FOUND, "it serves, and continues to serve"))
    else:
        state = statuses.get(endpoint, "deleted")
        detail = f"it is {state}: uploads wait until a version is deployed, by hand or by the next training"
        site.report(ResourceLine("model", endpoint, ResourceOutcome.PROBLEM, detail))


def _versions(site: Site, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    pages = site.client("rekognition").get_paginator("describe_project_versions")
    for page in pages.paginate(ProjectArn=record[RecordKey.PROJECT_ARN]):
        for one in page["ProjectVersionDescriptions"]:
            yield one["ProjectVersionArn"], one["Status"]


def _problem(site: Site, kind: str, name: str, problem: str) -> Iterator[str]:
    site.report(ResourceLine(kind, name, ResourceOutcome.PROBLEM, problem))
    yield f"{kind} {name}: {problem}"
