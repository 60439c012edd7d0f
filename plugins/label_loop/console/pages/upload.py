"""Upload: images for detection, or for training under a label, and their results."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import StringConstraints

from label_loop.console import airflow_db
from label_loop.console.access import Look, Operate, Upload, Visit
from label_loop.console.labels import forget_labels, labels_of
from label_loop.console.render import render
from label_loop.console.threads import in_thread
from label_loop.console.upload_room import UploadRoom
from label_loop.decoder import DECODERS, DecoderUnavailableError, inspect_image
from label_loop.domain import images
from label_loop.domain.labels import check_label
from label_loop.domain.uploads import detection_id, upload_key, upload_outcome
from label_loop.exceptions import InvalidLabelError
from label_loop.hooks.aws_errors import error_code
from label_loop.model_project import ModelProject

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import PutObjectOutputTypeDef, PutObjectRequestTypeDef

router = APIRouter()

_NOTE = "label_loop_upload"
_MOST_RESULTS = 100
_room = UploadRoom()
# Not the threads for AWS: whatever an image costs, pages do not wait for it.
_checks = ThreadPoolExecutor(DECODERS, thread_name_prefix="label-loop-decoder")
_LIMITS = {
    "largest_bytes": images.MAX_IMAGE_BYTES,
    "shortest_side_px": images.MIN_SIDE_PX,
    "longest_side_px": images.MAX_SIDE_PX,
    "largest_aspect_ratio": images.MAX_ASPECT_RATIO,
}

DetectionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]


@router.get("/upload")
async def upload(visit: Look) -> Response:
    """Return the page."""
    labels = (await in_thread(labels_of, visit.aws)).names if visit.may["operate"] else []
    return render(visit, "upload.html", labels=labels, limits=_LIMITS, most_results=_MOST_RESULTS)


@router.post("/upload/detection")
async def upload_for_detection(visit: Upload, name: str = "") -> dict[str, str | None]:
    """Upload the request's body for detection; ``name`` is the file's name. Return its key and detection id."""
    with _room.admit(str(visit.user.get_id())) as place:
        body = await _checked(await place.read(visit.request))
        return await in_thread(_put_for_detection, visit, name, body)


@router.post("/upload/training")
async def upload_for_training(visit: Upload, operating: Operate, name: str = "", label: str = "") -> dict[str, Any]:
    """Upload the request's body for training under a label. Return its key, and whether it existed already."""
    try:
        label = check_label(label.strip())
    except InvalidLabelError as error:
        raise HTTPException(422, str(error)) from error
    with _room.admit(str(visit.user.get_id())) as place:
        body = await _checked(await place.read(operating.request))
        return await in_thread(_put_for_training, visit, name, label, body)


@router.get("/upload/results")
async def results(
    visit: Look, ids: Annotated[list[DetectionId], Query(alias="id", min_length=1, max_length=_MOST_RESULTS)]
) -> dict[str, Any]:
    """Return the results of detections logged so far, and whether a model is serving (None if that is not known)."""
    return await in_thread(_results, visit, ids)


async def _checked(body: bytes) -> bytes:
    """Return an image that Rekognition accepts. Raises HTTPException 422 with the reason if it is none."""
    try:
        inspection = await asyncio.get_running_loop().run_in_executor(_checks, inspect_image, body)
    except DecoderUnavailableError as error:
        raise HTTPException(503, f"The image {error}.") from error
    if inspection.problem:
        raise HTTPException(422, inspection.problem)
    return body


def _put_for_detection(visit: Visit, name: str, body: bytes) -> dict[str, str | None]:
    record = visit.aws.store.record
    key = upload_key(name, body)
    put = _put(visit, key, body)
    has_queue = record.uploads_queue_url is not None
    id_ = detection_id(record.bucket, key, put["ETag"], put.get("VersionId"), has_queue=has_queue)
    return {"key": key, "id": id_}


def _put_for_training(visit: Visit, name: str, label: str, body: bytes) -> dict[str, Any]:
    labels = labels_of(visit.aws)
    key = upload_key(name, body, labels.filed_as(label))
    try:
        # An image that is there already trains nothing again; the page says so.
        _put(visit, key, body, new=True)
    except ClientError as error:
        if error_code(error) != "PreconditionFailed":
            raise
        return {"key": key, "repeated": True}
    if labels.resolve(label) is None:
        forget_labels()
    airflow_db.write_note(_NOTE, visit.user, visit.loop.dag_id("training"), {"key": key})
    return {"key": key, "repeated": False}


def _put(visit: Visit, key: str, body: bytes, *, new: bool = False) -> "PutObjectOutputTypeDef":
    kind = "image/png" if key.endswith(".png") else "image/jpeg"
    bucket = visit.aws.store.record.bucket
    request: PutObjectRequestTypeDef = {"Bucket": bucket, "Key": key, "Body": body, "ContentType": kind}
    if new:
        request["IfNoneMatch"] = "*"
    return visit.aws.clients.s3_client.put_object(**request)


def _results(visit: Visit, ids: Sequence[str]) -> dict[str, Any]:
    rows = visit.aws.clients.log.rows(ids)
    found = {id_: asdict(upload_outcome(row)) for id_, row in rows.items()}
    return {"results": found, "serves": True if len(found) == len(set(ids)) else _serves(visit)}


def _serves(visit: Visit) -> bool | None:
    try:
        return ModelProject(visit.aws).is_serving()
    except (ClientError, BotoCoreError):
        return None  # unknown; the results are shown all the same
