"""File names that are safe on any file system, for labels and keys, which may hold anything."""

import hashlib
import re
from pathlib import PurePosixPath

from label_loop.domain.dataset_version import DatasetImage

_MOST_BYTES = 200  # of the 255 that a name may have; the rest is for what is added
_MARK_CHARACTERS = 13
_FORBIDDEN = frozenset('<>:"/\\|?*')  # on Windows; the slash everywhere
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices of Windows


def safe_name(text: str) -> str:
    """Return a text as the name of a file or folder: itself if it is safe, else a similar one with a mark of its own.

    It has no separators, control characters or ends that a file system drops, is no ``..`` and no device, and takes at
    most 255 bytes.
    """
    kept = "".join(one if one.isprintable() and one not in _FORBIDDEN else "_" for one in text)
    kept = kept.encode(errors="replace")[:_MOST_BYTES].decode(errors="ignore").strip(" .")
    if not kept or _RESERVED.fullmatch(kept):
        kept = f"_{kept}"
    return kept if kept == text else f"{kept}-{_mark(text)}"


def image_path(image: DatasetImage) -> PurePosixPath:
    """Return where an image of a dataset is downloaded to, such as ``test/core/cat/a-3f2a91b04c7de.png``.

    The mark tells apart images of equal names from folders that were merged.
    """
    name = PurePosixPath(safe_name(image.key.rpartition("/")[2]))
    return PurePosixPath(image.role, safe_name(image.label), f"{name.stem}-{_mark(image.key)}{name.suffix}")


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:_MARK_CHARACTERS]
