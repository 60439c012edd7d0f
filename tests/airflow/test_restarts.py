"""Airflow's processes are killed while a model trains and uploads arrive: started again, they finish all of it."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.airflow.components import COMPONENTS, Components
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from label_loop.domain.manifest import line
from label_loop.payloads import LabelledImage
from label_loop.provisioning import Options, provision
from label_loop.settings import SYSTEM_RECORD, Loop
from local_stack.environment import Stack, free_port
from local_stack.stack import LocalStack
from sample_images.digits import digits

LOOP = Loop("/alpha")
PICTURES = [picture for picture in digits() if picture.label in "01"][:40]
_ENDPOINT = "rekognition_project_version_arn"
_TRAINING_SECONDS = 30  # longer than it takes to kill all of Airflow, on a machine with nothing else to do


class Scene:
    """The loop, and what is asked of it."""

    def __init__(self, running: RunningStack) -> None:
        self.running = running
        self.uploads = 0

    def record(self) -> dict[str, Any]:
        return dict(json.loads(self.running.parameter(LOOP.parameter(SYSTEM_RECORD))))

    def prepare(self) -> None:
        """Set the loop up, with images for a training and a first version in training."""
        provision(LOOP, Options(labels=("0", "1")), self.running.session(), print)
        s3, record = self.running.client("s3"), self.record()
        bucket, now, images = record["s3_bucket"], datetime.now(UTC).isoformat(), []
        for picture in PICTURES[:30]:
            images.append(LabelledImage(f"images_labeled_by_folder/{picture.label}/{picture.name}", picture.label, now))
            s3.put_object(Bucket=bucket, Key=images[-1].key, Body=picture.body)
        s3.put_object(Bucket=bucket, Key="first.manifest", Body="\n".join(line(bucket, one) for one in images).encode())
        asset = {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Name": "first.manifest"}}}
        self.running.client("rekognition").create_project_version(
            ProjectArn=record["rekognition_project_arn"],
            VersionName="first",
            OutputConfig={"S3Bucket": bucket, "S3KeyPrefix": "out"},
            TrainingData={"Assets": [asset]},
            TestingData={"AutoCreate": True},
        )

    def versions(self) -> dict[str, str]:
        arn = self.record()["rekognition_project_arn"]
        found = self.running.client("rekognition").describe_project_versions(ProjectArn=arn)
        return {one["ProjectVersionArn"]: one["Status"] for one in found["ProjectVersionDescriptions"]}

    def let_the_first_serve(self) -> str:
        (arn,) = eventually(lambda: "TRAINING_COMPLETED" in self.versions().values() and self.versions(), "a model")
        self.running.client("rekognition").start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
        eventually(lambda: self.versions()[arn] == "RUNNING", "the model to run")
        changed = {**self.record(), _ENDPOINT: arn}
        self.running.set_parameter(LOOP.parameter(SYSTEM_RECORD), json.dumps(changed))
        return str(arn)

    def upload(self, count: int = 2) -> None:
        for _ in range(count):
            key = f"images_for_detection/{self.uploads:03}.png"
            body = PICTURES[30 + self.uploads % 10].body
            self.running.client("s3").put_object(Bucket=self.record()["s3_bucket"], Key=key, Body=body)
            self.uploads += 1

    def logged(self) -> Counter[str]:
        rows = self.running.client("dynamodb").scan(TableName=self.record()["dynamodb_table"])["Items"]
        return Counter(row["S3ObjectKey"]["S"] for row in rows)


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("LOCAL_AWS_TRAINING_SECONDS", str(_TRAINING_SECONDS))
    stack = Stack(tmp_path_factory.mktemp("restarts"), free_port(), free_port(), LOOP.path)
    local = LocalStack(stack)
    scene = Scene(RunningStack(stack))
    try:
        local.start_endpoint()
        for name, value in stack.aws_environment().items():
            monkeypatch.setitem(os.environ, name, value)
        scene.prepare()
        yield scene
    finally:
        local.stop()


@pytest.fixture
def components(scene: Scene) -> Iterator[Components]:
    components = Components(scene.running)
    try:
        components.start_all()
        yield components
    finally:
        components.end()


def test_what_is_killed_and_started_again_finishes_its_runs_and_loses_no_upload(
    scene: Scene, components: Components
) -> None:
    running = scene.running
    first = scene.let_the_first_serve()
    training = running.trigger("alpha.training")
    eventually(lambda: "TRAINING_IN_PROGRESS" in scene.versions().values(), "the second training")
    for name in COMPONENTS:
        scene.upload()
        components.kill(name)
        scene.upload()
        components.restart(name)

    # The schedule may have begun a run, too; they come one after the other.
    assert running.finished("alpha.training", training) == "success"
    eventually(lambda: all(run["state"] == "success" for run in running.runs("alpha.training")), "all runs to end")
    eventually(lambda: len(scene.logged()) == scene.uploads, "every upload in the log")
    assert set(scene.logged().values()) == {1}
    eventually(lambda: sorted(scene.versions().values()) == ["RUNNING", "STOPPED"], "one model to serve alone")
    assert scene.versions()[scene.record()[_ENDPOINT]] == "RUNNING"
    assert scene.record()[_ENDPOINT] != first
    assert [run for run in running.runs("alpha.detection") if run["state"] == "failed"] == []
