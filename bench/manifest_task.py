"""A process that makes a manifest as the training's task does, and tells how much its memory grew at the most, in MB.

The listing is made here: the memory of 100,000 objects in S3 is not the task's.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from label_loop.context import LoopContext
from label_loop.domain import training
from label_loop.loop import Loop
from label_loop.payloads import LABELLED_FOLDER
from label_loop.workflows.training_set import TrainingSet


def main(path: str, images: int) -> float:
    """Make a first manifest, and then one more that builds on it; return by how many MB the peak grew."""
    context = LoopContext.of(Loop(path), aws_conn_id=None)
    training_set = TrainingSet(context)
    training_set.write("manifests/warm.manifest", [])  # the clients are there in every task
    before = _peak_mb()

    def listing(**_: Any) -> Iterator[dict[str, Any]]:
        modified = datetime(2026, 11, 1, tzinfo=UTC)
        for n in range(images):
            yield {"Key": f"{LABELLED_FOLDER}label {n % 50}/image-{n:08}.png", "LastModified": modified, "Size": 9000}

    with patch.object(type(context.clients.s3), "iter_file_metadata", lambda _, **how: listing(**how)):
        training_set.write("manifests/first.manifest", list(training_set.labelled(LABELLED_FOLDER)))
        checked = set(training_set.in_manifest("manifests/first.manifest"))
        usable, _ = training_set.usable(list(training_set.labelled(LABELLED_FOLDER)), checked)
    training.new_images(usable, checked)
    training.fingerprint(context.store.record.bucket, usable)
    training_set.write("manifests/second.manifest", usable)
    return _peak_mb() - before


def _peak_mb() -> float:
    # Not getrusage: that peak is inherited from the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    print(f"{main(sys.argv[1], int(sys.argv[2])):.1f}")
