"""Images of every kind, damaged in every way: each is taken or refused with a reason, within its decoder's limits."""

import io
import json
import random
import struct
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image, PngImagePlugin

from label_loop.decoder import pool
from label_loop.decoder.limits import CPU_SECONDS, MEMORY_BYTES
from label_loop.decoder.pool import DecoderPool

# The real program, which tells with each problem how long the image took and what its process has used at most.
MEASURED = """
import json, resource
from label_loop.decoder import child
inspect = child.inspect_image
def used():
    return resource.getrusage(resource.RUSAGE_SELF)
def measured(body):
    before, problem, after = used(), inspect(body).problem, used()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = [problem, seconds, before.ru_maxrss * 1024, after.ru_maxrss * 1024]
    return child.Inspection(json.dumps(figures))
child.inspect_image = measured
child.main()
"""


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_PROGRAM", ("-c", MEASURED))
        decoders = DecoderPool(1)
        yield decoders
    for decoder in decoders._idle:
        decoder.close()


def saved(chance: random.Random, kind: str, mode: str, **options) -> bytes:
    size = chance.choice([(64, 64), (80, 100), (300, 200)])
    picture = Image.effect_noise(size, 80)
    body = io.BytesIO()
    coloured = Image.merge("RGB", [picture] * 3)
    (picture if mode in {"L", "LA", "I;16"} else coloured).convert(mode).save(body, kind, **options)
    return body.getvalue()


def texts(chance: random.Random) -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    for number in range(chance.randint(1, 70)):
        texts.add_text(f"k{number}", "\U0001f408" * chance.randint(1, 300_000), zip=True)
    return texts


def jpeg(chance: random.Random) -> bytes:
    options = {
        "progressive": chance.random() < 0.5,
        "quality": chance.choice([1, 50, 95, 100]),
        "subsampling": chance.choice([0, 1, 2]),
        "exif": chance.choice([b"", _looping_exif(), b"Exif\x00\x00" + chance.randbytes(200)]),
        "icc_profile": chance.choice([None, b"\x00" * chance.randint(1, 300_000)]),
    }
    if not options["progressive"]:
        options["restart_marker_blocks"] = chance.choice([0, 1])
    return saved(chance, "JPEG", chance.choice(["L", "RGB", "CMYK"]), **options)


def many_scans(chance: random.Random) -> bytes:
    body = saved(chance, "JPEG", "RGB", progressive=True)
    last = body.rindex(b"\xff\xda")
    return body[:last] + body[last:-2] * chance.choice([2, 40, 2_000]) + body[-2:]


def png(chance: random.Random) -> bytes:
    modes = ["1", "L", "LA", "I;16", "P", "RGB", "RGBA"]
    return saved(chance, "PNG", chance.choice(modes), pnginfo=chance.choice([None, texts(chance)]))


def png_header(chance: random.Random) -> bytes:
    """Return a PNG whose header says anything, interlaced or not, with pixels that need not match."""
    sides = [1, 64, 100, 4096, 4097, 2**31 - 1]
    header = struct.pack(
        ">IIBBBBB", chance.choice(sides), chance.choice(sides), chance.choice([1, 2, 4, 8, 16, 7]),
        chance.choice([0, 2, 3, 4, 6, 5]), 0, 0, chance.choice([0, 1, 2]),
    )  # fmt: skip
    pixels = zlib.compress(bytes(chance.choice([0, 1_000, 3_000_000])))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


def several(chance: random.Random) -> bytes:
    frames = [Image.effect_noise((80, 80), 80).convert("RGBA") for _ in range(3)]
    kind = chance.choice(["PNG", "MPO"])
    how = {"disposal": chance.choice([0, 1, 2]), "blend": chance.choice([0, 1])} if kind == "PNG" else {}
    body = io.BytesIO()
    frames = frames if kind == "PNG" else [frame.convert("RGB") for frame in frames]
    frames[0].save(body, kind, save_all=True, append_images=frames[1:], **how)
    return body.getvalue()


def _looping_exif() -> bytes:
    """Return EXIF whose only directory says that the next one is itself."""
    return b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x87i\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00\x08"


def damaged(chance: random.Random, body: bytes) -> bytes:
    how = chance.choice(["not", "cut", "bits", "bytes", "repeated", "header"])
    if how == "cut":
        return body[: chance.randrange(len(body))]
    changed = bytearray(body)
    if how == "repeated":
        start = chance.randrange(len(body))
        return bytes(changed[:start] + changed[start : start + 500] * chance.choice([2, 400]) + changed[start:])
    within = 200 if how == "header" else len(body)
    for _ in range({"not": 0, "bits": 1}.get(how, 20)):
        changed[chance.randrange(min(within, len(body)))] ^= 1 << chance.randrange(8)
    return bytes(changed)


KINDS = (jpeg, many_scans, png, png_header, several)


@pytest.mark.parametrize(
    ("seed", "count"), [(1, 60), *(pytest.param(seed, 1_000, marks=pytest.mark.slow) for seed in range(2, 4))]
)
def test_each_is_taken_or_refused_within_the_limits(decoders: DecoderPool, seed: int, count: int):
    chance = random.Random(seed)
    verdicts, idle_bytes = set(), 0
    for number in range(count):
        body = damaged(chance, KINDS[number % len(KINDS)](chance))
        told = decoders.inspect(body).problem
        assert told, "a decoder of this test always tells something"
        if not told.startswith("["):  # a limit ended it, as it should, and the next image gets a new process
            assert told.startswith("cannot be decoded within"), (seed, number, told)
            idle_bytes = 0
            continue
        problem, seconds, before_bytes, peak_bytes = json.loads(told)
        idle_bytes = idle_bytes or before_bytes
        assert seconds < CPU_SECONDS + 0.1, (seed, number, problem)  # the kernel's clock ticks
        assert peak_bytes < idle_bytes + MEMORY_BYTES, (seed, number, problem)
        verdicts.add(problem is None)
    assert verdicts == {True, False}
