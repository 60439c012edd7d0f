"""The numbers of versions: v1, v2, … in the order in which a loop prepared their images.

A version's name in AWS ends with its number. Whoever knows the name therefore knows the number, without a look-up.
Versions that a person or an earlier release trained have no number.
"""

import re
from collections.abc import Iterable

# What training.version_name returns, and the number.
_NUMBERED = re.compile(r"(label-loop-[0-9a-f]{12}-[0-9a-f]{8})-v([1-9][0-9]{0,8})")


def number_of(version_name: str) -> int | None:
    """Return the number of a version by its name in AWS, or None if it has none."""
    found = _NUMBERED.fullmatch(version_name)
    return int(found[2]) if found else None


def display_name(version_name: str) -> str:
    """Return what people call a version: its number, with its name in AWS; without a number, the name alone."""
    number = number_of(version_name)
    return version_name if number is None else f"v{number} ({version_name})"


def short_name(version_name: str) -> str:
    """Return ``v7``, or the whole name of a version without a number."""
    number = number_of(version_name)
    return version_name if number is None else f"v{number}"


def numbered_name(name: str, known: Iterable[str], newest: int) -> str:
    """Return a version's name with its number: the next one after ``newest``, if it has none yet.

    ``known`` are the names of versions that may have been given a number. One that is there already keeps it.
    """
    mine = (one for one in known if (found := _NUMBERED.fullmatch(one)) and found[1] == name)
    return next(mine, f"{name}-v{newest + 1}")
