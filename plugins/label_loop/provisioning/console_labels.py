"""Labels that people gave in the AWS console, which a training saved from the project's datasets."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from botocore.exceptions import ClientError

from label_loop.domain.datasets import foreign_entries
from label_loop.domain.labels import label_problem
from label_loop.hooks.aws_errors import object_problem
from label_loop.payloads import CONSOLE_FOLDER, LABELLED_FOLDER, TEST_FOLDER, UPLOADS_FOLDER
from label_loop.provisioning.parameter_store import require_record
from label_loop.provisioning.site import Site, aws_errors_as
from label_loop.system_record import RecordKey

_COPIED, _MOVED, _DONE = "copied", "moved", "already there"


@dataclass(frozen=True)
class ConsoleLabel:
    """A label that was given in the console to an image, and what it means for the loop.

    ``target`` is the key under which the image trains with the label; None if it cannot, for the reason in ``problem``.
    """

    source: str
    label: str | None
    target: str | None = None
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.source}: {self.target or f'left out, since {self.problem}'}"

    def to_json(self) -> dict[str, str | None]:
        """Return the label as a JSON object."""
        return {"source": self.source, "label": self.label, "target": self.target, "problem": self.problem or None}


def console_labels(site: Site) -> Iterator[ConsoleLabel]:
    """Yield what was saved, oldest dataset first; an image that was labelled in several has one entry for each."""
    bucket = str(require_record(site).get(RecordKey.BUCKET))
    client = site.client("s3")
    with aws_errors_as("bucket", bucket):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=CONSOLE_FOLDER):
            for item in sorted(page.get("Contents", []), key=lambda item: item["LastModified"]):
                body = client.get_object(Bucket=bucket, Key=item["Key"])["Body"]
                for entry in foreign_entries(body.read().decode(errors="replace").splitlines(), bucket):
                    yield _console_label(bucket, entry.source, entry.label)


def _console_label(bucket: str, source: str, label: str | None) -> ConsoleLabel:
    key = source.removeprefix(f"s3://{bucket}/")
    if label is None:
        return ConsoleLabel(source, label, problem="it has no label, or several, or boxes")
    if key == source or not key.startswith((LABELLED_FOLDER, TEST_FOLDER, UPLOADS_FOLDER)):
        return ConsoleLabel(source, label, problem="the image is not in one of the loop's folders")
    rule = label_problem(label)
    if rule:
        return ConsoleLabel(source, label, problem=f"a label must {rule}")
    path = PurePosixPath(key)
    if key.startswith(UPLOADS_FOLDER):  # its folders hold equal names
        name = f"{path.stem}-{hashlib.sha256(key.encode()).hexdigest()[:13]}{path.suffix}"
        return ConsoleLabel(source, label, f"{LABELLED_FOLDER}{label}/{name}")
    folder = TEST_FOLDER if key.startswith(TEST_FOLDER) else LABELLED_FOLDER
    return ConsoleLabel(source, label, f"{folder}{label}/{path.name}")


def take_over(site: Site, found: ConsoleLabel) -> str:
    """Move an image from the folder of its old label to that of its new one; return what was done.

    An image that was uploaded for detection is copied and stays. Repeating it does nothing.
    """
    bucket = str(require_record(site).get(RecordKey.BUCKET))
    if found.target is None:
        return found.problem
    client, key = site.client("s3"), found.source.removeprefix(f"s3://{bucket}/")
    if key == found.target:
        return _DONE
    try:
        client.copy_object(Bucket=bucket, Key=found.target, CopySource={"Bucket": bucket, "Key": key})
    except ClientError as error:
        problem = object_problem(error)
        if problem is None:
            raise
        return f"the image {problem}"
    if key.startswith(UPLOADS_FOLDER):
        return _COPIED
    client.delete_object(Bucket=bucket, Key=key)
    return _MOVED
