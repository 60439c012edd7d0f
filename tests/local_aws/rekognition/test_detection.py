"""DetectCustomLabels: what it answers, refuses and serves a second."""

import threading
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.local_aws.rekognition.fakes import BUCKET, Caller, Clock, image_bytes, plain, shape_picture

from local_aws.errors import AwsError
from local_aws.rekognition.throttle import TokenBucket


def s3_image(key: str, **more: str) -> dict[str, Any]:
    return {"S3Object": {"Bucket": BUCKET, "Name": key, **more}}


def test_pictures_never_seen_are_recognized_best_label_first(ready: tuple[Caller, str]) -> None:
    caller, arn = ready
    right = 0
    for number in range(100, 120):
        for label in ("disc", "square"):
            labels = caller.detect(arn, shape_picture(label, number), MinConfidence=0)
            assert sorted(found["Name"] for found in labels) == ["disc", "square"]
            assert labels[0]["Confidence"] >= labels[1]["Confidence"]
            assert sum(found["Confidence"] for found in labels) <= 100.01
            right += labels[0]["Name"] == label
    assert right >= 36


def test_what_is_unlike_all_training_images_gets_low_confidence(ready: tuple[Caller, str]) -> None:
    caller, arn = ready
    random = np.random.default_rng(1)
    odd = [plain(colour="black"), plain(colour="red")]
    odd += [image_bytes(random.integers(0, 255, (80, 80, 3)).astype(np.uint8)) for _ in range(5)]
    stripes = np.zeros((90, 90, 3), np.uint8)
    stripes[:, ::6] = 255
    odd.append(image_bytes(stripes))
    for picture in odd:
        assert caller.detect(arn, picture, MinConfidence=0)[0]["Confidence"] < 40
        assert caller.detect(arn, picture) == []  # below every label's own threshold


def test_min_confidence_and_max_results(ready: tuple[Caller, str]) -> None:
    caller, arn = ready
    picture = shape_picture("disc", 500)
    best, second = caller.detect(arn, picture, MinConfidence=0)
    assert caller.detect(arn, picture, MinConfidence=0, MaxResults=1) == [best]
    assert caller.detect(arn, picture, MinConfidence=(best["Confidence"] + second["Confidence"]) / 2) == [best]
    assert caller.detect(arn, picture, MinConfidence=100) == []
    assert caller.detect(arn, picture) == [best]  # the label's own threshold


def test_an_image_comes_from_s3_in_a_version_or_not(ready: tuple[Caller, str]) -> None:
    caller, arn = ready
    caller.s3.objects[(BUCKET, "a b+ü.jpg", None)] = image_bytes(Image.new("L", (64, 64)), "JPEG")
    caller.s3.objects[(BUCKET, "a b+ü.jpg", "7")] = shape_picture("disc", 9)
    newest = caller("DetectCustomLabels", ProjectVersionArn=arn, Image=s3_image("a b+ü.jpg"))
    older = caller("DetectCustomLabels", ProjectVersionArn=arn, Image=s3_image("a b+ü.jpg", Version="7"))
    assert newest["CustomLabels"] == []
    assert older["CustomLabels"][0]["Name"] == "disc"
    gone = s3_image("a b+ü.jpg", Version="8")
    caller.refused("InvalidS3ObjectException", "DetectCustomLabels", ProjectVersionArn=arn, Image=gone)
    caller.refused("InvalidS3ObjectException", "DetectCustomLabels", ProjectVersionArn=arn, Image=s3_image("none"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"hello", "InvalidImageFormatException"),
        (plain()[:60], "InvalidImageFormatException"),
        (plain((200, 200), kind="JPEG")[:200], "InvalidImageFormatException"),
        (plain(kind="GIF"), "InvalidImageFormatException"),
        (plain(kind="BMP"), "InvalidImageFormatException"),
        (plain((63, 200)), "InvalidParameterException"),
        (plain((4097, 300)), "ImageTooLargeException"),
        (plain((1281, 64)), "InvalidParameterException"),
        (b"x" * (15 * 1024 * 1024 + 1), "ImageTooLargeException"),
        (b"", "InvalidImageFormatException"),
    ],
)
def test_unusable_images_are_refused(ready: tuple[Caller, str], body: bytes, code: str) -> None:
    caller, arn = ready
    caller.s3.put(BUCKET, "image", body)
    caller.refused(code, "DetectCustomLabels", ProjectVersionArn=arn, Image=s3_image("image"))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_modes_are_read(ready: tuple[Caller, str], mode: str) -> None:
    caller, arn = ready
    assert len(caller.detect(arn, image_bytes(Image.new(mode, (64, 1280))), MinConfidence=0)) == 2


def test_bytes_have_a_smaller_limit(ready: tuple[Caller, str]) -> None:
    caller, arn = ready
    big = {"Bytes": b"x" * (4 * 1024 * 1024 + 1)}
    caller.refused("ImageTooLargeException", "DetectCustomLabels", ProjectVersionArn=arn, Image=big)


@pytest.mark.parametrize("image", [{}, {"Bytes": b"x", "S3Object": {}}, {"S3Object": {"Bucket": BUCKET}}])
def test_an_image_is_named_one_way(ready: tuple[Caller, str], image: dict[str, Any]) -> None:
    caller, arn = ready
    caller.refused("InvalidParameterException", "DetectCustomLabels", ProjectVersionArn=arn, Image=image)


def test_only_a_running_version_detects(instant: Caller) -> None:
    arn = instant.version(instant.project(), "v1", "any.manifest")
    request = {"ProjectVersionArn": arn, "Image": {"Bytes": plain()}}
    assert "TRAINING_IN_PROGRESS" in instant.refused("ResourceNotReadyException", "DetectCustomLabels", **request)
    instant.trained(arn)
    instant.refused("ResourceNotReadyException", "DetectCustomLabels", **request)
    instant("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    instant.refused("ResourceNotReadyException", "DetectCustomLabels", **request)
    instant.clock.now += 5
    instant("DetectCustomLabels", **request)
    instant("StopProjectVersion", ProjectVersionArn=arn)
    instant.refused("ResourceNotReadyException", "DetectCustomLabels", **request)


@pytest.mark.parametrize(("units", "served"), [(1, 5), (3, 15)])
def test_units_serve_their_rate_with_a_second_of_burst(instant: Caller, units: int, served: int) -> None:
    arn = instant.version(instant.project(), "v1", "any.manifest")
    instant.trained(arn)
    instant.running(arn, units)
    request = {"ProjectVersionArn": arn, "Image": {"Bytes": plain()}}
    for seconds, expected in ((0, served), (1, served), (0.4, round(served * 0.4)), (60, served)):
        instant.clock.now += seconds + 1e-6
        for _ in range(expected):
            instant("DetectCustomLabels", **request)
        instant.refused("ProvisionedThroughputExceededException", "DetectCustomLabels", **request)


def test_a_slow_bucket_serves_one_and_survives_a_clock_set_back() -> None:
    clock = Clock()
    bucket = TokenBucket(0.5, clock)
    assert [bucket.take(), bucket.take()] == [True, False]
    clock.now -= 100
    assert bucket.take() is False
    clock.now += 2
    assert bucket.take() is True


def test_threads_share_the_model_and_the_rate(ready: tuple[Caller, str]) -> None:
    caller, arn = ready
    request = {"ProjectVersionArn": arn, "Image": {"Bytes": shape_picture("disc", 3)}}
    answers: list[str] = []

    def detect() -> None:
        for _ in range(5):
            try:
                answers.append(caller("DetectCustomLabels", **request)["CustomLabels"][0]["Name"])
            except AwsError as error:
                answers.append(error.code)

    threads = [threading.Thread(target=detect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("disc") == 5
    assert answers.count("ProvisionedThroughputExceededException") == 35
