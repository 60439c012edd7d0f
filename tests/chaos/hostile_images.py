"""Files that call themselves images: what is good, what is odd and good, and what is neither."""

import io
import struct
import zlib
from typing import Any

from hypothesis import strategies as st
from PIL import Image
from tests.integration.pictures import FRESH_DIGITS

GOOD = FRESH_DIGITS[0].body


def saved(kind: str, mode: str = "RGB", side: int = 80, **options: Any) -> bytes:
    """Return an image as Pillow writes it."""
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, kind, **options)
    return file.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_says(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Return a PNG whose header claims a size, whatever follows."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")


_FRAMES = [Image.new("RGB", (80, 80), colour) for colour in ("red", "green")]
READABLE = {
    "palette": saved("PNG", "P"),
    "one bit": saved("PNG", "1"),
    "16 bits": saved("PNG", "I;16"),
    "alpha": saved("PNG", "LA"),
    "animated": saved("PNG", save_all=True, append_images=_FRAMES),
    "CMYK": saved("JPEG", "CMYK"),
    "progressive": saved("JPEG", progressive=True),
    "polyglot page": GOOD + b"<script>alert(1)</script>",
    "polyglot archive": GOOD + b"PK\x03\x04" + b"\x00" * 100,
}
UNUSABLE = {
    "empty": b"",
    "one pixel": saved("PNG", side=1),
    "animated GIF": saved("GIF", save_all=True, append_images=_FRAMES),
    "BMP": saved("BMP"),
    "TIFF": saved("TIFF"),
    "too wide": png_that_says(4097, 64),
    "bomb": png_that_says(60_000, 60_000),
    "bomb with pixels": png_that_says(20_000, 5_000, b"\x00" * 20_000_000),
    "largest claim": png_that_says(2**31 - 1, 2**31 - 1),
    "page": b"<html><script>alert(1)</script></html>",
    "archive": b"PK\x03\x04" + b"\x00" * 100,
}

unusable = st.one_of(
    st.sampled_from(sorted(UNUSABLE.values())),
    st.binary(max_size=300),
    st.integers(1, len(GOOD) // 2).map(lambda length: GOOD[:length]),
    st.binary(max_size=50).map(lambda tail: GOOD[:40] + tail),
)
