"""The control API below ``/_local/``: health, call counts, faults, and the worker portal of human review."""

import json
from collections.abc import Callable
from typing import Any, Protocol

from local_aws.answers import Answer, json_answer
from local_aws.calls import CallCounter
from local_aws.errors import AwsError
from local_aws.faults import Faults
from local_aws.requests import Request


class WorkerPortal(Protocol):
    """Human loops as workers see them."""

    def loops(self, status: str | None) -> list[dict[str, Any]]:
        """List loops, all or those of one status."""
        ...

    def answer(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Give one worker's answer to a loop."""
        ...


class Control:
    """Answers whom the front lets in; nobody has to log in."""

    def __init__(self, calls: CallCounter, faults: Faults, portal: WorkerPortal) -> None:
        self._calls = calls
        self._faults = faults
        self._portal = portal

    def answer(self, request: Request) -> Answer:
        """Answer one request; errors are ``{"error": …}`` with a 4xx status."""
        routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "health"): lambda _: json_answer({"status": "ok"}),
            ("GET", "calls"): lambda _: json_answer(
                {"calls": self._calls.counts(), "by_app": self._calls.counts_by_app()}
            ),
            ("DELETE", "calls"): self._reset_calls,
            ("GET", "faults"): lambda _: json_answer(self._faults.describe()),
            ("POST", "faults"): self._set_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "human-loops"): self._list_loops,
        }
        parts = request.path.strip("/").split("/")[1:]
        route = routes.get((request.method, "/".join(parts)))
        if len(parts) == 3 and (request.method, parts[0], parts[2]) == ("POST", "human-loops", "answer"):
            name = parts[1]
            route = lambda asked: self._answer_loop(name, asked)  # noqa: E731
        if route is None:
            return _error(404, f"The control API has no {request.method} {request.path}.")
        try:
            return route(request)
        except ValueError as error:
            return _error(400, str(error))
        except AwsError as error:
            return _error(error.status, error.message)

    def _reset_calls(self, _: Request) -> Answer:
        self._calls.reset()
        return Answer(204)

    def _set_faults(self, request: Request) -> Answer:
        self._faults.replace(_json(request))
        return json_answer(self._faults.describe())

    def _clear_faults(self, _: Request) -> Answer:
        self._faults.replace([])
        return Answer(204)

    def _list_loops(self, request: Request) -> Answer:
        return json_answer(self._portal.loops(request.query.get("status", [None])[0]))

    def _answer_loop(self, name: str, request: Request) -> Answer:
        body = _json(request)
        if not isinstance(body, dict):
            raise ValueError("an answer is a JSON object")
        return json_answer(self._portal.answer(name, body))


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body or b"null")
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from error


def _error(status: int, text: str) -> Answer:
    return json_answer({"error": text}, status)
