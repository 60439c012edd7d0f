"""The operation that serves: DetectCustomLabels."""

from collections.abc import Mapping
from typing import Any

from local_aws.errors import AwsError
from local_aws.rekognition import models
from local_aws.rekognition.exceptions import (
    invalid_parameter,
    invalid_s3_object,
    resource_not_ready,
    throughput_exceeded,
)
from local_aws.rekognition.features import Vector
from local_aws.rekognition.images import MAX_INLINE_BYTES, MAX_S3_BYTES, UnusableImageError
from local_aws.rekognition.model import Model
from local_aws.rekognition.registry import Registry
from local_aws.rekognition.storage import S3Access, S3ObjectMissingError
from local_aws.services import RequestContext

# A too small image is an invalid parameter to Rekognition, with no word on what is wrong; here it says so. The code for
# sides that differ too much is not documented.
ERROR_OF_KIND = {
    "format": "InvalidImageFormatException",
    "too-small": "InvalidParameterException",
    "too-large": "ImageTooLargeException",
    "aspect-ratio": "InvalidParameterException",
}


class Detection:
    """Classifies images with running versions; holds the registry's lock only to find the version."""

    def __init__(self, registry: Registry, s3: S3Access) -> None:
        self._registry = registry
        self._s3 = s3

    def detect(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DetectCustomLabels: best first."""
        model = self._running_model(request["ProjectVersionArn"], context)
        try:
            confidences = model.judge(self._image_bytes(request["Image"]))
        except UnusableImageError as error:
            raise AwsError(ERROR_OF_KIND[error.kind], error.message) from error
        return {"CustomLabels": _labels(model, confidences, request)}

    def _running_model(self, arn: str, context: RequestContext) -> Model:
        with self._registry.lock:
            version = self._registry.version(arn, context.region)
            status, bucket, outcome = version.status, version.bucket, version.outcome
            units = version.min_units or 1
        model = outcome.model if outcome else None
        if status != models.RUNNING or bucket is None or model is None:
            raise resource_not_ready(arn, status)
        if not bucket.take():
            raise throughput_exceeded(units)
        return model

    def _image_bytes(self, image: Mapping[str, Any]) -> bytes:
        if ("Bytes" in image) == ("S3Object" in image):
            raise invalid_parameter("Image takes either Bytes or S3Object.")
        if "Bytes" in image:
            return _limited(bytes(image["Bytes"]), MAX_INLINE_BYTES)
        s3_object = image["S3Object"]
        if not s3_object.get("Bucket") or not s3_object.get("Name"):
            raise invalid_parameter("S3Object needs a bucket and a name.")
        try:
            body = self._s3.get(s3_object["Bucket"], s3_object["Name"], s3_object.get("Version"))
        except S3ObjectMissingError as error:
            raise invalid_s3_object(s3_object["Bucket"], s3_object["Name"]) from error
        return _limited(body, MAX_S3_BYTES)


def _limited(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise AwsError("ImageTooLargeException", f"The image has {len(body)} bytes; the limit is {limit}.")
    return body


def _labels(model: Model, confidences: Vector, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return labels at or above MinConfidence, or, without it, each at or above its own assumed threshold."""
    percent = confidences * 100
    least = request.get("MinConfidence")
    floor = model.thresholds * 100 if least is None else percent * 0 + least
    chosen = [int(index) for index in (-percent).argsort(kind="stable") if percent[index] >= floor[index]]
    most = request.get("MaxResults")
    return [
        {"Name": model.labels[index], "Confidence": round(float(percent[index]), 4)}
        for index in (chosen if most is None else chosen[:most])
    ]
