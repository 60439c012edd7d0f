"""A loop's parameters, the ten and the optional ones: names, defaults, meaning, and how their text is read."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from label_loop.exceptions import InvalidParameterError

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LONGEST_TEXT = 2000
_LONGEST_TEXT_BYTES = 4096  # of a standard parameter in Parameter Store


class Group(StrEnum):
    """What a parameter belongs to. The ten are the AWS sample's; a loop that has no others is whole."""

    LOOP = "The ten parameters"
    REVIEW = "Review settings"
    COST = "Cost"


@dataclass(frozen=True)
class Parameter[T]:
    """One parameter: its name in Parameter Store, default as text, effect, and how its text is read."""

    name: str
    default: str
    description: str
    rule: str
    read: Callable[[str], T]
    group: Group = Group.LOOP

    def parse(self, text: object) -> T:
        """Read a value as people write it.

        Raises InvalidParameterError naming the parameter, the value and the rule.
        """
        try:
            return self.read(str(text).strip())
        except ValueError:
            raise InvalidParameterError(self.name, text, self.rule) from None


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _integer(lowest: int, highest: float = math.inf) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError
        return int(text)

    return read


def _decimal(lowest: float, highest: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not _DECIMAL.fullmatch(text) or not lowest <= float(text) <= highest:
            raise ValueError
        return float(text)

    return read


def _text(text: str) -> str:
    text = text.replace("\r\n", "\n")  # as a browser's form sends a line's end
    is_short = 1 <= len(text) <= _LONGEST_TEXT
    # isprintable first: half a character, which JSON can hold, has no bytes.
    is_printable = all(character.isprintable() or character in "\n\t\xa0" for character in text)
    # Parameter Store refuses what looks like a reference to another parameter.
    if not (is_short and is_printable and len(text.encode()) <= _LONGEST_TEXT_BYTES and "{{" not in text):
        raise ValueError
    return text


_BOOLEAN_RULE = "true or false (also yes/no, on/off, 1/0)"
_COUNT_RULE = "a whole number of at least 1, without separators"
# A frequency becomes a timedelta; its largest is a year, so that no value can break a schedule.
_MINUTES_RULE = "a whole number of minutes from 1 to 525600, without separators"
_minutes = _integer(1, 525_600)


@dataclass(frozen=True)
class Settings:
    """The parameters of a loop, as values. Field names carry the units."""

    enable_automatic_training: bool
    automatic_training_poll_frequency_minutes: int
    minimum_untrained_images: int
    minimum_f1_score: float
    minimum_inference_units: int
    minimum_label_detection_confidence_percent: float
    enable_a2i_workflow: bool
    enable_automatic_human_sampling: bool
    automatic_human_sampling_frequency_minutes: int
    human_sampling_interval: int
    review_answers_per_image: int
    review_allow_new_labels: bool
    review_instructions: str
    idle_model_stop_minutes: int
    maximum_inference_units: int


_PARAMETERS: tuple[Parameter[Any], ...] = (
    Parameter(
        "Enable-Automatic-Training",
        "true",
        "Scheduled training checks on or off.",
        _BOOLEAN_RULE,
        _boolean,
    ),
    Parameter(
        "Automatic-Training-Poll-Frequency",
        "720",
        "How often training is checked, in minutes (1 to 525600).",
        _MINUTES_RULE,
        _minutes,
    ),
    Parameter(
        "Minimum-Untrained-Images",
        "10",
        "New labelled images since the last training attempt that start a training (at least 1).",
        _COUNT_RULE,
        _integer(1),
    ),
    Parameter(
        "Minimum-F1-Score",
        "0.8",
        "A new version is deployed at or above this F1 score (0 to 1).",
        "a number from 0 to 1, such as 0.8",
        _decimal(0, 1),
    ),
    Parameter(
        "Minimum-Inference-Units",
        "1",
        "Inference units that a model is started with (1 to 5).",
        "a whole number from 1 to 5",
        _integer(1, 5),
    ),
    Parameter(
        "Minimum-Label-Detection-Confidence",
        "70.0",
        "Below this confidence, in percent, a detection is not accepted (0 to 100).",
        "a number from 0 to 100, such as 70.0",
        _decimal(0, 100),
    ),
    Parameter(
        "Enable-A2I-Workflow",
        "true",
        "Whether detections that are not accepted go to human review.",
        _BOOLEAN_RULE,
        _boolean,
    ),
    Parameter(
        "Enable-Automatic-Human-Sampling",
        "true",
        "Scheduled human sampling on or off.",
        _BOOLEAN_RULE,
        _boolean,
    ),
    Parameter(
        "Automatic-Human-Sampling-Frequency",
        "720",
        "How often sampling is checked, in minutes (1 to 525600).",
        _MINUTES_RULE,
        _minutes,
    ),
    Parameter(
        "Human-Sampling-Interval",
        "1000",
        "Every n-th detection is reviewed whatever its confidence (at least 1).",
        _COUNT_RULE,
        _integer(1),
    ),
    Parameter(
        "Review-Answers-Per-Image",
        "1",
        "How many people's answers an image needs; the majority counts (1 to 9).",
        "a whole number from 1 to 9",
        _integer(1, 9),
        Group.REVIEW,
    ),
    Parameter(
        "Review-Allow-New-Labels",
        "false",
        "Whether a reviewer may name a label that has no folder yet.",
        _BOOLEAN_RULE,
        _boolean,
        Group.REVIEW,
    ),
    Parameter(
        "Review-Instructions",
        "Pick the label that fits the image best.",
        f"What reviewers are told (1 to {_LONGEST_TEXT} characters, any number of lines).",
        f"1 to {_LONGEST_TEXT} printable characters, at most {_LONGEST_TEXT_BYTES} bytes, and without {{{{",
        _text,
        Group.REVIEW,
    ),
    Parameter(
        "Idle-Model-Stop-Minutes",
        "0",
        "Stops the serving model after so many minutes without uploads; the next upload starts it again (0: never).",
        "a whole number of minutes from 0 (never) to 525600, without separators",
        _integer(0, 525_600),
        Group.COST,
    ),
    Parameter(
        "Maximum-Inference-Units",
        "0",
        "Inference units that Rekognition may scale a model up to, from the minimum that it starts with (0: none).",
        "a whole number from 0 (no scaling) to 5",
        _integer(0, 5),
        Group.COST,
    ),
)
PARAMETERS: Mapping[str, Parameter[Any]] = {parameter.name: parameter for parameter in _PARAMETERS}
FIELDS: Mapping[str, str] = dict(zip(PARAMETERS, (f.name for f in fields(Settings)), strict=True))
"""The field of ``Settings`` that holds each parameter."""
