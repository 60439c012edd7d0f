"""A process that makes a manifest as the training's task does, and tells how much its memory grew at the most, in MB.

The listing is made here: the memory of 100,000 objects in S3 is not the task's.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from label_loop.context import LoopContext
from label_loop.domain.training_images import TrainedImages, fingerprint, new_images
from label_loop.loop import Loop
from label_loop.payloads import LABELLED_FOLDER, LabelledImage
from label_loop.workflows.training_set import TrainingSet

_MODIFIED = "2026-11-01T00:00:00.000000"


def main(path: str, images: int) -> float:
    """Make a first manifest, and then one more that builds on it; return by how many MB the peak grew."""
    context = LoopContext.of(Loop(path), aws_conn_id=None)
    training_set = TrainingSet(context)
    training_set.write("manifests/warm.manifest", [])  # the clients are there in every task
    before = _peak_mb()

    def objects(folder: str) -> Iterator[tuple[LabelledImage, None]]:
        for n in range(images):
            label, etag = f"label {n % 50}", _content(n)
            yield LabelledImage(f"{folder}{label}/image-{n:08}.png", label, _MODIFIED, etag, size_bytes=9000), None

    with patch.object(training_set, "objects", objects):
        listed = training_set.listed(LABELLED_FOLDER).images
        first = [replace(image, content=image.etag, perceptual_hash=image.etag) for image in listed]
        del listed
        training_set.write("manifests/first.manifest", first)
        del first
        trained = TrainedImages(training_set.in_manifest("manifests/first.manifest"))
        usable, _ = training_set.usable(LABELLED_FOLDER, training_set.listed(LABELLED_FOLDER).images, trained)
    new_images(usable, trained)
    fingerprint(usable)
    training_set.write("manifests/second.manifest", usable)
    return _peak_mb() - before


def _content(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _peak_mb() -> float:
    # Not getrusage: that peak is inherited from the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    print(f"{main(sys.argv[1], int(sys.argv[2])):.1f}")
