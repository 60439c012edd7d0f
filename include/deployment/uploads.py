"""Uploads the package to the environment's bucket, but only the files that have changed."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from label_loop.hooks.aws_errors import error_code
from label_loop.provisioning.account import Account
from label_loop.provisioning.report import DeploymentError

NEW = "(the new version)"  # in place of the version that a dry run does not create
_DAGS = "dags/"


class Uploads:
    """The package in a bucket. There may be no bucket in a dry run; then it counts as empty."""

    def __init__(self, account: Account, bucket: str | None, build: Path) -> None:
        self._account = account
        self._bucket = bucket
        self._build = build
        self._api: Any = account.client("s3")

    def version(self, key: str) -> str:
        """Upload a file if it has changed; return the version that MWAA is to use."""
        path = self._build / key
        there = self._head(key)
        if there is not None and there["ETag"] == etag(path):
            self._account.say(f"  unchanged: {key}")
            return self._version_of(there)
        put = self._put(key, path)
        return self._version_of(put) if put else NEW

    def dags(self) -> None:
        """Upload the DAG files that have changed, and delete those that no longer exist."""
        paths = {path.relative_to(self._build).as_posix(): path for path in _files(self._build / _DAGS)}
        there = dict(self._list())
        for key, path in paths.items():
            if there.get(key) != etag(path):
                self._put(key, path)
        for key in sorted(set(there) - set(paths)):
            delete = partial(self._api.delete_object, Bucket=self._bucket, Key=key)
            self._account.do(f"deleted: {key} (the bucket keeps its versions)", delete)
        if there == {key: etag(path) for key, path in paths.items()}:
            self._account.say(f"  unchanged: {_DAGS} ({len(paths)} files)")

    def _version_of(self, answer: Mapping[str, Any]) -> str:
        if answer.get("VersionId", "null") == "null":
            problem, remedy = "it keeps no versions, which MWAA needs", "turn on its versioning, as in mwaa.yaml"
            raise DeploymentError(f"The bucket {self._bucket}", problem, remedy)
        return str(answer["VersionId"])

    def _put(self, key: str, path: Path) -> Mapping[str, Any] | None:
        body = path.read_bytes()
        put = partial(self._api.put_object, Bucket=self._bucket, Key=key, Body=body)
        done: Mapping[str, Any] | None = self._account.do(f"uploaded: {key} ({len(body):,} bytes)", put)
        return done

    def _head(self, key: str) -> Mapping[str, Any] | None:
        if self._bucket is None:
            return None
        try:
            found: Mapping[str, Any] = self._api.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error_code(error) in {"404", "NoSuchKey"}:
                return None
            raise
        return found

    def _list(self) -> Iterator[tuple[str, str]]:
        if self._bucket is not None:
            for page in self._api.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=_DAGS):
                yield from ((item["Key"], item["ETag"]) for item in page.get("Contents", []))


def etag(path: Path) -> str:
    """Return the ETag of an object uploaded in one part and encrypted as in the template: the MD5 of its content."""
    return f'"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"'


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
