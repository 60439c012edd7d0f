"""The control API below ``/_local/``: health, call counts, faults, and what people do in AWS's own pages."""

import json
from collections.abc import Callable
from functools import partial
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


class ModelConsole(Protocol):
    """Rekognition's pages in the AWS console, so far as opening one changes something."""

    def open_in_console(self, project_name: str) -> list[str]:
        """Open a project's page; returns the ARNs of the datasets that this makes."""
        ...


class Control:
    """Answers whom the front lets in; nobody has to log in."""

    def __init__(self, calls: CallCounter, faults: Faults, portal: WorkerPortal, console: ModelConsole) -> None:
        self._calls = calls
        self._faults = faults
        self._portal = portal
        self._console = console

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
        named: dict[tuple[str, str], Callable[[str, Request], Answer]] = {
            ("human-loops", "answer"): self._answer_loop,
            ("projects", "open"): self._open_project,
        }
        if request.method == "POST" and len(parts) == 3 and (parts[0], parts[2]) in named:
            route = partial(named[parts[0], parts[2]], parts[1])
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

    def _open_project(self, name: str, _: Request) -> Answer:
        return json_answer({"datasets": self._console.open_in_console(name)})


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body or b"null")
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from error


def _error(status: int, text: str) -> Answer:
    return json_answer({"error": text}, status)
