"""The operators that drain an inbox: look first, wait without a worker, and believe no failed wait."""

from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from label_loop.exceptions import RunningLimitError, UnfinishedWorkError
from label_loop.loop import Loop
from label_loop.operators.inbox import HumanReviewApplyAnswersOperator, RekognitionDetectUploadsOperator
from label_loop.system_record import SystemRecord
from label_loop.triggers.inbox import FolderTrigger, NotificationQueueTrigger
from label_loop.triggers.rekognition import ServingModelTrigger
from label_loop.workflows.detection import DetectionSummary, DetectionWorkflow
from label_loop.workflows.human_review import HumanReviewWorkflow, ReviewSummary

KINDS = {
    "detection": (RekognitionDetectUploadsOperator, DetectionWorkflow, DetectionSummary),
    "human_review": (HumanReviewApplyAnswersOperator, HumanReviewWorkflow, ReviewSummary),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, loop: Any, stand_in: Any) -> Any:
    operator_type, state_type, summary_type = KINDS[request.param]
    return operator_type(task_id="t", loop_path="/logos"), stand_in(state_type.__module__, state_type), summary_type


def worked(summary_type: Any) -> Any:
    return summary_type(**{"detected" if summary_type is DetectionSummary else "answered": 3})


def deferred(run: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        run()
    return caught.value


def test_work_that_is_there_is_done_without_waiting(kind: Any) -> None:
    operator, state, summary = kind
    state.drain.return_value = worked(summary)
    assert 3 in operator.execute({}).values()


def test_an_empty_queue_is_waited_for_with_a_long_poll_that_deletes_nothing(kind: Any) -> None:
    operator, state, summary = kind
    state.drain.return_value = summary()
    wait = deferred(lambda: operator.execute({}))
    assert isinstance(wait.trigger, NotificationQueueTrigger)
    assert wait.method_name == "execute_complete"
    assert wait.trigger.delete_message_on_reception is False
    assert wait.trigger.sqs_queue == operator.queue_url(
        SystemRecord(
            Loop("/logos"), {"uploads_queue_url": "https://queue/uploads", "answers_queue_url": "https://queue/answers"}
        )
    )


@pytest.mark.parametrize("field", ["repeated", "ignored"])
def test_events_that_were_no_work_do_not_end_the_wait(kind: Any, field: str) -> None:
    operator, state, summary = kind
    state.drain.return_value = summary(**{field: 5})
    assert isinstance(deferred(lambda: operator.execute({})).trigger, NotificationQueueTrigger)


def test_a_loop_without_a_queue_is_waited_for_by_listing(kind: Any, loop: Any) -> None:
    operator, state, summary = kind
    loop.record = SystemRecord(Loop("/logos"), {"s3_bucket": "b", operator.seen_key: "2026-11-23T09:00:00+00:00"})
    state.drain.return_value = summary()
    trigger = deferred(lambda: operator.execute({})).trigger
    assert isinstance(trigger, FolderTrigger)
    assert (trigger.bucket, trigger.folder, trigger.seen) == ("b", operator.folder, "2026-11-23T09:00:00+00:00")


def test_a_resumed_task_hands_the_messages_of_the_wait_to_the_state_and_waits_no_second_time(kind: Any) -> None:
    operator, state, summary = kind
    state.drain.return_value = summary()
    message = {"MessageId": "1", "ReceiptHandle": "r", "Body": '{"Event": "s3:TestEvent"}'}
    operator.execute_complete({}, {"status": "success", "message_batch": [message]})
    (first,) = state.drain.call_args.args
    assert [delivery.receipt for delivery in first] == ["r"]


@pytest.mark.parametrize("event", [{"status": "error"}, {"status": "timeout"}, {}])
def test_a_wait_that_did_not_succeed_is_an_error(kind: Any, event: dict[str, Any]) -> None:
    operator, state, _ = kind
    with pytest.raises(RuntimeError, match="/logos"):
        operator.execute_complete({}, event)
    state.drain.assert_not_called()


def test_unfinished_work_fails_the_task(kind: Any) -> None:
    operator, state, _ = kind
    state.drain.side_effect = UnfinishedWorkError(1, ["why"])
    with pytest.raises(UnfinishedWorkError, match="why"):
        operator.execute({})


def test_detection_takes_no_message_before_a_model_serves(loop: Any, stand_in: Any) -> None:
    state = stand_in("label_loop.workflows.detection", DetectionWorkflow)
    loop.upkeep.step.return_value = "wait"
    operator = RekognitionDetectUploadsOperator(task_id="t", loop_path="/logos")
    wait = deferred(lambda: operator.execute({}))
    assert isinstance(wait.trigger, ServingModelTrigger)
    assert wait.method_name == "execute_ready"
    state.drain.assert_not_called()
    loop.upkeep.step.return_value = "detect"
    state.drain.return_value = DetectionSummary(detected=2)
    assert operator.execute_ready({}, {"status": "success"})["detected"] == 2


@pytest.fixture
def detection(loop: Any, stand_in: Any) -> RekognitionDetectUploadsOperator:
    """Give detection without uploads, with a model that may be stopped after an hour."""
    stand_in("label_loop.workflows.detection", DetectionWorkflow).drain.return_value = DetectionSummary()
    loop.settings.idle_model_stop_minutes = 60
    loop.upkeep.idle_since.return_value = "2026-11-25T09:00:00.000000+00:00"
    loop.upkeep.stop_if_idle.return_value = False
    return RekognitionDetectUploadsOperator(task_id="t", loop_path="/logos")


def test_a_wait_for_uploads_ends_when_the_model_is_idle(detection: Any, loop: Any) -> None:
    trigger = deferred(lambda: detection.execute({})).trigger
    assert isinstance(trigger, NotificationQueueTrigger)
    assert trigger.limit is not None
    assert trigger.limit["idle_since"] == "2026-11-25T09:00:00.000000+00:00"
    assert trigger.limit["loop_path"] == "/logos"


def test_where_nothing_stops_an_idle_model_the_log_is_not_asked(detection: Any, loop: Any) -> None:
    loop.settings.idle_model_stop_minutes = 0
    trigger = deferred(lambda: detection.execute({})).trigger
    assert trigger.limit["idle_since"] is None
    loop.upkeep.idle_since.assert_not_called()


def test_an_idle_model_is_stopped_by_the_next_run_which_then_waits_for_it(detection: Any, loop: Any) -> None:
    loop.upkeep.stop_if_idle.return_value = True
    assert detection.execute_complete({}, {"status": "success", "message_batch": []})["detected"] == 0
    loop.upkeep.stop_if_idle.assert_not_called()
    wait = deferred(lambda: detection.execute({}))
    assert isinstance(wait.trigger, ServingModelTrigger)
    assert (wait.trigger.poll_interval_seconds, wait.method_name) == (60, "execute_ready")


def test_a_model_that_uploads_wait_for_is_started_and_waited_for(detection: Any, loop: Any) -> None:
    loop.upkeep.step.return_value = "start"
    wait = deferred(lambda: detection.execute_ready({}, {"status": "success"}))
    loop.upkeep.start_again.assert_called_once_with()
    assert (wait.trigger.poll_interval_seconds, wait.trigger.first_look_seconds) == (20, 0)


def test_a_model_that_has_no_room_is_tried_again_later_and_told(detection: Any, loop: Any) -> None:
    loop.upkeep.step.return_value = "start"
    loop.upkeep.start_again.side_effect = RunningLimitError("v1 was not started.")
    wait = deferred(lambda: detection.execute_ready({}, {"status": "success"}))
    assert wait.trigger.first_look_seconds == 600
    loop.upkeep.tell.assert_called_once_with("model_status", "v1 was not started. Uploads wait.")


def test_a_model_that_failed_to_start_is_given_up(detection: Any, loop: Any) -> None:
    loop.upkeep.step.return_value = "give up"
    assert isinstance(deferred(lambda: detection.execute({})).trigger, ServingModelTrigger)
    loop.upkeep.give_up.assert_called_once_with()
    loop.upkeep.start_again.assert_not_called()


def test_answers_are_waited_for_until_their_folder_is_listed_again(loop: Any, stand_in: Any) -> None:
    stand_in("label_loop.workflows.human_review", HumanReviewWorkflow).drain.return_value = ReviewSummary()
    trigger = deferred(lambda: HumanReviewApplyAnswersOperator(task_id="t", loop_path="/logos").execute({})).trigger
    assert trigger.limit == {"loop_path": "/logos", "listing_at": None}
