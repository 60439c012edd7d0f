"""Amazon S3: buckets that keep versions, conditional writes, storage classes, and notifications."""

# ruff: noqa: N803 - AWS's names
import hashlib
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import IO, Any

from botocore.response import StreamingBody
from tests.simulation.clock import CLOCK
from tests.simulation.fakes.errors import Refusal

_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_TIERED = "INTELLIGENT_TIERING"


@dataclass(frozen=True)
class Version:
    """One version of an object. S3 lists times by the second."""

    key: str
    id: str
    body: bytes
    modified: datetime
    storage_class: str = "STANDARD"
    is_archived: bool = False
    restored_until: datetime | None = None
    key_id: str = ""  # of KMS

    @property
    def etag(self) -> str:
        """The digest of the content, or any text if the object is encrypted with a key of KMS."""
        text = f"{self.key_id} {self.id}".encode() if self.key_id else self.body
        return hashlib.md5(text, usedforsecurity=False).hexdigest()

    @property
    def is_readable(self) -> bool:
        return not self.is_archived or self.restored_until is not None


@dataclass
class Bucket:
    """The versions of each key, oldest first."""

    keys: dict[str, list[Version]] = field(default_factory=dict)


class FakeS3:
    """The buckets of one account; ``created`` is told of each new version."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.created: Callable[[str, Version], None] = lambda bucket, version: None
        self.refusals: dict[str, str] = {}  # the codes of what S3 answers to a read, by key
        self._numbers = itertools.count(1)

    # ------------------------------------------------- what people and services do

    def put(self, bucket: str, key: str, body: bytes, key_id: str = "") -> Version:
        modified = CLOCK.now().replace(microsecond=0)
        version = Version(key, f"v{next(self._numbers):06}", body, modified, key_id=key_id)
        self._bucket(bucket).keys.setdefault(key, []).append(version)
        self.created(bucket, version)
        return version

    def remove(self, bucket: str, key: str, version_id: str) -> None:
        """Delete a version for good."""
        keys = self.buckets[bucket].keys
        keys[key] = [one for one in keys[key] if one.id != version_id]
        if not keys[key]:
            del keys[key]

    def archive(self, bucket: str, key: str, storage_class: str = _ARCHIVES[0]) -> None:
        """Move an object to a class that is an archive, or to an archive tier, which a listing does not show."""
        assert storage_class in (*_ARCHIVES, _TIERED)
        self._change(bucket, key, storage_class=storage_class, is_archived=True)

    def restore(self, bucket: str, key: str) -> None:
        self._change(bucket, key, restored_until=CLOCK.now() + timedelta(days=7))

    def _change(self, bucket: str, key: str, **how: Any) -> None:
        keys = self.buckets[bucket].keys
        keys[key] = [replace(one, **how) for one in keys[key]]

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
        version = self.readable(Bucket, Key, VersionId)
        body = version.body
        if Range:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        return {"Body": StreamingBody(io.BytesIO(body), len(body)), "ETag": f'"{version.etag}"'}

    def readable(self, bucket: str, key: str, version_id: str | None) -> Version:
        version = self.find(bucket, key, version_id)
        if key in self.refusals:
            raise Refusal(self.refusals[key], key)
        if not version.is_readable:
            raise Refusal("InvalidObjectState", f"{key} is archived")
        return version

    def head_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:
        try:
            version = self.find(Bucket, Key, VersionId)
        except Refusal as error:
            raise Refusal("404", "Not Found") from error  # the answer to HEAD has no body
        return {"ETag": f'"{version.etag}"', "ContentLength": len(version.body), "StorageClass": version.storage_class}

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes | IO[bytes], ContentType: str = "", IfNoneMatch: str = ""
    ) -> dict[str, Any]:
        if IfNoneMatch == "*" and Key in self._bucket(Bucket).keys:
            raise Refusal("PreconditionFailed", Key)
        body = Body if isinstance(Body, bytes) else Body.read()
        return {"ETag": f'"{self.put(Bucket, Key, body).etag}"'}

    def copy_object(
        self, *, Bucket: str, Key: str, CopySource: Mapping[str, str], CopySourceIfMatch: str = "", **_metadata: Any
    ) -> dict[str, Any]:
        source = self.readable(CopySource["Bucket"], CopySource["Key"], CopySource.get("VersionId"))
        if CopySourceIfMatch and CopySourceIfMatch != source.etag:
            raise Refusal("PreconditionFailed", Key)
        return {"CopyObjectResult": {"ETag": f'"{self.put(Bucket, Key, source.body).etag}"'}}

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str,
        Delimiter: str = "",
        MaxKeys: int = 1000,
        OptionalObjectAttributes: Sequence[str] = (),
    ) -> dict[str, Any]:
        found, folders = self.objects(Bucket, Prefix)[:MaxKeys], set[str]()
        if Delimiter:
            cut = {one.key: one.key.removeprefix(Prefix).partition(Delimiter)[:2] for one in found}
            folders = {Prefix + name + Delimiter for name, is_folder in cut.values() if is_folder}
            found = [one for one in found if not cut[one.key][1]]
        return {
            "Contents": [_listed(one) | _restored(one) for one in found],
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


def _restored(version: Version) -> dict[str, Any]:
    until = version.restored_until
    return {"RestoreStatus": {"IsRestoreInProgress": False, "RestoreExpiryDate": until}} if until else {}
