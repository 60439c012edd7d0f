"""Human sampling: one detection of each block is reviewed, for an estimate of how good the models are."""

from collections.abc import Sequence

from demo.scene import Scene
from demo.waiting import Seen
from label_loop.domain.insight import DailyCounts
from label_loop.domain.live_accuracy import by_version
from label_loop.domain.log_row import LogRow
from label_loop.domain.statistics import of_row, summed

SAMPLING_SECONDS = 420


def take_sample(scene: Scene) -> None:
    """Trigger sampling, let the reviewer answer, and report how often the model was right."""
    due = len(scene.uploaded) // scene.cast.sampling_interval
    trained_with = scene.aws.labelled_images()
    # Without waiting until the last detection is ten minutes old: all are in the log.
    run = scene.airflow.trigger(scene.loop.dag_id("human_sampling"), minimum_age_minutes=0)
    with scene.narrator.step("Samples with their answers", due) as step:
        scene.patience.until(
            f"{due} samples with their answers (run {run.run_id})",
            lambda: _look(scene, due),
            step=step,
            timeout_seconds=SAMPLING_SECONDS,
        )
    sampled = _sampled(scene)
    agreed = sum(row.agrees_with(row.human_label or "") for row in sampled)
    scene.expect(len(sampled) == due, f"{due} samples were due, {len(sampled)} were taken.")
    added = scene.aws.labelled_images() - trained_with
    scene.expect(added == 0, f"{added} sampled images were added to the training set, which must not happen.")
    scene.narrator.say(
        f"  One in {scene.cast.sampling_interval} of {len(scene.uploaded)} detections was sampled, {due} in all: the "
        f"person and the models agree on {agreed} of them."
    )
    scene.narrator.say(f"  {live_accuracy_of(scene.aws.rows())}")


def live_accuracy_of(rows: Sequence[LogRow]) -> str:
    """Return how good the latest version is by its answers, in one sentence."""
    counts = summed(map(of_row, rows))
    latest = by_version(DailyCounts(*item.day_and_version_name, counters) for item, counters in counts.items())[0]
    return f"With 95 % confidence, of what {latest.version} accepted, {latest.accepted}."


def _look(scene: Scene, due: int) -> Seen:
    sampled = _sampled(scene)
    answered = sum(row.is_answered for row in sampled)
    return Seen(answered >= due, f"answered, {len(sampled)} sampled", answered)


def _sampled(scene: Scene) -> list[LogRow]:
    return [row for row in scene.aws.rows() if row.is_sampled]
