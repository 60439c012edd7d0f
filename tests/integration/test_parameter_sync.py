"""Parameter sync over a real Parameter Store: equal in both directions, and no value lost."""

import json
import os
from unittest.mock import Mock

import pytest
from tests.integration.site import events
from tests.integration.world import World

from label_loop.domain.parameter_history import written_by_sync as written
from label_loop.exceptions import LoopNotSetUpError
from label_loop.notifications import Announcer
from label_loop.parameters import PARAMETERS
from label_loop.system_record import SYSTEM_RECORD
from label_loop.variables import SYNC_STATE, parse_sync_state, read_settings
from label_loop.workflows.parameter_sync import ParameterSyncWorkflow, SyncResult

GATE = "Minimum-F1-Score"


def sync(world: World) -> SyncResult:
    return ParameterSyncWorkflow(world.context()).sync()


@pytest.fixture
def synced(bare: World) -> World:
    sync(bare)
    bare.told()
    return bare


def test_the_first_sync_copies_every_parameter_and_the_second_does_nothing(bare: World) -> None:
    bare.put_parameter(GATE, "0.65")
    assert sync(bare).did_something
    for name, parameter in PARAMETERS.items():
        assert bare.variable(name) == ("0.65" if name == GATE else parameter.default)
    assert not sync(bare).did_something
    assert "ssm.PutParameter" not in bare.calls(lambda: sync(bare))


def test_a_change_in_the_store_reaches_the_variable_and_is_told(synced: World) -> None:
    synced.put_parameter(GATE, "0.9")
    assert sync(synced).changes == [f"{GATE}: 0.8 → 0.9"]
    assert synced.variable(GATE) == "0.9"
    assert read_settings(synced.loop).minimum_f1_score == 0.9
    (told,) = events(synced.told(), "parameter_applied")
    assert "0.9" in told["body"]["message"]


def test_a_change_of_the_variable_reaches_the_store(synced: World) -> None:
    synced.set_variable(GATE, "0.7")
    sync(synced)
    assert synced.parameter(GATE) == "0.7"
    assert not sync(synced).did_something


def test_what_the_sync_wrote_is_known_from_what_people_wrote(synced: World) -> None:
    def written_by_sync() -> list[int]:
        return written(parse_sync_state(synced.variable(SYNC_STATE))).get(GATE, [])

    synced.put_parameter(GATE, "0.9")  # version 2
    sync(synced)
    assert written_by_sync() == []
    for text in ("0.7", "0.6"):
        synced.set_variable(GATE, text)
        sync(synced)
    history = synced.context().store.parameter_store.history(synced.loop, GATE)
    first, second = written_by_sync()
    assert {version.version: version.text for version in history if version.version in (first, second)} == {
        first: "0.7",
        second: "0.6",
    }
    assert {version.version for version in history if version.text in ("0.8", "0.9")}.isdisjoint({first, second})


def test_parameter_store_wins_a_conflict_and_the_operator_is_told(synced: World) -> None:
    synced.put_parameter(GATE, "0.9")
    synced.set_variable(GATE, "0.7")
    assert len(sync(synced).conflicts) == 1
    assert (synced.parameter(GATE), synced.variable(GATE)) == ("0.9", "0.9")
    (told,) = events(synced.told(), "parameter_conflict")
    assert "0.7" in told["body"]["message"]
    assert "0.9" in told["body"]["message"]


@pytest.mark.parametrize(
    ("side", "text"),
    [("store", "70,0"), ("store", "2"), ("store", "true"), ("variable", "70,0"), ("variable", "2"), ("variable", "")],
)
def test_a_refused_value_stays_and_is_told_once_while_the_last_good_one_is_in_force(
    synced: World, side: str, text: str
) -> None:
    synced.put_parameter(GATE, "0.9")
    sync(synced)
    synced.told()
    synced.put_parameter(GATE, text) if side == "store" else synced.set_variable(GATE, text)
    synced.put_parameter("Human-Sampling-Interval", "7")
    result = sync(synced)
    (refusal,) = result.refusals
    for part in (GATE, text, "a number from 0 to 1"):
        assert part in refusal
    assert synced.variable("Human-Sampling-Interval") == "7"  # nothing else is held up
    found = (synced.parameter(GATE), synced.variable(GATE))
    assert found == ((text, "0.9") if side == "store" else ("0.9", text))
    assert read_settings(synced.loop).minimum_f1_score == 0.9
    assert len(events(synced.told(), "parameter_refused")) == 1
    again = sync(synced)
    assert (again.refusals, again.did_something) == ([], False)
    assert events(synced.told(), "parameter_refused") == []


def test_a_corrected_value_is_applied(synced: World) -> None:
    synced.put_parameter(GATE, "70,0")
    sync(synced)
    synced.put_parameter(GATE, "0.7")
    sync(synced)
    assert synced.variable(GATE) == "0.7"


def test_switching_a_schedule_on_says_so_and_dates_the_sampling(synced: World) -> None:
    for switch in ("Enable-Automatic-Training", "Enable-Automatic-Human-Sampling"):
        synced.set_variable(switch, "off")
    off = sync(synced)
    assert (off.training_switched_on, off.sampling_switched_on) == (False, False)
    before = synced.state().sampling_since
    for switch in ("Enable-Automatic-Training", "Enable-Automatic-Human-Sampling"):
        synced.put_parameter(switch, "Yes")
    on = sync(synced)
    assert (on.training_switched_on, on.sampling_switched_on) == (True, True)
    assert synced.state().sampling_since > before
    assert json.loads(synced.variable(SYSTEM_RECORD) or "") == synced.record()
    assert not sync(synced).did_something


def test_another_spelling_of_on_switches_nothing_on(synced: World) -> None:
    synced.put_parameter("Enable-Automatic-Training", "TRUE")
    assert not sync(synced).training_switched_on


def test_the_system_record_is_mirrored_and_a_persons_edit_of_the_mirror_overwritten(synced: World) -> None:
    synced.set_record(a_note="new")
    sync(synced)
    assert json.loads(synced.variable(SYSTEM_RECORD) or "")["a_note"] == "new"
    synced.set_variable(SYSTEM_RECORD, '{"s3_bucket": "mine"}')
    assert sync(synced).did_something
    assert json.loads(synced.variable(SYSTEM_RECORD) or "") == synced.record()
    assert synced.record()["a_note"] == "new"


@pytest.mark.parametrize("text", [None, "not JSON", "[]"])
def test_a_path_without_a_record_says_how_to_set_the_loop_up(bare: World, text: str | None) -> None:
    if text is None:
        bare.client("ssm").delete_parameter(Name=bare.loop.parameter(SYSTEM_RECORD))
    else:
        bare.put_parameter(SYSTEM_RECORD, text)
    with pytest.raises(LoopNotSetUpError, match=r"label_loop provision /integration"):
        sync(bare)
    assert bare.variables == {bare.loop.variable(SYNC_STATE): "{}"}


def test_a_deleted_parameter_comes_back_with_the_value_in_force(synced: World) -> None:
    synced.put_parameter(GATE, "0.9")
    sync(synced)
    synced.client("ssm").delete_parameter(Name=synced.loop.parameter(GATE))
    sync(synced)
    assert synced.parameter(GATE) == "0.9"


def test_a_crash_before_the_state_is_written_is_made_good(synced: World) -> None:
    synced.set_variable(GATE, "0.7")
    state = ParameterSyncWorkflow(synced.context())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Announcer, "publish", Mock(side_effect=RuntimeError))
        with pytest.raises(RuntimeError):
            state.sync()
    assert synced.parameter(GATE) == "0.7"
    assert sync(synced).changes == [f"{GATE}: 0.8 → 0.7"]
    assert not sync(synced).did_something
    assert synced.variable(GATE) == "0.7"


@pytest.fixture
def shadow(synced: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let an environment variable override the Variable of the gate, as Airflow does; give its name."""
    from airflow.sdk import Variable

    key, get = synced.loop.variable(GATE), Variable.get
    name = f"AIRFLOW_VAR_{key.upper()}"

    def read(asked: str, default: str | None = None) -> str | None:
        return os.environ[name] if asked == key and name in os.environ else get(asked, default)

    monkeypatch.setattr(Variable, "get", read)
    monkeypatch.setenv(name, "0.5")
    return name


def test_a_shadowed_variable_is_reported_and_parameter_store_left_alone(synced: World, shadow: str) -> None:
    result = sync(synced)
    assert (result.changes, synced.parameter(GATE)) == ([], "0.8")
    (line,) = result.refusals
    for part in (GATE, "0.5", "0.8", "AIRFLOW_VAR_", "secrets backend"):
        assert part in line
    assert len(events(synced.told(), "parameter_refused")) == 1
    assert not sync(synced).did_something
    synced.put_parameter(GATE, "0.9")
    assert "0.9" in sync(synced).refusals[0]
    assert not sync(synced).did_something
    del os.environ[shadow]
    assert sync(synced).refusals == []
    assert synced.variable(GATE) == synced.parameter(GATE) == "0.9"
    assert not sync(synced).did_something


def test_only_a_late_reading_of_a_shadow_tells_where_the_task_itself_cannot_see_it(
    synced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced.put_parameter(GATE, "0.9")
    key, get = synced.loop.variable(GATE), synced.variables.get
    monkeypatch.setattr(
        "airflow.sdk.Variable.get", lambda read, default=None: "0.8" if read == key else get(read, default)
    )
    (line,) = sync(synced).refusals
    assert "0.9" in line
    assert not sync(synced).did_something
    assert synced.parameter(GATE) == "0.9"


def test_an_edit_of_parameter_store_since_it_was_read_is_put_back(synced: World) -> None:
    hook, store = synced.context().store.parameter_store, synced.context().store
    before = hook.stored(store.loop)[GATE]
    synced.put_parameter(GATE, "0.9")
    version = hook.put(store.loop, GATE, "0.7", before)
    assert (synced.parameter(GATE), version) == ("0.9", before.version + 3)
    assert [one.text for one in hook.history(store.loop, GATE)][:3] == ["0.9", "0.7", "0.9"]
    assert hook.put(store.loop, GATE, "0.6", hook.stored(store.loop)[GATE]) == before.version + 4


def test_before_the_first_sync_parameter_store_is_in_force_and_not_a_default(bare: World) -> None:
    bare.put_parameter("Enable-A2I-Workflow", "false")
    bare.put_parameter(GATE, "no number")
    bare.variables.clear()
    settings = bare.context().settings
    assert (settings.enable_a2i_workflow, settings.minimum_f1_score) == (False, 0.8)
    sync(bare)
    assert bare.calls(lambda: bare.context().settings) == {}
