"""Pictures as people have them: seven marks at any place, size, turn and colour, on busy backgrounds, as JPEG files."""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 256  # pixels of a mark as it is drawn
LEAST_CONTRAST = 200  # between mark and background, summed over the colours, of 765


def _ring(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((15, 15, 241, 241), fill=255)
    draw.ellipse((75, 75, 181, 181), fill=0)
    draw.rectangle((118, 0, 138, 100), fill=0)


def _star(draw: ImageDraw.ImageDraw) -> None:
    angles = np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, 123, 51)
    draw.polygon(list(zip(128 + radii * np.sin(angles), 128 - radii * np.cos(angles), strict=True)), fill=255)


def _bolt(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon([(148, 5), (38, 148), (115, 148), (97, 251), (218, 102), (141, 102)], fill=255)


def _bars(draw: ImageDraw.ImageDraw) -> None:
    for number in range(3):
        draw.rectangle((20 + 80 * number, 160 - 65 * number, 76 + 80 * number, 240), fill=255)


def _crescent(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((10, 10, 246, 246), fill=255)
    draw.ellipse((75, -10, 280, 195), fill=0)


def _house(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon([(128, 8), (248, 115), (212, 115), (212, 248), (44, 248), (44, 115), (8, 115)], fill=255)
    draw.rectangle((100, 155, 156, 248), fill=0)


def _forward(draw: ImageDraw.ImageDraw) -> None:
    for left in (8, 128):
        draw.polygon([(left, 51), (left + 120, 128), (left, 205)], fill=255)
    draw.rectangle((8, 220, 248, 248), fill=255)


MARKS: Mapping[str, Callable[[ImageDraw.ImageDraw], None]] = {
    "ring": _ring,
    "star": _star,
    "bolt": _bolt,
    "bars": _bars,
    "crescent": _crescent,
    "house": _house,
    "forward": _forward,
}


def logo(label: str, seed: int) -> bytes:
    """Return the picture of a mark that the seed fixes, 240 to 520 pixels a side."""
    random = np.random.default_rng([seed, list(MARKS).index(label)])
    width, height = (int(side) for side in random.integers(240, 520, 2))
    picture = _background(random, width, height)
    mark = Image.new("L", (SIDE, SIDE))
    MARKS[label](ImageDraw.Draw(mark))
    side = int(min(width, height) * random.uniform(0.3, 0.8))
    turned = mark.resize((side, side), Image.Resampling.LANCZOS).rotate(
        random.uniform(0, 360), Image.Resampling.BICUBIC, expand=True
    )
    left, top = (int(random.uniform(0, max(1, room))) for room in (width - turned.width, height - turned.height))
    under = np.asarray(picture.crop((left, top, left + turned.width, top + turned.height))).mean(axis=(0, 1))
    picture.paste(_colour_on(random, under), (left, top), turned)
    file = io.BytesIO()
    blurred = picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.5)))
    blurred.save(file, "JPEG", quality=int(random.integers(60, 95)))
    return file.getvalue()


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


def _colour_on(random: np.random.Generator, under: np.ndarray) -> tuple[int, int, int]:
    while np.abs((colour := _colour(random)) - under).sum() < LEAST_CONTRAST:
        pass
    return colour


def _background(random: np.random.Generator, width: int, height: int) -> Image.Image:
    first, second = random.integers(0, 256, (2, 3))
    across = np.linspace(0, 1, width)[None, :, None]
    shades = first * (1 - across) + second * across * np.ones((height, 1, 1))
    picture = Image.fromarray(shades.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(5, 25)):
        _clutter(draw, random, width, height)
    picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 3)))
    noisy = np.asarray(picture) + random.normal(0, random.uniform(0, 15), (height, width, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _clutter(draw: ImageDraw.ImageDraw, random: np.random.Generator, width: int, height: int) -> None:
    colour, size = _colour(random), int(random.integers(10, width // 2))
    left, top = int(random.integers(0, width)), int(random.integers(0, height))
    box = (left, top, left + size, top + int(size * random.uniform(0.3, 1.5)))
    match random.integers(4):
        case 0:
            draw.ellipse(box, fill=colour)
        case 1:
            draw.rectangle(box, fill=colour)
        case 2:
            end = (int(random.integers(0, width)), int(random.integers(0, height)))
            draw.line(((left, top), end), fill=colour, width=int(random.integers(1, 12)))
        case _:
            corners = np.array([left, top]) + random.integers(-size, size, (random.integers(3, 6), 2))
            draw.polygon([(int(x), int(y)) for x, y in corners], fill=colour)
