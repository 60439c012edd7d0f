"""Checks images against the training limits of Rekognition, before a training is billed."""

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_loop.domain.image_structure import structure_problem

if TYPE_CHECKING:
    from PIL.Image import Image as AnyImage

MAX_IMAGE_BYTES = 15 * 1024 * 1024
MIN_SIDE_PX = 64
MAX_SIDE_PX = 4096
MAX_ASPECT_RATIO = 20
SUFFIXES = (".png", ".jpg", ".jpeg")
# The first bytes of the formats that Rekognition accepts.
_SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff"}
HASH_SIDE = 8
THUMBNAIL_SIDE_PX = 256
_MOST_THUMBNAIL_BYTES = 128 * 1024  # of noise, which is the largest there is, half of it
_LIGHTEST = 15
_HEXADECIMAL = frozenset("0123456789abcdef")
_ENOUGH_TO_COMPARE = (8 * HASH_SIDE, 8 * HASH_SIDE)
SIGNATURE_BYTES = max(map(len, _SIGNATURES.values()))


def is_image_key(key: str) -> bool:
    """Return whether a key has a usual suffix of an image format that Rekognition accepts.

    Whether the object is an image is decided by its content, never by its key.
    """
    return key.lower().endswith(SUFFIXES)


def is_image_start(head: bytes) -> bool:
    """Return whether a file with these first ``SIGNATURE_BYTES`` bytes can be a PNG or JPEG."""
    return head.startswith(tuple(_SIGNATURES.values()))


def size_problem(size_bytes: int) -> str | None:
    """Return why a file of this size cannot be used for training, or None if it can."""
    if size_bytes == 0:
        return "an empty file"
    return f"{size_bytes} bytes, more than 15 MB" if size_bytes > MAX_IMAGE_BYTES else None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Why an image cannot be used for training, or None if it can; then also its ``perceptual_hash``, else ""."""

    problem: str | None
    perceptual_hash: str = ""


def inspect_image(body: bytes) -> Inspection:
    """Find out whether an image can be used for training, and what it looks like.

    Raises MemoryError if it takes too much. The whole image is decoded, since a truncated file has a valid header. Its
    structure and dimensions are checked before, so that most decompression bombs cost nothing.
    ``decoder.inspect_image`` bounds what the others cost.
    """
    from PIL import Image

    problem = size_problem(len(body)) or structure_problem(body)
    if problem:
        return Inspection(problem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about large images; dimensions are checked below
        try:
            with Image.open(io.BytesIO(body), formats=list(_SIGNATURES)) as image:
                problem = _size_problem(*image.size)
                if problem:
                    return Inspection(problem)
                image.draft(None, _ENOUGH_TO_COMPARE)  # reads all of a JPEG, in a fraction of the memory for its pixels
                image.load()
                return Inspection(None, perceptual_hash(image))
        except MemoryError:
            raise
        except Image.DecompressionBombError:
            return Inspection(f"more than {MAX_SIDE_PX} px per side")
        except Exception as error:  # Pillow's decoders raise many types for damaged files
            return Inspection(f"not a readable PNG or JPEG ({type(error).__name__})")


def thumbnail(body: bytes) -> bytes:
    """Return a JPEG of at most 256 x 256 px of an image, as browsers show it: turned as its EXIF data says.

    What is transparent becomes white. Raises whatever Pillow does for what is no image; ``decoder.thumbnail`` bounds
    what it costs.
    """
    from PIL import Image, ImageOps

    if structure_problem(body):
        raise ValueError("not an image")
    with Image.open(io.BytesIO(body), formats=list(_SIGNATURES)) as image:
        if max(image.size) > MAX_SIDE_PX:
            raise ValueError("too large")
        image.draft(None, (2 * THUMBNAIL_SIDE_PX, 2 * THUMBNAIL_SIDE_PX))
        shown = ImageOps.exif_transpose(_eight_bits(image))
        shown.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))
        whole = Image.new("RGB", shown.size, "white")
        whole.paste(shown, mask=shown.getchannel("A"))
        small = io.BytesIO()
        whole.save(small, "JPEG", quality=80)
        return small.getvalue()


def is_thumbnail(answer: bytes) -> bool:
    """Return whether bytes can be a thumbnail: a small JPEG."""
    return len(answer) <= _MOST_THUMBNAIL_BYTES and answer.startswith(_SIGNATURES["JPEG"])


def _eight_bits(image: "AnyImage") -> "AnyImage":
    """Return an image with 8 bits a colour and transparency; Pillow would clip 16 bits of grey."""
    if image.mode.startswith("I"):
        image = image.point(lambda level: level * (1 / 256)).convert("L")
    return image.convert("RGBA")


def perceptual_hash(image: "AnyImage") -> str:
    """Return what an image looks like: its 8 x 8 areas as hexadecimal digits, from its darkest (0) to its lightest (f).

    It hardly depends on size, brightness and compression. ``alike`` compares two of them.
    """
    from PIL.Image import Resampling

    grey = image.convert("F" if image.mode.startswith("I") else "L")  # 16 bits would be clipped to 8
    small = grey.resize((HASH_SIDE, HASH_SIDE), Resampling.BOX)
    levels = [level for level in small.get_flattened_data() if isinstance(level, int | float)]  # grey has no colours
    darkest, contrast = min(levels), max(levels) - min(levels)
    return "".join(f"{round(_LIGHTEST * (level - darkest) / (contrast or 1)):x}" for level in levels)


def is_perceptual_hash(text: str) -> bool:
    """Return whether a text is what ``perceptual_hash`` returns."""
    return len(text) == HASH_SIDE**2 and set(text) <= _HEXADECIMAL


def _size_problem(width: int, height: int) -> str | None:
    shorter, longer = sorted((width, height))
    if shorter < MIN_SIDE_PX or longer > MAX_SIDE_PX:
        return f"{width} x {height} px: each side must be {MIN_SIDE_PX} to {MAX_SIDE_PX} px"
    if longer > MAX_ASPECT_RATIO * shorter:
        return f"{width} x {height} px: the sides differ by more than {MAX_ASPECT_RATIO} to 1"
    return None


def content_type(key: str) -> str:
    """Return the media type of an image, by the suffix of its key."""
    return "image/png" if key.lower().endswith(".png") else "image/jpeg"


def image_suffix(key: str, head: bytes) -> str:
    """Return the suffix to store an image with: its own if it is an image suffix, else one by its first bytes."""
    for suffix in SUFFIXES:
        if key.lower().endswith(suffix):
            return suffix
    return ".png" if head.startswith(b"\x89PNG") else ".jpg"
