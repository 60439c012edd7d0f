"""Variants of a training image: slightly turned, moved and scaled."""

import numpy as np
from PIL import Image

from local_aws.rekognition.images import SIDE, Pixels

MAX_TURN_DEGREES = 12.0
MAX_SCALE = 0.12
MAX_SHIFT_PIXELS = 2.5


def vary(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """One variant of an image; what moves in from outside has the colour of the border."""
    image = Image.fromarray((pixels * 255).astype(np.uint8))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = (int(value) for value in np.median(border, axis=0) * 255)
    moved = image.transform(
        (SIDE, SIDE),
        Image.Transform.AFFINE,
        _affine(random),
        Image.Resampling.BILINEAR,
        fillcolor=(red, green, blue),
    )
    return np.asarray(moved, dtype=np.float32) / np.float32(255)


def _affine(random: np.random.Generator) -> tuple[float, float, float, float, float, float]:
    angle = np.deg2rad(random.uniform(-MAX_TURN_DEGREES, MAX_TURN_DEGREES))
    scale = random.uniform(1 - MAX_SCALE, 1 + MAX_SCALE)
    shift_x, shift_y = random.uniform(-MAX_SHIFT_PIXELS, MAX_SHIFT_PIXELS, 2)
    cosine, sine = float(np.cos(angle) / scale), float(np.sin(angle) / scale)
    centre = (SIDE - 1) / 2
    return (
        cosine,
        sine,
        centre - cosine * centre - sine * centre + float(shift_x),
        -sine,
        cosine,
        centre + sine * centre - cosine * centre + float(shift_y),
    )
