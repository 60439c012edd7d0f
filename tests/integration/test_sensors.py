"""The sensors, in each of the ways that Airflow lets one wait, over the endpoint."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseSensorOperator
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from tests.integration.model import Model
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.operators.inbox import DetectUploadsOperator
from label_loop.payloads import MAX_RECEIVES
from label_loop.sensors.inbox import AnswersSensor, UploadsSensor
from label_loop.sensors.rekognition import RekognitionProjectVersionSensor
from label_loop.triggers.inbox import QueueTrigger


def version_sensor(world: World, **arguments: Any) -> RekognitionProjectVersionSensor:
    given = {"version_name": "v1", "waiter_name": "project_version_running", "aws_conn_id": None}
    if "project_arn" not in arguments:
        given["loop_path"] = world.loop.path
    return RekognitionProjectVersionSensor(task_id="wait", **{**given, **arguments})


def uploads_sensor(world: World, **arguments: Any) -> UploadsSensor:
    return UploadsSensor(task_id="wait", loop_path=world.loop.path, aws_conn_id=None, **arguments)


def answers_sensor(world: World, **arguments: Any) -> AnswersSensor:
    return AnswersSensor(task_id="wait", loop_path=world.loop.path, aws_conn_id=None, **arguments)


def run_context() -> dict[str, Any]:
    return {"ti": SimpleNamespace(get_first_reschedule_date=lambda context: None)}


@pytest.mark.parametrize("kind", [RekognitionProjectVersionSensor, UploadsSensor, AnswersSensor])
def test_airflow_knows_them_as_sensors(kind: Any) -> None:
    assert issubclass(kind, BaseSensorOperator)


@pytest.mark.parametrize("sensor", [uploads_sensor, answers_sensor])
def test_an_inbox_sensor_defers_and_receives_nothing(unsure: World, sensor: Any) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor(unsure).execute({})
    assert isinstance(deferred.value.trigger, QueueTrigger)
    unsure.upload("a.png")
    assert uploads_sensor(unsure).execute({}) is None
    unsure.detect()
    unsure.answer("7")
    assert answers_sensor(unsure).execute({}) is None
    for purpose in ("uploads", "answers"):
        assert {one.approximate_receive_count for one in unsure.waiting(purpose)} <= {0, 1}
    assert unsure.waiting("answers")


@pytest.mark.parametrize("looks", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_looks_make_no_dead_letter_however_many(world: World, looks: int) -> None:
    world.upload("a.png")
    context, sensor = world.context(), uploads_sensor(world)
    for _ in range(looks):
        assert sensor.next_wait(context) is None
    assert [one.approximate_receive_count for one in world.waiting()] == [0]
    assert world.dead_letters() == []
    assert world.run_detection()["detected"] == 1


def test_what_failed_lately_is_hidden_and_starts_no_run_after_another(world: World) -> None:
    world.upload("a.png")
    url = world.record()["uploads_queue_url"]
    assert world.client("sqs").receive_message(QueueUrl=url)["Messages"]
    with pytest.raises(TaskDeferred):
        uploads_sensor(world).execute({})
    for _ in range(MAX_RECEIVES):
        assert world.come_again() == 1
        assert uploads_sensor(world).execute({}) is None


@pytest.mark.parametrize(
    ("mode", "timeout", "ends"),
    [("poke", 0.05, AirflowSensorTimeout), ("reschedule", 3600, AirflowRescheduleException)],
)
def test_they_poke_and_reschedule_too(world: World, mode: str, timeout: float, ends: type[Exception]) -> None:
    how = {"deferrable": False, "mode": mode, "timeout": timeout, "poke_interval": 0.01}
    for sensor in (uploads_sensor(world, **how), answers_sensor(world, **how)):
        with pytest.raises(ends):
            sensor.execute(run_context())
    assert version_sensor(world, **how).execute(run_context()) == "v1"
    world.upload("a.png")
    uploads_sensor(world, **how).execute(run_context())


@pytest.mark.parametrize(("soft_fail", "ends"), [(False, AirflowSensorTimeout), (True, AirflowSkipException)])
def test_a_wait_that_is_resumed_after_its_timeout_is_over(world: World, soft_fail: bool, ends: type[Exception]) -> None:
    sensor = uploads_sensor(world, timeout=60, soft_fail=soft_fail)
    began = datetime.now(UTC)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    assert timedelta() < (deferred.value.timeout or timedelta()) <= timedelta(seconds=60)
    with pytest.raises(ends):
        sensor.execute_complete({}, {"status": "limit"}, (began - timedelta(seconds=61)).isoformat())
    with pytest.raises(TaskDeferred) as again:
        sensor.execute_complete({}, {"status": "limit"}, (began - timedelta(seconds=50)).isoformat())
    assert (again.value.timeout or timedelta()) < timedelta(seconds=11)


def test_a_version_is_waited_for_by_its_project_alone(world: World, model: Model) -> None:
    arn = world.record()["rekognition_project_arn"]
    world.add_version(model, "v2", "STARTING", stays=True)
    with DAG("somebodys_own", schedule=None):
        sensor = version_sensor(world, project_arn=arn, version_name="v2")
    assert "project_arn" in sensor.template_fields
    with pytest.raises(TaskDeferred):
        sensor.execute({})
    world.set_status(world.deployment().version("v2").arn, "RUNNING")
    assert sensor.execute({}) == "v2"


@pytest.mark.parametrize("by_loop", [True, False])
def test_a_version_that_failed_gives_its_reason(world: World, model: Model, by_loop: bool) -> None:
    world.set_status(world.add_version(model, "v2", "RUNNING"), "FAILED", stays=True)
    where = {} if by_loop else {"project_arn": world.record()["rekognition_project_arn"]}
    with pytest.raises(AirflowFailException, match=r"v2 is FAILED: Changed by a test"):
        version_sensor(world, version_name="v2", **where).execute({})
    with pytest.raises(AirflowSkipException):
        version_sensor(world, version_name="v2", soft_fail=True, **where).execute({})


def test_work_that_ends_between_the_sensor_and_its_task_is_no_error(world: World) -> None:
    world.upload("a.png")
    assert uploads_sensor(world).execute({}) is None
    assert world.detect().detected == 1
    assert world.run_detection()
    world.serving().stop_by_hand(asked_by="alice")
    eventually(lambda: world.status("v1") == "STOPPED")
    world.upload("b.png")
    with pytest.raises(AirflowSkipException, match="No model is serving"):
        DetectUploadsOperator(task_id="t", loop_path=world.loop.path, aws_conn_id=None).execute({})
    assert [one.approximate_receive_count for one in world.waiting()] == [0]
