"""Thumbnails: what they show is what a browser shows, whatever the image is."""

import io
from typing import Any

import pytest
from PIL import Image
from PIL.Image import Image as AnyImage

from label_loop.decoder import thumbnail as bounded_thumbnail
from label_loop.domain.images import is_thumbnail, thumbnail


def saved(image: AnyImage, kind: str = "PNG", **more: Any) -> bytes:
    body = io.BytesIO()
    image.save(body, kind, **more)
    return body.getvalue()


def pixel(body: bytes, x: int, y: int) -> tuple[int, int, int]:
    with Image.open(io.BytesIO(body)) as image:
        found = image.convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]


def test_its_longer_side_has_256_px():
    small = thumbnail(saved(Image.new("RGB", (1000, 500), "red")))
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", (256, 128))
    assert is_thumbnail(small)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_a_png_is_shown(mode: str):
    light = 60_000 if mode == "I;16" else 1 if mode == "1" else None
    image = Image.new(mode, (100, 100), light) if light else Image.new("L", (100, 100), 230).convert(mode)
    assert min(pixel(thumbnail(saved(image)), 50, 50)) >= 220


def test_what_is_transparent_is_white():
    assert min(pixel(thumbnail(saved(Image.new("RGBA", (100, 100), (0, 0, 0, 0)))), 50, 50)) >= 250


def test_a_photograph_is_turned_as_its_exif_data_says():
    image = Image.new("RGB", (200, 100), "white")
    image.paste("black", (0, 0, 100, 100))  # its left half
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    small = thumbnail(saved(image, "JPEG", exif=exif))
    with Image.open(io.BytesIO(small)) as turned:
        assert turned.size == (100, 200)
    assert max(pixel(small, 50, 20)) < 40
    assert min(pixel(small, 50, 180)) > 215


@pytest.mark.parametrize("body", [b"", b"no image", saved(Image.new("RGB", (100, 100)), "GIF")])
def test_what_is_no_png_or_jpeg_has_none(body: bytes):
    assert bounded_thumbnail(body) is None


def test_noise_of_any_colour_is_small_enough():
    noise = Image.merge("RGB", [Image.effect_noise((300, 300), 200) for _ in range(3)])
    assert bounded_thumbnail(saved(noise))


@pytest.mark.parametrize("mode", ["RGBA", "P", "I;16"])
def test_the_largest_image_has_one_within_the_limits(mode: str):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new(mode, (4096, 4096)) if mode == "I;16" else Image.new("RGB", (4096, 4096), "red").convert(mode)
    assert bounded_thumbnail(saved(image, exif=exif, compress_level=1))
