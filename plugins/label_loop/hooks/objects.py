"""The objects of a loop's bucket: read and copied from the loop's own folders, and from nowhere else."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from label_loop.domain.folders import Folder
from label_loop.domain.images import content_type
from label_loop.hooks.aws_errors import error_code, is_denial, object_problem

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CopyObjectRequestTypeDef, CopySourceTypeDef

    from label_loop.payloads import S3Upload

log = logging.getLogger(__name__)

_OTHERS = 5  # objects that are tried, to find out whether access is denied to one or to all


class LoopObjects:
    """Reads and copies objects of one loop. Methods raise ForeignObjectError for an object outside the given folder.

    Errors are botocore's. ``problem`` tells those that concern a single object for good from all others.
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self.client = client
        self.bucket = bucket

    def read(self, item: "S3Upload", folder: str, most_bytes: int) -> bytes:
        """Return the start of an object, at most ``most_bytes``; b"" if it is empty."""
        source = self._source(item, folder)
        try:
            response = self.client.get_object(**source, Range=f"bytes=0-{most_bytes - 1}")
        except ClientError as error:
            if error_code(error) != "InvalidRange":
                raise
            return b""
        with closing(response["Body"]) as body:
            content: bytes = body.read()
        return content

    def copy(self, item: "S3Upload", folder: str, target: str, metadata: Mapping[str, str]) -> None:
        """Copy an image within the bucket, with this metadata instead of its own."""
        source = self._source(item, folder)
        request: CopyObjectRequestTypeDef = {
            "Bucket": self.bucket,
            "Key": target,
            "CopySource": source,
            "MetadataDirective": "REPLACE",
            "Metadata": metadata,
            "ContentType": content_type(target),
        }
        # In a bucket without versioning the key may hold another object by now.
        if item.etag and not item.version_id:
            request["CopySourceIfMatch"] = item.etag
        self.client.copy_object(**request)

    def named(self, prefix: str) -> Iterator[str]:
        """Yield up to 1,000 keys that begin with a prefix."""
        for found in self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", []):
            yield found["Key"]

    def problem(self, item: "S3Upload", folder: str, error: ClientError) -> str | None:
        """Return why an object cannot be used for good, or None if the error concerns every object or may pass.

        ``error`` is that of a call that failed for this object. Some of its codes have several causes, so the object is
        read. If access is denied, other objects of the folder are read too: only if one of them can be read does the
        denial concern this object alone.
        """
        if object_problem(error) is None:
            return None
        if error_code(error) == "PreconditionFailed":
            return object_problem(error)
        try:
            self._touch(item, folder)
        except ClientError as found:
            is_of_all = is_denial(found) and not self._is_denied_alone(item, folder)
            return None if is_of_all else object_problem(found)
        return None

    def _touch(self, item: "S3Upload", folder: str) -> None:
        self.client.get_object(**self._source(item, folder), Range="bytes=0-0")["Body"].close()

    def _is_denied_alone(self, item: "S3Upload", folder: str) -> bool:
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=folder, MaxKeys=_OTHERS + 1)
        keys = [found["Key"] for found in listed.get("Contents", []) if found["Size"]]
        return any(self._is_readable(key) for key in keys if key != item.key)

    def _is_readable(self, key: str) -> bool:
        try:
            self.client.get_object(Bucket=self.bucket, Key=key, Range="bytes=0-0")["Body"].close()
        except ClientError:
            return False
        return True

    def _source(self, item: "S3Upload", folder: str) -> "CopySourceTypeDef":
        """Return where an object is, if it is in a folder of the loop."""
        Folder(self.bucket, folder).check(item.bucket, item.key)
        source: CopySourceTypeDef = {"Bucket": item.bucket, "Key": item.key}
        if item.version_id:
            source["VersionId"] = item.version_id
        return source
