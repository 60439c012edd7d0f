"""Triggers the training of a model version, and follows it until the version is deployed."""

from demo.scene import Scene
from demo.versions import RUNNING, number_of
from demo.waiting import Seen
from local_stack.airflow_api import DagRun

TRAINING_SECONDS = 420
_TASKS = 10


def train_and_deploy(scene: Scene, number: int, *, forced: bool = False) -> None:
    """Trigger training through the REST API, and wait until version ``number`` serves and no other version runs."""
    already_shown = len(scene.watcher.history.changes)
    run = scene.airflow.trigger(scene.loop.dag_id("training"), force=forced)
    with scene.narrator.step(f"Version {number}", _TASKS) as step:
        scene.patience.until(
            f"training run {run.run_id} to end",
            lambda: _look(scene, run),
            step=step,
            timeout_seconds=TRAINING_SECONDS,
        )
        scene.patience.until(
            f"version {number} to serve, alone",
            lambda: Seen(_serves_alone(scene, number), scene.watcher.text()),
            step=step,
            timeout_seconds=120,
        )
    scene.narrator.say(f"  Observed: {' · '.join(scene.watcher.history.changes[already_shown:])}")
    f1, images = scene.aws.versions()[-1]["EvaluationResult"]["F1Score"], scene.aws.state().previous_trained_images
    scene.narrator.say(f"  Version {number}: F1 {f1:.3f} on the held-out images, trained with {images} images.")


def _look(scene: Scene, run: DagRun) -> Seen:
    now = scene.airflow.run(run)
    tasks = scene.airflow.tasks(run)
    finished = sum(task.state in {"success", "skipped", "failed", "upstream_failed"} for task in tasks)
    active = ", ".join(task.task_id for task in tasks if task.state in {"running", "deferred", "up_for_retry"})
    if now.ended:
        scene.expect(now.state == "success", f"The training run {run.run_id} is {now.state}.")
        skipped = [task.task_id for task in tasks if task.state == "skipped"]
        scene.expect(not skipped, f"The training run skipped {', '.join(skipped)}: {_last_outcome(scene)}")
    versions = scene.watcher.text()
    return Seen(now.ended, f"{versions} · {active}" if active else versions, finished)


def _last_outcome(scene: Scene) -> str:
    attempt = scene.aws.state().last_training_attempt
    return f"the outcome of the last training is {(attempt and attempt.outcome) or 'unknown'}."


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
