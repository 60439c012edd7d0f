"""The local endpoint's own interface, which counts the calls to AWS."""

from collections import Counter
from collections.abc import Mapping

from local_stack.loopback import ask

# parameter_sync reads Parameter Store every 15 s, whether there are images or not.
IDLE_POLLING = "ssm.GetParametersByPath"
CONSOLE = "label-loop-console"


class EndpointControl:
    """The path ``/_local`` of the endpoint."""

    def __init__(self, aws_url: str) -> None:
        self._url = f"{aws_url}/_local"

    def calls(self) -> dict[str, int]:
        """Return the calls since the last reset, by ``service.Operation``, without the demo's and the console's."""
        counted = ask("GET", f"{self._url}/calls")
        return dict(Counter(counted["calls"]) - Counter(counted["by_app"].get(CONSOLE, {})))

    def reset_calls(self) -> None:
        """Reset the counts."""
        ask("DELETE", f"{self._url}/calls")

    def open_project(self, name: str) -> list[str]:
        """Do what opening a project in the AWS console does; return the ARNs of the datasets that this makes."""
        return list(ask("POST", f"{self._url}/projects/{name}/open")["datasets"])


def calls_per_image(calls: Mapping[str, int], images: int) -> float:
    """Return the number of calls to AWS per image, without those that the loop makes when idle."""
    work = sum(count for name, count in calls.items() if name != IDLE_POLLING)
    return work / images if images else 0.0
