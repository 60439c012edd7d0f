"""The names of a loop's resources, within the rules of each service."""

import hashlib
import re
from dataclasses import dataclass

from label_loop.loop import Loop

PURPOSES = ("uploads", "answers")  # of the two queues that wake the loop
STATUS_RULE = "reviews"  # purpose of the rule that reports human loops that ended without an answer

_LONGEST_SLUG = 24  # S3's 63 characters, less the prefix, the account and the longest region
_HASH_CHARACTERS = 6


def slug(loop: Loop) -> str:
    """Return the loop's name in a-z, 0-9 and hyphens, which is unique to the loop."""
    plain = re.sub(r"[^a-z0-9]+", "-", loop.name.lower()).strip("-")
    if plain == loop.name and len(plain) <= _LONGEST_SLUG:
        return plain
    # Characters were lost, so that /a.b and /a-b would collide: a hash of the path distinguishes them.
    suffix = hashlib.sha256(loop.path.encode()).hexdigest()[:_HASH_CHARACTERS]
    kept = plain[: _LONGEST_SLUG - _HASH_CHARACTERS - 1].strip("-")
    return f"{kept}-{suffix}".lstrip("-")


def base_name(loop: Loop) -> str:
    """Return the name of the topic, the table and the project, with which all other names start."""
    return f"label-loop-{slug(loop)}"


@dataclass(frozen=True)
class Names:
    """The default names of a loop's resources in one account and region."""

    loop: Loop
    partition: str
    region: str
    account: str

    @property
    def base(self) -> str:
        """The name of the topic, the table and the project, with which all other names start."""
        return base_name(self.loop)

    @property
    def bucket(self) -> str:
        """The bucket's name, which account and region make unique in the partition."""
        return f"{self.base}-{self.account}-{self.region}"

    def queue(self, purpose: str) -> str:
        """Return the name of the queue for ``uploads`` or ``answers``."""
        return f"{self.base}-{purpose}"

    def dead_letter_queue(self, purpose: str) -> str:
        """Return the name of the queue for messages that failed five times."""
        return f"{self.base}-{purpose}-dead-letters"

    def rule(self, purpose: str) -> str:
        """Return the name of an EventBridge rule."""
        return f"{self.base}-{purpose}"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def bucket_arn(self, bucket: str) -> str:
        """Return a bucket's ARN."""
        return f"arn:{self.partition}:s3:::{bucket}"
