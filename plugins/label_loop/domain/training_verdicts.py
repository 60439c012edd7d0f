"""What was found when an object was read, kept by its ETag so that it is read only once.

The content of an object does not change without its ETag. Verdicts on trained images are in the manifest; these are the
others: objects that are no usable images, and images that were not trained yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from label_loop.domain.training_images import Verdict

# Raise this number when ``images.inspect_image`` changes its rules: then every object is read again.
_RULES = 3


@dataclass(frozen=True)
class _Stored:
    rules: int
    verdicts: dict[str, Verdict]


_STORED = TypeAdapter(_Stored)


def to_json(verdicts: Mapping[str, Verdict]) -> bytes:
    """Return verdicts by ETag as JSON."""
    return _STORED.dump_json(_Stored(_RULES, dict(verdicts)), exclude_defaults=True)


def parse(text: bytes) -> dict[str, Verdict]:
    """Return the verdicts of ``to_json``; none if they are unreadable, or were found by other rules."""
    try:
        stored = _STORED.validate_json(text)
    except ValueError:  # pydantic's ValidationError is one
        return {}
    return stored.verdicts if stored.rules == _RULES else {}
