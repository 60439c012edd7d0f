"""Human loops: their names, input and answers, and the key to which a reviewed image is copied."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, ValidationError

from label_loop.domain.external import External, Name, Text, first_problem
from label_loop.domain.json_text import read_json
from label_loop.domain.labelling import people
from label_loop.domain.labels import Labels, is_none_of_the_above, label_key, label_problem, leading_label
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import read_moment
from label_loop.exceptions import MalformedAnswerError, RefusedAnswerError, UnaskedAnswerError, shown
from label_loop.payloads import (
    LABELLED_FOLDER,
    NONE_OF_THE_ABOVE,
    WIDGET,
    WORKFLOW_SOURCE,
    Event,
    ReviewAnswer,
    ReviewEnded,
    ReviewTask,
)

PAGE = "airflow"
"""What an answer given in the Airflow UI names in place of A2I's flow definition."""
_NAME_PREFIX = "label-loop-"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MAX_ID_BYTES = 2048  # of a key in DynamoDB
_MAX_ANSWERS = 1000
_MAX_NAMED_LABELS = 20
_UNKNOWN = datetime.min.replace(tzinfo=UTC)


def human_loop_name(detection_id: str) -> str:
    """Return the name of a detection's human loop: one per detection, so that A2I itself rejects a second start."""
    return f"{_NAME_PREFIX}{detection_id}"


def detection_id_of(name: str) -> str | None:
    """Return the detection id in the name of a human loop, or None for a name of another application."""
    match = re.fullmatch(rf"{_NAME_PREFIX}({_UUID})", name)
    return match[1] if match else None


def task_input(task: ReviewTask) -> dict[str, Any]:
    """Return the input content of a human loop, with the AWS sample's field names."""
    return {
        "source": task.source,
        "detectLabelRequestId": task.detection_id,
        "detectedConfidenceLevel": task.confidence_percent,
        "detectedLabel": task.label,
        "taskObject": task.image_uri,
    }


def review_created(task: ReviewTask, name: str) -> Event:
    """Return the event of a new review."""
    image = PurePosixPath(task.image_uri).name
    return Event(
        "review_created",
        f"{image} is waiting for review ({task.source}); detected label: {task.label or 'none'}",
        label=task.label,
        facts={"image": task.image_uri, "detection": task.detection_id, "review": name, "source": task.source},
    )


def _as_id(text: str) -> str:
    if not (text.isprintable() and 0 < len(text.encode()) <= _MAX_ID_BYTES):  # it becomes the key of a row
        raise ValueError(f"an id has 1 to {_MAX_ID_BYTES} bytes of printable text")
    return text


def _as_label(answer: Any) -> str:
    """Return the label in one worker's answer.

    The image classifier answers ``{"label": name}``. The radio group that replaces it for more than 10 labels answers
    ``{name: bool}`` with every choice. Raises ValueError if neither names one valid label.
    """
    if not isinstance(answer, dict):
        raise ValueError("it is not an object")
    label = answer.get("label")
    if not isinstance(label, str):
        chosen = [name for name, is_on in answer.items() if is_on is True]
        if len(chosen) != 1:
            raise ValueError("exactly one label must be selected")
        label = chosen[0]
    label = label.strip()
    if is_none_of_the_above(label):
        return NONE_OF_THE_ABOVE
    problem = label_problem(label)
    if problem:
        raise ValueError(f"{shown(label)} is not a valid label: a label must {problem}")
    return label


def _as_time(text: Any) -> datetime | None:
    """Return when a worker answered; None if missing or unreadable."""
    return read_moment(text) if isinstance(text, str) else None


def _as_text(value: Any) -> str:
    """Return a text that is good to have, or "": an answer counts without it."""
    return value if isinstance(value, str) else ""


class _Answer(External):
    label: Annotated[str, BeforeValidator(_as_label)] = Field(validation_alias=AliasPath("answerContent", WIDGET))
    answered_at: Annotated[datetime | None, BeforeValidator(_as_time)] = Field(None, alias="submissionTime")
    worker_id: Annotated[str, BeforeValidator(_as_text)] = ""


class _Input(External):
    detect_label_request_id: Annotated[Text, AfterValidator(_as_id)]
    source: Annotated[str, BeforeValidator(_as_text)] = ""


class _Output(External):
    flow_definition_arn: Annotated[str, BeforeValidator(_as_text)] = ""
    human_loop_name: Name
    input_content: _Input
    human_answers: Annotated[list[Any], Field(max_length=_MAX_ANSWERS)]  # each is validated separately


def parse_answer(body: bytes) -> ReviewAnswer | ReviewEnded:
    """Parse A2I's output file. Of several workers' answers the leading label counts; invalid answers are ignored.

    A tie is returned as ReviewEnded, since nobody can be asked again.

    Raises MalformedAnswerError if the file is malformed, or no answer in it names a label.
    """
    try:
        output = _Output.model_validate(read_json(body))
    except ValidationError as error:
        raise MalformedAnswerError(f"The review answer is malformed: {first_problem(error)}.") from error
    except ValueError as error:
        raise MalformedAnswerError(f"The review answer cannot be read as JSON: {error}.") from error
    name, detection_id = output.human_loop_name, output.input_content.detect_label_request_id
    answers = _usable(name, output.human_answers)
    votes = [answer.label for answer in answers]
    label = leading_label(votes)
    if label is None:
        return ReviewEnded(name, detection_id, "Undecided", _tie(votes))
    return ReviewAnswer(
        name,
        detection_id,
        None if label == NONE_OF_THE_ABOVE else label,
        _written(answers[-1].answered_at),
        people(answer.worker_id for answer in answers if label_key(answer.label) == label_key(label)),
        # Amazon A2I's task never shows the guess, nor does the page that of a human sample.
        guess_shown=output.flow_definition_arn == PAGE and output.input_content.source == WORKFLOW_SOURCE,
    )


def _usable(name: str, given: Sequence[Any]) -> list[_Answer]:
    """Return the answers that name a label, latest last. Raises MalformedAnswerError if there are none."""
    answers, problem = [], "there are none"
    for answer in given:
        try:
            answers.append(_Answer.model_validate(answer))
        except ValidationError as error:
            problem = first_problem(error)
    if not answers:
        raise MalformedAnswerError(f"The review {shown(name)} has no valid answer: {problem}.")
    return sorted(answers, key=lambda answer: answer.answered_at or _UNKNOWN)


def _written(moment: datetime | None) -> str | None:
    """Return a time as A2I writes it, whatever form of ISO 8601 it was submitted in."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def _tie(votes: Sequence[str]) -> str:
    most = ", ".join(f"{count} for {shown(label)}" for label, count in Counter(votes).most_common(3))
    return f"no label leads ({most})"


def check_asked(answer: ReviewAnswer, row: LogRow | None) -> None:
    """Check that the review of an answer is the one that the row of its detection records.

    Raises UnaskedAnswerError if no row records a review (yet), and RefusedAnswerError if it records another one.
    """
    name, id_ = shown(answer.human_loop_name), shown(answer.detection_id)
    if row is None or not row.has_review:
        missing = "The log has no detection" if row is None else "Nobody was asked about the detection"
        raise UnaskedAnswerError(f"{missing} {id_}, to which the review {name} refers.")
    if row.human_loop_name != answer.human_loop_name:
        raise RefusedAnswerError(
            f"The answer is from the review {name}, but its detection {id_} was given to {shown(row.human_loop_name)}."
        )


def new_label_problem(label: str, labels: Labels) -> str:
    """Return why an answer with a label that has no folder is refused, and the way out."""
    known = ", ".join(map(shown, labels.names[:_MAX_NAMED_LABELS])) or "none"
    return (
        f"{shown(label)} is not a label of this loop ({known}). To accept it, turn on Review-Allow-New-Labels or "
        f"create its folder in {LABELLED_FOLDER}, then copy the answer file onto itself"
    )
