"""The demo from beginning to end."""

from collections.abc import Sequence

from demo.errors import DemoError
from demo.scene import Scene
from demo.steps import detection, invitation, parameters, sampling, setup, training
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

        narrator.chapter("6  Parameters are changed, in Parameter Store and in Airflow")
        parameters.change_both_ways(scene)

        narrator.chapter("7  A human sample estimates how accurate the models are")
        sampling.take_sample(scene)
        training.check_never_a_gap(scene)
    finally:
        scene.close()
    _conclude(scene, attempts)
    narrator.chapter("8  Your turn")
    invitation.leave_images(scene)


def _conclude(scene: Scene, attempts: Sequence[TrainingAttempt]) -> None:
    rows, versions = scene.aws.rows(), scene.aws.versions()
    scene.expect(len(versions) == 2, f"There are {len(versions)} versions, not 2.")
    results: list[VersionResult] = [
        result(number, version, attempt, rows=rows, truth=scene.truth, calls_per_image=calls)
        for number, (version, attempt, calls) in enumerate(
            zip(versions, attempts, scene.calls_per_image, strict=True), start=1
        )
    ]
    scene.narrator.console.print("", table(results))
    scene.narrator.say(
        f"[dim]AWS calls: those of the loop from the first upload to the last applied answer, without "
        f"{scene.idle_calls} reads of the parameters (one every 15 s, images or not) and the console's calls.[/dim]"
    )
    first, second = results
    if got_better(first, second):
        scene.narrator.say(f"\nThe second model is better: F1 {first.f1:.3f} → {second.f1:.3f}.")
    elif too_few_to_tell(first, second):
        scene.narrator.say(
            f"\nF1 {first.f1:.3f} → {second.f1:.3f}: {first.test_images} test images are too few to tell "
            "the two models apart. With more pictures per label, more of them test."
        )
    else:
        raise DemoError(f"The second model is not better: F1 {second.f1:.3f} after {first.f1:.3f}.")
