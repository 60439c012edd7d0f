"""What a classifier looks at where the thing may be anywhere in the picture: the surroundings of its corners and blobs.

A keypoint is a spot that differs from what is around it, at one of several sizes. It is described by the directions of
the gradients around it, relative to their prevailing direction, so that neither place nor size nor turn matters. Light
on dark counts as dark on light, and the strongest of the three colours decides.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from local_aws.rekognition.images import Detail

DIRECTIONS = 8  # of gradients, over half a turn
RINGS = ((0.0, 1), (4.0, 8), (8.0, 8), (12.0, 8))  # radius in pixels, places on it
LENGTH = DIRECTIONS * sum(places for _, places in RINGS)
MOST_AT_SIZE = (
    32,
    32,
    28,
    24,
    16,
    12,
    8,
)  # keypoints in the picture, and in it made smaller
MIN_SIDE = 16  # pixels: what is smaller shows nothing
LEAST_CONTRAST = 0.015
FINE_BLUR, COARSE_BLUR = 1.5, 2.5  # pixels around the places of the inner and of the outer rings
_MARGIN = 16  # pixels: the outermost place of a keypoint at the border, and its blur

Matrix = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


def describe_keypoints(detail: Detail, ways: int = 1) -> Matrix:
    """Return descriptions of length 1, as (ways, keypoints, LENGTH).

    A prevailing direction has no sense, as it does not know light from dark: a second way describes the same keypoints
    with the other sense. Of two pictures that are compared, one needs both.
    """
    found = [_at_size(scaled, most, ways) for scaled, most in zip(_sizes(detail), MOST_AT_SIZE, strict=False)]
    return np.concatenate([np.zeros((ways, 0, LENGTH), dtype=np.float32), *found], axis=1)


def _sizes(detail: Detail) -> list[Detail]:
    """Return the picture and its smaller versions, each half an octave below the one before."""
    image = Image.fromarray((detail * 255).astype(np.uint8))
    sizes = [(round(image.width * scale), round(image.height * scale)) for scale in 0.5 ** (np.arange(7) / 2)]
    return [
        np.asarray(image.resize(size, Image.Resampling.BILINEAR), dtype=np.float32) / np.float32(255)
        for size in sizes
        if min(size) >= MIN_SIDE
    ]


def _at_size(picture: Detail, most: int, ways: int) -> Matrix:
    smooth = _blurred(picture, 1.2)
    rows, columns = (each + _MARGIN for each in _keypoints(smooth, most))
    fine = _blurred(_directions(smooth), FINE_BLUR)
    coarse = _blurred(fine, (COARSE_BLUR**2 - FINE_BLUR**2) ** 0.5)
    prevailing = _prevailing(coarse, rows, columns)
    return np.stack([_described((fine, coarse), (rows, columns), prevailing, way * np.pi) for way in range(ways)])


def _blurred(picture: Matrix, pixels: float) -> Matrix:
    from scipy.ndimage import gaussian_filter  # the endpoint starts without it

    return np.asarray(gaussian_filter(picture, (pixels, pixels, 0), truncate=2.5), dtype=np.float32)


def _keypoints(smooth: Detail, most: int) -> tuple[Places, Places]:
    """Return rows and columns of the spots that differ most from what is around them."""
    from scipy.ndimage import maximum_filter

    contrast = ((smooth - _blurred(smooth, 1.85)) ** 2).sum(axis=2)
    peaks = (contrast == maximum_filter(contrast, 3)) & (contrast > LEAST_CONTRAST**2)
    rows, columns = np.nonzero(peaks)
    strongest = np.argsort(-contrast[rows, columns], kind="stable")[:most]
    return rows[strongest], columns[strongest]


def _directions(smooth: Detail) -> Matrix:
    """Return how strong the gradient is in each direction at each pixel, with a margin of nothing around."""
    down, across = np.zeros_like(smooth), np.zeros_like(smooth)
    down[1:-1] = smooth[2:] - smooth[:-2]
    across[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    colour = (down**2 + across**2).argmax(axis=2)[..., None]
    down, across = (np.take_along_axis(each, colour, 2)[..., 0] for each in (down, across))
    strength = np.hypot(down, across)
    position = (np.arctan2(down, across) % np.pi) * (DIRECTIONS / np.pi)
    lower = position.astype(np.intp)
    share = (position - lower).astype(np.float32)
    height, width = strength.shape
    maps = np.zeros((height + 2 * _MARGIN, width + 2 * _MARGIN, DIRECTIONS), dtype=np.float32)
    row, column = np.indices(strength.shape) + _MARGIN
    maps[row, column, lower % DIRECTIONS] = strength * (1 - share)
    maps[row, column, (lower + 1) % DIRECTIONS] += strength * share
    return maps


def _prevailing(maps: Matrix, rows: Places, columns: Places) -> npt.NDArray[np.float64]:
    """Return the prevailing direction around each keypoint, as an angle within half a turn."""
    down, across = _places(4.0, 8, np.zeros(len(rows)))
    around = maps[rows, columns] + maps[rows[:, None] + down, columns[:, None] + across].mean(axis=1)
    doubled = (around * np.exp(2j * np.pi * np.arange(DIRECTIONS) / DIRECTIONS)).sum(axis=1)
    return np.asarray(np.angle(doubled) / 2)


def _places(radius: float, count: int, turned: npt.NDArray[np.float64]) -> tuple[Places, ...]:
    """Return rows and columns of the places on a ring, from its centre, as (keypoints, count) each."""
    angles = turned[:, None] + 2 * np.pi * np.arange(count) / count
    return tuple(np.rint(radius * each).astype(np.intp) for each in (np.sin(angles), np.cos(angles)))


def _described(
    maps: tuple[Matrix, Matrix],
    places: tuple[Places, Places],
    prevailing: npt.NDArray[np.float64],
    sense: float,
) -> Matrix:
    fine, coarse = maps
    rows, columns = places
    shift = prevailing * (DIRECTIONS / np.pi)
    lower = np.floor(shift).astype(np.intp)
    share = (shift - lower).astype(np.float32)[:, None, None]
    from_here = (np.arange(DIRECTIONS) + lower[:, None]) % DIRECTIONS
    parts = []
    for radius, count in RINGS:
        down, across = _places(radius, count, prevailing + sense)
        seen = (fine if radius < 6 else coarse)[rows[:, None] + down, columns[:, None] + across]
        first, second = (
            np.take_along_axis(seen, np.broadcast_to(each[:, None, :], seen.shape), 2)
            for each in (from_here, (from_here + 1) % DIRECTIONS)
        )
        parts.append((first * (1 - share) + second * share).reshape(len(rows), count * DIRECTIONS))
    described = np.concatenate(parts, axis=1)
    return np.asarray(np.sqrt(described / (described.sum(axis=1, keepdims=True) + np.float32(1e-6))), dtype=np.float32)
