"""Reading an image as Rekognition would accept it, and making it small enough to learn from."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

MAX_S3_BYTES = 15 * 1024 * 1024
MAX_INLINE_BYTES = 4 * 1024 * 1024
MIN_SIDE_PIXELS = 64
MAX_SIDE_PIXELS = 4096
MAX_ASPECT_RATIO = 20
SIDE = 32  # pixels a side of the coarse view
LONG_SIDE = 160  # pixels of the detailed view's longer side
# A scan of a progressive JPEG costs time for each of its pixels, however few bytes it has. Encoders write about ten.
MAX_SCANNED_PIXELS = 400_000_000
_SCAN = b"\xff\xda"
_ORIENTATION = 0x0112
# What turns an image upright, by its EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

type Size = tuple[int, int]  # width and height
Pixels = npt.NDArray[np.float32]  # (SIDE, SIDE, 3), 0..1: the whole image, squeezed
Detail = npt.NDArray[np.float32]  # (height, width, 3), 0..1: in its own proportions


@dataclass(frozen=True)
class UnusableImageError(Exception):
    """Why an image cannot be used: ``kind`` is "format", "too-small", "too-large", "aspect-ratio"."""

    kind: str
    message: str

    def __str__(self) -> str:
        return self.message


def read_pixels(body: bytes) -> Pixels:
    """Decode PNG or JPEG to the coarse view; raises ``UnusableImageError``."""
    return _read(body, lambda _: (SIDE, SIDE))


def read_detail(body: bytes) -> Detail:
    """Decode PNG or JPEG to the detailed view; raises ``UnusableImageError``."""
    return _read(body, _detailed_size)


def _detailed_size(size: Size) -> Size:
    width, height = size
    scale = LONG_SIDE / max(size)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _read(body: bytes, size_of: Callable[[Size], Size]) -> Pixels:
    image = _open(body)
    _check_sides(image.width, image.height)
    if image.format != "PNG" and body.count(_SCAN) * image.width * image.height > MAX_SCANNED_PIXELS:
        raise UnusableImageError("format", "The image is a progressive JPEG of more scans than an encoder writes.")
    size = size_of(image.size)
    turn = _turn(image)
    try:
        image.draft("RGB", (size[0] * 2, size[1] * 2))  # lets libjpeg skip most of a large picture
        small = _as_rgb(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    except Exception as error:  # Pillow's decoders raise many types for damaged files
        raise UnusableImageError("format", "The image is damaged and cannot be decoded.") from error
    upright = small if turn is None else small.transpose(turn)
    return np.asarray(upright, dtype=np.float32) / np.float32(255)


def _open(body: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sides are checked before decoding
            return Image.open(io.BytesIO(body), formats=("PNG", "JPEG"))
    except Image.DecompressionBombError as error:
        raise UnusableImageError("too-large", f"A side exceeds {MAX_SIDE_PIXELS} pixels.") from error
    except Exception as error:  # Pillow's readers raise many types for damaged headers
        raise UnusableImageError("format", "The image is not a readable PNG or JPEG.") from error


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what turns a JPEG upright. AWS documents for DetectLabels that a PNG, or damaged EXIF, turns nothing."""
    if image.format == "PNG":
        return None
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # Pillow's reader of EXIF raises many types where it is damaged
        return None


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _check_sides(width: int, height: int) -> None:
    size = f"{width} x {height}"
    if min(width, height) < MIN_SIDE_PIXELS:
        raise UnusableImageError("too-small", f"The image is {size}; the minimum side is {MIN_SIDE_PIXELS} pixels.")
    if max(width, height) > MAX_SIDE_PIXELS:
        raise UnusableImageError("too-large", f"The image is {size}; the maximum side is {MAX_SIDE_PIXELS} pixels.")
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise UnusableImageError("aspect-ratio", f"The image is {size}; its sides differ by more than 20 to 1.")
