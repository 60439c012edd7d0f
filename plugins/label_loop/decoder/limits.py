"""What one image may cost, and how a decoder and its parent write to each other."""

import json
import struct
from dataclasses import astuple

from label_loop.domain.images import Inspection, is_perceptual_hash

# The slowest images of the largest size, a PNG of 15 MB or a progressive JPEG of four colours, take half of both.
CPU_SECONDS = 1.0
MEMORY_BYTES = 200 << 20  # beyond what a decoder takes when it is idle

_UNREADABLE = "cannot be decoded: its decoder gave no readable answer"

REQUEST = struct.Struct(">cI")  # before each image: what is asked of it, and its length
LENGTH = struct.Struct(">I")  # before each answer
INSPECT, THUMBNAIL = b"i", b"t"


def answer_of(inspection: Inspection) -> bytes:
    """Return an answer."""
    return json.dumps(astuple(inspection)).encode()


def inspection_of(answer: bytes) -> Inspection:
    """Return what an answer says. One that no decoder gives is the image's problem: it may have taken control of it."""
    try:
        problem, perceptual_hash = json.loads(answer)
        if problem is None and is_perceptual_hash(perceptual_hash):
            return Inspection(None, perceptual_hash)
        return Inspection(str(problem or _UNREADABLE))
    except (ValueError, TypeError, RecursionError):
        return Inspection(_UNREADABLE)
