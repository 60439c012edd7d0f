"""Whether Rekognition will take an image for training, found out before the training is paid."""

import io
import warnings

LARGEST_BYTES = 15 * 1024 * 1024
SHORTEST_SIDE_PX = 64
LONGEST_SIDE_PX = 4096
LARGEST_ASPECT_RATIO = 20
SUFFIXES = (".png", ".jpg", ".jpeg")
_FORMATS = {"PNG": ".png", "JPEG": ".jpg"}


def is_image_key(key: str) -> bool:
    """Return whether a key is named like an image that Rekognition takes."""
    return key.lower().endswith(SUFFIXES)


def size_problem(size_bytes: int) -> str | None:
    """Return why a file of this size cannot be trained on, or None where it can."""
    if size_bytes == 0:
        return "an empty file"
    return f"{size_bytes} bytes: more than 15 MB" if size_bytes > LARGEST_BYTES else None


def image_problem(body: bytes) -> str | None:
    """Return why an image cannot be trained on, or None where it can.

    Reads it whole, as Rekognition will: a truncated file has a good header. Sizes are checked from the
    header, before any pixel is decompressed, so a small file cannot fill the memory.
    """
    from PIL import Image

    problem = size_problem(len(body))
    if problem:
        return problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large images; their size is checked below
        try:
            with Image.open(io.BytesIO(body), formats=list(_FORMATS)) as image:
                problem = _size_problem(*image.size)
                if problem is None:
                    image.load()
        except Image.DecompressionBombError:
            return f"more than {LONGEST_SIDE_PX} px a side"
        except Exception as error:  # Pillow's decoders raise many kinds for damaged files
            return f"not a readable PNG or JPEG ({type(error).__name__})"
    return problem


def _size_problem(width: int, height: int) -> str | None:
    shorter, longer = sorted((width, height))
    if shorter < SHORTEST_SIDE_PX or longer > LONGEST_SIDE_PX:
        return f"{width} x {height} px: each side must be {SHORTEST_SIDE_PX} to {LONGEST_SIDE_PX} px"
    if longer > LARGEST_ASPECT_RATIO * shorter:
        return f"{width} x {height} px: the sides differ by more than {LARGEST_ASPECT_RATIO} to 1"
    return None


def image_suffix(key: str, head: bytes) -> str:
    """Return the suffix an image is filed under: its own where it is an image's, else by its first bytes."""
    for suffix in SUFFIXES:
        if key.lower().endswith(suffix):
            return suffix
    return ".png" if head.startswith(b"\x89PNG") else ".jpg"
