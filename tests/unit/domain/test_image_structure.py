"""Images that would take more work than any camera's are refused by their parts, and every usual one is taken."""

import io
import struct
import zlib

import pytest
from PIL import Image

from label_loop.domain.image_structure import MAX_CHUNKS, MAX_SCANS, MAX_SEGMENTS, structure_problem


def encoded(kind: str, mode: str = "RGB", **options) -> bytes:
    body = io.BytesIO()
    Image.effect_noise((80, 80), 80).convert(mode).save(body, kind, **options)
    return body.getvalue()


def of_scans(number: int) -> bytes:
    """Return a progressive JPEG with its last scan repeated; libjpeg writes ten."""
    body = encoded("JPEG", progressive=True)
    last = body.rindex(b"\xff\xda")
    return body[:last] + body[last:-2] * (number - 9) + body[-2:]


def of_segments(number: int) -> bytes:
    body = encoded("JPEG")
    return body[:2] + b"\xff\xfe\x00\x02" * number + body[2:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(*chunks: bytes) -> bytes:
    body = encoded("PNG")
    return body[:33] + b"".join(chunks) + body[33:]


MEGABYTE = zlib.compress(b" " * (1 << 20))
LESS = zlib.compress(b" " * (1 << 19))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (of_scans(MAX_SCANS), None),
        (of_scans(MAX_SCANS + 1), "more than 50 scans"),
        (of_scans(1_100), "more than 50 scans"),
        (of_segments(MAX_SEGMENTS - 20), None),
        (of_segments(MAX_SEGMENTS), "more than 2,000 segments"),
        (of_segments(500_000), "more than 2,000 segments"),
        (b"\xff\xd8" + b"\xff" * 1_000_000, None),  # no marker: nothing to count
        (with_chunks(*[chunk(b"tEXt", b"a\x00b")] * (MAX_CHUNKS - 10)), None),
        (with_chunks(*[chunk(b"tEXt", b"a\x00b")] * MAX_CHUNKS), "more than 20,000 chunks"),
        (with_chunks(chunk(b"zTXt", b"a\x00\x00" + MEGABYTE)), None),
        (with_chunks(*[chunk(b"zTXt", b"a\x00\x00" + LESS)] * 2), None),
        (with_chunks(*[chunk(b"zTXt", b"a\x00\x00" + LESS)] * 3), "1 MB of compressed text"),
        (with_chunks(chunk(b"iCCP", b"a\x00\x00" + zlib.compress(b"\x00" * 9_999_999))), "1 MB of compressed text"),
        (with_chunks(chunk(b"iTXt", b"a\x00\x01\x00en\x00a\x00" + MEGABYTE), chunk(b"zTXt", b"a\x00\n" + LESS)),
         "1 MB of compressed text"),
        (with_chunks(chunk(b"iTXt", b"a\x00\x00\x00en\x00a\x00" + b"a" * (2 << 20))), None),  # not compressed
        (with_chunks(chunk(b"zTXt", b"a\x00\x00damaged"), chunk(b"iCCP", b""), chunk(b"iTXt", b"a")), None),
        (encoded("PNG") + b"\x00" * (12 * MAX_CHUNKS + 12), None),  # after its end
        (b"\x89PNG\r\n\x1a\n", None),
        (b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR", None),
        (b"", None),
    ],
)  # fmt: skip
def test_what_no_camera_writes_is_named(body: bytes, words: str | None):
    problem = structure_problem(body)
    assert problem is None if words is None else words in problem


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
def test_every_usual_jpeg_is_taken(mode: str, options):
    preview = encoded("JPEG", progressive=True)
    body = encoded("JPEG", mode, **options, icc_profile=b"\x00" * 500_000, exif=b"Exif\x00\x00" + preview)
    assert structure_problem(body) is None
    assert structure_problem(body + of_scans(100)) is None  # the second image of a phone's picture is not decoded
