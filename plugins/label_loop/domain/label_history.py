"""What people said of each image, in order: a table to which entries are only added. Of a content, the last one holds.

The only place that knows the attribute names of the table.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from label_loop.domain.labels import label_key
from label_loop.domain.moments import read_moment, timestamp
from label_loop.payloads import LabelledImage, Labelling, LabelSource

CONTENT, ENTRY = TABLE_KEY = ("Content", "Entry")
_LATER = timedelta(microseconds=1)


@dataclass(frozen=True)
class LabelEntry:
    """What was said of a content, the SHA-256 digest of an image: its label, or "" if it was removed.

    ``key`` is that of the object. ``supersedes`` is the ``id`` of the entry of the content before, or "".
    """

    content: str
    label: str
    labelling: Labelling
    key: str
    supersedes: str = ""

    @classmethod
    def of(cls, image: LabelledImage) -> "LabelEntry":
        """Return the entry of a labelled image. What somebody put into its folder was said when it was put there."""
        at = image.labelling.at or _written(image.modified)
        return cls(image.content, image.label, replace(image.labelling, at=at), image.key)

    @classmethod
    def removed(cls, image: LabelledImage, now: datetime, who: str = "") -> "LabelEntry":
        """Return the entry of an image that is in no folder any more."""
        return cls(image.content, "", Labelling(who, timestamp(now), LabelSource.REMOVED), image.key)

    @property
    def id(self) -> str:
        """The sort key: when it was said, and what tells two entries of that moment apart."""
        of = (self.label, self.labelling.who, self.labelling.source, self.key)
        text = "".join(f"{len(part)}:{part}" for part in of)
        return f"{self.labelling.at}#{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def after(self, latest: "LabelEntry | None") -> "LabelEntry | None":
        """Return the entry as it is added after the latest of its content, or None if that says the same already.

        It is never earlier than the one that it supersedes: an old file may be what a later correction leaves.
        """
        if latest is None:
            return self
        if label_key(latest.label) == label_key(self.label):
            return None
        before, mine = read_moment(latest.labelling.at), read_moment(self.labelling.at)
        at = self.labelling.at if before is None or (mine and mine > before) else timestamp(before + _LATER)
        return replace(self, labelling=replace(self.labelling, at=at), supersedes=latest.id)

    def to_item(self) -> dict[str, Any]:
        """Return the entry as plain values."""
        return {
            CONTENT: self.content,
            ENTRY: self.id,
            "Label": self.label,
            "Who": self.labelling.who,
            "SaidAt": self.labelling.at,
            "Source": str(self.labelling.source),
            "GuessShown": self.labelling.guess_shown,
            "DetectionId": self.labelling.detection_id,
            "ObjectKey": self.key,
            "Supersedes": self.supersedes,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "LabelEntry":
        """Parse the result of ``to_item``."""
        labelling = Labelling(
            item["Who"], item["SaidAt"], LabelSource(item["Source"]), item["GuessShown"], item["DetectionId"]
        )
        return cls(item[CONTENT], item["Label"], labelling, item["ObjectKey"], item["Supersedes"])


def _written(modified: str) -> str:
    return timestamp(read_moment(modified) or datetime.min.replace(tzinfo=UTC))
