"""Images that Rekognition will not take, found out before a training is paid."""

import io
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from label_loop.domain.alike import Groups
from label_loop.domain.images import image_suffix, inspect_image, is_image_key, is_image_start, perceptual_hash
from label_loop.payloads import LabelledImage


def noise(size, mode="RGB"):
    """Return an image that does not compress to nothing, so that cutting it off cuts pixels off."""
    image = Image.effect_noise((64, 64), 80).resize(size)
    return image.convert(mode)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width=100, height=80):
    return encoded(Image.new("L", (width, height)), "PNG")


def problem_of(body):
    return inspect_image(body).problem


PNG = encoded(noise((100, 80)), "PNG")
JPEG = encoded(noise((100, 80)), "JPEG")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width, height, pixels=b"", extra=b""):
    """Return a PNG whose header promises a size, whatever pixels follow."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_every_kind_of_png_is_taken(mode):
    image = Image.new(mode, (100, 80)) if mode == "I;16" else noise((100, 80), mode)
    assert problem_of(encoded(image, "PNG")) is None


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\x00\x00broken"}])
def test_every_kind_of_jpeg_is_taken(mode, options):
    assert problem_of(encoded(noise((100, 80), mode), "JPEG", **options)) is None


def test_a_phones_picture_of_several_is_taken():
    frames = [noise((100, 80)), noise((100, 80))]
    assert problem_of(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])) is None


def test_an_animated_png_is_a_png():
    frames = [noise((100, 80)), noise((100, 80))]
    body = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert b"acTL" in body
    assert problem_of(body) is None


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP", "ICO", "PPM"])
def test_other_formats_are_refused(kind):
    assert "not a readable PNG or JPEG" in problem_of(encoded(noise((100, 80)), kind))


def test_an_animated_gif_is_refused():
    frames = [noise((100, 80)), noise((100, 80))]
    body = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert "not a readable PNG or JPEG" in problem_of(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00", b"hello, I am a text named .png", b"<svg/>", b"\x89PNG", b"\x89PNG\r\n\x1a\n", b"\xff\xd8",
     b"\xff\xd8\xff\xd9", b"GIF89a", b"%PDF-1.7", png_of(0, 0), png_of(100, 0)],
)  # fmt: skip
def test_what_is_no_image_is_refused(body):
    assert problem_of(body)


@pytest.mark.parametrize("body", [PNG, JPEG], ids=["png", "jpeg"])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.97])
def test_a_truncated_image_is_refused_though_its_header_is_good(body, share):
    assert "not a readable PNG or JPEG" in problem_of(body[: int(len(body) * share)])


@pytest.mark.parametrize("position", [0, 20, 60])
def test_a_damaged_png_is_refused(position):
    body = bytearray(PNG)
    body[position] ^= 0xFF
    assert problem_of(bytes(body))


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [
        (64, 64, None),
        (4096, 4096, None),
        (4096, 300, None),
        (1280, 64, None),
        (64, 1280, None),
        (1, 1, "1 x 1 px"),
        (63, 64, "63 x 64 px"),
        (64, 63, "64 x 63 px"),
        (4097, 4096, "4097 x 4096 px"),
        (100, 4097, "100 x 4097 px"),
        (1281, 64, "20 to 1"),
        (64, 1281, "20 to 1"),
    ],
)
def test_sizes(width, height, words):
    problem = problem_of(png(width, height))
    assert problem is None if words is None else words in problem


@pytest.mark.parametrize(
    "body",
    [
        png_of(60_000, 60_000),
        png_of(2**31 - 1, 2**31 - 1),
        png_of(20_000, 5_000, b"\x00" * 50_000_000),
        png_of(100, 100, extra=chunk(b"zTXt", b"a\x00\x00" + zlib.compress(b"\x00" * 50_000_000))),
    ],
    ids=["header", "largest header", "pixels", "text"],
)
def test_a_small_file_cannot_fill_the_memory(body, monkeypatch):
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self.size))  # not Python's memory
    tracemalloc.start()
    try:
        assert problem_of(body)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
        assert decoded == []
    finally:
        tracemalloc.stop()


def test_too_many_bytes_are_refused_unread():
    limit = 15 * 1024 * 1024
    assert problem_of(PNG + b"\x00" * (limit - len(PNG))) is None
    assert "more than 15 MB" in problem_of(PNG + b"\x00" * (limit - len(PNG) + 1))


@given(
    body=st.binary() | st.binary().map(lambda tail: PNG[:40] + tail) | st.binary().map(lambda tail: JPEG[:40] + tail)
)
def test_no_bytes_raise_anything(body):
    assert problem_of(body)


@pytest.mark.parametrize("head", [PNG[:8], JPEG[:8], JPEG[:3], PNG])
def test_the_first_bytes_tell_an_image(head):
    assert is_image_start(head)


@pytest.mark.parametrize("head", [b"", PNG[:7], JPEG[:2], b"GIF89a..", b"RIFF....", b"%PDF-1.7", b" " + PNG, b"MZ"])
def test_the_first_bytes_tell_what_is_none(head):
    assert not is_image_start(head)


@pytest.mark.parametrize("key", ["a.png", "a.PNG", "a.jpg", "a.Jpeg", "f/ü b.JPG", ".png", "a.gif.png"])
def test_image_keys(key):
    assert is_image_key(key)


@pytest.mark.parametrize("key", ["", "a", "a.gif", "a.png.txt", "a.png/", "png", "a.png ", "a.webp", "a.jpe"])
def test_other_keys(key):
    assert not is_image_key(key)


@pytest.mark.parametrize(
    ("key", "head", "suffix"),
    [
        ("a.png", b"", ".png"),
        ("a.JPG", b"", ".jpg"),
        ("a.jpeg", PNG, ".jpeg"),
        ("a", PNG, ".png"),
        ("a", JPEG, ".jpg"),
        ("a.dat", PNG, ".png"),
        ("a.png/b", JPEG, ".jpg"),
        ("a", b"", ".jpg"),
    ],
)
def test_suffixes(key, head, suffix):
    assert image_suffix(key, head) == suffix


# --- what images look like


def looks_like(one, other):
    groups = Groups(by_look=True)
    groups.start(LabelledImage("1", "cat", "", "", "1", one), None)
    return bool(groups.of(LabelledImage("2", "cat", "", "", "2", other)))


def scene():
    """Return a picture with large shapes, as a photo has."""
    picture = Image.new("L", (320, 240), 60)
    picture.paste(200, (40, 30, 150, 200))
    picture.paste(130, (180, 100, 300, 180))
    return picture


def test_a_picture_looks_like_itself_in_another_size_and_format():
    first = inspect_image(encoded(scene(), "PNG")).perceptual_hash
    assert len(first) == 64
    for size, kind, options in (
        ((640, 480), "JPEG", {"quality": 50}),
        ((96, 72), "PNG", {}),
        ((4000, 3000), "JPEG", {}),
    ):
        assert looks_like(first, inspect_image(encoded(scene().resize(size), kind, **options)).perceptual_hash)


def test_it_looks_like_itself_darker_with_noise_and_in_16_bits():
    first = perceptual_hash(scene())
    noisy = Image.blend(scene(), Image.effect_noise((320, 240), 40), 0.1)
    assert looks_like(first, perceptual_hash(noisy))
    assert looks_like(first, perceptual_hash(scene().point(lambda level: level // 4)))
    assert looks_like(first, perceptual_hash(scene().convert("I;16").point(lambda level: level * 200)))


def test_other_pictures_look_different():
    assert not looks_like(perceptual_hash(scene()), perceptual_hash(scene().transpose(Image.Transpose.ROTATE_180)))
    assert perceptual_hash(Image.new("RGB", (64, 64), "white")) == "0" * 64


def test_an_unusable_image_has_no_look():
    assert inspect_image(b"").perceptual_hash == ""
