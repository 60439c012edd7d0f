"""A loop that ``make deploy`` made trains, detects and learns from answers, and ``make destroy`` ends what costs.

After the first training, somebody opens its project in the AWS console.
"""

from collections.abc import Iterator
from functools import cached_property

import pytest
from tests.testing.shared_airflow import DEPLOYED, DEPLOYED_STACK, DIGITS
from tests.testing.stack import RunningStack, clients_of

from demo.pictures import Shares, cast
from demo.progress import Narrator
from demo.scene import Scene
from demo.steps import detection, setup, training
from deployment.__main__ import main
from local_stack.airflow_api import AirflowApi
from local_stack.stack import LocalStack
from sample_images.digits import digits

PICTURES = cast(digits(), Shares(labelled=2, testing=5, uploads=20, later=0))


class SharedScene(Scene):
    """The demo's scene, in an Airflow that asks who is there."""

    @cached_property
    def airflow(self) -> AirflowApi:
        return AirflowApi(self.stack.settings.airflow_url, {"username": "admin", "password": "admin"})


@pytest.fixture
def scene(running: RunningStack) -> Iterator[Scene]:
    scene = SharedScene(LocalStack(running.stack), Narrator(), DEPLOYED, PICTURES)
    with clients_of(running):
        yield scene
        scene.close()


def test_it_trains_detects_and_learns_until_it_is_destroyed(scene: Scene, capsys: pytest.CaptureFixture[str]):
    assert PICTURES.labels == DIGITS
    setup.set_up_loop(scene)
    setup.wait_for_airflow(scene)
    scene.watcher.start()
    setup.upload_labelled(scene)
    training.train_and_deploy(scene, 1)
    training.open_in_console(scene)
    scene.reviewer.start()
    detection.detect(scene, PICTURES.uploads)
    assert detection.review(scene) > 0
    training.train_and_deploy(scene, 2, forced=True)
    training.check_never_a_gap(scene)
    rows = scene.aws.count_rows()
    scene.watcher.stop()

    capsys.readouterr()
    assert main(["destroy", DEPLOYED_STACK]) == 0
    told = capsys.readouterr().out
    assert {version["Status"] for version in scene.aws.versions()} == {"STOPPED"}
    assert "  stopped: the model version " in told
    assert f"  deleted: stack {DEPLOYED_STACK}" in told
    assert scene.aws.count_rows() == rows
