"""Airflow's processes are killed while a model trains and uploads arrive: started again, they finish all of it."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.airflow.components import COMPONENTS, Components
from tests.testing.first_model import FirstModel
from tests.testing.stack import RunningStack, stop
from tests.waiting import eventually

from label_loop.loop import Loop
from label_loop.loop_state import LoopState
from label_loop.provisioning import Options, provision
from local_stack.environment import StackSettings, free_port
from local_stack.stack import LocalStack
from sample_images.digits import digits

WHOLE = os.environ.get("CHAOS") == "whole"
LOOP = Loop("/alpha")
PICTURES = [picture for picture in digits() if picture.label in "01"][:40]
# A new process takes half a minute to be ready, and two take hardly longer than one.
KILLED_TOGETHER = [(name,) for name in COMPONENTS] if WHOLE else [COMPONENTS[:2], COMPONENTS[2:]]
_TRAINING_SECONDS = 30  # longer than it takes to kill all of Airflow, on a machine with nothing else to do


class Scene(FirstModel):
    """The loop, and what is asked of it."""

    def __init__(self, running: RunningStack) -> None:
        super().__init__(running, LOOP)
        self.running = running
        self.uploads = 0
        self.first = ""

    def upload(self, count: int = 2) -> None:
        for _ in range(count):
            key = f"images_for_detection/{self.uploads:03}.png"
            body = PICTURES[30 + self.uploads % 10].body
            self.running.client("s3").put_object(Bucket=self.record()["s3_bucket"], Key=key, Body=body)
            self.uploads += 1

    def endpoint(self) -> str:
        """Return the version that serves, as the loop's state has it."""
        table = self.running.session().resource("dynamodb").Table(self.record()["state_table"])
        return LoopState.parse(table.get_item(Key={"Loop": LOOP.path})["Item"]).endpoint_arn

    def logged(self) -> Counter[str]:
        rows = self.running.client("dynamodb").scan(TableName=self.record()["dynamodb_table"])["Items"]
        return Counter(row["S3ObjectKey"]["S"] for row in rows)


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("LOCAL_AWS_TRAINING_SECONDS", str(_TRAINING_SECONDS))
    stack = StackSettings(tmp_path_factory.mktemp("restarts"), free_port(), free_port(), LOOP.path)
    local = LocalStack(stack)
    scene = Scene(RunningStack(stack))
    try:
        local.start_endpoint()
        for name, value in stack.aws_environment().items():
            monkeypatch.setitem(os.environ, name, value)
        provision(LOOP, Options(labels=("0", "1")), scene.running.session(), print)
        scene.running.set_parameter(LOOP.parameter("Approve-Deployments"), "never")  # the second is to serve
        scene.train(PICTURES[:30])
        scene.first = scene.serve()
        yield scene
    finally:
        stop(stack)


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
    training = running.trigger("alpha.training", force=True)
    eventually(lambda: "TRAINING_IN_PROGRESS" in scene.versions().values(), "the second training")
    for names in KILLED_TOGETHER:
        scene.upload()
        for name in names:
            components.kill(name)
        scene.upload()
        components.restart(*names)

    assert running.finished("alpha.training", training) == "success"
    eventually(lambda: all(run["state"] == "success" for run in running.runs("alpha.training")), "all runs to end")
    eventually(lambda: len(scene.logged()) == scene.uploads, "every upload in the log")
    assert set(scene.logged().values()) == {1}
    eventually(lambda: sorted(scene.versions().values()) == ["RUNNING", "STOPPED"], "one model to serve alone")
    assert scene.versions()[scene.endpoint()] == "RUNNING"
    assert scene.endpoint() != scene.first
    assert [run for run in running.runs("alpha.detection") if run["state"] == "failed"] == []
