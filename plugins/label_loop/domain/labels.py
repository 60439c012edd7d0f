"""Labels: which names are valid, which names are equivalent, and in which folder an image belongs.

Two names are the same label if they differ only in case or in Unicode normalization: people type ``Cat`` for the folder
``cat``, and macOS decomposes accents. Folders with the same label (twins) are trained as one label, named after the
folder with the most images: as two labels they would contradict each other, and skipping one would waste work. They are
reported, since two labels may have been intended.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from label_loop.exceptions import InvalidLabelError
from label_loop.payloads import NONE_OF_THE_ABOVE

MAX_LABEL_CHARACTERS = 255  # characters; Rekognition takes 256
# A label must fit into the 1,024 bytes of an S3 key, with the folder, the name of the image and its id.
MAX_LABEL_BYTES = 765
# Persian and Indic words and composed emoji need joiners. Next to ASCII they have no effect, and would only make two
# names that look the same.
_JOINER = re.compile("(?<=[^\x00-\x7f\u200c\u200d])[\u200c\u200d](?=[^\x00-\x7f\u200c\u200d])")


def label_problem(name: str) -> str | None:
    """Return the rule that a name breaks, phrased to follow "a label must", or None if it is valid."""
    rules = (
        (0 < len(name) <= MAX_LABEL_CHARACTERS, f"have 1 to {MAX_LABEL_CHARACTERS} characters"),
        (name == name.strip(), "not begin or end with a space"),  # invisible to whoever reads or types it
        (_JOINER.sub("", name).isprintable(), "have visible characters only"),
        (not {"/", "\\"} & set(name), "have no slash or backslash"),
        (name not in {".", ".."}, "not be . or .."),
        (len(name.encode(errors="replace")) <= MAX_LABEL_BYTES, f"take at most {MAX_LABEL_BYTES} bytes"),
        (not is_none_of_the_above(name), f"not be {NONE_OF_THE_ABOVE}, which is the answer if no label fits"),
    )
    return next((rule for is_kept, rule in rules if not is_kept), None)


def check_label(name: str) -> str:
    """Return a name if it is a valid label. Raises InvalidLabelError with the rule that it breaks."""
    problem = label_problem(name)
    if problem:
        raise InvalidLabelError(name, f"a label must {problem}")
    return name


def label_key(name: str) -> str:
    """Return the key by which names are compared; equivalent names have the same key."""
    # Canonical caseless matching as Unicode defines it (D145): normalize, fold, normalize again.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def is_none_of_the_above(answer: str) -> bool:
    """Return whether an answer is None of the Above."""
    return label_key(answer.strip()) == label_key(NONE_OF_THE_ABOVE)


def leading_label(votes: Sequence[str], answers_wanted: int = 1) -> str | None:
    """Return the label with the most votes, spelled as in its first one; None on a tie or with too few votes.

    A tie counts as no answer: a label that half of the reviewers reject must not be trained.
    """
    if not votes or len(votes) < answers_wanted:
        return None
    first, *others = Counter(map(label_key, votes)).most_common(2)
    if others and others[0][1] == first[1]:
        return None
    return next(vote for vote in votes if label_key(vote) == first[0])


@dataclass(frozen=True)
class Labels:
    """The labels of a set of folders.

    ``of_folder`` maps folders with a valid name to their label. ``refused`` maps the other folders to the reason.
    ``twins`` maps folders that share the label of another folder to advice.
    """

    of_folder: Mapping[str, str]
    refused: Mapping[str, str]
    twins: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The labels, sorted."""
        return sorted(set(self.of_folder.values()))

    def resolve(self, name: str) -> str | None:
        """Return the label that a name is equivalent to, or None if there is none."""
        return self._by_key.get(label_key(name.strip()))

    def filed_as(self, name: str) -> str:
        """Return the folder for an image with this label: the existing one, or a new one of this name."""
        return self.resolve(name) or name

    @cached_property
    def _by_key(self) -> Mapping[str, str]:
        return {label_key(label): label for label in self.of_folder.values()}


def labels_of(folders: Iterable[str], images_in: Callable[[str], int], known: Labels | None = None) -> Labels:
    """Return the labels of folders with these names.

    ``images_in`` returns the number of images in a folder; it is called for twins only. Labels in ``known`` keep their
    spelling.
    """
    same: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    for folder in sorted(set(folders)):
        problem = label_problem(folder)
        if problem:
            refused[folder] = f"skipped: a label must {problem}; rename the folder"
        else:
            same.setdefault(label_key(folder), []).append(folder)
    of_folder: dict[str, str] = {}
    twins: dict[str, str] = {}
    for names in same.values():
        label = (known and known.resolve(names[0])) or (max(names, key=images_in) if len(names) > 1 else names[0])
        of_folder |= dict.fromkeys(names, label)
        twins |= {name: _twin(name, label) for name in names if name != label}
    return Labels(of_folder, refused, twins)


def folder_names(folder: str, prefixes: Iterable[str]) -> list[str]:
    """Return the names of the subfolders of a folder, given their full S3 prefixes."""
    return [prefix.removeprefix(folder).removesuffix("/") for prefix in prefixes]


def _twin(name: str, label: str) -> str:
    return (
        f"merged into {_spelled(label)}: {_spelled(name)} differs from it only in case or Unicode normalization. "
        "Move its images into that folder, or rename one of the two if they are different labels"
    )


def _spelled(name: str) -> str:
    """Return a quoted name, escaped if it is not normalized, so that names that look the same can be told apart."""
    return repr(name) if unicodedata.is_normalized("NFC", name) else ascii(name)
