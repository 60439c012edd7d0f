"""Amazon A2I: human loops that wait for people."""

# ruff: noqa: N803 - AWS's names
import json
from dataclasses import dataclass
from typing import Any

from tests.simulation.clock import CLOCK
from tests.simulation.fakes.errors import Refusal


@dataclass
class HumanLoop:
    """A review task; ``status`` is AWS's."""

    name: str
    input_content: dict[str, Any]
    created: float
    status: str = "InProgress"


class FakeA2i:
    """The human loops of one flow definition."""

    def __init__(self, flow_arn: str) -> None:
        self.flow_arn = flow_arn
        self.loops: dict[str, HumanLoop] = {}

    def start_human_loop(
        self, *, HumanLoopName: str, FlowDefinitionArn: str, HumanLoopInput: dict[str, str]
    ) -> dict[str, Any]:
        if FlowDefinitionArn != self.flow_arn:
            raise Refusal("ResourceNotFoundException", FlowDefinitionArn)
        if HumanLoopName in self.loops:
            raise Refusal("ConflictException", f"{HumanLoopName} exists")
        content = json.loads(HumanLoopInput["InputContent"])
        self.loops[HumanLoopName] = HumanLoop(HumanLoopName, content, CLOCK.time())
        return {"HumanLoopArn": f"arn:{HumanLoopName}", "ResponseMetadata": {"RequestId": f"r{len(self.loops)}"}}

    def output(self, loop: HumanLoop, label: str) -> bytes:
        """Return the file that A2I writes for an answer."""
        answer = {
            "answerContent": {"crowd-image-classifier": {"label": label}},
            "submissionTime": CLOCK.now().isoformat().replace("+00:00", "Z"),
            "workerId": "w1",
        }
        return json.dumps(
            {
                "flowDefinitionArn": self.flow_arn,
                "humanLoopName": loop.name,
                "inputContent": loop.input_content,
                "humanAnswers": [answer],
            }
        ).encode()
