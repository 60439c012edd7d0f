"""The simulation itself: it is the same each time, and what it does not know is a loud error."""

import pytest
from tests.simulation.clients import SWITCHBOARD
from tests.simulation.gate import Disturbance, Kind, LoudError, Process
from tests.simulation.history import History
from tests.simulation.steps import Run, RunTwo, Step, Upload

_STEPS: list[Step] = [
    Upload("cat", 50.0, count=12),
    RunTwo(("detect", "detect"), (1,), (Disturbance(5, Kind.CRASH_AFTER, is_write=True),)),
    Run("sample", (Disturbance(3, Kind.ANSWER_LOST),)),
]


def test_the_same_steps_make_the_same_calls() -> None:
    traces = []
    for _ in range(2):
        history = History(at_a_receive=2)
        history.do(*_STEPS)
        history.settle()
        traces.append(history.world.gate.trace)
    assert traces[0] == traces[1]
    assert any("crash" in call for call in traces[0])


def test_a_killed_process_makes_no_further_call() -> None:
    history = History()
    history.do(Upload("cat", 50.0))
    history.world.gate.trace.clear()
    history.do(Run("detect", (Disturbance(2, Kind.CRASH_BEFORE),)))
    assert history.world.gate.trace[-1].endswith("(crash before)")


@pytest.mark.parametrize(
    "call",
    [
        lambda: SWITCHBOARD.clients["s3"].delete_object(Bucket="sim-bucket", Key="a"),
        lambda: SWITCHBOARD.clients["sqs"].receive_message(QueueUrl="https://sqs/uploads", AttributeNames=["All"]),
        lambda: SWITCHBOARD.clients["dynamodb"].put_item(
            TableName="sim-log", Item={"DetectLabelRequestId": "a"}, ConditionExpression="size(a) > 1"
        ),
    ],
)
def test_what_a_fake_does_not_know_is_a_loud_error(call: object) -> None:
    history = History()
    assert callable(call)
    with pytest.raises(LoudError):
        history.world.run(Process("test", call))
