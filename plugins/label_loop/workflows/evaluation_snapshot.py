"""What Rekognition wrote of a version's test images."""

import logging
from collections.abc import Iterator

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import evaluated_images
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.hooks.aws_errors import object_problem
from label_loop.payloads import ProjectVersion

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16


class EvaluationSnapshots:
    """Reads the snapshots of a loop's versions; nothing of one that is gone or cannot be read."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    def images(self, version: ProjectVersion) -> Iterator[EvaluatedImage]:
        """Yield what a version said of its test images."""
        return evaluated_images.parse(self._lines(version), self.context.store.record.bucket)

    def keys(self, version: ProjectVersion) -> set[str]:
        """Return the keys of a version's test images, also of one that this loop did not train."""
        return set(evaluated_images.keys(self._lines(version), self.context.store.record.bucket))

    def _lines(self, version: ProjectVersion) -> Iterator[bytes]:
        if version.evaluation_snapshot is None:
            return
        bucket, key = version.evaluation_snapshot
        try:
            body = self.context.clients.s3_client.get_object(Bucket=bucket, Key=key)["Body"]
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise
            log.warning("What %s said of its test images, %s, %s", version.name, key, problem)
            return
        yield from body.iter_lines(_CHUNK_BYTES)
