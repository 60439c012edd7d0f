"""Who labelled an image, when, and by what: kept with the copy of the image, as its metadata in S3.

Ids of people are any text; here they are ASCII, so that they fit into metadata, manifests and keys. Metadata counts
only for the label that it was written with: an image that somebody moved was labelled by whoever moved it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from label_loop.domain.labels import label_key
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import read_moment, timestamp
from label_loop.payloads import BY_HAND, NONE_OF_THE_ABOVE, SAMPLING_SOURCE, Labelling, LabelSource, ReviewAnswer

PEOPLE = r"[A-Za-z0-9_.~%@:+-]{1,401}"
"""The pattern of what ``people`` writes."""
_MOST_CHARACTERS = 200  # metadata has at most 2 KB in all
_AND = "+"  # which an id never has: it is escaped
_WHO, _AT, _SOURCE, _GUESS, _DETECTION, _LABEL = (
    "labelled-by",
    "labelled-at",
    "labelled-in",
    "guess-shown",
    "detection",
    "label-digest",
)


def people(ids: Iterable[str]) -> str:
    """Return who gave a label; "" if nobody is known. Of several the first two by name: so that it is not one alone."""
    return _AND.join(sorted({_ascii(id_) for id_ in ids if id_})[:2])


def is_one(who: str) -> bool:
    """Return whether a label was given by one person, or by hand, and not by several who agree."""
    return _AND not in who


def shown_people(who: str) -> str:
    """Return people as they are called."""
    return " and ".join(map(unquote, who.split(_AND)))


def _ascii(text: str) -> str:
    """Return any text as ASCII; a very long one by its digest, so that it is still no other one's."""
    escaped = quote(text, safe="@:", errors="backslashreplace")
    if len(escaped) <= _MOST_CHARACTERS:
        return escaped
    return f"sha256:{hashlib.sha256(escaped.encode()).hexdigest()}"


def of_answer(answer: ReviewAnswer, row: LogRow) -> Labelling:
    """Return the labelling of an image by the answer to its review.

    Nobody is named if the answer that the row has is another one.
    """
    is_logged = label_key(str(row.human_label)) == label_key(answer.label or NONE_OF_THE_ABOVE)
    return Labelling(
        who=answer.reviewers if is_logged else "",
        at=_moment(row.answered_at),
        source=LabelSource.SAMPLE if row.review_source == SAMPLING_SOURCE else LabelSource.REVIEW,
        guess_shown=answer.guess_shown,
        detection_id=row.detection_id,
    )


def to_metadata(labelling: Labelling, label: str) -> dict[str, str]:
    """Return the metadata of an image that was given a label."""
    return {
        _WHO: labelling.who,
        _AT: labelling.at,
        _SOURCE: labelling.source,
        _GUESS: "yes" if labelling.guess_shown else "no",
        _DETECTION: _ascii(labelling.detection_id),
        _LABEL: _digest(label),
    }


def from_metadata(metadata: Mapping[str, str], label: str) -> Labelling:
    """Return what ``to_metadata`` wrote for this label; of any other metadata, that it was labelled by hand."""
    if metadata.get(_LABEL) != _digest(label) or metadata.get(_SOURCE) not in set(LabelSource):
        return BY_HAND
    who = metadata.get(_WHO, "")
    return Labelling(
        who=who if re.fullmatch(PEOPLE, who) else "",
        at=_moment(metadata.get(_AT)),
        source=LabelSource(metadata[_SOURCE]),
        guess_shown=metadata.get(_GUESS) == "yes",
        detection_id=unquote(metadata.get(_DETECTION, "")),
    )


def _digest(label: str) -> str:
    # Folders that are spelled differently may be of one label. A label itself may be longer than metadata.
    return hashlib.sha256(label_key(label).encode(errors="replace")).hexdigest()[:32]


def _moment(text: str | None) -> str:
    moment = read_moment(text)
    try:
        return timestamp(moment) if moment else ""
    except OverflowError:  # at the ends of what a datetime holds
        return ""
