"""What a deployment of the AWS sample has, and what of it would keep a loop from taking over."""

from collections.abc import Iterator, Mapping
from itertools import batched
from typing import Any

from label_loop.exceptions import InvalidParameterError
from label_loop.loop_state import LoopState
from label_loop.parameters import PARAMETERS
from label_loop.provisioning.notifications import is_within_folders, of_functions, read_notifications
from label_loop.provisioning.report import Line, Outcome, ProvisioningError
from label_loop.provisioning.site import Site, found, naming
from label_loop.provisioning.table import inference_log
from label_loop.system_record import RecordKey

_REQUIRED = (RecordKey.BUCKET, RecordKey.PROJECT_ARN, RecordKey.TOPIC_ARN, RecordKey.LOG_TABLE)
_BUSY = ("TRAINING_IN_PROGRESS", "STARTING")
_NAMES_A_CALL = 10  # of GetParameters


def check(site: Site, record: Mapping[str, Any]) -> None:
    """Report everything that the record names. Calls nothing that writes.

    Raises ProvisioningError at the end where something must be mended first.
    """
    missing = [key for key in _REQUIRED if not (isinstance(record.get(key), str) and record[key])]
    if missing:
        way_out = "name the path of the sample's parameters, or restore the parameter from its history"
        name = site.loop.parameter("For-System-Use-Only")
        raise ProvisioningError("parameter", name, f"it has no {', '.join(missing)}", way_out)
    _report_parameters(site)
    problems = [*_bucket(site, record[RecordKey.BUCKET]), *_table(site, record), *_project(site, record)]
    if problems:
        problem = f"{len(problems)} thing(s) must be mended first: {'; '.join(problems)}"
        raise ProvisioningError("loop", site.loop.path, problem, "mend them, then run the command again")


def check_quiet(site: Site, record: Mapping[str, Any]) -> None:
    """Raise ProvisioningError while a version is made or started: it is paid for, and nobody would wait for it."""
    busy = [text for text, status in _versions(site, record) if status in _BUSY]
    if busy:
        way_out = "run the command again when that is over"
        raise ProvisioningError("loop", site.loop.path, f"the sample is at work: {', '.join(busy)}", way_out)


def _report_parameters(site: Site) -> None:
    """Tell parameters that do not parse. The loop takes defaults for those until somebody corrects them."""
    names = {site.loop.parameter(name): parameter for name, parameter in PARAMETERS.items()}
    for some in batched(names, _NAMES_A_CALL):
        for one in site.client("ssm").get_parameters(Names=list(some))["Parameters"]:
            try:
                names[one["Name"]].parse(one["Value"])
                site.report(Line("parameter", one["Name"], Outcome.FOUND))
            except InvalidParameterError as error:
                site.report(Line("parameter", one["Name"], Outcome.WRONG, f"{error}; its default counts until then"))


def _bucket(site: Site, name: str) -> Iterator[str]:
    with naming("bucket", name):
        there = found(lambda: site.client("s3").head_bucket(Bucket=name), "404", "NoSuchBucket", "301")
    if there is None:
        yield from _wrong(site, "bucket", name, "it does not exist, or lies in another region")
        return
    region = there.get("BucketRegion", site.names.region)
    if region != site.names.region:
        yield from _wrong(site, "bucket", name, f"it lies in {region}, but you work in {site.names.region}")
        return
    site.report(Line("bucket", name, Outcome.FOUND))
    for one in of_functions(read_notifications(site, name)):
        if not is_within_folders(one):
            problem = f"{one['LambdaFunctionArn']} is told of more than the loop's folders: give it a prefix"
            yield from _wrong(site, "notifications of", name, problem)


def _table(site: Site, record: Mapping[str, Any]) -> Iterator[str]:
    name, index = record[RecordKey.LOG_TABLE], record.get(RecordKey.LOG_INDEX) or "Sampled_GSI"
    look = site.client("dynamodb").describe_table
    with naming("table", name):
        answer = found(lambda: look(TableName=name), "ResourceNotFoundException")
    if answer is None:
        yield from _wrong(site, "table", name, "it does not exist: restore it, or correct the record's dynamodb_table")
        return
    key = tuple(part["AttributeName"] for part in answer["Table"]["KeySchema"])
    if key != inference_log(index).key:
        yield from _wrong(site, "table", name, f"its key is {', '.join(key)}, not {inference_log(index).key[0]}")
        return
    indexes = [one["IndexName"] for one in answer["Table"].get("GlobalSecondaryIndexes", [])]
    note = "" if index in indexes else f"its index {index} is missing and will be made"
    site.report(Line("table", name, Outcome.FOUND, note))


def _project(site: Site, record: Mapping[str, Any]) -> Iterator[str]:
    arn = record[RecordKey.PROJECT_ARN]
    name = arn.split(":project/")[-1].split("/")[0]
    with naming("Rekognition project", name):
        described = site.client("rekognition").describe_projects(ProjectNames=[name])["ProjectDescriptions"]
        if arn not in [one["ProjectArn"] for one in described]:
            yield from _wrong(site, "Rekognition project", name, f"{arn} does not exist")
            return
        statuses = dict(_versions(site, record))
    site.report(Line("Rekognition project", name, Outcome.FOUND))
    endpoint = LoopState.parse(record).endpoint_arn
    if not endpoint:
        site.report(Line("model", "none", Outcome.FOUND, "uploads wait for the first one"))
    elif statuses.get(endpoint) == "RUNNING":
        site.report(Line("model", endpoint, Outcome.FOUND, "it serves, and goes on serving"))
    else:
        state = statuses.get(endpoint, "gone")
        detail = f"it is {state}: uploads wait until a version is deployed, by hand or by the next training"
        site.report(Line("model", endpoint, Outcome.WRONG, detail))


def _versions(site: Site, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    pages = site.client("rekognition").get_paginator("describe_project_versions")
    for page in pages.paginate(ProjectArn=record[RecordKey.PROJECT_ARN]):
        for one in page["ProjectVersionDescriptions"]:
            yield one["ProjectVersionArn"], one["Status"]


def _wrong(site: Site, kind: str, name: str, problem: str) -> Iterator[str]:
    site.report(Line(kind, name, Outcome.WRONG, problem))
    yield f"{kind} {name}: {problem}"
