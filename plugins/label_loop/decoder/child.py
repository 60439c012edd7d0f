"""The program of a decoder: reads images from standard input, and writes what each is to standard output.

It ends when its parent does, and is ended by the kernel when an image takes too long.
"""

import os
import resource
import signal
import sys
from importlib import import_module
from pathlib import Path

from label_loop.decoder.limits import CPU_SECONDS, LENGTH, MEMORY_BYTES, REQUEST, THUMBNAIL, answer_of
from label_loop.domain.images import Inspection, inspect_image, thumbnail

_PLUGINS = ("JpegImagePlugin", "MpoImagePlugin", "PngImagePlugin", "TiffImagePlugin")  # the last reads EXIF


def main() -> None:
    """Answer what is asked of one image after the other."""
    os.nice(10)  # pages come first
    for forbidden in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(forbidden, (0, 0))
    for plugin in _PLUGINS:  # else the first image would pay for them
        import_module(f"PIL.{plugin}")
    while header := sys.stdin.buffer.read(REQUEST.size):
        _limit()
        asked, length = REQUEST.unpack(header)
        body = sys.stdin.buffer.read(length)
        answer = _thumbnail(body) if asked == THUMBNAIL else answer_of(_inspected(body))
        sys.stdout.buffer.write(LENGTH.pack(len(answer)) + answer)
        sys.stdout.buffer.flush()


def _limit() -> None:
    """Limit the next image. Not by RLIMIT_CPU, which counts whole seconds of all images together."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    if sys.platform != "linux":
        return  # elsewhere the limit does not work, or not alike
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    idle_bytes = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (idle_bytes + MEMORY_BYTES, resource.RLIM_INFINITY))


def _thumbnail(body: bytes) -> bytes:
    try:
        return thumbnail(body)
    except Exception:  # Pillow's decoders raise many types for damaged files
        return b""


def _inspected(body: bytes) -> Inspection:
    try:
        return inspect_image(body)
    except MemoryError:
        return Inspection(f"cannot be decoded within {MEMORY_BYTES >> 20} MB of memory")


if __name__ == "__main__":
    main()
