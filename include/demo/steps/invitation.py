"""Leaves some images for the user to review."""

from dataclasses import dataclass

from demo.pictures import AnyPicture
from demo.scene import Scene
from demo.steps.parameters import SYNC_SECONDS
from demo.steps.setup import upload
from demo.waiting import Seen
from label_loop.payloads import UPLOADS_FOLDER

IMAGES = 24
CONFIDENCE, DEMANDING = "Minimum-Label-Detection-Confidence", "99"
DETECTION_SECONDS = 420


@dataclass(frozen=True)
class _Again:
    """A picture under another name."""

    picture: AnyPicture

    @property
    def name(self) -> str:
        return f"for-you-{self.picture.name}"

    @property
    def label(self) -> str:
        return self.picture.label

    @property
    def body(self) -> bytes:
        return self.picture.body


def leave_images(scene: Scene) -> None:
    """Raise the minimum confidence, so that nearly every image is reviewed; upload some, and say where they wait."""
    scene.aws.put_parameter(CONFIDENCE, DEMANDING)
    variable = scene.loop.variable(CONFIDENCE)
    with scene.narrator.step(f"{CONFIDENCE} = {DEMANDING}") as step:
        scene.patience.until(
            "the Variable to follow",
            lambda: Seen(scene.airflow.variable(variable) == DEMANDING, "on its way"),
            step=step,
            timeout_seconds=SYNC_SECONDS,
        )
    pictures = [_Again(picture) for picture in (scene.cast.later or scene.cast.uploads)[:IMAGES]]
    before = scene.aws.count_rows()
    upload(scene, "Images for you", {f"{UPLOADS_FOLDER}{picture.name}": picture for picture in pictures})
    with scene.narrator.step("Detections in the log", len(pictures)) as step:
        scene.patience.until(
            f"{len(pictures)} detections",
            lambda: Seen((found := scene.aws.count_rows() - before) == len(pictures), "", found),
            step=step,
            timeout_seconds=DETECTION_SECONDS,
        )
    waiting = scene.aws.count_open_reviews()
    scene.expect(waiting > 0, "The model is sure of every image, so none is left for you to review.")
    scene.narrator.say(f"\n{waiting} images wait for your review: [bold]{scene.desk.url}[/bold]")
