"""What a request to S3 means: which bucket and key it names, and on which condition it copies."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from moto.moto_server.utilities import RegexConverter
from moto.s3.exceptions import PreconditionFailed, S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from local_aws.moto_patches.patch import patch

_KEY_BYTES = 1024


@patch((RegexConverter, "__init__"))
def route_keys_with_line_breaks(
    original: Callable[..., None], converter: RegexConverter, url_map: Any, *items: Any
) -> None:
    """Route a path whose key has a line break.

    moto 5.2.5 answers 404 to it, since its patterns of paths stop at a line break. AWS documents a key as any
    sequence of Unicode characters of up to 1,024 bytes ("Naming Amazon S3 objects").
    """
    original(converter, url_map, *items)
    converter.regex = f"(?s:{converter.regex})"


@patch((S3Backend, "put_object"), (S3Backend, "create_multipart_upload"))
def refuse_keys_that_are_too_long(
    original: Callable[..., Any], backend: S3Backend, bucket_name: str, key_name: str, *args: Any, **options: Any
) -> Any:
    """Refuse to write a key of more than 1,024 bytes.

    moto 5.2.5 takes keys of any length. AWS documents a limit of 1,024 bytes in UTF-8 ("Naming Amazon S3 objects"), and
    KeyTooLongError for a longer one ("Error responses").
    """
    if len(key_name.encode()) > _KEY_BYTES:
        raise S3ClientError("KeyTooLongError", "Your key is too long")
    return original(backend, bucket_name, key_name, *args, **options)


@patch((S3Response, "subdomain_based_buckets"))
def take_no_bucket_from_the_host(_: Callable[..., bool], request: Any) -> bool:  # noqa: ARG001 - moto's signature
    """Take the bucket from the path, which is where this endpoint's clients have it.

    moto 5.2.5 takes the first part of any other host with a dot for a bucket. AWS documents that as the style of
    hosts below amazonaws.com ("Virtual hosting of buckets"); an endpoint of any name is asked in the other, path
    style.
    """
    return False


@patch((S3Response, "copy_object"))
def copy_only_what_is_as_expected(original: Callable[..., Any], response: S3Response) -> Any:
    """Refuse to copy an object that changed; one that is gone is left to moto, which says so.

    moto 5.2.5 does not look at x-amz-copy-source-if-match. AWS documents that the object is copied if its eTag
    matches, and 412 Precondition Failed otherwise (CopyObject).
    """
    wanted = response.headers.get("x-amz-copy-source-if-match")
    if wanted:
        source = urlsplit(response.headers["x-amz-copy-source"])
        bucket, _, key = unquote(source.path).lstrip("/").partition("/")
        version = parse_qs(source.query).get("versionId", [None])[0]
        backend = response.backend
        found = backend.get_object(bucket, key, version_id=version) if bucket in backend.buckets else None
        if found is not None and wanted.strip('"') not in {"*", found.etag.strip('"')}:
            raise PreconditionFailed(failed_condition="x-amz-copy-source-If-Match")
    return original(response)
