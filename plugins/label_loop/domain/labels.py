"""What a label is: what a folder may be called, what a reviewer is offered and may answer, and where images are filed.

Two names are one label where they differ in nothing but case and the way Unicode writes a character: people type
``Cat`` where a folder is ``cat``, and macOS writes an accent as a character of its own. Folders of one label (twins)
train as one, under the name of the folder with the most images: as two labels they would teach the model to contradict
itself, and leaving one out would waste what people labelled. They are reported, since somebody may mean two labels.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from label_loop.exceptions import InvalidLabelError
from label_loop.payloads import LABELLED_FOLDER, NONE_OF_THE_ABOVE

LONGEST_LABEL = 255  # characters; Rekognition takes 256
# With the folder, an image's name and its id, a label has to fit into the 1,024 bytes of an S3 key.
LONGEST_LABEL_BYTES = 765
# Persian and Indic words and composed emoji need joiners. Beside ASCII they join nothing: there they would only make
# two names that look the same.
_JOINER = re.compile("(?<=[^\x00-\x7f\u200c\u200d])[\u200c\u200d](?=[^\x00-\x7f\u200c\u200d])")


def label_problem(name: str) -> str | None:
    """Return the rule that a name breaks, to be read after "a label must", or None where it can be a label."""
    rules = (
        (0 < len(name) <= LONGEST_LABEL, f"have 1 to {LONGEST_LABEL} characters"),
        (name == name.strip(), "not begin or end with a space"),  # lost wherever people type or read it
        (_JOINER.sub("", name).isprintable(), "have visible characters only"),
        (not {"/", "\\"} & set(name), "have no slash or backslash"),
        (name not in {".", ".."}, "not be . or .."),
        (len(name.encode(errors="replace")) <= LONGEST_LABEL_BYTES, f"take at most {LONGEST_LABEL_BYTES} bytes"),
        (not is_none_of_the_above(name), f"not be {NONE_OF_THE_ABOVE}, the answer where no label fits"),
    )
    return next((rule for is_kept, rule in rules if not is_kept), None)


def check_label(name: str) -> str:
    """Return a name if it can be a label. Raises InvalidLabelError, which says by which rule it cannot."""
    problem = label_problem(name)
    if problem:
        raise InvalidLabelError(name, f"a label must {problem}")
    return name


def label_key(name: str) -> str:
    """Return what a name is compared by: names of the same label have the same key."""
    # Decomposed before it is folded, as Unicode defines a match without case (D145): folding takes characters apart.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def is_none_of_the_above(answer: str) -> bool:
    """Return whether an answer says that no label fits."""
    return label_key(answer.strip()) == label_key(NONE_OF_THE_ABOVE)


def leading_label(votes: Sequence[str], answers_wanted: int = 1) -> str | None:
    """Return the label with the most of enough votes, spelled as in its first one; None where none leads.

    A tie is no answer, by whichever backend: a label that half of the reviewers deny must not train.
    """
    if not votes or len(votes) < answers_wanted:
        return None
    first, *others = Counter(map(label_key, votes)).most_common(2)
    if others and others[0][1] == first[1]:
        return None
    return next(vote for vote in votes if label_key(vote) == first[0])


@dataclass(frozen=True)
class Labels:
    """The labels that some folders stand for.

    ``of_folder`` has the label of each folder that has one. ``refused`` says of the other folders why they have none,
    ``twins`` of folders with the label of another one what to do about it.
    """

    of_folder: Mapping[str, str]
    refused: Mapping[str, str]
    twins: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The labels, sorted."""
        return sorted(set(self.of_folder.values()))

    def find(self, name: str) -> str | None:
        """Return the label that a name means, or None for a new one."""
        return self._by_key.get(label_key(name.strip()))

    def filed_as(self, name: str) -> str:
        """Return the folder that an image of this label belongs in: the label's own, or a new one."""
        return self.find(name) or name

    @cached_property
    def _by_key(self) -> Mapping[str, str]:
        return {label_key(label): label for label in self.of_folder.values()}


def labels_of(folders: Iterable[str], images_in: Callable[[str], int], known: Labels | None = None) -> Labels:
    """Return the labels that folders of these names stand for.

    ``images_in`` returns the number of images in a folder; it is asked of twins only. What ``known`` has a name for
    keeps that name.
    """
    same: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    for folder in sorted(set(folders)):
        problem = label_problem(folder)
        if problem:
            refused[folder] = f"left out: a label must {problem}; rename the folder"
        else:
            same.setdefault(label_key(folder), []).append(folder)
    of_folder: dict[str, str] = {}
    twins: dict[str, str] = {}
    for names in same.values():
        label = (known and known.find(names[0])) or (max(names, key=images_in) if len(names) > 1 else names[0])
        of_folder |= dict.fromkeys(names, label)
        twins |= {name: _twin(name, label) for name in names if name != label}
    return Labels(of_folder, refused, twins)


def folder_names(prefixes: Iterable[str]) -> list[str]:
    """Return the names of the folders of training images in S3, each given as its whole prefix."""
    return [prefix.removeprefix(LABELLED_FOLDER).removesuffix("/") for prefix in prefixes]


def _twin(name: str, label: str) -> str:
    return (
        f"counted as {_spelled(label)}, from which {_spelled(name)} differs only in case or in how Unicode writes it: "
        "move its images into that folder, or rename one of the two if they are different labels"
    )


def _spelled(name: str) -> str:
    """Return a name with what looks like another spelling of it told apart."""
    return repr(name) if unicodedata.is_normalized("NFC", name) else ascii(name)
