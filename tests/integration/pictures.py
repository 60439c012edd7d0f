"""Pictures of digits, for training and for detection, and pictures of nothing."""

import io
from itertools import islice

from PIL import Image

from sample_images.digits import Picture, digits

DIGITS: list[Picture] = list(islice(digits(), 250))
_TEN_EACH = [[picture for picture in DIGITS if picture.label == str(label)][:10] for label in range(10)]
# 0, 1, … 9, 0, 1, …: any 20 in a row have two images a label, the fewest that can train.
TRAINING_DIGITS = [pictures[n] for n in range(10) for pictures in _TEN_EACH]
FRESH_DIGITS = [picture for picture in DIGITS if picture not in TRAINING_DIGITS]


def png(colour: int = 0, side: int = 96) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (colour % 256, colour // 256 % 256, 90)).save(file, "PNG")
    return file.getvalue()
