"""Things that are anywhere in their pictures, and the choice between the two ways to look at a picture."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from bench.logos import MARKS, logo
from PIL import Image
from tests.local_aws.rekognition.fakes import BUCKET, digits, image_bytes, line, plain, shape_picture

from local_aws.rekognition import keypoint_classifier, model, trainer
from local_aws.rekognition.classifier import Classifier, recognized
from local_aws.rekognition.features import describe
from local_aws.rekognition.images import read_detail, read_pixels
from local_aws.rekognition.keypoint_classifier import KeypointClassifier
from local_aws.rekognition.keypoints import LENGTH, describe_keypoints
from local_aws.rekognition.workfolder import Job, Result, WorkFolder

SOME = ("star", "bolt", "house")


def work_folder(folder: Path, training: list[tuple[str, bytes]], testing: list[tuple[str, bytes]]) -> WorkFolder:
    work = WorkFolder(folder / "work")
    work.create()
    work.write_job(Job("logos", "v1", "arn"))
    for file, part in ((work.training_manifest, training), (work.testing_manifest, testing)):
        for number, (_, body) in enumerate(part):
            work.image(BUCKET, f"{file.stem}/{number}").write_bytes(body)
        rows = [json.dumps(line(f"{file.stem}/{number}", label)) for number, (label, _) in enumerate(part)]
        file.write_text("\n".join(rows))
    return work


def pictures(labels: tuple[str, ...], numbers: range) -> list[tuple[str, bytes]]:
    return [(label, logo(label, number)) for label in labels for number in numbers]


def trained(
    folder: Path, training: list[tuple[str, bytes]], testing: list[tuple[str, bytes]]
) -> tuple[Result, model.Model]:
    work = work_folder(folder, training, testing)
    return trainer.train(work), model.load(work.model)


@pytest.mark.slow
def test_a_few_pictures_of_logos_anywhere_are_learned(tmp_path: Path) -> None:
    testing = pictures(SOME, range(100, 104))
    result, learned = trained(tmp_path, pictures(SOME, range(6)), testing)
    assert result.f1_score is not None
    assert result.f1_score >= 0.85
    assert isinstance(learned, KeypointClassifier)
    confidences = np.stack([learned.judge(body) for _, body in testing])
    assert np.allclose(confidences.sum(axis=1), 1, atol=1e-4)
    sure = confidences.max(axis=1) >= 0.7
    right = np.array(
        [learned.labels[best] == label for best, (label, _) in zip(confidences.argmax(axis=1), testing, strict=True)]
    )
    assert right[sure].all()
    learned.save(tmp_path / "again.npz")
    again = model.load(tmp_path / "again.npz")
    assert again.labels == learned.labels
    assert np.array_equal(again.judge(testing[0][1]), learned.judge(testing[0][1]))


def test_whole_pictures_are_compared_where_that_tells_the_labels_apart(tmp_path: Path) -> None:
    bodies, labels = digits()
    by_label = {label: [body for body, each in zip(bodies, labels, strict=True) if each == label] for label in "0123"}
    training = [(label, body) for label, some in by_label.items() for body in some[:2]]
    testing = [(label, body) for label, some in by_label.items() for body in some[2:8]]
    _, learned = trained(tmp_path, training, testing)
    assert isinstance(learned, Classifier)


@pytest.mark.parametrize("count", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_digits_are_recognized_whole_and_logos_are_not(count: int) -> None:
    """The two that the choice has to tell apart, from the fewest images of the demo on."""

    def share(examples: list[tuple[str, bytes]]) -> float:
        features = np.stack([describe(read_pixels(body)) for _, body in examples])
        right, by_chance = recognized(features, [label for label, _ in examples])
        return (right - by_chance) / (1 - by_chance)

    bodies, labels = digits()
    whole = [(label, [b for b, each in zip(bodies, labels, strict=True) if each == label]) for label in "0123456789"]
    assert share([(label, body) for label, some in whole for body in some[:count]]) > trainer.ENOUGH_RECOGNIZED
    assert share(pictures(tuple(MARKS), range(count))) < trainer.ENOUGH_RECOGNIZED


def test_neither_turn_nor_place_nor_colour_matters() -> None:
    """A quarter turn keeps every pixel, so that each keypoint finds itself again."""
    detail = read_detail(logo("bolt", 4))
    own = describe_keypoints(detail, ways=2).reshape(-1, LENGTH)
    assert np.allclose(np.linalg.norm(own, axis=1), 1, atol=1e-3)
    for other in (np.rot90(detail).copy(), 1 - detail, detail[..., ::-1].copy()):
        nearest = (describe_keypoints(other)[0] @ own.T).max(axis=1)
        assert np.median(nearest) > 0.98


def test_pictures_that_show_nothing_are_compared_whole(tmp_path: Path) -> None:
    """Nothing can be learned from them; a training ends all the same, as AWS's does."""
    blank = [(label, plain(colour="navy")) for label in ("cat", "dog") for _ in range(3)]
    result, learned = trained(tmp_path, blank, blank)
    assert result.succeeded
    assert isinstance(learned, Classifier)


def test_a_label_without_a_second_image_leaves_nothing_to_compare() -> None:
    details = [read_detail(logo(label, 1)) for label in SOME]
    assert keypoint_classifier.fit(details, SOME) is None


def test_an_image_without_keypoints_is_judged_too(tmp_path: Path) -> None:
    found = keypoint_classifier.fit(
        [read_detail(body) for _, body in pictures(SOME, range(2))], [label for label, _ in pictures(SOME, range(2))]
    )
    assert found is not None
    assert found[0].judge(plain()).sum() == pytest.approx(1, abs=1e-4)
    assert found[0].judge(plain((64, 1280))).max() < 0.7


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_as_its_exif_says(orientation: int) -> None:
    """Stored turned, with the orientation that turns it back, a picture looks as it does upright."""
    upright = Image.open(io.BytesIO(shape_picture("disc", 1))).convert("RGB")
    upright.paste((200, 0, 0), (0, 0, 30, 12))
    inverse = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if inverse is None else upright.transpose(inverse)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored.save(file, "JPEG", quality=95, exif=exif)
    for read in (read_pixels, read_detail):
        seen, wanted = read(file.getvalue()), read(image_bytes(upright))
        assert seen.shape == wanted.shape
        assert np.abs(seen - wanted).mean() < 0.02


def test_a_png_is_not_turned_nor_is_a_jpeg_with_damaged_exif() -> None:
    upright = Image.open(io.BytesIO(shape_picture("disc", 1))).convert("RGB")
    upright.paste((200, 0, 0), (0, 0, 30, 12))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    upright.save(file, "PNG", exif=exif)
    assert np.array_equal(read_pixels(file.getvalue()), read_pixels(image_bytes(upright)))
    for damaged in (
        b"Exif\x00\x00",
        b"Exif\x00\x00MM\x00*\xff\xff\xff\xff",
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff",
    ):
        file = io.BytesIO()
        upright.save(file, "JPEG", quality=95, exif=b"Exif\x00\x00" + damaged)
        assert np.abs(read_pixels(file.getvalue()) - read_pixels(image_bytes(upright))).mean() < 0.02
