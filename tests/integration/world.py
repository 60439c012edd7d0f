"""One loop at a running endpoint, its model, its workflows, and the people who answer."""

import json
import math
from typing import Any

from airflow.sdk.exceptions import TaskDeferred
from tests.integration.clients import REGION
from tests.integration.model import Model, registry
from tests.integration.site import Site

from label_loop.context import LoopContext
from label_loop.inbox.sources import answers_inbox, uploads_inbox
from label_loop.operators.inbox import ApplyAnswersOperator, DetectUploadsOperator
from label_loop.payloads import ANSWERS_FOLDER
from label_loop.sensors.inbox import AnswersSensor, UploadsSensor
from label_loop.serving import ServingModel
from label_loop.workflows.deployment import DeploymentWorkflow
from label_loop.workflows.detection import DetectionSummary, DetectionWorkflow
from label_loop.workflows.evaluation import EvaluationWorkflow
from label_loop.workflows.human_review import HumanReviewWorkflow, ReviewSummary
from label_loop.workflows.human_sampling import HumanSamplingWorkflow
from label_loop.workflows.quality import QualityWorkflow
from label_loop.workflows.training import TrainingWorkflow
from local_aws.rekognition import models
from local_aws.rekognition.models import Version
from local_aws.rekognition.throttle import TokenBucket

FAST_UNIT = 1000.0  # images a second: for tests that are not about pacing
_WITHOUT_RESULTS = {models.TRAINING_IN_PROGRESS, models.TRAINING_FAILED}


class World(Site):
    """A loop, and all that a test does with it."""

    # -------------------------------------------------------------------- model

    def deploy(self, model: Model, *, units: int = 1, unit: float = FAST_UNIT, name: str = "v1") -> str:
        """Have a version of this project run with the shared model and serve; return its ARN."""
        arn = self.add_version(model, name, models.RUNNING, rate=units * unit)
        self.set_state(endpoint_arn=arn)
        return arn

    def add_version(self, model: Model, name: str, status: str, rate: float = FAST_UNIT, *, stays: bool = False) -> str:
        """Make a version. A status that passes by itself, as STARTING does, is left in time, unless it ``stays``."""
        state = registry(self.aws)
        project_arn = self.record()["rekognition_project_arn"]
        with state.lock:
            project = state.project(project_arn, REGION)
            created_ms = state.next_ms()
            arn = f"{project_arn.rpartition('/')[0]}/version/{name}/{created_ms}"
            version = Version(
                arn=arn,
                project_arn=project_arn,
                name=name,
                created_ms=created_ms,
                training=model.training,
                testing=None,
                output_bucket=model.output_bucket,
                output_prefix=model.output_prefix,
                extras={},
                outcome=model.outcome,
                outcome_at=state.now(),
                training_ended_at=None if status in _WITHOUT_RESULTS else state.now(),
                min_units=1,
                bucket=TokenBucket(rate, state.now),
            )
            version.enter(status, math.inf if stays else state.now(), "Made for a test.")
            project.versions[arn] = version
        return arn

    def status(self, arn_or_name: str) -> str:
        project_arn = self.record()["rekognition_project_arn"]
        with registry(self.aws).lock:
            for version in registry(self.aws).project(project_arn, REGION).versions.values():
                if arn_or_name in (version.arn, version.name):
                    return str(version.status)
        raise AssertionError(f"no version {arn_or_name}")

    def set_status(self, arn: str, status: str, *, stays: bool = False) -> None:
        """Change a version's status; ``stays`` as for ``add_version``."""
        with registry(self.aws).lock:
            version = registry(self.aws).version(arn, REGION)
            version.enter(status, math.inf if stays else registry(self.aws).now(), "Changed by a test.")

    def version_names(self) -> list[str]:
        with registry(self.aws).lock:
            project = registry(self.aws).project(self.record()["rekognition_project_arn"], REGION)
            return [version.name for version in project.versions.values()]

    # ---------------------------------------------------------------- workflows

    def detection(self, context: LoopContext | None = None) -> DetectionWorkflow:
        context = context or self.context()
        return DetectionWorkflow(context, uploads_inbox(context))

    def detect(self) -> DetectionSummary:
        return self.detection().drain()

    def review(self) -> ReviewSummary:
        context = self.context()
        inbox = answers_inbox(context)
        return HumanReviewWorkflow(context, inbox, linger_seconds=0).drain()

    def sample(self) -> int:
        return HumanSamplingWorkflow(self.context()).sample(minimum_age_minutes=0)

    def training(self) -> TrainingWorkflow:
        return TrainingWorkflow(self.context())

    def evaluation(self) -> EvaluationWorkflow:
        return EvaluationWorkflow(self.context())

    def deployment(self) -> DeploymentWorkflow:
        return DeploymentWorkflow(self.context())

    def quality(self) -> QualityWorkflow:
        return QualityWorkflow(self.context())

    def serving(self) -> ServingModel:
        return ServingModel(self.context())

    # ----------------------------------------------------------------- DAG runs

    def run_detection(self) -> Any:
        """Do the tasks of a run of the DAG; return what was done, or the deferral that its sensor ended with."""
        return self._run(UploadsSensor, DetectUploadsOperator)

    def run_review(self) -> Any:
        """Do the tasks of a run of the DAG; return what was done, or the deferral that its sensor ended with."""
        return self._run(AnswersSensor, ApplyAnswersOperator)

    def _run(self, sensor: Any, operator: Any) -> Any:
        try:
            sensor(task_id="wait", loop_path=self.loop.path, aws_conn_id=None).execute({})
        except TaskDeferred as deferred:
            return deferred
        return operator(task_id="work", loop_path=self.loop.path, aws_conn_id=None).execute({})

    # ------------------------------------------------------------------- review

    def human_loops(self) -> list[dict[str, Any]]:
        flow = self.record()["flow_definition_arn"]
        return [loop for loop in self.aws.human_review.portal.loops(None) if loop["flow_definition_arn"] == flow]

    def human_loop(self) -> dict[str, Any]:
        (loop,) = self.human_loops()
        return loop

    def answer(self, label: str, name: str | None = None) -> None:
        self.aws.human_review.portal.answer(name or self.human_loop()["name"], {"label": label})

    def answer_with(self, content: dict[str, Any], name: str | None = None) -> None:
        self.aws.human_review.portal.answer(name or self.human_loop()["name"], {"answerContent": content})

    def put_answer(self, output: Any, name: str = "hand-made") -> str:
        """Write an answer file as A2I does, whatever is in it."""
        body = output if isinstance(output, bytes) else json.dumps(output).encode()
        key = f"{ANSWERS_FOLDER}flow/2026/11/23/09/00/00/{name}/output.json"
        self.put(key, body)
        return key
