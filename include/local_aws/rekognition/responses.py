"""Answers in the shapes of botocore's model, and their pages."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local_aws.rekognition import workfolder as roles
from local_aws.rekognition.dataset_entries import statistics
from local_aws.rekognition.exceptions import invalid_pagination_token
from local_aws.rekognition.models import Project, Version
from local_aws.rekognition.project_dataset import ProjectDataset
from local_aws.rekognition.training import S3Location, TrainingOutcome

DEFAULT_PAGE = 100
FEATURE = "CUSTOM_LABELS"


def page[T](
    items: Sequence[T], created_ms: Callable[[T], int], max_results: int | None, token: str | None
) -> tuple[Sequence[T], str | None]:
    """Cut one page out of items in order newest first; also the token of the next one.

    A token names the last item given, by its creation time, so what is created meanwhile does not shift
    the pages.
    """
    if token is not None:
        last = _read_token("before", token)
        items = [item for item in items if created_ms(item) < last]
    chosen = items[: max_results or DEFAULT_PAGE]
    more = len(chosen) < len(items)
    return chosen, _write_token("before", created_ms(chosen[-1])) if more else None


def page_in_order[T](
    items: Sequence[T], request: Mapping[str, Any], is_asked_for: Callable[[T], bool] = lambda _: True
) -> tuple[list[T], str | None]:
    """Cut one page out of those items that are asked for; also the token of the next one.

    A token is the place of the next page's first item; an empty one is none, as AWS's examples send it.
    """
    first = _read_token("from", request["NextToken"]) if request.get("NextToken") else 0
    chosen: list[T] = []
    for place in range(first, len(items)):
        if not is_asked_for(items[place]):
            continue
        if len(chosen) == request.get("MaxResults", DEFAULT_PAGE):
            return chosen, _write_token("from", place)
        chosen.append(items[place])
    return chosen, None


def _write_token(kind: str, place: int) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{place}".encode()).decode()


def _read_token(kind: str, token: str) -> int:
    try:
        found, _, value = base64.b64decode(token, altchars=b"-_", validate=True).decode().partition(":")
        if found == kind and value.isdecimal():
            return int(value)
    except (binascii.Error, ValueError):
        pass
    raise invalid_pagination_token()


def describe_project(project: Project) -> dict[str, Any]:
    """Return a ProjectDescription."""
    return {
        "ProjectArn": project.arn,
        "CreationTimestamp": _time(project.created_ms / 1000),
        "Status": "CREATED" if project.deleting_since is None else "DELETING",
        "Datasets": [
            {"DatasetArn": dataset.arn, "DatasetType": dataset.kind} | _dataset_state(dataset)
            for dataset in project.datasets.values()
        ],
        "Feature": FEATURE,
    }


def describe_dataset(dataset: ProjectDataset) -> dict[str, Any]:
    """Return a DatasetDescription."""
    return _dataset_state(dataset) | {
        "LastUpdatedTimestamp": _time(dataset.since),
        "DatasetStats": statistics(dataset.entries),
    }


def _dataset_state(dataset: ProjectDataset) -> dict[str, Any]:
    return {
        "CreationTimestamp": _time(dataset.created_ms / 1000),
        "Status": dataset.status,
        "StatusMessage": dataset.message,
        "StatusMessageCode": dataset.message_code,
    }


def describe_version(version: Version) -> dict[str, Any]:
    """Return a ProjectVersionDescription; results appear when the training has ended."""
    description: dict[str, Any] = {
        "ProjectVersionArn": version.arn,
        "CreationTimestamp": _time(version.created_at),
        "Status": version.status,
        "StatusMessage": version.message,
        "OutputConfig": {"S3Bucket": version.output_bucket, "S3KeyPrefix": version.output_prefix},
        "TrainingDataResult": {"Input": _assets(version.training)},
        "TestingDataResult": {"Input": _testing_input(version)},
        "Feature": FEATURE,
        **version.extras,
    }
    if version.min_units is not None:
        description["MinInferenceUnits"] = version.min_units
    if version.max_units is not None:
        description["MaxInferenceUnits"] = version.max_units
    if version.training_ended_at is not None and version.outcome is not None:
        _add_results(description, version, version.outcome, version.training_ended_at)
    return description


def _add_results(description: dict[str, Any], version: Version, outcome: TrainingOutcome, ended_at: float) -> None:
    description["TrainingEndTimestamp"] = _time(ended_at)
    if outcome.succeeded:  # a failed training is not billed
        description["BillableTrainingTimeInSeconds"] = max(1, round(ended_at - version.created_at))
    files = outcome.files
    for member, output, validation in (
        ("TrainingDataResult", roles.TRAINING_OUTPUT, roles.TRAINING_VALIDATION),
        ("TestingDataResult", roles.TESTING_OUTPUT, roles.TESTING_VALIDATION),
    ):
        if output in files:
            description[member]["Output"] = _assets((files[output],))
        if validation in files:
            description[member]["Validation"] = _assets((files[validation],))
    if roles.MANIFEST_SUMMARY in files:
        description["ManifestSummary"] = {"S3Object": _s3_object(files[roles.MANIFEST_SUMMARY])}
    if outcome.f1_score is not None:
        description["EvaluationResult"] = {
            "F1Score": outcome.f1_score,
            "Summary": {"S3Object": _s3_object(files[roles.SUMMARY])},
        }


def _testing_input(version: Version) -> dict[str, Any]:
    return {"AutoCreate": True} if version.testing is None else {**_assets(version.testing), "AutoCreate": False}


def _assets(locations: Sequence[S3Location]) -> dict[str, Any]:
    return {"Assets": [{"GroundTruthManifest": {"S3Object": _s3_object(location)}} for location in locations]}


def _s3_object(location: S3Location) -> dict[str, str]:
    version = {"Version": location.version} if location.version else {}
    return {"Bucket": location.bucket, "Name": location.key, **version}


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
