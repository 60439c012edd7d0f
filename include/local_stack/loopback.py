"""JSON over HTTP to the stack's own servers on this machine, past any proxy."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

_TIMEOUT_SECONDS = 120  # a request may have to wait for a busy machine; who is not there refuses at once
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class UnreachableError(Exception):
    """A server of the stack did not answer this time; asking again may help."""


class HttpError(Exception):
    """An answer with a status of 400 or more."""

    def __init__(self, method: str, url: str, status: int, body: str) -> None:
        super().__init__(f"{method} {url} was answered with {status}: {body[:300]}")
        self.status = status


def ask(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """Return the JSON answer, None where it is empty. Raises HttpError, or UnreachableError without an answer."""
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
        raise UnreachableError(f"{method} {url}: the answer is not JSON") from error
