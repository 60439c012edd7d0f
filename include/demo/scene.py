"""What all steps of the demo share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from demo.aws import LoopAws
from demo.control import EndpointControl
from demo.desk import Desk
from demo.errors import DemoError
from demo.pictures import AnyPicture, Cast
from demo.progress import Narrator
from demo.reviewer import ScriptedReviewer
from demo.trouble import troubles
from demo.versions import VersionWatcher
from demo.waiting import Patience
from label_loop.loop import Loop
from local_stack.airflow_api import AirflowApi
from local_stack.loops import WORKFLOWS
from local_stack.stack import LocalStack

STATES = WORKFLOWS


@dataclass
class Scene:
    """The stack, the loop, the pictures, the watcher and the reviewer, and the results of the steps.

    ``opens_console``: after the first training, somebody opens the project in the AWS console. Rekognition then takes
    no manifests any more, and the second model is trained from datasets. ``mistaken`` are labels, each with the wrong
    one under which some of its images are filed later; with none, all labels stay right.
    """

    stack: LocalStack
    narrator: Narrator
    loop: Loop
    cast: Cast
    opens_console: bool = False
    mistaken: Mapping[str, str] = field(default_factory=dict)
    uploaded: dict[str, AnyPicture] = field(default_factory=dict)
    truth: dict[str, str] = field(default_factory=dict)
    calls_per_image: list[float] = field(default_factory=list)
    idle_calls: int = 0

    @cached_property
    def aws(self) -> LoopAws:
        """The loop's AWS resources."""
        return LoopAws(self.loop)

    @cached_property
    def airflow(self) -> AirflowApi:
        """The API of Airflow."""
        return AirflowApi(self.stack.settings.airflow_url)

    @cached_property
    def control(self) -> EndpointControl:
        """The endpoint's own interface."""
        return EndpointControl(self.stack.settings.aws_url)

    @cached_property
    def desk(self) -> Desk:
        """The endpoints through which reviews are answered."""
        return Desk(self.airflow, self.loop)

    @cached_property
    def reviewer(self) -> ScriptedReviewer:
        """The scripted reviewer."""
        return ScriptedReviewer(self.desk, self.truth)

    @cached_property
    def watcher(self) -> VersionWatcher:
        """The watcher of the model versions."""
        return VersionWatcher(lambda: self.aws.state().endpoint_arn, self.aws.versions)

    @cached_property
    def patience(self) -> Patience:
        """Waits for conditions, with the stack's troubles as the diagnosis."""
        dag_ids = [self.loop.dag_id(state) for state in STATES]
        return Patience(self._watch, lambda: troubles(self.airflow, dag_ids, self.stack.settings.home))

    def _watch(self) -> None:
        for process in (self.stack.endpoint, self.stack.airflow):
            if process.find() is None:
                raise DemoError(f"{process.name} has ended. Its log ends with:\n{process.last_lines()}")
        for problem in (self.reviewer.problem, self.watcher.problem):
            if problem is not None:
                raise DemoError(str(problem)) from problem

    def expect(self, holds: bool, text: str) -> None:
        """Raise DemoError with the text, and what Airflow reports, unless a condition holds."""
        if not holds:
            self.patience.fail(text)

    def close(self) -> None:
        """Stop the background threads of this process."""
        self.reviewer.stop()
        self.watcher.stop()
