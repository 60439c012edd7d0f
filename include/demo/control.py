"""The local endpoint's own interface: how often AWS was called."""

from collections import Counter
from collections.abc import Mapping

from local_stack.loopback import ask

# parameter_sync looks at Parameter Store every 15 s whether there are images or not.
IDLE_POLLING = "ssm.GetParametersByPath"
CONSOLE = "label-loop-console"


class Control:
    """``/_local`` of the endpoint."""

    def __init__(self, aws_url: str) -> None:
        self._url = f"{aws_url}/_local"

    def calls(self) -> dict[str, int]:
        """Return the calls since the last reset, by ``service.Operation``, without the story's own and the pages'."""
        counted = ask("GET", f"{self._url}/calls")
        return dict(Counter(counted["calls"]) - Counter(counted["by_app"].get(CONSOLE, {})))

    def reset_calls(self) -> None:
        """Begin to count anew."""
        ask("DELETE", f"{self._url}/calls")


def calls_an_image(calls: Mapping[str, int], images: int) -> float:
    """Return calls to AWS for each image, without what is asked when nothing happens."""
    work = sum(count for name, count in calls.items() if name != IDLE_POLLING)
    return work / images if images else 0.0
