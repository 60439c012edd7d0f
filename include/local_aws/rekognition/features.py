"""What the classifier looks at: gradient directions (HOG), a coarse picture, and colours."""

import numpy as np
import numpy.typing as npt

from local_aws.rekognition.images import SIDE, Pixels

ORIENTATIONS = 9
CELL = 4
GRADIENT_WEIGHT, PICTURE_WEIGHT, COLOUR_WEIGHT = 1.0, 0.5, 0.35

Vector = npt.NDArray[np.float32]


def describe(pixels: Pixels) -> Vector:
    """Describe one (SIDE, SIDE, 3) image by a vector of length 1."""
    grey = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    parts = (
        (GRADIENT_WEIGHT, _gradients(grey)),
        (PICTURE_WEIGHT, _picture(grey)),
        (COLOUR_WEIGHT, _colours(pixels)),
    )
    return _unit(np.concatenate([np.float32(weight) * _unit(part) for weight, part in parts]))


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / (np.linalg.norm(vector) + np.float32(1e-6)), dtype=np.float32)


def _gradients(grey: Vector) -> Vector:
    """Histograms of gradient directions over cells, normalized over blocks of 2 x 2 cells."""
    down, across = np.gradient(grey)
    strength = np.hypot(down, across)
    position = (np.arctan2(down, across) % np.pi) * (ORIENTATIONS / np.pi)
    lower = np.floor(position)
    share = position - lower
    cells = SIDE // CELL
    rows = np.arange(SIDE) // CELL
    cell = (rows[:, None] * cells + rows[None, :]) * ORIENTATIONS
    first = cell + lower.astype(np.intp) % ORIENTATIONS
    second = cell + (lower.astype(np.intp) + 1) % ORIENTATIONS
    length = cells * cells * ORIENTATIONS
    histogram = np.bincount(first.ravel(), (strength * (1 - share)).ravel(), length)
    histogram += np.bincount(second.ravel(), (strength * share).ravel(), length)
    grid = histogram.reshape(cells, cells, ORIENTATIONS)
    blocks = np.concatenate([grid[:-1, :-1], grid[1:, :-1], grid[:-1, 1:], grid[1:, 1:]], axis=2)
    norms = np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 0.05)
    return np.asarray((blocks / norms).ravel(), dtype=np.float32)


def _picture(grey: Vector) -> Vector:
    """Return the image as 8 x 8 grey values around their mean."""
    coarse = grey.reshape(8, SIDE // 8, 8, SIDE // 8).mean(axis=(1, 3))
    return np.asarray((coarse - coarse.mean()).ravel(), dtype=np.float32)


def _colours(pixels: Pixels) -> Vector:
    """Mean colour differences over 4 x 4 areas: what grey values do not tell."""
    coarse = pixels.reshape(4, SIDE // 4, 4, SIDE // 4, 3).mean(axis=(1, 3))
    red, green, blue = coarse[..., 0], coarse[..., 1], coarse[..., 2]
    return np.concatenate([(red - green).ravel(), (green - blue).ravel(), np.full(4, 0.25, dtype=np.float32)])
