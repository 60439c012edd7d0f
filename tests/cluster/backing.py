"""PostgreSQL and Redis that run on this machine: a database and a number of one's own in them, gone afterwards."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import redis

POSTGRES, REDIS = "postgres@127.0.0.1:5432", "127.0.0.1:6379"
_ADMIN = f"postgresql://{POSTGRES}/postgres"
_CLAIM = "label-loop-tests"


@contextmanager
def own_database() -> Iterator[str]:
    """Make a database; yield where it is, as ``user@host:port/name``; drop it, whoever is still connected."""
    name = f"label_loop_{uuid.uuid4().hex[:12]}"
    _run(f"CREATE DATABASE {name}")
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        _run(f"DROP DATABASE {name} WITH (FORCE)")


def _run(statement: str) -> None:
    with psycopg.connect(_ADMIN, autocommit=True, connect_timeout=30) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


@contextmanager
def own_redis() -> Iterator[str]:
    """Claim an empty database of Redis; yield where it is, as ``host:port/number``; empty it."""
    client = _claimed()
    try:
        yield f"{REDIS}/{client.get_connection_kwargs()['db']}"
    finally:
        client.flushdb()
        client.close()


def _claimed() -> redis.Redis:
    for number in range(1, 16):
        client = redis.Redis.from_url(f"redis://{REDIS}/{number}")
        # The claim is taken by one alone, whoever else looks at the same time.
        if client.dbsize() == 0 and client.set(_CLAIM, os.getpid(), nx=True):
            return client
        client.close()
    raise AssertionError("Redis has no empty database")


def require() -> None:
    """Skip where PostgreSQL or Redis does not answer; fail instead where they are required."""
    try:
        _run("SELECT 1")
        redis.Redis.from_url(f"redis://{REDIS}/0").ping()
    except (psycopg.OperationalError, redis.RedisError) as error:
        missing = f"PostgreSQL at {POSTGRES} and Redis at {REDIS} are needed: {error}"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"REQUIRE_SERVICES=1, but {missing}")
        pytest.skip(missing)
