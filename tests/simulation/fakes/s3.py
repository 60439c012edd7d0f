"""Amazon S3: buckets that keep versions, conditional writes, storage classes, and notifications."""

# ruff: noqa: N803 - AWS's names
import hashlib
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from botocore.response import StreamingBody
from tests.simulation.clock import CLOCK
from tests.simulation.fakes.errors import Refusal

_ARCHIVED = "GLACIER"


@dataclass(frozen=True)
class Version:
    """One version of an object. S3 lists times by the second."""

    key: str
    id: str
    body: bytes
    modified: datetime
    storage_class: str = "STANDARD"

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()

    @property
    def is_archived(self) -> bool:
        return self.storage_class == _ARCHIVED


@dataclass
class Bucket:
    """The versions of each key, oldest first."""

    keys: dict[str, list[Version]] = field(default_factory=dict)


class FakeS3:
    """The buckets of one account; ``created`` is told of each new version."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.created: Callable[[str, Version], None] = lambda bucket, version: None
        self._numbers = itertools.count(1)

    # ------------------------------------------------- what people and services do

    def put(self, bucket: str, key: str, body: bytes) -> Version:
        modified = CLOCK.now().replace(microsecond=0)
        version = Version(key, f"v{next(self._numbers):06}", body, modified)
        self._bucket(bucket).keys.setdefault(key, []).append(version)
        self.created(bucket, version)
        return version

    def remove(self, bucket: str, key: str, version_id: str) -> None:
        """Delete a version for good."""
        keys = self.buckets[bucket].keys
        keys[key] = [one for one in keys[key] if one.id != version_id]
        if not keys[key]:
            del keys[key]

    def archive(self, bucket: str, key: str) -> None:
        keys = self.buckets[bucket].keys
        keys[key] = [replace(one, storage_class=_ARCHIVED) for one in keys[key]]

    def objects(self, bucket: str, prefix: str = "") -> list[Version]:
        """Return the present objects under a prefix."""
        return [versions[-1] for key, versions in sorted(self._bucket(bucket).keys.items()) if key.startswith(prefix)]

    def find(self, bucket: str, key: str, version_id: str | None = None) -> Version:
        versions = self._bucket(bucket).keys.get(key, [])
        if version_id:
            versions = [one for one in versions if one.id == version_id]
        if not versions:
            raise Refusal("NoSuchVersion" if version_id else "NoSuchKey", key)
        return versions[-1]

    def _bucket(self, name: str) -> Bucket:
        if name not in self.buckets:
            raise Refusal("NoSuchBucket", name)
        return self.buckets[name]

    # ---------------------------------------------------------------- operations

    def get_object(self, *, Bucket: str, Key: str, VersionId: str | None = None, Range: str = "") -> dict[str, Any]:
        version = self._readable(Bucket, Key, VersionId)
        body = version.body
        if Range:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        return {"Body": StreamingBody(io.BytesIO(body), len(body)), "ETag": f'"{version.etag}"'}

    def _readable(self, bucket: str, key: str, version_id: str | None) -> Version:
        version = self.find(bucket, key, version_id)
        if version.is_archived:
            raise Refusal("InvalidObjectState", f"{key} is archived")
        return version

    def head_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:
        try:
            version = self.find(Bucket, Key, VersionId)
        except Refusal as error:
            raise Refusal("404", "Not Found") from error  # the answer to HEAD has no body
        return {"ETag": f'"{version.etag}"', "ContentLength": len(version.body), "StorageClass": version.storage_class}

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, ContentType: str = "", IfNoneMatch: str = ""
    ) -> dict[str, Any]:
        if IfNoneMatch == "*" and Key in self._bucket(Bucket).keys:
            raise Refusal("PreconditionFailed", Key)
        return {"ETag": f'"{self.put(Bucket, Key, Body).etag}"'}

    def copy_object(
        self, *, Bucket: str, Key: str, CopySource: Mapping[str, str], CopySourceIfMatch: str = ""
    ) -> dict[str, Any]:
        source = self._readable(CopySource["Bucket"], CopySource["Key"], CopySource.get("VersionId"))
        if CopySourceIfMatch and CopySourceIfMatch != source.etag:
            raise Refusal("PreconditionFailed", Key)
        return {"CopyObjectResult": {"ETag": f'"{self.put(Bucket, Key, source.body).etag}"'}}

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str, Delimiter: str = "", OptionalObjectAttributes: Sequence[str] = ()
    ) -> dict[str, Any]:
        found, folders = self.objects(Bucket, Prefix), set[str]()
        if Delimiter:
            cut = {one.key: one.key.removeprefix(Prefix).partition(Delimiter)[:2] for one in found}
            folders = {Prefix + name + Delimiter for name, is_folder in cut.values() if is_folder}
            found = [one for one in found if not cut[one.key][1]]
        return {
            "Contents": [_listed(one) for one in found],
            "CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)],
            "IsTruncated": False,
            "KeyCount": len(found) + len(folders),
        }

    def list_object_versions(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        keys = sorted(self._bucket(Bucket).keys.items())
        versions = [one for key, all_ in keys if key.startswith(Prefix) for one in reversed(all_)]
        return {"Versions": [{**_listed(one), "VersionId": one.id} for one in versions], "IsTruncated": False}


def _listed(version: Version) -> dict[str, Any]:
    return {
        "Key": version.key,
        "ETag": f'"{version.etag}"',
        "Size": len(version.body),
        "LastModified": version.modified,
        "StorageClass": version.storage_class,
    }
