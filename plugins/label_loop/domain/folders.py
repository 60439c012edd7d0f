"""The folders of a loop's bucket. Only what is in them is detected, applied or copied."""

from dataclasses import dataclass

from label_loop.exceptions import ForeignObjectError

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
