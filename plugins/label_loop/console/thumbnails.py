"""Thumbnails, made when an image is first looked at and kept in S3, so that a page of images is a few hundred kB."""

import hashlib

from botocore.exceptions import ClientError
from fastapi import HTTPException, Response

from label_loop.console.images import read_image
from label_loop.context import LoopContext
from label_loop.decoder import DecoderUnavailableError, thumbnail
from label_loop.hooks.aws_errors import error_code
from label_loop.payloads import THUMBNAILS_FOLDER

_HEADERS = {
    # The address names the content, which never changes.
    "Cache-Control": "private, max-age=604800, immutable",
    "Content-Security-Policy": "default-src 'none'",
}


def thumbnail_key(key: str, etag: str) -> str:
    """Return the S3 key of the thumbnail of what a key held when it had an ETag."""
    return f"{THUMBNAILS_FOLDER}{hashlib.sha256(f'{key}\n{etag}'.encode()).hexdigest()}.jpg"


def thumbnail_response(aws: LoopContext, key: str, etag: str, version_id: str | None) -> Response:
    """Return the thumbnail of an object of the loop's bucket as it was when it had an ETag, without quotes.

    Raises HTTPException as ``image_response`` does, 415 also for what is no image, and 503 if no decoder answers.
    """
    client, bucket, kept = aws.clients.s3_client, aws.store.record.bucket, thumbnail_key(key, etag)
    try:
        small: bytes | None = client.get_object(Bucket=bucket, Key=kept)["Body"].read()
    except ClientError as error:
        if error_code(error) != "NoSuchKey":
            raise
        small = _made(aws, key, etag, version_id)
        client.put_object(Bucket=bucket, Key=kept, Body=small, ContentType="image/jpeg")
    return Response(small, media_type="image/jpeg", headers=_HEADERS)


def _made(aws: LoopContext, key: str, etag: str, version_id: str | None) -> bytes:
    body = read_image(aws, key, version_id, etag)
    try:
        small = thumbnail(body)
    except DecoderUnavailableError as error:
        raise HTTPException(503, f"The image {error}.") from error
    if small is None:
        raise HTTPException(415, "The object is not a readable PNG or JPEG image.")
    return small
