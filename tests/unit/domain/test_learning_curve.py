"""The learning curve: what it says of scores that follow a power law, and where it says nothing."""

import pytest

from label_loop.domain.learning_curve import EvaluatedVersion, learning_curve


def versions(*points, test_images=100):
    return [EvaluatedVersion(f1, images, test_images) for images, f1 in points]


def test_a_power_law_is_continued():
    found = learning_curve(versions(*((images, 1 - 2 * images**-0.5) for images in (50, 100, 200, 400))))
    assert found.gain == pytest.approx(2 * 400**-0.5 - 2 * 450**-0.5)
    assert (found.versions, found.training_images, found.more_labels) == (4, 400, 50)


def test_scores_that_fall_promise_nothing():
    assert learning_curve(versions((50, 0.9), (100, 0.85), (200, 0.8))).gain == 0


def test_perfect_scores_are_half_an_image_short():
    found = learning_curve(versions((50, 0.9), (100, 1.0), (200, 1.0)))
    assert 0 < found.gain < 0.005


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(50, 0.8), (100, 0.9)],
        [(50, 0.8), (50, 0.8), (100, 0.9), (100, 0.9)],
        [(100, 0.8), (110, 0.85), (120, 0.9)],
        [(0, 0.8), (50, 0.8), (100, 0.9)],
    ],
    ids=["none", "two", "two sizes", "hardly more images", "without images"],
)
def test_too_few_versions_say_nothing(points):
    assert learning_curve(versions(*points)) is None


def test_versions_without_test_images_do_not_count():
    assert learning_curve(versions((50, 0.8), (100, 0.9), (200, 0.95), test_images=0)) is None
