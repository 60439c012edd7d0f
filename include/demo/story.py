"""The demo from beginning to end."""

from collections.abc import Sequence

from demo.errors import DemoError
from demo.scene import Scene
from demo.steps import detection, invitation, mistakes, parameters, sampling, setup, training
from demo.table import VersionResult, got_better, result, table, too_few_to_tell
from label_loop.payloads import TrainingAttempt


def run_demo(scene: Scene) -> None:
    """Run all steps. Raises DemoError at the first thing that is not as expected."""
    narrator, cast = scene.narrator, scene.cast
    attempts: list[TrainingAttempt] = []
    try:
        narrator.chapter("1  A loop is set up while Airflow starts")
        setup.set_up_loop(scene)
        setup.wait_for_airflow(scene)
        scene.watcher.start()

        narrator.chapter(f"2  A first model is trained with {len(cast.labelled)} labelled images")
        setup.upload_labelled(scene)
        training.train_and_deploy(scene, 1)
        if scene.opens_console:
            training.open_in_console(scene)
        attempts.append(scene.aws.last_attempt())

        narrator.chapter(f"3  The model labels {len(cast.uploads)} uploads")
        scene.reviewer.start()
        detection.detect(scene, cast.uploads)

        narrator.chapter("4  People label what it is unsure of, in the Airflow UI (here, a script does)")
        added = detection.review(scene)
        detection.count_calls(scene, len(cast.uploads))
        narrator.say(f"  {added} of {len(cast.uploads)} images were reviewed and added to the training set.")

        narrator.chapter("5  A second model takes over without a gap")
        minimum = int(scene.aws.parameter("Minimum-Untrained-Images"))
        training.train_and_deploy(scene, 2, forced=added < minimum)
        attempts.append(scene.aws.last_attempt())
        detection.detect(scene, cast.later)
        detection.review(scene)
        detection.count_calls(scene, len(cast.later))
        training.check_never_a_gap(scene)

        # A training takes its time, which the next chapters need anyway.
        made = mistakes.make(scene, 3) if scene.mistaken else None

        narrator.chapter("6  Parameters are changed, in Parameter Store and in Airflow")
        parameters.change_both_ways(scene)

        narrator.chapter("7  A human sample estimates how accurate the models are")
        sampling.take_sample(scene)

        if made:
            narrator.chapter("8  A third model, which has learned wrong labels, is held")
            mistakes.is_held(scene, 3, made)
            attempts.append(scene.aws.last_attempt())
            mistakes.put_right(scene, 2, made)
        training.check_never_a_gap(scene)
    finally:
        scene.close()
    _conclude(scene, attempts)
    narrator.chapter(f"{9 if scene.mistaken else 8}  Your turn")
    invitation.leave_images(scene)


def _conclude(scene: Scene, attempts: Sequence[TrainingAttempt]) -> None:
    rows, versions = scene.aws.rows(), scene.aws.versions()
    scene.expect(len(versions) == len(attempts), f"There are {len(versions)} versions, not {len(attempts)}.")
    calls_per_image = [*scene.calls_per_image, *(0.0 for _ in versions)]  # a held version detects nothing
    results: list[VersionResult] = [
        result(number, version, attempt, rows=rows, truth=scene.truth, calls_per_image=calls)
        for number, (version, attempt, calls) in enumerate(zip(versions, attempts, calls_per_image, strict=False), 1)
    ]
    scene.narrator.console.print("", table(results))
    scene.narrator.say(
        f"[dim]AWS calls: those of the loop from the first upload to the last applied answer, without "
        f"{scene.idle_calls} reads of the parameters (one every 15 s, images or not) and the console's calls.[/dim]"
    )
    first, second = results[:2]
    if got_better(first, second):
        scene.narrator.say(f"\nThe second model is better: F1 {first.f1:.3f} → {second.f1:.3f}.")
    elif too_few_to_tell(first, second):
        scene.narrator.say(
            f"\nF1 {first.f1:.3f} → {second.f1:.3f}: {first.test_images} test images are too few to tell "
            "the two models apart. With more pictures per label, more of them test."
        )
    else:
        raise DemoError(f"The second model is not better: F1 {second.f1:.3f} after {first.f1:.3f}.")
