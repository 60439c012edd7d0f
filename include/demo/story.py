"""The story from beginning to end."""

from demo.errors import NotAsToldError
from demo.scene import Scene
from demo.steps import detection, invitation, parameters, sampling, setup, training
from demo.table import VersionResult, got_better, result, table, too_few_to_tell


def tell(scene: Scene) -> None:
    """Tell it all. Raises NotAsToldError at the first thing that is not as told."""
    narrator, cast = scene.narrator, scene.cast
    trained: list[int] = []
    try:
        narrator.chapter("1  A loop is set up, while Airflow boots")
        setup.set_up_loop(scene)
        setup.wait_for_airflow(scene)
        scene.watcher.start()

        narrator.chapter(f"2  A first model, of {len(cast.labelled)} labelled images")
        setup.upload_labelled(scene)
        training.train_and_deploy(scene, 1)
        trained.append(scene.aws.state().previous_trained_images)

        narrator.chapter(f"3  It works: {len(cast.uploads)} images come in")
        scene.reviewer.start()
        detection.detect(scene, cast.uploads)

        narrator.chapter("4  People label what it is unsure of, in the Airflow UI (a script stands in for them)")
        won = detection.review(scene)
        detection.count_calls(scene, len(cast.uploads))
        narrator.say(f"  {won} of {len(cast.uploads)} images were worth a look, and joined the training set.")

        narrator.chapter("5  A second model takes over without a gap")
        minimum = int(scene.aws.parameter("Minimum-Untrained-Images"))
        training.train_and_deploy(scene, 2, forced=won < minimum)
        trained.append(scene.aws.state().previous_trained_images)
        detection.detect(scene, cast.later)
        detection.review(scene)
        detection.count_calls(scene, len(cast.later))
        training.check_never_a_gap(scene)

        narrator.chapter("6  Parameters are changed, in Parameter Store and in Airflow")
        parameters.change_both_ways(scene)

        narrator.chapter("7  A human sample looks at the models honestly")
        sampling.take_sample(scene)
        training.check_never_a_gap(scene)
    finally:
        scene.close()
    _conclude(scene, trained)
    narrator.chapter("8  Your turn")
    invitation.leave_images(scene)


def _conclude(scene: Scene, trained: list[int]) -> None:
    rows, versions = scene.aws.rows(), scene.aws.versions()
    scene.expect(len(versions) == 2, f"There are {len(versions)} versions, not 2.")
    results: list[VersionResult] = [
        result(number, version, images_trained=images, rows=rows, truth=scene.truth, calls_an_image=calls)
        for number, (version, images, calls) in enumerate(
            zip(versions, trained, scene.calls_an_image, strict=True), start=1
        )
    ]
    scene.narrator.console.print("", table(results, len(scene.cast.testing)))
    scene.narrator.say(
        f"[dim]AWS calls: all that the loop made from the first upload to the last applied answer, but for "
        f"{scene.idle_calls} idle looks at the parameters (one in 15 s, images or not) and the review page's.[/dim]"
    )
    first, second = results
    if got_better(first, second):
        scene.narrator.say(f"\nThe second model is better: F1 {first.f1:.3f} → {second.f1:.3f}.")
    elif too_few_to_tell(first, second, len(scene.cast.testing)):
        scene.narrator.say(
            f"\nF1 {first.f1:.3f} → {second.f1:.3f}: {len(scene.cast.testing)} held-out images are too few to tell "
            "the two models apart. With more pictures a label, more are held out."
        )
    else:
        raise NotAsToldError(f"The second model is not better: F1 {second.f1:.3f} after {first.f1:.3f}.")
