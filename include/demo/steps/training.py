"""Triggers the training of a model version, and follows it until the version is deployed."""

from demo.progress import Step
from demo.scene import Scene
from demo.versions import RUNNING, number_of
from demo.waiting import Seen
from label_loop.domain.statistics import version_name
from label_loop.domain.training import ASKED, HELD
from local_stack.airflow_api import DagRun

TRAINING_SECONDS = 420
_TASKS = 13
_ASIDE = {"request_approval", "audit_labels", "start_bake"}  # what a training that deploys may skip


def train_and_deploy(scene: Scene, number: int, *, forced: bool = False) -> None:
    """Trigger training through the REST API, and follow it until version ``number`` serves and no other version runs.

    A version that is held, because it is below the F1 gate or worse than the serving one, is not deployed by itself,
    nor is one that a person is asked about. A person deploys it then, as the way on: it is good enough to find the
    images that are worth a label, and the next one learns from these.
    """
    already_shown = len(scene.watcher.history.changes)
    with scene.narrator.step(f"Version {number}", _TASKS) as step:
        skipped = _follow(scene, step, scene.airflow.trigger(scene.loop.dag_id("training"), force=forced))
    version = scene.aws.versions()[-1]
    attempt = scene.aws.state().last_training_attempt
    verdict = attempt.verdict if attempt else ""
    f1, images = version["EvaluationResult"]["F1Score"], scene.aws.last_attempt().images
    trained = f"  Version {number}: F1 {f1:.3f} on the test images, trained with {images} images."
    if skipped:
        is_held = attempt is not None and attempt.outcome in {HELD, ASKED}
        why = f"the outcome of the last training is {attempt and attempt.outcome}."
        scene.expect(is_held, f"The training run skipped {', '.join(skipped)}: {why}")
        scene.narrator.say(
            f"{trained}\n  It is {attempt and attempt.outcome}: {verdict}. A person deploys it by hand: it finds the "
            "images that are worth a label, and the next version learns from them."
        )
        with scene.narrator.step(f"Version {number}, by hand", _TASKS) as step:
            name = version_name(version["ProjectVersionArn"])
            _follow(scene, step, scene.airflow.trigger(scene.loop.dag_id("training"), version=name))
    with scene.narrator.step(f"Version {number} serves") as step:
        scene.patience.until(
            f"version {number} to serve, alone",
            lambda: Seen(_serves_alone(scene, number), scene.watcher.text()),
            step=step,
            timeout_seconds=120,
        )
    scene.narrator.say(f"  Observed: {' · '.join(scene.watcher.history.changes[already_shown:])}")
    if not skipped:
        scene.narrator.say(f"{trained}\n  It was accepted: {verdict}.")


def open_in_console(scene: Scene) -> None:
    """Do what opening the project in the AWS console does after a training."""
    project = scene.aws.record.project_arn.split("/")[-2]
    made = scene.control.open_project(project)
    scene.expect(bool(made), f"Opening the project {project} in the AWS console made no datasets.")
    scene.narrator.say(
        f"  Somebody opens the project {project} in the AWS console. That makes {len(made)} dataset(s), so Rekognition "
        "takes no manifests any more: the next model is trained from datasets."
    )


def _follow(scene: Scene, step: Step, run: DagRun) -> list[str]:
    """Wait until a training run has ended well; return the tasks that it skipped of those that deploy."""
    scene.patience.until(
        f"training run {run.run_id} to end",
        lambda: look_at_training(scene, run),
        step=step,
        timeout_seconds=TRAINING_SECONDS,
    )
    skipped = (task.task_id for task in scene.airflow.tasks(run) if task.state == "skipped")
    return [task_id for task_id in skipped if task_id not in _ASIDE]


def look_at_training(scene: Scene, run: DagRun) -> Seen:
    """Look whether a training run has ended, and how. Raises DemoError if it has failed."""
    now = scene.airflow.run(run)
    tasks = scene.airflow.tasks(run)
    finished = sum(task.state in {"success", "skipped", "failed", "upstream_failed"} for task in tasks)
    active = ", ".join(task.task_id for task in tasks if task.state in {"running", "deferred", "up_for_retry"})
    if now.ended:
        scene.expect(now.state == "success", f"The training run {run.run_id} is {now.state}.")
    versions = scene.watcher.text()
    return Seen(now.ended, f"{versions} · {active}" if active else versions, finished)


def _serves_alone(scene: Scene, number: int) -> bool:
    moment = scene.watcher.history.latest
    running = [arn for arn, status in moment.statuses.items() if status != "STOPPED"]
    return (
        number_of(moment.endpoint_after, moment.statuses) == number
        and running == [moment.endpoint_after]
        and moment.statuses.get(running[0]) == RUNNING
    )


def check_never_a_gap(scene: Scene) -> None:
    """Report that a model served at every check since the first deployment, or fail."""
    history = scene.watcher.history
    scene.expect(not history.gaps, f"No model served at {len(history.gaps)} checks, first: {history.gaps[:1]}.")
    scene.expect(history.served_looks > 20, f"The models were checked only {history.served_looks} times.")
    scene.narrator.say(
        f"  Blue-green: a model was serving at each of the {history.served_looks} checks since the first deployment."
    )
