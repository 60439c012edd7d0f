"""Pictures of digits, for training and for detection, and pictures of nothing."""

import io
import random
from collections.abc import Iterable, Iterator
from itertools import islice

from PIL import Image

from label_loop.domain.alike import Groups
from label_loop.domain.images import perceptual_hash
from label_loop.payloads import LabelledImage
from sample_images.digits import Picture, digits


def _different(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """Yield the pictures that look like no earlier one: what trains does not depend on the order of arrival then."""
    groups: Groups[None] = Groups(by_look=True)
    for picture in pictures:
        with Image.open(io.BytesIO(picture.body)) as opened:
            look = perceptual_hash(opened)
        image = LabelledImage(picture.name, picture.label, "", content=picture.name, perceptual_hash=look)
        if not groups.of(image):
            groups.start(image, None)
            yield picture


DIGITS: list[Picture] = list(_different(islice(digits(), 250)))
_TEN_EACH = [[picture for picture in DIGITS if picture.label == str(label)][:10] for label in range(10)]
# 0, 1, … 9, 0, 1, …: any 20 in a row have two images a label, the fewest that can train.
TRAINING_DIGITS = [pictures[n] for n in range(10) for pictures in _TEN_EACH]
FRESH_DIGITS = [picture for picture in DIGITS if picture not in TRAINING_DIGITS]


def png(number: int = 0, side: int = 96) -> bytes:
    """Return a pattern that looks like that of no other number."""
    file = io.BytesIO()
    pattern = Image.frombytes("L", (8, 8), random.Random(number).randbytes(64))
    pattern.resize((side, side), Image.Resampling.NEAREST).convert("RGB").save(file, "PNG")
    return file.getvalue()
