"""The local endpoint's own interface: how often AWS was called, and the reviewer's tasks."""

from collections.abc import Mapping
from typing import Any

from demo.loopback import HttpError, ask

# parameter_sync looks at Parameter Store every 15 s whether there are images or not.
IDLE_POLLING = "ssm.GetParametersByPath"


class Control:
    """``/_local`` of the endpoint."""

    def __init__(self, aws_url: str) -> None:
        self._url = f"{aws_url}/_local"

    def calls(self) -> dict[str, int]:
        """Return the calls since the last reset, by ``service.Operation``; the story's own are not counted."""
        counts: dict[str, int] = ask("GET", f"{self._url}/calls")["calls"]
        return counts

    def reset_calls(self) -> None:
        """Begin to count anew."""
        ask("DELETE", f"{self._url}/calls")

    def open_reviews(self) -> list[Mapping[str, Any]]:
        """Return the human loops that wait for an answer."""
        loops: list[Mapping[str, Any]] = ask("GET", f"{self._url}/human-loops?status=InProgress")
        return loops

    def answer(self, name: str, label: str) -> None:
        """Answer a human loop; one that was answered already stays as it is."""
        try:
            ask("POST", f"{self._url}/human-loops/{name}/answer", {"label": label})
        except HttpError as error:
            if error.status != 409:
                raise


def calls_an_image(calls: Mapping[str, int], images: int) -> float:
    """Return calls to AWS for each image, without what is asked when nothing happens."""
    work = sum(count for name, count in calls.items() if name != IDLE_POLLING)
    return work / images if images else 0.0
