"""Who may ask a server of this machine that takes any credentials: programs, and the server's own pages.

A browser lets every web page send requests to this machine, and only keeps the page from reading the answers. A page
whose own name is made to resolve to this machine reads them as well (DNS rebinding). The request tells both: the header
Host has the name that the browser resolved, Origin and Sec-Fetch-Site tell which page asks. Programs send neither of
the latter two.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
_FROM_ELSEWHERE = frozenset({"same-site", "cross-site"})  # a site is a host with all its ports
HOSTS, ORIGINS = "LOCAL_AWS_HOSTS", "LOCAL_AWS_ORIGINS"


@dataclass(frozen=True)
class Door:
    """Whom a server answers beside loopback's names and its own pages.

    ``hosts`` has names, or names with a port; ``origins`` has what a browser puts into Origin, http://name:port.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, hosts: str, origins: str) -> "Door":
        """Read both from texts, separated by commas."""
        return cls(_names(hosts), _names(origins))

    def refusal(self, header: Callable[[str], str], *, only_reads: bool) -> str:
        """Return why a request is refused, empty where it is not. ``header`` gives a header's value or an empty text.

        ``only_reads`` tells that the request changes nothing: any page may cause such a request, by a link or an
        image, and cannot read the answer.
        """
        host, origin, site = header("Host"), header("Origin"), header("Sec-Fetch-Site")
        if not self._is_ours(host):
            return (
                f"The header Host is {host!r}. This server answers only to the names of this machine (localhost, "
                f"127.0.0.1, [::1]) and to those listed in {HOSTS}."
            )
        if origin and not self._is_own_page(origin, host):
            return (
                f"The header Origin is {origin!r}: a page of another site asks. This server answers only to its own "
                f"pages and to those of the origins listed in {ORIGINS}."
            )
        if not origin and site in _FROM_ELSEWHERE and not only_reads:
            return (
                f"The header Sec-Fetch-Site is {site!r}: a page of another site asks for a change. This server takes "
                f"changes only from programs, its own pages and those of the origins listed in {ORIGINS}."
            )
        return ""

    def _is_ours(self, host: str) -> bool:
        host = host.lower()
        parts = _HOST.fullmatch(host)
        return parts is not None and (_is_loopback(parts["name"]) or bool(self.hosts & {host, parts["name"]}))

    def _is_own_page(self, origin: str, host: str) -> bool:
        own = {f"{scheme}://{host.lower()}" for scheme in ("http", "https")}
        return origin.lower() in own | self.origins


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # a bucket's own name, too
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())
