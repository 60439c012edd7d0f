"""The folders of a loop's bucket. Only what is in them is detected, applied or copied."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from label_loop.exceptions import ForeignObjectError
from label_loop.payloads import SAMPLE_MARK, TEST_FOLDER

_MAX_STEM_CHARACTERS = 80
_MAX_STEM_BYTES = 200


@dataclass(frozen=True)
class Folder:
    """A folder of the loop's own bucket; ``prefix`` ends with a slash."""

    bucket: str
    prefix: str

    def check(self, bucket: str, key: str) -> None:
        """Check that an object is in this folder. Raises ForeignObjectError if it is not."""
        if bucket != self.bucket or not key.startswith(self.prefix):
            raise ForeignObjectError(f"s3://{bucket}/{key}", f"s3://{self.bucket}/{self.prefix}")


def key_stem(name: str) -> str:
    """Return the start of a name, never empty and short enough for a key with the longest label."""
    return name[:_MAX_STEM_CHARACTERS].encode()[:_MAX_STEM_BYTES].decode(errors="ignore") or "image"


def copy_key(folder: str, label: str, detection_id: str, image_key: str, suffix: str) -> str:
    """Return the key to which a reviewed image is copied, the same each time an answer is processed.

    It keeps the original name for people; the start of the detection id tells equal names apart. A human sample, which
    tests, is told by its name from images that people chose for the test.
    """
    mark = SAMPLE_MARK if folder == TEST_FOLDER else ""
    return f"{folder}{label}/{mark}{key_stem(PurePosixPath(image_key).stem)}-{detection_id[:13]}{suffix}"
