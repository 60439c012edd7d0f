"""Human loops: their names, their input, what an answer means, and where its image goes."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from label_loop.domain.labels import check_label, is_none_of_the_above, leading_label
from label_loop.exceptions import InvalidLabelError, MalformedAnswerError, shown
from label_loop.payloads import LABELLED_FOLDER, NONE_OF_THE_ABOVE, Event, ReviewAnswer, ReviewEnded, ReviewTask

WIDGET = "crowd-image-classifier"
_NAME_PREFIX = "label-loop-"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LONGEST_ID_BYTES = 2048  # of a key in DynamoDB
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


def parse_answer(body: bytes) -> ReviewAnswer | ReviewEnded:
    """Read A2I's output file. Of several workers' answers the label counts that leads, without those that name none.

    A review whose answers tie has ended without one: nobody can be asked again.

    Raises MalformedAnswerError where the file is not A2I's, or no answer in it can be a label.
    """
    try:
        output = json.loads(body)
        content = output["inputContent"]
        answers = sorted(output["humanAnswers"], key=_submission_time)
        name = str(output["humanLoopName"])
        detection_id = _written_id(content["detectLabelRequestId"])
        source = str(content.get("source", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedAnswerError(
            f"A review answer is not in A2I's output format ({type(error).__name__}: {shown(str(error))})."
        ) from error
    votes, problems = _votes(answers)
    if not votes:
        reason = f": {problems[0]}" if problems else "."
        raise MalformedAnswerError(f"The review {shown(name)} ended without an answer{reason}")
    label = leading_label([label for label, _ in votes])
    if label is None:
        return ReviewEnded(name, detection_id, "Undecided", _tie([label for label, _ in votes]))
    return ReviewAnswer(name, detection_id, source, None if label == NONE_OF_THE_ABOVE else label, votes[-1][1])


def _votes(answers: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the workers' labels with their times, and what is wrong with the answers that have none."""
    votes: list[tuple[str, str]] = []
    problems: list[str] = []
    for answer in answers:
        try:
            label = _answered_label(answer["answerContent"])
            votes.append(
                (NONE_OF_THE_ABOVE if is_none_of_the_above(label) else check_label(label), _submission_time(answer))
            )
        except InvalidLabelError as error:
            problems.append(str(error))
        except (KeyError, TypeError, AttributeError) as error:
            problems.append(f"an answer is not in A2I's output format ({type(error).__name__}: {shown(str(error))}).")
    return votes, problems


def _tie(votes: Sequence[str]) -> str:
    most = ", ".join(f"{count} for {shown(label)}" for label, count in Counter(votes).most_common(3))
    return f"no label leads ({most})"


def _submission_time(answer: Mapping[str, Any]) -> str:
    """Return when a worker answered, as text that sorts by time; empty where the answer does not tell."""
    time = answer.get("submissionTime")
    return time if isinstance(time, str) else ""


def _written_id(value: object) -> str:
    """Return the id of a detection, if it can be one: it becomes the key of a row."""
    is_id = isinstance(value, str) and value.isprintable() and 0 < len(value.encode()) <= _LONGEST_ID_BYTES
    if not is_id:
        raise TypeError("detectLabelRequestId is no id")
    return str(value)


def _answered_label(content: Mapping[str, Any]) -> str:
    """Return the label of one worker's answer; the form's fields are named after its widgets.

    The image classifier answers ``{"label": name}``; the radio group that stands in for it beyond 10 labels
    answers with every choice and whether it is on.
    """
    answer = content[WIDGET]
    value = answer.get("label")
    if not isinstance(value, str):
        chosen = [name for name, is_on in answer.items() if is_on is True]
        if len(chosen) != 1:
            raise TypeError("not exactly one label is chosen")
        value = chosen[0]
    return str(value).strip()


def training_key(label: str, detection_id: str, image_key: str, suffix: str) -> str:
    """Return the key that a reviewed image is copied to: the same for every repetition of an answer.

    The original name is kept for people, the start of the detection's id keeps equal names apart.
    """
    return f"{LABELLED_FOLDER}{label}/{key_stem(PurePosixPath(image_key).stem)}-{detection_id[:13]}{suffix}"


def key_stem(name: str) -> str:
    """Return the start of a name that leaves room in a key for the longest label, and is never empty."""
    return name[:_LONGEST_STEM].encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore") or "image"
