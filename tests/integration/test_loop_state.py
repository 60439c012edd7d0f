"""The state of a loop in its table: no write is lost, and what the version before kept is taken over once."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.integration.world import World

from label_loop.exceptions import StateChangedError
from label_loop.hooks.loop_state import LoopStateHook
from label_loop.loop_state import LoopState, Mark

LEGACY = {
    "endpoint_moved_at": "2026-11-01T00:00:00.000000+00:00",
    "sampling_since": "2026-11-02T00:00:00.000000+00:00",
    "previous_trained_images": "12",
}


def test_thirty_changes_at_once_are_all_kept(bare: World) -> None:
    def add_one(_: int) -> None:
        bare.context().store.change_state(
            lambda state: replace(state, previous_trained_images=state.previous_trained_images + 1)
        )

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(add_one, range(30)))
    assert bare.state().previous_trained_images == 30


def test_two_changes_of_different_fields_are_both_kept(bare: World) -> None:
    one, other = bare.context().store, bare.context().store
    assert one.state == other.state
    one.change_state(lambda state: replace(state, stopped_because="idle"))
    after = other.change_state(lambda state: replace(state, sampling_since="2026"))
    assert (after.stopped_because, after.sampling_since) == ("idle", "2026")
    assert bare.state() == after


def test_a_change_that_others_are_always_in_the_way_of_gives_up_and_says_so(bare: World) -> None:
    def beaten(state: LoopState) -> LoopState:
        bare.set_state(deploying_since=f"{state.revision}")
        return replace(state, stopped_because="idle")

    with pytest.raises(StateChangedError, match=r"/integration.*each of 10 attempts"):
        bare.context().store.change_state(beaten)
    assert bare.state().stopped_because is None


def test_what_changes_nothing_writes_nothing(bare: World) -> None:
    context = bare.context()
    context.store.advance(Mark.UPLOADS_SEEN, "2026-11-02")
    assert bare.calls(lambda: context.store.advance(Mark.UPLOADS_SEEN, "2026-11-01")) == {}


def test_the_record_of_the_version_before_is_taken_over_once(bare: World) -> None:
    bare.set_record(**LEGACY)
    assert bare.state().endpoint_moved_at == LEGACY["endpoint_moved_at"]
    assert bare.state().previous_trained_images == 12
    bare.set_record(sampling_since="2027")
    assert bare.state().sampling_since == LEGACY["sampling_since"]


def test_of_two_that_take_over_at_once_the_first_one_counts(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    record = bare.context().store.record
    monkeypatch.setattr(
        LoopStateHook, "_item", lambda self: None, raising=False
    )  # what is there is seen only after the write
    bare.set_state(stopped_because="by hand")
    bare.set_record(stopped_because="idle")
    assert record.state_table
    assert bare.state().stopped_because == "by hand"


def test_a_loop_without_the_table_keeps_its_state_in_the_record_until_it_has_one(bare: World) -> None:
    table = bare.record()["state_table"]
    bare.set_record(state_table=None, **LEGACY)
    waiting = bare.context().store
    assert waiting.state.previous_trained_images == 12
    bare.set_state(stopped_because="by hand", previous_trained_images=13)
    assert bare.record()["stopped_because"] == "by hand"
    bare.set_record(state_table=table)
    assert waiting.refresh().stopped_because == "by hand"
    waiting.change_state(lambda state: replace(state, stopped_because=None))
    assert bare.record()["stopped_because"] == "by hand"  # it is not read any more
    assert (bare.state().stopped_because, bare.state().previous_trained_images) == (None, 13)


def test_what_the_sample_has_in_its_record_is_mirrored_there(bare: World) -> None:
    bare.set_state(endpoint_arn="arn:v2", previous_trained_images=7, stopped_because="idle")
    record = bare.record()
    assert record["rekognition_project_version_arn"] == "arn:v2"
    assert record["previous_trained_images"] == 7
    assert "stopped_because" not in record
    assert json.loads(bare.variable("For-System-Use-Only") or "") == record


def test_a_mirror_that_fails_keeps_nothing_from_its_place(bare: World) -> None:
    context = bare.context()
    assert context.store.state.endpoint_arn is None
    bare.fault("ssm", "PutParameter", code="AccessDeniedException")
    context.store.change_state(lambda state: replace(state, endpoint_arn="arn:v2"))
    bare.heal()
    assert bare.state().endpoint_arn == "arn:v2"
    assert "rekognition_project_version_arn" not in bare.record()
    context.store.change_state(lambda state: replace(state, previous_trained_images=3))
    assert bare.record()["rekognition_project_version_arn"] == "arn:v2"


def test_two_tasks_that_need_the_secret_at_once_have_the_same(world: World) -> None:
    one, other = world.context().store, world.context().store
    assert other.state.sampling_secret is None
    secret = one.sampling_secret
    assert len(secret) == 64
    assert other.sampling_secret == secret == world.state().sampling_secret
