"""Human loops: their names, their input, what an answer means, and where its image goes."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, ValidationError

from label_loop.domain.external import External, Name, Text, first_problem
from label_loop.domain.labels import is_none_of_the_above, label_problem, leading_label
from label_loop.domain.moments import read_moment
from label_loop.exceptions import MalformedAnswerError, shown
from label_loop.payloads import (
    LABELLED_FOLDER,
    NONE_OF_THE_ABOVE,
    WIDGET,
    Event,
    ReviewAnswer,
    ReviewEnded,
    ReviewTask,
)

_NAME_PREFIX = "label-loop-"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LONGEST_ID_BYTES = 2048  # of a key in DynamoDB
_MOST_ANSWERS = 1000
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
_LONGEST_STEM = 80
_LONGEST_STEM_BYTES = 200


def human_loop_name(detection_id: str) -> str:
    """Return the human loop's name: one a detection, so that starting it twice is refused by A2I itself."""
    return f"{_NAME_PREFIX}{detection_id}"


def detection_id_of(name: str) -> str | None:
    """Return the detection that a human loop is about, or None for a name that this loop did not give."""
    match = re.fullmatch(rf"{_NAME_PREFIX}({_UUID})", name)
    return match[1] if match else None


def task_input(task: ReviewTask) -> dict[str, Any]:
    """Return a human loop's input content, in the sample's field names."""
    return {
        "source": task.source,
        "detectLabelRequestId": task.detection_id,
        "detectedConfidenceLevel": task.confidence_percent,
        "detectedLabel": task.label,
        "taskObject": task.image_uri,
    }


def review_created(task: ReviewTask, name: str) -> Event:
    """Return the event of a review that waits for a person."""
    image = PurePosixPath(task.image_uri).name
    return Event(
        "review_created",
        f"{image} waits for a review ({task.source}); the model said {task.label or 'no label'}",
        label=task.label,
        facts={"image": task.image_uri, "detection": task.detection_id, "review": name, "source": task.source},
    )


def _as_id(text: str) -> str:
    if not (text.isprintable() and 0 < len(text.encode()) <= _LONGEST_ID_BYTES):  # it becomes the key of a row
        raise ValueError(f"an id has 1 to {_LONGEST_ID_BYTES} bytes of printable text")
    return text


def _as_label(answer: Any) -> str:
    """Return the label of one worker's answer; the form's fields are named after its widgets.

    The image classifier answers ``{"label": name}``; the radio group that stands in for it beyond 10 labels
    answers with every choice and whether it is on.
    """
    if not isinstance(answer, dict):
        raise ValueError("it is not what a form's field has")
    label = answer.get("label")
    if not isinstance(label, str):
        chosen = [name for name, is_on in answer.items() if is_on is True]
        if len(chosen) != 1:
            raise ValueError("not exactly one label is chosen")
        label = chosen[0]
    label = label.strip()
    if is_none_of_the_above(label):
        return NONE_OF_THE_ABOVE
    problem = label_problem(label)
    if problem:
        raise ValueError(f"{shown(label)} is no label: a label must {problem}")
    return label


def _as_time(text: Any) -> str:
    """Return when a worker answered, as it is written; empty where the answer does not tell."""
    return text if isinstance(text, str) and read_moment(text) else ""


class _Answer(External):
    label: Annotated[str, BeforeValidator(_as_label)] = Field(validation_alias=AliasPath("answerContent", WIDGET))
    answered_at: Annotated[str, BeforeValidator(_as_time)] = Field("", alias="submissionTime")


class _Input(External):
    detect_label_request_id: Annotated[Text, AfterValidator(_as_id)]
    source: Text = ""


class _Output(External):
    human_loop_name: Name
    input_content: _Input
    human_answers: Annotated[list[Any], Field(max_length=_MOST_ANSWERS)]  # each is read by itself


def parse_answer(body: bytes) -> ReviewAnswer | ReviewEnded:
    """Read A2I's output file. Of several workers' answers the label counts that leads, without those that name none.

    A review whose answers tie has ended without one: nobody can be asked again.

    Raises MalformedAnswerError where the file is not A2I's, or no answer in it names a label.
    """
    try:
        output = _Output.model_validate(json.loads(body))
    except ValidationError as error:
        raise MalformedAnswerError(f"A review answer is not as A2I writes it: {first_problem(error)}.") from error
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(f"A review answer is no JSON ({type(error).__name__}).") from error
    name, detection_id = output.human_loop_name, output.input_content.detect_label_request_id
    answers = _usable(name, output.human_answers)
    votes = [answer.label for answer in answers]
    label = leading_label(votes)
    if label is None:
        return ReviewEnded(name, detection_id, "Undecided", _tie(votes))
    label_or_none = None if label == NONE_OF_THE_ABOVE else label
    return ReviewAnswer(name, detection_id, output.input_content.source, label_or_none, answers[-1].answered_at)


def _usable(name: str, given: Sequence[Any]) -> list[_Answer]:
    """Return the answers that name a label, the latest last. Raises MalformedAnswerError where none does."""
    answers, problem = [], "nobody gave one"
    for answer in given:
        try:
            answers.append(_Answer.model_validate(answer))
        except ValidationError as error:
            problem = first_problem(error)
    if not answers:
        raise MalformedAnswerError(f"The review {shown(name)} ended without an answer: {problem}.")
    return sorted(answers, key=lambda answer: read_moment(answer.answered_at) or _UNKNOWN)


def _tie(votes: Sequence[str]) -> str:
    most = ", ".join(f"{count} for {shown(label)}" for label, count in Counter(votes).most_common(3))
    return f"no label leads ({most})"


def training_key(label: str, detection_id: str, image_key: str, suffix: str) -> str:
    """Return the key that a reviewed image is copied to: the same for every repetition of an answer.

    The original name is kept for people, the start of the detection's id keeps equal names apart.
    """
    return f"{LABELLED_FOLDER}{label}/{key_stem(PurePosixPath(image_key).stem)}-{detection_id[:13]}{suffix}"


def key_stem(name: str) -> str:
    """Return the start of a name that leaves room in a key for the longest label, and is never empty."""
    return name[:_LONGEST_STEM].encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore") or "image"
