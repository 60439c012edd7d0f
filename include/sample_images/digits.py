"""scikit-learn's handwritten digits (1,797 scans of 8 x 8 px) as PNG files large enough for Rekognition."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

SIDE_PX = 96  # Rekognition requires at least 64 px a side


@dataclass(frozen=True)
class Picture:
    """An image file and its true label."""

    name: str
    label: str
    body: bytes


def digits(seed: int = 0) -> Iterator[Picture]:
    """Yield each digit once, in an order that the seed determines."""
    import numpy as np
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))
    for index in order:
        label = str(data.target[index])
        yield Picture(f"digit-{index:04}.png", label, _png(data.images[index]))


def _png(pixels: object) -> bytes:
    import numpy as np
    from PIL import Image

    # The scans hold 17 levels of ink; in an image, paper is white.
    grey = 255 - np.asarray(pixels) * (255 / 16)
    image = Image.fromarray(grey.astype("uint8")).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG")
    return file.getvalue()
