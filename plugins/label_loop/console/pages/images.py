"""Images: what is labelled, by label, and one image with what is known of it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from botocore.exceptions import ClientError
from fastapi import APIRouter, Depends, HTTPException, Query, Response

from label_loop.console.access import Look, Visit
from label_loop.console.images import image_response, read_image
from label_loop.console.labels import labels_of
from label_loop.console.render import render
from label_loop.console.threads import in_thread
from label_loop.console.thumbnails import thumbnail_response
from label_loop.domain.corrections import folder_of
from label_loop.domain.label_history import LabelEntry
from label_loop.domain.labelling import from_metadata, shown_people
from label_loop.domain.labels import Labels
from label_loop.domain.training_images import folder_label, is_marker
from label_loop.hooks.aws_errors import object_problem
from label_loop.payloads import (
    GOLD_FOLDER,
    LABELLED_FOLDER,
    NONE_FOLDER,
    TEST_FOLDER,
    LabelledImage,
    LabelSource,
)
from label_loop.workflows.training_set import TrainingSet

router = APIRouter()

type Use = Literal["train", "test", "none", "gold"]
FOLDERS: Mapping[Use, str] = {
    "train": LABELLED_FOLDER,
    "test": TEST_FOLDER,
    "none": NONE_FOLDER,
    "gold": GOLD_FOLDER,
}
_USES: Mapping[Use, str] = {
    "train": "Train or held out",
    "test": "Test set",
    "none": "None of the Above",
    "gold": "Gold",
}
_MOST_SHOWN = 60
_MOST_CALLS = 8
_MOST_ENTRIES = 50
_SAID_IN = {
    LabelSource.FOLDER: "put into the folder",
    LabelSource.REVIEW: "answered in review",
    LabelSource.SAMPLE: "answered as a human sample",
    LabelSource.CORRECTION: "corrected",
    LabelSource.REMOVED: "removed",
}

_Text = Annotated[str, Query(max_length=1024)]
Key = Annotated[str, Query(max_length=1024)]
Etag = Annotated[str, Query(pattern=r"^[0-9a-zA-Z-]{1,80}$")]


@dataclass(frozen=True)
class Shelf:
    """Which images are shown: of which use and label, whose names begin how, and after which key."""

    use: Use
    label: str
    name: str
    after: str

    @property
    def folder(self) -> str:
        """The folder that they are in."""
        return FOLDERS[self.use]

    @property
    def query(self) -> str:
        """The parameters of the address of the first of them."""
        return urlencode({name: value for name, value in self._values.items() if value})

    @property
    def _values(self) -> dict[str, str]:
        return {"use": self.use, "label": self.label, "name": self.name}

    def query_after(self, key: str) -> str:
        """Return the parameters of the address of those after a key."""
        return urlencode({**{name: value for name, value in self._values.items() if value}, "after": key})


def _shelf(use: Use = "train", label: _Text = "", name: _Text = "", after: _Text = "") -> Shelf:
    return Shelf(use, label, name.strip() if label else "", after)


Shown = Annotated[Shelf, Depends(_shelf)]


@router.get("/images")
async def images(visit: Look, shelf: Shown) -> Response:
    """Return the page."""

    def work() -> tuple[Labels, list[LabelledImage], str | None]:
        labels = _labels_of(visit, shelf)
        return labels, *_found(visit, shelf, labels)

    labels, found, after = await in_thread(work)
    return render(
        visit,
        "images.html",
        shelf=shelf,
        uses=_USES,
        folder=shelf.folder,
        labels=labels,
        images=found,
        name_of=lambda image: image.key.rpartition("/")[2],
        more=shelf.query_after(after) if after else None,
        offered=(await in_thread(labels_of, visit.aws)).names,
        is_correctable=shelf.use != "gold",
    )


def _labels_of(visit: Visit, shelf: Shelf) -> Labels:
    return Labels({}, {}, {}) if shelf.use == "none" else labels_of(visit.aws, shelf.folder)


def _found(visit: Visit, shelf: Shelf, labels: Labels) -> tuple[list[LabelledImage], str | None]:
    """Return the next images in the order of their keys, and after which key there are more; None if these are all.

    Folders' markers are left out.
    """
    found: list[LabelledImage] = []
    calls, after = 0, shelf.after
    for prefix in _prefixes(shelf, labels):
        is_all = after > prefix and not after.startswith(prefix)  # of a folder that was shown before
        while not is_all:
            if len(found) >= _MOST_SHOWN or calls == _MOST_CALLS:
                return found, after
            begin = after if after.startswith(prefix) else ""
            listed, is_all = TrainingSet(visit.aws).some(shelf.folder, prefix, begin, _MOST_SHOWN - len(found))
            found += (image for image in listed if not is_marker(image.key))
            after, calls = listed[-1].key if listed else after, calls + 1
    return found, None


def _prefixes(shelf: Shelf, labels: Labels) -> Iterator[str]:
    """Yield what keys begin with: of a label that several folders have, for each of them."""
    if not shelf.label:
        yield shelf.folder
        return
    for name, label in sorted(labels.of_folder.items()):
        if label == shelf.label:
            yield f"{shelf.folder}{name}/{shelf.name}"


@router.get("/images/one")
async def one(visit: Look, key: Key) -> Response:
    """Return the page of one image. Raises HTTPException 404 if it is no labelled image, or gone."""
    use = _use(key)
    label = folder_label(FOLDERS[use], key) or ""
    head, history, labels = await in_thread(lambda: (_head(visit, key), _history(visit, key), labels_of(visit.aws)))
    return render(
        visit,
        "images_one.html",
        key=key,
        use=use,
        uses=_USES,
        label=label,
        name=key.rpartition("/")[2],
        head=head,
        labelling=from_metadata(head.get("Metadata", {}), label),
        history=history,
        labels=labels.names,
        people=shown_people,
        said_in=_SAID_IN,
        is_correctable=folder_of(key) is not None,
    )


def _head(visit: Visit, key: str) -> Mapping[str, Any]:
    try:
        return visit.aws.clients.s3_client.head_object(Bucket=visit.aws.store.record.bucket, Key=key)
    except ClientError as error:
        if object_problem(error) is None:
            raise
        raise HTTPException(404, f"The image {object_problem(error)}.") from error


def _history(visit: Visit, key: str) -> list[LabelEntry] | None:
    """Return what was said of an image, newest first; None in a loop without a table for it."""
    history = visit.aws.clients.label_history
    if history is None:
        return None
    return history.entries(hashlib.sha256(read_image(visit.aws, key, None)).hexdigest(), _MOST_ENTRIES)


@router.get("/images/image")
async def image(visit: Look, key: Key) -> Response:
    """Return a labelled image."""
    _use(key)
    return await in_thread(lambda: image_response(visit.aws, f"s3://{visit.aws.store.record.bucket}/{key}", None))


@router.get("/images/thumbnail")
async def thumbnail(visit: Look, key: Key, etag: Etag) -> Response:
    """Return a small picture of a labelled image, as it was when it had an ETag."""
    _use(key)
    return await in_thread(thumbnail_response, visit.aws, key, etag, None)


def _use(key: str) -> Use:
    """Return what the image at a key is used for. Raises HTTPException 404 if it is in no folder of labelled images."""
    for use, folder in FOLDERS.items():
        if folder_label(folder, key):
            return use
    raise HTTPException(404, f"{key} is in no folder of labelled images.")
