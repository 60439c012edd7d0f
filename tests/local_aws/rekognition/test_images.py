"""What is read as an image, what is refused and with which error, and that hostile files cost little."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from local_aws.errors import AwsError
from local_aws.rekognition.detection import Detection
from local_aws.rekognition.images import read_detail, read_pixels

FRAMES = [Image.new("RGB", (80, 80), colour) for colour in ("red", "green")]
PROJECT = Path(__file__).resolve().parents[3]
MOST_MB = 200


def saved(kind: str, mode: str = "RGB", side: int = 80, colour: Any = 0, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (side, side), colour).save(file, kind, **options)
    return file.getvalue()


def noise(kind: str, side: int, **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def with_scans(body: bytes, more: int) -> bytes:
    """Repeat the last scan of a progressive JPEG."""
    last, end = body.rindex(b"\xff\xda"), body.rindex(b"\xff\xd9")
    return body[:end] + body[last:end] * more + b"\xff\xd9"


def detect(body: bytes) -> str:
    """Return the code of the error with which a detection ends, or an empty text."""

    class Sees(Detection):
        def _running_model(self, arn: str, context: Any) -> Any:
            return Blank

    class Blank:
        labels = ()
        thresholds = np.zeros(0)

        @staticmethod
        def judge(body: bytes) -> np.ndarray:
            assert read_pixels(body).shape == (32, 32, 3)
            assert max(read_detail(body).shape[:2]) == 160
            return np.zeros(0)

    try:
        Sees(None, None).detect({"ProjectVersionArn": "arn", "Image": {"Bytes": body}}, None)
    except AwsError as error:
        assert error.status == 400
        return error.code
    return ""


READABLE = {
    "palette": saved("PNG", "P"),
    "one bit": saved("PNG", "1"),
    "16 bits": saved("PNG", "I;16"),
    "grey with alpha": saved("PNG", "LA"),
    "alpha": saved("PNG", "RGBA"),
    "animated PNG": saved("PNG", save_all=True, append_images=FRAMES),
    "grey": saved("JPEG", "L"),
    "CMYK": saved("JPEG", "CMYK"),
    "YCbCr": saved("JPEG", "YCbCr"),
    "progressive": saved("JPEG", progressive=True),
    "two pictures of a camera": saved("MPO", save_all=True, append_images=FRAMES),
    "as many scans as an encoder may write": with_scans(saved("JPEG", progressive=True), 20),
    "something behind it": saved("PNG") + b"PK\x03\x04" + bytes(100),
}


@pytest.mark.parametrize("body", READABLE.values(), ids=READABLE)
def test_what_calls_itself_png_or_jpeg_and_is_one_is_read(body: bytes) -> None:
    assert detect(body) == ""


@pytest.mark.parametrize(
    ("kind", "mode", "half"), [("PNG", "I;16", 2**15), ("PNG", "L", 128), ("JPEG", "CMYK", (0, 0, 0, 127))]
)
def test_half_grey_is_half_grey_in_every_mode(kind: str, mode: str, half: Any) -> None:
    assert read_pixels(saved(kind, mode, colour=half)).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF", "PPM", "ICO", "TGA", "PDF", "JPEG2000", "DDS", "SGI"])
def test_other_formats_are_refused(kind: str) -> None:
    assert detect(saved(kind)) == "InvalidImageFormatException"


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_animations_are_refused(kind: str) -> None:
    assert detect(saved(kind, save_all=True, append_images=FRAMES)) == "InvalidImageFormatException"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "InvalidImageFormatException"),
        (b"<html>", "InvalidImageFormatException"),
        (saved("PNG", side=63), "InvalidParameterException"),
        (saved("PNG", side=4097), "ImageTooLargeException"),
        (saved("JPEG", "L", side=4097), "ImageTooLargeException"),
        (saved("PNG", "1", side=20_000), "ImageTooLargeException"),
        (with_scans(saved("JPEG", side=640, progressive=True), 1100), "InvalidImageFormatException"),
    ],
    ids=["empty", "page", "too small", "too wide", "too wide JPEG", "bomb", "1,100 scans"],
)
def test_what_is_out_of_bounds_is_refused(body: bytes, code: str) -> None:
    assert detect(body) == code


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damaged_files_are_read_or_refused_and_nothing_else(kind: str) -> None:
    whole = noise(kind, 70, **({"progressive": True, "exif": b"Exif\x00\x00II*\x00"} if kind == "JPEG" else {}))
    random = np.random.default_rng(0)
    for length in random.integers(0, len(whole) - 3, 60):
        assert detect(whole[:length]) == "InvalidImageFormatException"
    for _ in range(150):
        damaged = bytearray(whole)
        begin = 0 if random.random() < 0.5 else int(random.integers(0, len(whole)))
        for place in random.integers(begin, min(begin + 700, len(whole)), random.integers(1, 9)):
            damaged[place] = random.integers(0, 256)
        assert detect(bytes(damaged)) in {
            "",
            "InvalidImageFormatException",
            "InvalidParameterException",
            "ImageTooLargeException",
        }


_COST = """
import sys
from local_aws.rekognition.images import read_detail
body = sys.stdin.buffer.read()
memory = lambda: int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
before = memory()
read_detail(body)
print((memory() - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        lambda: saved("PNG", "RGBA", side=4096),
        lambda: saved("PNG", "I;16", side=4096),
        lambda: noise("JPEG", 4096, quality=40, progressive=True),
        lambda: with_scans(saved("JPEG", side=4096, progressive=True), 13),
        lambda: saved("JPEG", "CMYK", side=4096, progressive=True),
    ],
    ids=["alpha", "16 bits", "noise", "as many scans as fit", "CMYK"],
)
def test_the_largest_images_take_little_memory(body: Callable[[], bytes]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "include")}
    done = subprocess.run([sys.executable, "-c", _COST], input=body(), capture_output=True, check=True, env=environment)
    assert float(done.stdout) < MOST_MB


@pytest.mark.slow
def test_a_progressive_jpeg_is_as_large_as_its_scans_allow() -> None:
    """A scan takes time for each pixel: 976 are allowed at 640 pixels a side, 381 at 1,024."""
    small, large = (saved("JPEG", "L", side=side, progressive=True) for side in (640, 1024))
    for body, most in ((small, 976), (large, 381)):
        written = body.count(b"\xff\xda")
        assert detect(with_scans(body, most - written)) == ""
        assert detect(with_scans(body, most - written + 1)) == "InvalidImageFormatException"
