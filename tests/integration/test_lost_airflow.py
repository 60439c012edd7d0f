"""A loop outlives its Airflow: a new one, with no Variable, goes on from what AWS keeps."""

from typing import Any

from tests.integration.pictures import TRAINING_DIGITS
from tests.integration.test_training import instant, run  # noqa: F401 - a fixture
from tests.integration.world import World

from label_loop.workflows.parameter_sync import ParameterSyncWorkflow


def test_a_new_airflow_neither_trains_nor_detects_again_and_has_the_parameters(world: World, instant: Any) -> None:  # noqa: F811
    world.put_parameter("Minimum-F1-Score", "0.55")
    ParameterSyncWorkflow(world.context()).sync()
    world.label(TRAINING_DIGITS[:20])
    run(world, "r")
    world.upload("before.png")
    assert world.detect().detected == 1
    before, versions = (world.record(), world.state()), world.version_names()

    world.variables.clear()
    assert world.training().check(forced=False).action == "none"
    assert world.detect().detected == 0
    assert ParameterSyncWorkflow(world.context()).sync().did_something
    assert world.variable("Minimum-F1-Score") == "0.55"
    assert world.training().check(forced=False).action == "none"
    assert world.version_names() == versions
    assert (world.record(), world.state()) == before

    world.upload("after.png")
    assert world.detect().detected == 1
    assert len(world.rows()) == 2
