"""Faults that were mended, each by the shortest history that showed it."""

import json
from typing import Any

import pytest
from tests.simulation import runs
from tests.simulation.fakes.rekognition import FAILED, RUNNING
from tests.simulation.gate import Disturbance, Kind, Process
from tests.simulation.history import History
from tests.simulation.model_steps import Deploy, Stop, StopInAws, Train
from tests.simulation.scripts import begun
from tests.simulation.steps import EditStore, EditVariable, Run, RunTwo, Upload, Wait, process
from tests.simulation.world import BUCKET, LABELLED, World

_SWITCH, _INTERVAL = "Enable-Automatic-Training", "Human-Sampling-Interval"


# ------------------------------------------------------------------------- the record


def test_two_changes_of_the_record_at_once_are_both_kept() -> None:
    for calls in range(1, 16):
        history = begun()
        history.do(Deploy(0), Train(2), Wait(4000.0), Train(2))  # what is left is to move the endpoint
        history.do(RunTwo(("review", "train"), (calls, 100)))
        assert history.world.endpoint and "/v0/" in history.world.endpoint, f"interrupted after {calls} calls"


def test_a_model_whose_stop_is_asked_for_twice_wakes_with_the_next_upload() -> None:
    for write in range(1, 9):
        history = begun(parameters={"Idle-Model-Stop-Minutes": "30"})
        # The wait for uploads ends as the model is idle, and the next run stops it.
        history.do(Wait(1900.0), Run("detect"), Run("detect", (Disturbance(write, Kind.REPEATED, is_write=True),)))
        assert waking(history), f"the upload waits for ever: the write {write} was repeated"


def waking(history: History) -> bool:
    """Upload an image, and return whether it is detected within an hour."""
    history.do(Wait(700.0), Upload("cat", 99.0))
    for _ in range(6):
        history.do(Run("detect"), Wait(700.0))
    return bool(history.world.rows())


def test_a_model_that_two_runs_stop_at_once_wakes_with_the_next_upload() -> None:
    for calls in range(1, 30):
        history = begun(parameters={"Idle-Model-Stop-Minutes": "30"})
        history.do(Wait(1900.0))
        history.world.memory.pop("waits")
        history.do(RunTwo(("detect", "detect"), (calls, 100)))
        assert waking(history), f"the upload waits for ever: interrupted after {calls} calls"


# --------------------------------------------------------------------------- parameters


def test_a_late_read_of_parameter_store_undoes_no_edit() -> None:
    history = begun()
    history.do(Wait(300.0), EditVariable(_SWITCH, "false"), Run("sync"))
    history.world.ssm.late_by_seconds = 60.0
    history.do(Run("sync"))
    assert history.world.variables[f"sim/{_SWITCH}"] == "false"


@pytest.mark.parametrize("write", [1, 2])
def test_two_syncs_at_once_undo_no_edit(write: int) -> None:
    history = begun()
    cut = (Disturbance(write, Kind.CRASH_AFTER, is_write=True),)
    history.do(EditVariable(_SWITCH, "false"), RunTwo(("sync", "sync"), (1, 100), cut), Run("sync"), Run("sync"))
    assert history.world.ssm.text(f"/sim/{_SWITCH}") == "false"


def test_an_edit_of_parameter_store_during_a_sync_is_kept() -> None:
    for calls in range(1, 12):
        history = begun()
        world = history.world
        history.do(EditVariable(_INTERVAL, "5"))
        edit = Process("person", lambda world=world: world.edit_store(_INTERVAL, "9"))  # type: ignore[misc]
        world.run(process(world, "sync", runs.sync), edit, turns=(calls, 1))
        history.do(Run("sync"), Run("sync"))
        assert world.variables[f"sim/{_INTERVAL}"] == "9", f"interrupted after {calls} calls"


def test_a_value_that_is_changed_back_after_a_cut_sync_stays() -> None:
    for write in range(1, 6):
        history = begun()
        history.do(EditStore(_INTERVAL, "5"), Run("sync", (Disturbance(write, Kind.CRASH_BEFORE, is_write=True),)))
        history.do(EditStore(_INTERVAL, "2"), Run("sync"), Run("sync"))
        assert history.world.ssm.text(f"/sim/{_INTERVAL}") == "2", f"cut before the write {write}"


def test_any_state_of_the_sync_heals() -> None:
    history = begun()
    history.world.variables["sim/Parameter-Sync-State"] = '{"values": true}'
    history.do(EditVariable(_INTERVAL, "7"))
    done = process(history.world, "sync", runs.sync)
    history.world.run(done)
    assert done.error is None
    assert history.world.ssm.text(f"/sim/{_INTERVAL}") == history.world.variables[f"sim/{_INTERVAL}"]


class Shadowed(dict[str, str]):
    """Variables of which one is shadowed, as by an environment variable: it is read, and never written."""

    def get(self, key: str, default: Any = None) -> Any:
        return "5" if key == f"sim/{_INTERVAL}" else super().get(key, default)


def test_a_shadowed_variable_is_not_written_to_parameter_store() -> None:
    history = begun()
    history.world.variables = Shadowed(history.world.variables)
    history.world.connect()
    history.do(Run("sync"), Run("sync"), EditStore(_INTERVAL, "3"), Run("sync"), Run("sync"), Run("sync"))
    assert history.world.ssm.text(f"/sim/{_INTERVAL}") == "3"


def test_a_parameter_is_followed_from_the_next_batch_on() -> None:
    history = begun(at_a_receive=1)
    world = history.world
    history.do(Upload("cat", 50.0, count=3))
    edit = Process("person", lambda: world.edit_variable("Enable-A2I-Workflow", "false"))
    world.gate.trace.clear()
    world.run(process(world, "detect", runs.detect), edit, turns=(12, 1))
    first, *_, last = sorted(world.rows(), key=lambda row: row["DetectLabelDate"])
    assert first["A2IEnabled"]
    assert not last["A2IEnabled"]


# -------------------------------------------------------------------------------- models


def test_a_model_that_stopped_by_itself_is_told_where_uploads_wait() -> None:
    history = begun()
    (version,) = [one for one in history.world.rekognition.settled() if one.name == "v1"]
    history.world.rekognition.enter(version, FAILED)
    history.world.sns.published.clear()
    history.do(Upload("cat", 50.0), *[step for _ in range(4) for step in (Run("detect"), Wait(4000.0))])
    assert any("v1" in json.dumps(one) for one in history.world.sns.published)


def test_a_version_that_was_stopped_after_its_test_does_not_serve() -> None:
    history = begun()
    history.do(Deploy(0), Train(2), Wait(700.0), Train(2), StopInAws(0), Train(20), Wait(700.0))
    assert [version.name for version in history.world.rekognition.settled() if version.status == RUNNING] == ["v1"]


def test_a_model_that_a_person_stops_during_its_deployment_is_known_as_stopped() -> None:
    history = begun()
    history.do(Stop(), Wait(700.0), Deploy(1), Train(2), Wait(700.0), Train(2), Stop(), Train(20))
    assert history.world.state()["stopped_because"] == "by hand"


# ------------------------------------------------------------------------------ training


def labelled(world: World, label: str, count: int) -> None:
    for number in range(count):
        world.label(label, f"new-{number}", 1000 + number)


def checked(history: History) -> list[str]:
    """Run a training check to its end; return the keys that were trained."""
    runs.trigger_training(history.world)
    history.do(Train(20), Wait(4000.0), Train(20), Wait(700.0), Train(20))
    trainings = history.world.rekognition.trainings
    return sorted(key for key, _, _ in trainings[-1].training_set) if trainings else []


def test_an_archived_image_is_left_out_of_a_training() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    assert len(checked(history)) == 7


def test_an_image_that_is_archived_after_it_was_trained_is_left_out() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    assert len(checked(history)) == 8
    history.world.s3.archive(BUCKET, f"{LABELLED}cat/new-0.png")
    labelled(history.world, "dog", 4)
    assert len(checked(history)) == 11


def test_images_copied_onto_themselves_train_nothing_again() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    history.world.rekognition.next_f1 = 0.1
    assert checked(history)
    history.do(Wait(60.0))
    for image in history.world.objects(LABELLED):
        history.world.s3.put(BUCKET, image.key, image.body)
    checked(history)
    assert len(history.world.rekognition.trainings) == 1


def test_a_label_with_a_single_image_holds_up_no_other() -> None:
    history = begun()
    labelled(history.world, "cat", 4)
    labelled(history.world, "owl", 1)
    assert len(checked(history)) == 8
