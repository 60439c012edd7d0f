"""How good the model is, and how well its confidence tells what it does not know."""

from pathlib import Path

import numpy as np
import pytest
from tests.local_aws.rekognition.fakes import digits

from local_aws.rekognition.classifier import Classifier, fit
from local_aws.rekognition.features import describe
from local_aws.rekognition.images import read_pixels

TEST_FROM = 600


def digits_model(count: int) -> Classifier:
    pictures, labels = digits()
    if count <= 50:  # as many of each label, as a labeller would begin
        chosen = [i for label in "0123456789" for i in [i for i in range(600) if labels[i] == label][: count // 10]]
    else:
        chosen = list(range(count))
    pixels = [read_pixels(pictures[i]) for i in chosen]
    return fit(pixels, np.stack([describe(p) for p in pixels]), [labels[i] for i in chosen])


def judged(model: Classifier) -> tuple[np.ndarray, np.ndarray]:
    """Whether each test digit is recognized, and with what confidence."""
    pictures, labels = digits()
    features = np.stack([describe(read_pixels(picture)) for picture in pictures[TEST_FROM:]])
    confidences = model.confidences(features)
    tops = np.array([model.labels[i] for i in confidences.argmax(axis=1)])
    return tops == np.array(labels[TEST_FROM:]), confidences.max(axis=1)


def test_twenty_images_leave_a_useful_share_to_people() -> None:
    right, confidence = judged(digits_model(20))
    low = confidence < 0.7
    assert 0.7 < right.mean() < 0.95
    assert 0.2 <= low.mean() <= 0.5
    assert (~right & low).sum() >= 0.85 * (~right).sum()  # nearly all errors are among the low
    assert right[~low].mean() > 0.95


def test_two_hundred_images_are_mostly_sure_and_right() -> None:
    right, confidence = judged(digits_model(200))
    low = confidence < 0.7
    assert right.mean() > 0.95
    assert low.mean() < 0.15
    assert right[~low].mean() > 0.985


def test_digits_of_labels_never_trained_are_mostly_low() -> None:
    pictures, labels = digits()
    known = [i for i in range(300) if labels[i] < "7"]
    pixels = [read_pixels(pictures[i]) for i in known]
    model = fit(pixels, np.stack([describe(p) for p in pixels]), [labels[i] for i in known])
    unknown = [describe(read_pixels(pictures[i])) for i in range(TEST_FROM, len(labels)) if labels[i] >= "7"]
    assert (model.confidences(np.stack(unknown)).max(axis=1) > 0.7).mean() < 0.15


def test_training_is_repeatable_and_a_model_survives_its_file(tmp_path: Path) -> None:
    model, again = digits_model(20), digits_model(20)
    pixels = read_pixels(digits()[0][900])
    assert np.array_equal(model.classify(pixels), again.classify(pixels))
    model.save(tmp_path / "model.npz")
    loaded = Classifier.load(tmp_path / "model.npz")
    assert loaded.labels == model.labels
    assert np.array_equal(loaded.classify(pixels), model.classify(pixels))


@pytest.mark.parametrize("label_count", [2, 3])
def test_confidences_of_an_image_add_up_to_at_most_one(label_count: int) -> None:
    random = np.random.default_rng(0)
    labels = [f"label {n % label_count}" for n in range(9)]
    pixels = [
        np.clip(0.2 * (n % label_count) + random.random((32, 32, 3)) * 0.3, 0, 1).astype(np.float32) for n in range(9)
    ]
    model = fit(pixels, np.stack([describe(p) for p in pixels]), labels)
    for picture, label in zip(pixels, labels, strict=True):
        confidences = model.classify(picture)
        assert confidences.sum() <= 1.0001
        assert model.labels[int(confidences.argmax())] == label
