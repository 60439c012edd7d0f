"""Pictures of digits, for training and for detection, and pictures of nothing."""

import io
import random
from itertools import islice

from PIL import Image

from sample_images.digits import Picture, digits

DIGITS: list[Picture] = list(islice(digits(), 250))
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
