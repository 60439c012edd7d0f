"""The operators that drain an inbox: look first, wait without a worker, and believe no failed wait."""

from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from label_loop.exceptions import UnfinishedWorkError
from label_loop.operators.inbox import HumanReviewApplyAnswersOperator, RekognitionDetectUploadsOperator
from label_loop.settings import Loop, SystemRecord
from label_loop.states.detection import DetectionState, DetectionSummary
from label_loop.states.human_review import HumanReviewState, ReviewSummary
from label_loop.triggers.inbox import FolderTrigger, NotificationQueueTrigger
from label_loop.triggers.rekognition import ServingModelTrigger

KINDS = {
    "detection": (RekognitionDetectUploadsOperator, DetectionState, DetectionSummary),
    "human_review": (HumanReviewApplyAnswersOperator, HumanReviewState, ReviewSummary),
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
    state = stand_in("label_loop.states.detection", DetectionState)
    loop.serves.return_value = False
    operator = RekognitionDetectUploadsOperator(task_id="t", loop_path="/logos")
    wait = deferred(lambda: operator.execute({}))
    assert isinstance(wait.trigger, ServingModelTrigger)
    assert wait.method_name == "execute_ready"
    state.drain.assert_not_called()
    loop.serves.return_value = True
    state.drain.return_value = DetectionSummary(detected=2)
    assert operator.execute_ready({}, {"status": "success"})["detected"] == 2
