"""Where an image that a person uploads is put: names and labels are theirs, keys are ours."""

import hashlib
import re

from label_loop.domain.images import image_suffix
from label_loop.domain.reviews import check_label, key_stem
from label_loop.exceptions import MalformedAnswerError, shown
from label_loop.payloads import LABELLED_FOLDER, NONE_OF_THE_ABOVE, UPLOADS_FOLDER

_DIGEST_CHARACTERS = 12
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def training_label(text: str) -> str:
    """Return the label that an image is uploaded under.

    Raises MalformedAnswerError where it cannot name a folder, or is the answer that no label fits.
    """
    label = check_label(text.strip())
    if label.casefold() == NONE_OF_THE_ABOVE.casefold():
        raise MalformedAnswerError(f"{shown(label)} is no label: it is what reviewers answer where none fits.")
    return label


def upload_key(name: str, body: bytes, label: str | None = None) -> str:
    """Return the key for an image: for detection, or for training under a label that ``training_label`` gave.

    What is readable of the file's name is kept for people. A digest of the content keeps equal names apart, and
    makes the same file the same key; the suffix tells what the content is, whatever the name says.
    """
    folder = UPLOADS_FOLDER if label is None else f"{LABELLED_FOLDER}{label}/"
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{folder}{_stem(name)}-{digest}{image_suffix('', body[:8])}"


def _stem(name: str) -> str:
    # A browser sends a bare name, another program what it likes: a path of any system, and any character.
    last = re.split(r"[/\\]", name)[-1]
    readable = "".join(character for character in _SUFFIX.sub("", last) if character.isprintable())
    return key_stem(readable.strip(" ."))
