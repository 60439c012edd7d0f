"""JSON over HTTP to the stack's own servers on this machine, bypassing any proxy."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

_TIMEOUT_SECONDS = 120  # on a busy machine, a response may take long; a server that is down refuses at once
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class UnreachableError(Exception):
    """A server of the stack did not respond; a retry may succeed."""


class HttpError(Exception):
    """A response with a status of 400 or more."""

    def __init__(self, method: str, url: str, status: int, body: str) -> None:
        super().__init__(f"{method} {url} returned {status}: {body[:300]}")
        self.status = status


def ask(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """Return the JSON response, or None if it is empty. Raises HttpError, and UnreachableError without a response."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)  # noqa: S310 - loopback addresses only
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        request.add_header(name, value)
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        raise HttpError(method, url, error.code, error.read().decode(errors="replace")) from error
    except OSError as error:
        raise UnreachableError(f"{method} {url}: {error}") from error
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise UnreachableError(f"{method} {url}: the response is not JSON") from error
