"""Rekognition Custom Labels: versions whose states pass with the clock, and detections that the image itself tells."""

# ruff: noqa: N803 - AWS's names
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.clock import CLOCK
from tests.simulation.fakes.errors import Refusal
from tests.simulation.fakes.s3 import FakeS3

from label_loop.payloads import LABELLED_FOLDER

TRAINING, TRAINED, TRAINING_FAILED = "TRAINING_IN_PROGRESS", "TRAINING_COMPLETED", "TRAINING_FAILED"
STARTING, RUNNING, STOPPING, STOPPED, FAILED = "STARTING", "RUNNING", "STOPPING", "STOPPED", "FAILED"
BILLED = frozenset({STARTING, RUNNING})
STARTABLE = frozenset({TRAINED, STOPPED})
_OCCUPYING = BILLED | {STOPPING}
_SECONDS = {TRAINING: 3600.0, STARTING: 600.0, STOPPING: 120.0}
_PAGE = 3
_PNG = b"\x89PNG"


@dataclass
class Version:
    """A project version; ``next_status`` is what its present status passes into by itself."""

    arn: str
    name: str
    status: str
    created: float
    since: float
    next_status: str = ""
    f1: float = 0.9
    units: int = 0
    most_units: int = 0
    training_set: frozenset[tuple[str, str, str]] = frozenset()  # with what is held out of it


class FakeRekognition:
    """One project. The next training's score (None: it fails), and whether the next start fails, are set before."""

    def __init__(self, s3: FakeS3, project_arn: str, most_running: int = 2) -> None:
        self.s3 = s3
        self.project_arn = project_arn
        self.most_running = most_running
        self.versions: dict[str, Version] = {}
        self.next_f1: float | None = 0.9
        self.next_start_fails = False
        self.trainings: list[Version] = []  # those that were paid
        self.poison: set[str] = set()  # keys that no version can detect, without a reason

    # ------------------------------------------------------- what people and time do

    def add(self, name: str, status: str) -> Version:
        arn = f"{self.project_arn.rpartition('/')[0]}/version/{name}/{len(self.versions) + 1}"
        self.versions[arn] = Version(arn, name, status, CLOCK.monotonic(), CLOCK.monotonic())
        return self.versions[arn]

    def enter(self, version: Version, status: str, next_status: str = "") -> None:
        version.status, version.next_status, version.since = status, next_status, CLOCK.monotonic()

    def settled(self) -> list[Version]:
        """Return all versions, oldest first, as they are at this moment."""
        for version in self.versions.values():
            if version.next_status and CLOCK.monotonic() >= version.since + _SECONDS[version.status]:
                self.enter(version, version.next_status)
        return list(self.versions.values())

    def find(self, arn: str) -> Version:
        self.settled()
        if arn not in self.versions:
            raise Refusal("ResourceNotFoundException", arn)
        return self.versions[arn]

    # -------------------------------------------------------------------- operations

    def describe_projects(self, *, ProjectNames: Sequence[str]) -> dict[str, Any]:
        return {"ProjectDescriptions": [{"ProjectArn": self.project_arn, "Datasets": []}]}

    def describe_project_versions(
        self, *, ProjectArn: str, VersionNames: Sequence[str] | None = None, NextToken: str = "0"
    ) -> dict[str, Any]:
        if ProjectArn != self.project_arn:
            raise Refusal("ResourceNotFoundException", ProjectArn)
        newest_first = list(reversed(self.settled()))
        chosen = [one for one in newest_first if VersionNames is None or one.name in VersionNames]
        first = int(NextToken)
        more = {"NextToken": str(first + _PAGE)} if first + _PAGE < len(chosen) else {}
        return {"ProjectVersionDescriptions": [_described(one) for one in chosen[first : first + _PAGE]], **more}

    def create_project_version(
        self,
        *,
        ProjectArn: str,
        VersionName: str,
        OutputConfig: Mapping[str, str],
        TrainingData: Mapping[str, Any],
        TestingData: Mapping[str, Any],
    ) -> dict[str, Any]:
        if any(one.name == VersionName for one in self.versions.values()):
            raise Refusal("ResourceInUseException", f"{VersionName} exists")
        if any(one.status == TRAINING for one in self.settled()):
            raise Refusal("LimitExceededException", "a training is under way")
        held_out = self._read_manifest(TestingData) if "Assets" in TestingData else frozenset()
        training_set = self._read_manifest(TrainingData)
        training_set |= {image for image in held_out if image[0].startswith(LABELLED_FOLDER)}
        version = self.add(VersionName, TRAINING)
        version.training_set = training_set
        self.enter(version, TRAINING, TRAINED if self.next_f1 is not None else TRAINING_FAILED)
        version.f1 = self.next_f1 or 0.0
        self.trainings.append(version)
        return {"ProjectVersionArn": version.arn}

    def _read_manifest(self, data: Mapping[str, Any]) -> frozenset[tuple[str, str, str]]:
        """Return the images of a manifest by their content: key, label and eTag."""
        place = data["Assets"][0]["GroundTruthManifest"]["S3Object"]
        lines = [json.loads(line) for line in self.s3.find(place["Bucket"], place["Name"]).body.splitlines()]
        images = set()
        for line in lines:
            bucket, _, key = line["source-ref"].removeprefix("s3://").partition("/")
            images.add((key, line["label-metadata"]["class-name"], self.s3.find(bucket, key).etag))
        return frozenset(images)

    def start_project_version(
        self, *, ProjectVersionArn: str, MinInferenceUnits: int, MaxInferenceUnits: int = 0
    ) -> dict[str, Any]:
        version = self.find(ProjectVersionArn)
        if version.status == TRAINING_FAILED:
            raise Refusal("InvalidParameterException", version.status)
        if version.status not in STARTABLE:
            raise Refusal("ResourceInUseException", version.status)
        if sum(one.status in _OCCUPYING for one in self.settled()) >= self.most_running:
            raise Refusal("LimitExceededException", "too many run")
        self.enter(version, STARTING, FAILED if self.next_start_fails else RUNNING)
        self.next_start_fails = False
        version.units, version.most_units = MinInferenceUnits, MaxInferenceUnits
        return {"Status": STARTING}

    def stop_project_version(self, *, ProjectVersionArn: str) -> dict[str, Any]:
        version = self.find(ProjectVersionArn)
        if version.status in _SECONDS:
            raise Refusal("ResourceInUseException", version.status)
        if version.status != RUNNING:
            raise Refusal("InvalidParameterException", version.status)
        self.enter(version, STOPPING, STOPPED)
        return {"Status": STOPPING}

    def detect_custom_labels(
        self, *, ProjectVersionArn: str, Image: Mapping[str, Any], MaxResults: int, MinConfidence: float
    ) -> dict[str, Any]:
        version = self.find(ProjectVersionArn)
        if version.status != RUNNING:
            raise Refusal("ResourceNotReadyException", version.status)
        place = Image["S3Object"]
        try:
            image = self.s3.readable(place["Bucket"], place["Name"], place.get("Version"))
        except Refusal as error:
            raise Refusal("InvalidS3ObjectException", place["Name"]) from error
        if place["Name"] in self.poison:
            raise Refusal("InternalServerError", place["Name"])
        if not image.body.startswith(_PNG):
            raise Refusal("InvalidImageFormatException", place["Name"])
        return {"CustomLabels": labels_of(image.body), "ResponseMetadata": {"RetryAttempts": 0}}


def labels_of(body: bytes) -> list[dict[str, Any]]:
    """Return what every version sees in an image: the label and confidence that are written behind it."""
    label, _, confidence = body.rpartition(b"\n")[2].decode().rpartition(" ")
    return [{"Name": label, "Confidence": float(confidence)}] if label else []


def _described(version: Version) -> dict[str, Any]:
    described: dict[str, Any] = {
        "ProjectVersionArn": version.arn,
        "CreationTimestamp": CLOCK.moment(version.created),
        "Status": version.status,
        "StatusMessage": f"It is {version.status}.",
    }
    if version.status not in {TRAINING, TRAINING_FAILED}:
        described["EvaluationResult"] = {"F1Score": version.f1}
    if version.units:
        described["MinInferenceUnits"] = version.units
    if version.most_units:
        described["MaxInferenceUnits"] = version.most_units
    return described
