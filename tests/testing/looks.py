"""Perceptual hashes for tests: of pictures that look like no other, and of those that look almost like one."""

import random

_DIGITS = "0123456789abcdef"


def look(seed: int) -> str:
    """Return the perceptual hash of a picture that looks like that of no other seed."""
    return "".join(random.Random(seed).choices(_DIGITS, k=64))


def varied(looks: str, areas: int, levels: int = 1) -> str:
    """Return a hash with so many areas lighter by some levels; where that is not possible, darker."""
    changed = [_DIGITS.index(digit) for digit in looks]
    for area in range(areas):
        changed[area] += levels if changed[area] + levels < len(_DIGITS) else -levels
    return "".join(_DIGITS[level] for level in changed)
