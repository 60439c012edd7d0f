"""Images from the loop's bucket, served by the console only if they really are images."""

from contextlib import closing
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from fastapi import HTTPException, Response

from label_loop.context import LoopContext
from label_loop.domain.images import MAX_IMAGE_BYTES
from label_loop.hooks.aws_errors import error_code, object_problem

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import GetObjectRequestTypeDef

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})
# By content, not by name, so that a page or a script is never served as an image.
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def image_response(aws: LoopContext, image_uri: str, version_id: str | None) -> Response:
    """Return an image for a browser.

    Raises HTTPException: 404 if it is gone or in another bucket, 409 with the reason if it cannot be read as it is
    stored, 413 if it is too large, 415 if it is no PNG or JPEG.
    """
    bucket, _, key = image_uri.removeprefix("s3://").partition("/")
    if bucket != aws.store.record.bucket:
        raise HTTPException(404, "The image is not in the loop's bucket.")
    body = read_image(aws, key, version_id)
    kind = next((kind for head, kind in _KINDS.items() if body.startswith(head)), None)
    if kind is None:
        raise HTTPException(415, "The object is not a PNG or JPEG image.")
    # A version of an object never changes, so a browser may reuse it.
    headers = {"Cache-Control": "private, max-age=3600"} if version_id else {}
    return Response(body, media_type=kind, headers={**headers, "Content-Security-Policy": "default-src 'none'"})


def read_image(aws: LoopContext, key: str, version_id: str | None, etag: str = "") -> bytes:
    """Return an object of the loop's bucket, with an ETag without quotes only if it still has that.

    Raises HTTPException as ``image_response`` does, except for 415.
    """
    client, bucket = aws.clients.s3_client, aws.store.record.bucket
    request: GetObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
    if version_id:
        request["VersionId"] = version_id
    if etag:
        request["IfMatch"] = etag
    try:
        answer = client.get_object(**request)
    except ClientError as error:
        if error_code(error) in _GONE:
            raise HTTPException(404, "The image no longer exists in S3.") from error
        problem = object_problem(error)
        if problem:
            raise HTTPException(409, f"The image {problem}.") from error
        raise
    with closing(answer["Body"]) as stream:
        if answer["ContentLength"] > MAX_IMAGE_BYTES:
            raise HTTPException(413, "The image is larger than 15 MB, the most that Rekognition accepts.")
        body: bytes = stream.read()
    return body
