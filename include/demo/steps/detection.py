"""Detection of uploads, and review of the uncertain detections."""

from collections.abc import Sequence

from demo.control import IDLE_POLLING, calls_per_image
from demo.pictures import AnyPicture
from demo.scene import Scene
from demo.steps.setup import upload
from demo.waiting import Seen
from label_loop.domain.log_row import LogRow
from label_loop.payloads import UPLOADS_FOLDER

DETECTION_SECONDS = 420
REVIEW_SECONDS = 420


def detect(scene: Scene, pictures: Sequence[AnyPicture]) -> None:
    """Upload pictures and wait until each is in the log, exactly once."""
    keys = {f"{UPLOADS_FOLDER}{picture.name}": picture for picture in pictures}
    scene.truth |= {key: picture.label for key, picture in keys.items()}
    scene.control.reset_calls()
    upload(scene, "Images without labels", keys)
    scene.uploaded |= keys
    before = len(scene.uploaded) - len(keys)
    with scene.narrator.step("Detections in the log", len(keys)) as step:
        scene.patience.until(
            f"{len(keys)} detections in the log",
            lambda: _detected(scene, before),
            step=step,
            timeout_seconds=DETECTION_SECONDS,
        )
    rows = scene.aws.rows()
    logged = sorted(row.key for row in rows)
    scene.expect(logged == sorted(scene.uploaded), f"{len(scene.uploaded)} uploads, but {len(logged)} rows.")
    failures = [f"{row.key}: {row.failure}" for row in rows if row.failure]
    scene.expect(not failures, f"{len(failures)} uploads could not be detected, such as {failures[:1]}.")


def review(scene: Scene) -> int:
    """Wait until the answers to all open reviews are applied; return the number of images added for training."""
    rows = scene.aws.rows()
    asked = sum(row.has_review for row in rows)
    before = len(scene.cast.labelled)
    with scene.narrator.step("Answers of the reviewer applied", asked) as step:
        scene.patience.until(
            f"the answers to {asked} reviews in the log",
            lambda: _reviewed(scene, asked),
            step=step,
            timeout_seconds=REVIEW_SECONDS,
        )
    wrong = [row.key for row in scene.aws.rows() if _answer_is_wrong(scene, row)]
    scene.expect(not wrong, f"{len(wrong)} answers differ from the reviewer's, such as {wrong[:1]}.")
    added = scene.aws.labelled_images() - before
    scene.expect(added == asked, f"{asked} images were reviewed, but {added} were added to the training set.")
    return added


def count_calls(scene: Scene, images: int) -> None:
    """Record how many calls to AWS the images took, from upload to applied answer."""
    calls = scene.control.calls()
    scene.calls_per_image.append(calls_per_image(calls, images))
    scene.idle_calls += calls.get(IDLE_POLLING, 0)


def _detected(scene: Scene, before: int) -> Seen:
    count = scene.aws.count_rows() - before
    return Seen(count == len(scene.uploaded) - before, f"· {scene.reviewer.answered} reviews answered", count)


def _reviewed(scene: Scene, asked: int) -> Seen:
    applied = scene.aws.count_rows(learned=True)
    return Seen(applied == asked, f"· {scene.aws.labelled_images()} training images", applied)


def _answer_is_wrong(scene: Scene, row: LogRow) -> bool:
    return row.human_label not in (None, scene.truth[row.key])
