"""The demo's story on the cluster: its steps, with FAB's login, while a worker is lost in the middle of its work."""

import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

import pytest
from tests.cluster import compose
from tests.cluster.cluster import NO_SETTINGS, Cluster, Container
from tests.testing.first_model import FirstModel
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from demo.errors import DemoError
from demo.pictures import Shares, cast
from demo.progress import Narrator
from demo.scene import Scene
from demo.steps import detection, setup
from label_loop.domain.log_row import LogRow
from label_loop.loop import Loop
from local_stack.airflow_api import AirflowApi, DagRun
from local_stack.environment import StackSettings
from local_stack.loopback import ask
from local_stack.stack import LocalStack
from sample_images.digits import digits

DETECTION, TASK = "detection", "detect_uploads"
ADMIN = "ada"
SECRETS = ("FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "ADMIN_PASSWORD")
# The file's own settings, but for waits that a person may sit out.
HASTE = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "LOCAL_AWS_TRAINING_SECONDS": "1",
    "LOCAL_AWS_START_SECONDS": "1",
    "LOCAL_AWS_STOP_SECONDS": "1",
}
HIDDEN_SECONDS = "45"  # how long the queue keeps what a lost worker has taken
# A check believes in a heartbeat for half a minute. Whoever is dead has none later than its death.
IMPATIENT = {
    "AIRFLOW__DAG_PROCESSOR__HEALTH_CHECK_THRESHOLD": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "1",
}
SLOW = [{"service": "rekognition", "operation": "DetectCustomLabels", "kind": "latency", "seconds": 20}]


def variables() -> dict[str, str]:
    """Return an .env as its example says that it is made."""
    made = {name: secrets.token_hex(16) for name in SECRETS}
    fernet = secrets.token_urlsafe(32) + "="
    return compose.example() | made | {"FERNET_KEY": fernet, "ADMIN_NAME": ADMIN, "PARAMETER_PATHS": "/clustered"}


def services(settings: Mapping[str, str]) -> dict[str, compose.Service]:
    return {
        name: replace(service, environment=service.environment | HASTE)
        for name, service in compose.services(settings).items()
    }


class ClusterAirflow(AirflowApi):
    """Airflow, asked for what is behind its tasks."""

    def working(self, dag_id: str, task_id: str) -> tuple[DagRun, int] | None:
        """Return the run whose task is at work now, and its process; None where it is not."""
        for run in self.latest_runs(dag_id, most=2):
            found = self.ask("GET", f"{_path(run)}/taskInstances/{task_id}")
            if found["state"] == "running" and found["pid"]:
                return run, found["pid"]
        return None

    def tries(self, run: DagRun, task_id: str) -> list[str]:
        found = self.ask("GET", f"{_path(run)}/taskInstances/{task_id}/tries")["task_instances"]
        return [each["state"] for each in sorted(found, key=lambda each: each["try_number"])]


def _path(run: DagRun) -> str:
    return f"dags/{quote(run.dag_id, safe='')}/dagRuns/{quote(run.run_id, safe='')}"


class ClusterScene(Scene):
    """The story's scene, on a cluster instead of the local stack."""

    cluster: Cluster
    password: str
    lost: Container | None = None

    @cached_property
    def airflow(self) -> ClusterAirflow:
        return ClusterAirflow(self.stack.settings.airflow_url, {"username": ADMIN, "password": self.password})

    def _watch(self) -> None:
        for container in self.cluster.serving():
            if container is not self.lost and not container.runs:
                raise DemoError(f"{container.name} has ended. Its log ends with:\n{container.last_lines()}")
        for problem in (self.reviewer.problem, self.watcher.problem):
            if problem is not None:
                raise DemoError(str(problem)) from problem


@dataclass(frozen=True)
class Course:
    """What happened: all that the tests ask about."""

    healthy: Mapping[str, bool]
    lost_worker: str
    lost_is_healthy: bool
    tries_of_the_lost_task: list[str]
    rows: list[LogRow]
    uploads: list[str]
    import_errors: list[str]
    training_images: int
    trained_at_first: int
    healthy_when_dead: Mapping[str, bool]


@contextmanager
def scene_of(cluster: Cluster, settings: Mapping[str, str]) -> Iterator[ClusterScene]:
    """Let this process play on the cluster."""
    stack = StackSettings(
        cluster.home, cluster.ports["api-server"], cluster.ports["local-aws"], settings["PARAMETER_PATHS"]
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.aws_environment().items():
            patch.setenv(name, value)
        # Few are trained with, so that people are asked about many.
        shares = Shares(labelled=2, testing=5, uploads=60, later=0)
        scene = ClusterScene(LocalStack(stack), Narrator(), Loop(settings["PARAMETER_PATHS"]), cast(digits(), shares))
        scene.cluster, scene.password = cluster, settings["ADMIN_PASSWORD"]
        try:
            yield scene
        finally:
            scene.close()


def prepare(scene: ClusterScene) -> None:
    """Set the loop up with a model that serves: how Celery's workers train is shown where MWAA is."""
    setup.set_up_loop(scene)
    model = FirstModel(RunningStack(scene.stack.settings), scene.loop)
    model.train(scene.cast.labelled)
    model.serve()


def tell(scene: ClusterScene) -> Course:
    """Detect and review, lose a worker meanwhile, and see each service fail its health check in the end."""
    cluster = scene.cluster
    setup.wait_for_airflow(scene)
    healthy = _health(cluster.serving(), awaited=True)
    _hide_messages_shortly(scene)
    scene.reviewer.start()
    _fault("POST", scene, SLOW)
    with ThreadPoolExecutor(1) as pool:
        losing = pool.submit(_lose_the_worker_at_work, scene)
        detection.detect(scene, scene.cast.uploads)
    run = losing.result()
    detection.review(scene)
    assert scene.lost
    ended = eventually(lambda: (now := scene.airflow.run(run)).ended and now, f"the end of {run.run_id}")
    scene.expect(ended.state == "success", f"The run {run.run_id} of the lost worker is {ended.state}.")
    scene.close()
    return Course(
        healthy=healthy,
        lost_worker=scene.lost.name,
        lost_is_healthy=scene.lost.is_healthy(),
        tries_of_the_lost_task=scene.airflow.tries(run, TASK),
        rows=scene.aws.rows(),
        uploads=sorted(scene.uploaded),
        import_errors=scene.airflow.import_errors(),
        training_images=scene.aws.labelled_images(),
        trained_at_first=len(scene.cast.labelled),
        healthy_when_dead=_health_of_the_dead(cluster),
    )


def _lose_the_worker_at_work(scene: ClusterScene) -> DagRun:
    """Wait until a worker detects images, end it without a word, and let Rekognition be quick again."""
    scene.control.reset_calls()

    def at_work() -> tuple[Container, DagRun] | None:
        if not scene.control.calls().get("rekognition.DetectCustomLabels"):
            return None
        found = scene.airflow.working(scene.loop.dag_id(DETECTION), TASK)
        workers = {each.pid: worker for worker in scene.cluster.of("worker") for each in worker.family()}
        return (workers[found[1]], found[0]) if found and found[1] in workers else None

    scene.lost, run = eventually(at_work, "a worker that detects images")
    scene.lost.kill()
    _fault("DELETE", scene)
    return run


def _fault(method: str, scene: Scene, faults: Any = None) -> None:
    ask(method, f"{scene.stack.settings.aws_url}/_local/faults", faults)


def _hide_messages_shortly(scene: Scene) -> None:
    url = scene.aws.record.uploads_queue_url
    sqs = scene.aws._session.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": HIDDEN_SECONDS})


def _health(
    containers: list[Container], *, awaited: bool, settings: Mapping[str, str] = NO_SETTINGS
) -> dict[str, bool]:
    """Return what each one's own health check says, once it says what is awaited."""

    def settled(container: Container) -> bool:
        eventually(lambda: container.is_healthy(settings) == awaited, f"{container.name}: healthy is {awaited}")
        return awaited

    with ThreadPoolExecutor(2) as pool:
        return dict(zip((each.name for each in containers), pool.map(settled, containers), strict=True))


def _health_of_the_dead(cluster: Cluster) -> dict[str, bool]:
    for container in cluster.serving():
        container.kill()
    return _health(cluster.serving(), awaited=False, settings=IMPATIENT)
