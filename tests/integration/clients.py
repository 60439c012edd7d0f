"""Clients of the endpoint, which all tests share: making one takes longer than most calls."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-west-1"
ACCOUNT = "123456789012"


@cache
def session() -> Any:
    return boto3.Session("local", "local", region_name=REGION)


@cache
def client(service: str, url: str) -> Any:
    """Return a client that all tests share: making one takes longer than most calls."""
    return session().client(service, endpoint_url=url, config=Config(max_pool_connections=20))


@cache
def dynamodb(url: str) -> Any:
    return session().resource("dynamodb", endpoint_url=url)


class SharedSession:
    """What provisioning asks a session for, with the clients of all tests."""

    def __init__(self, url: str) -> None:
        self._url = url

    def client(self, service: str, **_: Any) -> Any:
        return client(service, self._url)
