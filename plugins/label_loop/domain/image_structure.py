"""Bounds the work of decoding an image by what its parts say, before any is decoded.

Only parts that cost little to write and much to read are counted. The limits are far above what cameras and editors
write, and far below what would hold up a process.
"""

import re
import zlib

MAX_SCANS = 50  # each costs time for all pixels, however few bytes it has
MAX_SEGMENTS = 2_000  # a profile of 15 MB takes 240
MAX_CHUNKS = 20_000  # an image of 15 MB takes 2,000 of the usual 8 KB
MAX_METADATA_BYTES = 1 << 20  # decompressed; Pillow reads no larger text or profile either

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
# The marker of a segment: not a stuffed byte, padding or a restart, which have no length.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_LAST_CHUNK = b"IEND"
# What is before the compressed part of a chunk: a name, and for international text its language and translation.
_COMPRESSED = {
    b"zTXt": re.compile(rb"[^\x00]*\x00.", re.DOTALL),
    b"iCCP": re.compile(rb"[^\x00]*\x00.", re.DOTALL),
    b"iTXt": re.compile(rb"[^\x00]*\x00\x01.[^\x00]*\x00[^\x00]*\x00", re.DOTALL),
}


def structure_problem(body: bytes) -> str | None:
    """Return why an image would take more work than any camera's, or None. Takes time linear in its bytes."""
    if body.startswith(_JPEG):
        return _jpeg_problem(body)
    return _png_problem(body) if body.startswith(_PNG) else None


def _jpeg_problem(body: bytes) -> str | None:
    scans, position = 0, len(_JPEG)
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(body, position)
        # What follows the end is another image, such as a preview: it is not decoded.
        if found is None or found[1] == _END_OF_IMAGE:
            return None
        scans += found[1] == _START_OF_SCAN
        if scans > MAX_SCANS:
            return f"a JPEG of more than {MAX_SCANS} scans: cameras and editors write about 10"
        position = found.end() + int.from_bytes(body[found.end() : found.end() + 2])
    return f"a JPEG of more than {MAX_SEGMENTS:,} segments: cameras and editors write fewer than 300"


def _png_problem(body: bytes) -> str | None:
    metadata_bytes, position = 0, len(_PNG)
    for _ in range(MAX_CHUNKS):
        data = position + 8
        kind, end = body[position + 4 : data], data + int.from_bytes(body[position : position + 4])
        if kind == _LAST_CHUNK or data > len(body):
            return None
        if kind in _COMPRESSED:
            metadata_bytes += _decompressed_bytes(_COMPRESSED[kind].match(body, data, end), body, end)
        if metadata_bytes > MAX_METADATA_BYTES:
            return f"a PNG of more than {MAX_METADATA_BYTES >> 20} MB of compressed text or colour profile"
        position = end + 4
    return f"a PNG of more than {MAX_CHUNKS:,} chunks: cameras and editors write fewer than 5,000"


def _decompressed_bytes(before: re.Match[bytes] | None, body: bytes, end: int) -> int:
    """Return how long the compressed part of a chunk is, at most one byte more than the limit."""
    if before is None:
        return 0
    try:
        return len(zlib.decompressobj().decompress(body[before.end() : end], MAX_METADATA_BYTES + 1))
    except zlib.error:
        return 0  # damaged, which its reader tells
