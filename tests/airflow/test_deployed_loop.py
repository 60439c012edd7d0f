"""A loop that ``make deploy`` made passes the demo's story in a real Airflow, and ``make destroy`` ends what costs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.airflow.stack import RunningStack, airflow_over_endpoint

from demo.pictures import Shares, cast
from demo.progress import Narrator
from demo.scene import Scene
from demo.steps import detection, setup, training
from deployment.__main__ import main
from label_loop.settings import Loop
from local_stack.stack import LocalStack
from sample_images.digits import digits

pytestmark = pytest.mark.airflow

LOOP = Loop("/deployed")
PICTURES = cast(digits(), Shares(labelled=2, testing=12, uploads=60, later=20))
LABELS = ",".join(PICTURES.labels)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    build = tmp_path_factory.mktemp("build")
    scenes: list[Scene] = []

    def prepare(running: RunningStack) -> None:
        _deploy(build)
        scene = Scene(LocalStack(running.stack), Narrator(), LOOP, PICTURES)
        setup.set_up_loop(scene)
        scenes.append(scene)

    home = tmp_path_factory.mktemp("stack")
    with airflow_over_endpoint(home, LOOP.path, prepare) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.stack.aws_environment().items():
            patch.setenv(name, value)
        yield scenes[0]
        scenes[0].close()


def _deploy(build: Path) -> None:
    assert main(["deploy", "story", "--loops", LOOP.name, "--labels", LABELS, "--build", str(build)]) == 0


def test_the_story_is_as_told_until_it_is_destroyed(scene: Scene, capsys: pytest.CaptureFixture[str]):
    setup.wait_for_airflow(scene)
    scene.watcher.start()
    setup.upload_labelled(scene)
    training.train_and_deploy(scene, 1)

    scene.reviewer.start()
    detection.detect(scene, PICTURES.uploads)
    won = detection.review(scene)
    assert won > 0
    training.train_and_deploy(scene, 2, forced=won < int(scene.aws.parameter("Minimum-Untrained-Images")))
    detection.detect(scene, PICTURES.later)
    training.check_never_a_gap(scene)
    first, second = (version["EvaluationResult"]["F1Score"] for version in scene.aws.versions())
    assert second > first

    rows = scene.aws.count_rows()
    scene.watcher.stop()
    capsys.readouterr()
    assert main(["destroy", "story"]) == 0
    told = capsys.readouterr().out
    assert {version["Status"] for version in scene.aws.versions()} == {"STOPPED"}
    assert "  stopped: the model version " in told
    assert "  deleted: stack story" in told
    assert scene.aws.count_rows() == rows
