"""A loop's parameters, the ten and the optional ones: names, defaults, meaning, and how their text is read."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypedDict

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
    DECISION = "Whether a new version is better"
    ACCEPTANCE = "Which detections are accepted"


class ApproveDeployments(StrEnum):
    """When a person is asked about a new version before it is deployed."""

    WHEN_UNDECIDED = "when undecided"
    ALWAYS = "always"
    NEVER = "never"


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


def _read_boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _reads_integer(lowest: int, highest: float = math.inf) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError
        return int(text)

    return read


def _reads_decimal(lowest: float, highest: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not _DECIMAL.fullmatch(text) or not lowest <= float(text) <= highest:
            raise ValueError
        return float(text)

    return read


def _read_text(text: str) -> str:
    text = text.replace("\r\n", "\n")  # as a browser's form sends a line's end
    is_short = 1 <= len(text) <= _LONGEST_TEXT
    # isprintable first: half a character, which JSON can hold, has no bytes.
    is_printable = all(character.isprintable() or character in "\n\t\xa0" for character in text)
    # Parameter Store refuses what looks like a reference to another parameter.
    if not (is_short and is_printable and len(text.encode()) <= _LONGEST_TEXT_BYTES and "{{" not in text):
        raise ValueError
    return text


def _reads_choice[T: StrEnum](choices: type[T]) -> Callable[[str], T]:
    return lambda text: choices(" ".join(text.lower().split()))


_PARAMETER = "parameter"  # the key of a field's metadata


def _declare[T](parameter: Parameter[T]) -> T:
    """Return the field of a parameter; to the type checker it is a value, so that its type is the field's."""
    declared: T = field(metadata={_PARAMETER: parameter})
    return declared


def _boolean(name: str, default: str, description: str, group: Group = Group.LOOP) -> bool:
    rule = "true or false (also yes/no, on/off, 1/0)"
    return _declare(Parameter(name, default, description, rule, _read_boolean, group))


def _integer(name: str, default: str, description: str, rule: str, *, bounds: tuple[int, float], group: Group) -> int:
    return _declare(Parameter(name, default, description, f"a whole number {rule}", _reads_integer(*bounds), group))


def _minutes(name: str, default: str, description: str) -> int:
    # A frequency becomes a timedelta; its largest is a year, so that no value can break a schedule.
    rule = "of minutes from 1 to 525600, without separators"
    return _integer(name, default, description, rule, bounds=(1, 525_600), group=Group.LOOP)


def _count(name: str, default: str, description: str, group: Group = Group.LOOP) -> int:
    rule = "of at least 1, without separators"
    return _integer(name, default, description, rule, bounds=(1, math.inf), group=group)


def _decimal(name: str, default: str, description: str, highest: float, group: Group = Group.LOOP) -> float:
    rule = f"a number from 0 to {highest:g}, such as {default}"
    return _declare(Parameter(name, default, description, rule, _reads_decimal(0, highest), group))


def _text(name: str, default: str, description: str, group: Group) -> str:
    rule = f"1 to {_LONGEST_TEXT} printable characters, at most {_LONGEST_TEXT_BYTES} bytes, and without {{{{"
    return _declare(Parameter(name, default, description, rule, _read_text, group))


def _choice[T: StrEnum](name: str, default: T, description: str, group: Group) -> T:
    choices = type(default)
    rule = f"one of: {', '.join(choices)}"
    return _declare(Parameter(name, default.value, description, rule, _reads_choice(choices), group))


@dataclass(frozen=True)
class Settings:
    """The parameters of a loop, as values, each declared here and nowhere else. Field names carry the units."""

    enable_automatic_training: bool = _boolean(
        "Enable-Automatic-Training", "true", "Scheduled training checks on or off."
    )
    automatic_training_poll_frequency_minutes: int = _minutes(
        "Automatic-Training-Poll-Frequency", "720", "How often training is checked, in minutes (1 to 525600)."
    )
    minimum_untrained_images: int = _count(
        "Minimum-Untrained-Images",
        "10",
        "New labelled images since the last training attempt that start a training (at least 1).",
    )
    minimum_f1_score: float = _decimal(
        "Minimum-F1-Score", "0.8", "A new version is deployed at or above this F1 score (0 to 1).", highest=1
    )
    minimum_inference_units: int = _integer(
        "Minimum-Inference-Units",
        "1",
        "Inference units that a model is started with (1 to 5).",
        "from 1 to 5",
        bounds=(1, 5),
        group=Group.LOOP,
    )
    minimum_label_detection_confidence_percent: float = _decimal(
        "Minimum-Label-Detection-Confidence",
        "70.0",
        "Below this confidence, in percent, a detection is not accepted (0 to 100).",
        highest=100,
    )
    enable_a2i_workflow: bool = _boolean(
        "Enable-A2I-Workflow", "true", "Whether detections that are not accepted go to human review."
    )
    enable_automatic_human_sampling: bool = _boolean(
        "Enable-Automatic-Human-Sampling", "true", "Scheduled human sampling on or off."
    )
    automatic_human_sampling_frequency_minutes: int = _minutes(
        "Automatic-Human-Sampling-Frequency", "720", "How often sampling is checked, in minutes (1 to 525600)."
    )
    human_sampling_interval: int = _count(
        "Human-Sampling-Interval",
        "1000",
        "One detection of every n is reviewed, whatever its confidence (at least 1).",
    )
    review_answers_per_image: int = _integer(
        "Review-Answers-Per-Image",
        "1",
        "How many people's answers an image needs; the majority counts (1 to 9).",
        "from 1 to 9",
        bounds=(1, 9),
        group=Group.REVIEW,
    )
    review_allow_new_labels: bool = _boolean(
        "Review-Allow-New-Labels",
        "false",
        "Whether a reviewer may name a label that has no folder yet.",
        Group.REVIEW,
    )
    review_instructions: str = _text(
        "Review-Instructions",
        "Pick the label that fits the image best.",
        f"What reviewers are told (1 to {_LONGEST_TEXT} characters, any number of lines).",
        Group.REVIEW,
    )
    review_overlap_percent: float = _decimal(
        "Review-Overlap-Percent",
        "0",
        "How many of the images in the Airflow UI a second person answers too, in percent (0 to 100).",
        highest=100,
        group=Group.REVIEW,
    )
    review_budget_per_day: int = _integer(
        "Review-Budget-Per-Day",
        "0",
        "How many unaccepted detections of a day are sent to review at most; human samples do not count (0: all).",
        "from 0 (all) to 5000",
        bounds=(0, 5000),
        group=Group.REVIEW,
    )
    idle_model_stop_minutes: int = _integer(
        "Idle-Model-Stop-Minutes",
        "0",
        "Stops the serving model after so many minutes without uploads; the next upload starts it again (0: never).",
        "of minutes from 0 (never) to 525600, without separators",
        bounds=(0, 525_600),
        group=Group.COST,
    )
    maximum_inference_units: int = _integer(
        "Maximum-Inference-Units",
        "0",
        "Inference units that Rekognition may scale a model up to, from the minimum that it starts with (0: none).",
        "from 0 (no scaling) to 5",
        bounds=(0, 5),
        group=Group.COST,
    )

    challenger_margin: float = _decimal(
        "Challenger-Margin",
        "0.02",
        "How much less accurate than the serving version a new one may be on the test images (0 to 1).",
        highest=1,
        group=Group.DECISION,
    )
    train_none_of_the_above: bool = _boolean(
        "Train-None-Of-The-Above",
        "true",
        "Whether versions learn images that no label fits, once there are 20, and then recognize others.",
        Group.DECISION,
    )
    test_with_human_samples: bool = _boolean(
        "Test-With-Human-Samples",
        "true",
        "Whether images of human samples join the test set, which then follows what is uploaded.",
        Group.DECISION,
    )
    minimum_test_images: int = _count(
        "Minimum-Test-Images",
        "100",
        "With fewer test images, a new version is undecided unless it is better or worse for sure (at least 1).",
        group=Group.DECISION,
    )
    approve_deployments: ApproveDeployments = _choice(  # noqa: RUF009 - a field, see _declare
        "Approve-Deployments",
        ApproveDeployments.WHEN_UNDECIDED,
        "When a person is asked before a new version is deployed: when undecided, always or never.",
        Group.DECISION,
    )
    approval_hours: int = _integer(
        "Approval-Hours",
        "72",
        "Hours to wait for that answer (1 to 8760); then the loop decides as with never.",
        "of hours from 1 to 8760, without separators",
        bounds=(1, 8_760),
        group=Group.DECISION,
    )
    bake_hours: int = _integer(
        "Bake-Hours",
        "24",
        "Hours after a deployment in which the former version returns if uploads fail more often (0 to 168; 0: off).",
        "of hours from 0 (off) to 168, without separators",
        bounds=(0, 168),
        group=Group.DECISION,
    )
    target_precision: float = _decimal(
        "Target-Precision",
        "0",
        "How often accepted detections of a label are to be right: raises its minimum confidence (0 to 1; 0: off).",
        highest=1,
        group=Group.ACCEPTANCE,
    )


class Filing(TypedDict):
    """Which answered images are filed besides those that train a label."""

    files_samples: bool
    files_none: bool


def filing(settings: Settings) -> Filing:
    """Return which answered images are filed."""
    return Filing(files_samples=settings.test_with_human_samples, files_none=settings.train_none_of_the_above)


PARAMETERS: Mapping[str, Parameter[Any]] = {
    parameter.name: parameter for parameter in (field.metadata[_PARAMETER] for field in fields(Settings))
}
FIELDS: Mapping[str, str] = {field.metadata[_PARAMETER].name: field.name for field in fields(Settings)}
"""The field of ``Settings`` that holds each parameter."""
