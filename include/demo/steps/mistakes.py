"""A challenger that has learned wrong labels: it is held, and the labels are put right."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from demo.pictures import AnyPicture
from demo.scene import Scene
from demo.steps.setup import upload
from demo.steps.training import TRAINING_SECONDS, look_at_training
from demo.versions import number_of
from demo.waiting import Seen
from label_loop.domain.training import HELD
from label_loop.payloads import LABELLED_FOLDER
from local_stack.airflow_api import DagRun

PER_LABEL = 16


@dataclass(frozen=True)
class Mistakes:
    """Images under wrong labels, each key with that under the right label, and the training that learns them."""

    right_keys: Mapping[str, str]
    training: DagRun


def make(scene: Scene, number: int) -> Mistakes:
    """File images that the model was sure of under wrong labels, and trigger the training of version ``number``."""
    pairs = ", ".join(f"{label} as {wrong}" for label, wrong in scene.mistaken.items())
    wrong_keys = wrongly_labelled(scene)
    upload(scene, "Images under wrong labels", wrong_keys)
    right_keys = {key: _key(picture, picture.label) for key, picture in wrong_keys.items()}
    # Forced: the minimum of new images is changed meanwhile.
    run = scene.airflow.trigger(scene.loop.dag_id("training"), force=True)
    scene.narrator.say(
        f"  Somebody labelled {len(wrong_keys)} images wrong ({pairs}). Version {number} is trained with them while "
        "the demo goes on."
    )
    return Mistakes(right_keys, run)


def wrongly_labelled(scene: Scene) -> dict[str, AnyPicture]:
    """Return pictures that nobody was asked about, by their keys in folders of wrong labels."""
    found: dict[str, AnyPicture] = {}
    accepted = (scene.uploaded[row.key] for row in sorted(scene.aws.rows(), key=lambda row: row.key) if row.accepted)
    taken = dict.fromkeys(scene.mistaken, 0)
    for picture in accepted:
        if taken.get(picture.label, PER_LABEL) < PER_LABEL:
            taken[picture.label] += 1
            found[_key(picture, scene.mistaken[picture.label])] = picture
    return found


def is_held(scene: Scene, number: int, mistakes: Mistakes) -> None:
    """Wait for the training, and report why its version is held. Raises DemoError if it is not."""
    with scene.narrator.step(f"Version {number}") as step:
        scene.patience.until(
            f"training run {mistakes.training.run_id} to end",
            lambda: look_at_training(scene, mistakes.training),
            step=step,
            timeout_seconds=TRAINING_SECONDS,
        )
    attempt = scene.aws.last_attempt()
    scene.expect(attempt.outcome == HELD, f"Version {number} is not held but {attempt.outcome}: {attempt.verdict}")
    scene.narrator.say(f"  Version {number} is held, and does not serve: {attempt.verdict}.")
    listed = scene.aws.suspect_keys()
    found = len(listed & mistakes.right_keys.keys())
    scene.narrator.say(
        f"  While it was trained, the serving version contradicted {len(listed)} labels: {found} of the "
        f"{len(mistakes.right_keys)} wrong ones, and {len(listed) - found} others."
    )


def put_right(scene: Scene, serving: int, mistakes: Mistakes) -> None:
    """Move the images under their right labels, as a person does, and check which version serves."""
    with scene.narrator.step("Wrong labels put right", len(mistakes.right_keys)) as step:
        scene.aws.move(mistakes.right_keys, lambda count: step.show("moved", count))
        scene.patience.until(
            f"version {serving} to serve, alone", lambda: _serves(scene, serving), step=step, timeout_seconds=60
        )
    scene.narrator.say(
        f"  The {len(mistakes.right_keys)} images were moved to the folders of their right labels, from which the next "
        f"version learns. Version {serving} has served all the time."
    )


def _serves(scene: Scene, number: int) -> Seen:
    moment = scene.watcher.history.latest
    return Seen(number_of(moment.endpoint_after, moment.statuses) == number, scene.watcher.text())


def _key(picture: AnyPicture, label: str) -> str:
    return f"{LABELLED_FOLDER}{label}/filed-{PurePosixPath(picture.name).name}"
