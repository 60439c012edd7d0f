"""The bill between uploads: an idle model is stopped, the next upload starts it, and what is left running is found."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from tests.integration.model import Model, registry
from tests.integration.pictures import FRESH_DIGITS, TRAINING_DIGITS
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.triggers.inbox import FolderTrigger, QueueTrigger
from label_loop.triggers.serving import ServingModelTrigger

HOUR = timedelta(hours=1)


def ago(time: timedelta) -> str:
    return (datetime.now(UTC) - time).isoformat()


def age(world: World, name: str, hours: int = 100) -> None:
    """Let a version be created earlier."""
    state = registry(world.aws)
    with state.lock:
        for version in state.project(world.record()["rekognition_project_arn"], "eu-west-1").versions.values():
            if version.name == name:
                version.created_ms -= hours * 3_600_000


@pytest.fixture
def idle(world: World) -> World:
    """Give a loop whose model serves for days without an upload, and may do so for an hour."""
    age(world, "v1")
    world.set_state(endpoint_moved_at=ago(48 * HOUR))
    world.set_variable("Idle-Model-Stop-Minutes", "60")
    return world


def told(world: World) -> list[str]:
    return [one["body"]["message"] for one in events(world.told(), "model_status")]


def received(world: World) -> int:
    return world.counts().get("sqs.ReceiveMessage", 0)


# --- asleep and awake


def test_an_idle_model_is_stopped_and_the_next_upload_starts_it_and_loses_nothing(idle: World) -> None:
    assert isinstance(idle.run_detection().trigger, ServingModelTrigger)
    assert idle.state().stopped_because == "idle"
    assert any("v1: stopped after 60 minutes without uploads; the next upload restarts it" in t for t in told(idle))
    eventually(lambda: idle.status("v1") == "STOPPED")
    assert idle.serving().next_action() == "wait"

    idle.upload("a.png", FRESH_DIGITS[0].body)
    idle.upload("b.png", FRESH_DIGITS[1].body)
    idle.aws.calls.reset()
    for _ in range(7):  # more often than a message may be received
        assert idle.serving().next_action() == "start"
    assert received(idle) == 0
    assert isinstance(idle.run_detection().trigger, ServingModelTrigger)
    eventually(lambda: idle.status("v1") == "RUNNING")
    assert idle.serving().next_action() == "detect"
    assert idle.run_detection()["detected"] == 2
    assert idle.state().stopped_because is None
    assert idle.waiting() == idle.dead_letters() == []
    assert any("uploads are waiting; restarting" in text for text in told(idle))
    assert isinstance(idle.run_detection().trigger, QueueTrigger)
    assert idle.status("v1") == "RUNNING"


def test_a_model_that_starts_is_waited_for_and_asked_once(idle: World, monkeypatch: pytest.MonkeyPatch) -> None:
    idle.run_detection()
    eventually(lambda: idle.status("v1") == "STOPPED")
    idle.upload("a.png")
    monkeypatch.setitem(vars(idle.aws.settings), "start_seconds", 5.0)
    idle.aws.calls.reset()
    for _ in range(4):  # a task may be repeated
        assert isinstance(idle.run_detection().trigger, ServingModelTrigger)
    assert idle.counts()["rekognition.StartProjectVersion"] == 1


def test_an_upload_that_comes_while_the_model_stops_starts_it_when_it_has_stopped(idle: World) -> None:
    idle.run_detection()
    idle.set_status(idle.state().endpoint_arn, "STOPPING")
    idle.upload("a.png")
    assert idle.serving().next_action() in {"wait", "start"}
    eventually(lambda: idle.serving().next_action() == "start")


def test_a_folder_without_a_queue_wakes_the_model_too(idle: World) -> None:
    idle.upload("old.png")
    idle.set_record(uploads_queue_url=None)
    idle.set_state(uploads_seen_until=ago(-HOUR))
    idle.run_detection()
    eventually(lambda: idle.status("v1") == "STOPPED")
    assert idle.serving().next_action() == "wait"
    idle.set_state(uploads_seen_until=ago(HOUR))
    assert idle.serving().next_action() == "start"
    idle.run_detection()
    eventually(lambda: idle.status("v1") == "RUNNING")
    assert idle.run_detection()["detected"] == 1
    assert isinstance(idle.run_detection().trigger, FolderTrigger)


@pytest.mark.parametrize("why", ["off", "moved", "started", "detected", "in flight", "deployment"])
def test_a_model_that_has_a_reason_to_run_is_not_stopped(idle: World, why: str) -> None:
    match why:
        case "off":
            idle.set_variable("Idle-Model-Stop-Minutes", "0")
        case "moved":
            idle.set_state(endpoint_moved_at=ago(HOUR * 0.9))
        case "started":
            idle.set_state(endpoint_started_at=ago(HOUR * 0.9))
        case "detected":
            idle.upload("a.png")
            assert idle.detect().detected == 1
        case "in flight":
            idle.upload("a.png")
            url = idle.record()["uploads_queue_url"]
            assert idle.client("sqs").receive_message(QueueUrl=url)["Messages"]
        case "deployment":
            idle.set_state(deploying_since=ago(HOUR * 0.1))
    assert isinstance(idle.run_detection().trigger, QueueTrigger)
    assert idle.status("v1") == "RUNNING"
    assert idle.state().stopped_because is None


def test_a_model_that_never_had_an_upload_is_idle_since_it_was_deployed(idle: World) -> None:
    assert idle.serving().idle_since()[:16] == ago(48 * HOUR)[:16]
    idle.set_state(endpoint_moved_at=None)
    assert idle.serving().idle_since()[:13] == ago(100 * HOUR)[:13]  # it was created then


def test_a_deployment_that_moves_the_endpoint_meanwhile_saves_the_new_one(idle: World) -> None:
    state = idle.serving()
    since = state.idle_since()
    idle.set_state(endpoint_moved_at=ago(timedelta()))
    assert not state.stop_if_idle(since)
    assert idle.status("v1") == "RUNNING"


def test_a_crash_between_the_record_and_the_stop_leaves_a_model_that_serves(idle: World) -> None:
    idle.fault("rekognition", "StopProjectVersion", code="AccessDeniedException")
    with pytest.raises(ClientError):
        idle.run_detection()
    idle.heal()
    assert (idle.state().stopped_because, idle.status("v1")) == ("idle", "RUNNING")
    idle.upload("a.png")
    assert isinstance(idle.run_detection().trigger, ServingModelTrigger)  # the stop may be on its way
    idle.set_state(stopping_since=ago(timedelta(minutes=2)))
    assert idle.run_detection()["detected"] == 1
    assert idle.state().stopped_because is None


def test_a_model_that_cannot_be_started_again_is_told_once_and_left_to_a_person(idle: World) -> None:
    idle.run_detection()
    idle.set_status(idle.state().endpoint_arn, "FAILED")
    idle.upload("a.png")
    assert idle.serving().next_action() == "report"
    for _ in range(3):
        assert isinstance(idle.run_detection().trigger, ServingModelTrigger)
    assert len([text for text in told(idle) if "its restart failed" in text]) == 1
    assert len(idle.waiting()) == 1


@pytest.mark.parametrize("status", ["FAILED", "STOPPED", "deleted"])
def test_a_model_that_goes_by_itself_is_reported_once_until_one_serves_again(world: World, status: str) -> None:
    arn = world.state().endpoint_arn
    if status == "deleted":
        world.set_state(endpoint_arn=arn.replace("/v1/", "/v0/"))
    else:
        world.set_status(arn, status)
    world.upload("a.png")
    told(world)
    for _ in range(3):
        assert isinstance(world.run_detection().trigger, ServingModelTrigger)
        assert world.serving().next_action() == "wait"
    (text,) = told(world)
    for part in ("v0" if status == "deleted" else "v1", status.lower(), "page Models", world.loop.dag_id("training")):
        assert part in text
    world.set_state(endpoint_arn=arn)
    world.set_status(arn, "RUNNING")
    assert world.run_detection()["detected"] == 1
    assert world.state().outage_reported_of is None


def test_an_account_without_room_is_asked_again_later(idle: World) -> None:
    idle.run_detection()
    eventually(lambda: idle.status("v1") == "STOPPED")
    idle.upload("a.png")
    idle.fault("rekognition", "StartProjectVersion", code="LimitExceededException")
    assert idle.run_detection().trigger.first_look_seconds == 600
    assert any("v1 was not started" in text for text in told(idle))
    idle.heal()
    assert idle.run_detection().trigger.first_look_seconds == 0
    eventually(lambda: idle.status("v1") == "RUNNING")


# --- people


def test_what_a_person_stopped_stays_stopped_whatever_comes(idle: World) -> None:
    idle.serving().stop_by_hand(asked_by="alice")
    eventually(lambda: idle.status("v1") == "STOPPED")
    idle.upload("a.png")
    for _ in range(3):
        assert isinstance(idle.run_detection().trigger, ServingModelTrigger)
        assert idle.serving().next_action() == "wait"
    assert (idle.state().stopped_because, idle.status("v1")) == ("by hand", "STOPPED")


def test_a_person_may_keep_a_sleeping_model_stopped(idle: World) -> None:
    idle.run_detection()
    assert idle.serving().stop_by_hand(asked_by="alice") == "v1"
    eventually(lambda: idle.status("v1") == "STOPPED")
    idle.upload("a.png")
    assert idle.serving().next_action() == "wait"
    assert any("remains stopped by alice" in text for text in told(idle))


@pytest.mark.parametrize("because", ["idle", "by hand"])
def test_a_deployment_by_hand_wakes_the_model_and_its_time_counts_anew(idle: World, because: str) -> None:
    idle.label(TRAINING_DIGITS[:2])
    if because == "idle":
        idle.run_detection()
    else:
        idle.serving().stop_by_hand(asked_by="alice")
    eventually(lambda: idle.status("v1") == "STOPPED")
    idle.deployment().start_version("v1")
    eventually(lambda: idle.status("v1") == "RUNNING")
    idle.run_detection()  # detection looks while the deployment is under way
    assert idle.status("v1") == "RUNNING"
    idle.deployment().smoke_test("v1")
    idle.deployment().move_endpoint("v1")
    assert idle.serving().stop_unused() == []
    assert idle.state().stopped_because is None
    assert idle.state().deploying_since is None
    idle.run_detection()
    assert idle.status("v1") == "RUNNING"


# --- what is left running


def test_a_training_check_finds_what_runs_without_serving_and_tells_it(world: World, model: Model) -> None:
    world.add_version(model, "left", "RUNNING")
    world.run_detection()  # the check does it, where there is one
    assert world.status("left") == "RUNNING"
    assert world.training().check(forced=False).action == "none"
    assert world.serving().stop_unused() == []
    assert world.status("left") in {"STOPPING", "STOPPED"}
    assert any("left: stopped: it was running without serving" in text for text in told(world))


@pytest.mark.parametrize("serves", [True, False])
def test_without_scheduled_checks_detection_finds_it(world: World, model: Model, serves: bool) -> None:
    world.set_variable("Enable-Automatic-Training", "false")
    world.add_version(model, "left", "RUNNING")
    if not serves:
        world.set_status(world.state().endpoint_arn, "STOPPED")
    assert isinstance(world.run_detection().trigger, QueueTrigger if serves else ServingModelTrigger)
    assert world.status("left") in {"STOPPING", "STOPPED"}
    assert any("left: stopped: it was running without serving" in text for text in told(world))
    assert world.status("v1") == ("RUNNING" if serves else "STOPPED")


def test_detection_finds_it_before_the_first_deployment_too(bare: World, model: Model) -> None:
    bare.set_variable("Enable-Automatic-Training", "false")
    bare.add_version(model, "left", "RUNNING")
    bare.run_detection()
    assert bare.status("left") in {"STOPPING", "STOPPED"}


def test_what_is_being_deployed_is_not_taken_for_left_behind(world: World, model: Model) -> None:
    world.set_variable("Enable-Automatic-Training", "false")
    world.add_version(model, "v2", "STOPPED")
    world.deployment().start_version("v2")
    eventually(lambda: world.status("v2") == "RUNNING")
    world.run_detection()
    assert world.status("v2") == "RUNNING"
    world.set_state(deploying_since=ago(3 * HOUR))  # a crash left it
    world.run_detection()
    assert world.status("v2") in {"STOPPING", "STOPPED"}


# --- calls


def test_a_sleeping_model_is_looked_at_in_three_calls_a_minute_and_an_idle_one_in_none_but_those_of_its_queue(
    idle: World,
) -> None:
    idle.run_detection()
    eventually(lambda: idle.status("v1") == "STOPPED")
    state = idle.serving()
    state.context.store.record  # noqa: B018 - it is read once in a wait
    calls = idle.calls(state.next_action)
    assert calls == {"dynamodb.GetItem": 1, "rekognition.DescribeProjectVersions": 1, "sqs.GetQueueAttributes": 1}
    idle.set_status(idle.state().endpoint_arn, "RUNNING")
    idle.set_state(stopped_because=None, endpoint_started_at=ago(HOUR * 0.5))
    limit = idle.run_detection().trigger.limit
    from label_loop.triggers.limit import WaitLimit

    assert idle.calls(lambda: WaitLimit.of(limit).check()) == {}  # type: ignore[union-attr]
