"""Reading an image as Rekognition would accept it, and making it small enough to learn from."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

MAX_S3_BYTES = 15 * 1024 * 1024
MAX_INLINE_BYTES = 4 * 1024 * 1024
MIN_SIDE_PIXELS = 64
MAX_SIDE_PIXELS = 4096
MAX_ASPECT_RATIO = 20
SIDE = 32  # pixels a side of what the classifier sees

Pixels = npt.NDArray[np.float32]  # (SIDE, SIDE, 3), 0..1


@dataclass(frozen=True)
class UnusableImageError(Exception):
    """Why an image cannot be used: ``kind`` is "format", "too-small", "too-large", "aspect-ratio"."""

    kind: str
    message: str

    def __str__(self) -> str:
        return self.message


def read_pixels(body: bytes) -> Pixels:
    """Decode PNG or JPEG to the classifier's view; raises ``UnusableImageError``."""
    image = _open(body)
    _check_sides(image.width, image.height)
    try:
        image.draft("RGB", (SIDE * 2, SIDE * 2))  # lets libjpeg skip most of a large picture
        small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0)
    except (OSError, ValueError, SyntaxError) as error:
        raise UnusableImageError("format", "The image is damaged and cannot be decoded.") from error
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def _open(body: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # sides are checked before decoding
            return Image.open(io.BytesIO(body), formats=("PNG", "JPEG"))
    except Image.DecompressionBombError as error:
        raise UnusableImageError("too-large", f"A side exceeds {MAX_SIDE_PIXELS} pixels.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise UnusableImageError("format", "The image is not a readable PNG or JPEG.") from error


def _check_sides(width: int, height: int) -> None:
    size = f"{width} x {height}"
    if min(width, height) < MIN_SIDE_PIXELS:
        raise UnusableImageError("too-small", f"The image is {size}; the minimum side is {MIN_SIDE_PIXELS} pixels.")
    if max(width, height) > MAX_SIDE_PIXELS:
        raise UnusableImageError("too-large", f"The image is {size}; the maximum side is {MAX_SIDE_PIXELS} pixels.")
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise UnusableImageError("aspect-ratio", f"The image is {size}; its sides differ by more than 20 to 1.")
