"""A loop whose first model serves, made by calls to AWS alone, for tests of what comes after a first training."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.testing.stack import RunningStack
from tests.waiting import eventually

from label_loop.domain.manifest import line
from label_loop.loop import Loop
from label_loop.payloads import LABELLED_FOLDER, LabelledImage
from label_loop.system_record import SYSTEM_RECORD
from sample_images.digits import Picture

ENDPOINT = "rekognition_project_version_arn"


class FirstModel:
    """Trains with pictures, which become the loop's labelled images, and lets the version serve."""

    def __init__(self, running: RunningStack, loop: Loop) -> None:
        self._running = running
        self._loop = loop
        self._trained_with = 0

    def record(self) -> dict[str, Any]:
        return dict(json.loads(self._running.parameter(self._loop.parameter(SYSTEM_RECORD))))

    def versions(self) -> dict[str, str]:
        """Return the status of each version of the project by its ARN."""
        arn = self.record()["rekognition_project_arn"]
        found = self._running.client("rekognition").describe_project_versions(ProjectArn=arn)
        return {one["ProjectVersionArn"]: one["Status"] for one in found["ProjectVersionDescriptions"]}

    def train(self, pictures: Sequence[Picture]) -> None:
        """Begin to train; it goes on at the endpoint. Airflow must not look at the loop before the model serves."""
        s3, record, now = self._running.client("s3"), self.record(), datetime.now(UTC).isoformat()
        bucket = record["s3_bucket"]
        self._trained_with = len(pictures)
        images = [LabelledImage(f"{LABELLED_FOLDER}{one.label}/{one.name}", one.label, now) for one in pictures]
        for picture, image in zip(pictures, images, strict=True):
            s3.put_object(Bucket=bucket, Key=image.key, Body=picture.body)
        s3.put_object(Bucket=bucket, Key="first.manifest", Body="\n".join(line(bucket, one) for one in images).encode())
        asset = {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Name": "first.manifest"}}}
        self._running.client("rekognition").create_project_version(
            ProjectArn=record["rekognition_project_arn"],
            VersionName="first",
            OutputConfig={"S3Bucket": bucket, "S3KeyPrefix": "out"},
            TrainingData={"Assets": [asset]},
            TestingData={"AutoCreate": True},
        )

    def serve(self) -> str:
        """Wait until it is trained, start it, and make it the endpoint; return its ARN."""
        (arn,) = eventually(lambda: "TRAINING_COMPLETED" in self.versions().values() and self.versions(), "a model")
        self._running.client("rekognition").start_project_version(ProjectVersionArn=arn, MinInferenceUnits=5)
        eventually(lambda: self.versions()[arn] == "RUNNING", "the model to run")
        changed = {**self.record(), ENDPOINT: arn, "previous_trained_images": self._trained_with}
        self._running.set_parameter(self._loop.parameter(SYSTEM_RECORD), json.dumps(changed))
        return str(arn)
