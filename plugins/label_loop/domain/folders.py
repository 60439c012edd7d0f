"""The folders of a loop's bucket. Only what is in them is detected, applied or copied."""

from dataclasses import dataclass

from label_loop.exceptions import ForeignObjectError


@dataclass(frozen=True)
class Folder:
    """A folder of the loop's own bucket; ``prefix`` ends with a slash."""

    bucket: str
    prefix: str

    def check(self, bucket: str, key: str) -> None:
        """Check that an object is in this folder. Raises ForeignObjectError if it is not."""
        if bucket != self.bucket or not key.startswith(self.prefix):
            raise ForeignObjectError(f"s3://{bucket}/{key}", f"s3://{self.bucket}/{self.prefix}")
