"""How Rekognition reads and writes the customer's buckets."""

import threading
from typing import Any, Protocol

INTERNAL_USER_AGENT = "local-aws-internal"  # marks the endpoint's own calls, which are no user's


class S3ObjectMissingError(Exception):
    """The bucket, the key or the version does not exist, or may not be accessed."""


class S3Access(Protocol):
    """The little of S3 that Rekognition needs; failures raise ``S3ObjectMissingError``."""

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        """Read one object."""
        ...

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write one object."""
        ...


class Boto3S3:
    """``S3Access`` through a boto3 client; the client is made at the first call, when the endpoint is up."""

    def __init__(self, endpoint_url: str, region: str = "us-east-1") -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._client: Any = None
        self._lock = threading.Lock()

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        """Read one object."""
        from botocore.exceptions import BotoCoreError, ClientError

        which = {"VersionId": version} if version else {}
        try:
            answer = self._s3().get_object(Bucket=bucket, Key=key, **which)
            return bytes(answer["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise S3ObjectMissingError(f"s3://{bucket}/{key}: {error}") from error

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write one object."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._s3().put_object(Bucket=bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as error:
            raise S3ObjectMissingError(f"s3://{bucket}/{key}: {error}") from error

    def _s3(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> Any:
        import boto3
        from botocore.config import Config

        # A session of its own: the default one reads the caller's profile and is not thread-safe to make.
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self._endpoint_url,
            region_name=self._region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - the endpoint accepts any
            config=Config(
                user_agent_extra=INTERNAL_USER_AGENT,
                s3={"addressing_style": "path"},
                max_pool_connections=32,
                retries={"total_max_attempts": 2},
            ),
        )
