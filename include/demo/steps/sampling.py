"""Human sampling: every n-th detection is reviewed, for an unbiased estimate of the model's accuracy."""

from demo.scene import Scene
from demo.waiting import Seen
from label_loop.domain.log_row import LogRow

SAMPLING_SECONDS = 420


def take_sample(scene: Scene) -> None:
    """Trigger sampling, let the reviewer answer, and report how often the model was right."""
    due = len(scene.uploaded) // scene.cast.sampling_interval
    trained_with = scene.aws.labelled_images()
    run = scene.airflow.trigger(scene.loop.dag_id("human_sampling"))
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


def _look(scene: Scene, due: int) -> Seen:
    sampled = _sampled(scene)
    answered = sum(row.is_answered for row in sampled)
    return Seen(answered >= due, f"answered, {len(sampled)} sampled", answered)


def _sampled(scene: Scene) -> list[LogRow]:
    return [row for row in scene.aws.rows() if row.is_sampled]
