"""An AWS account and region, with their clients."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3

from label_loop.hooks.retries import PATIENT

type Say = Callable[[str], None]


@dataclass
class Account:
    """A session, and ``say``, which is called with a line for each action; a dry run takes none of the actions."""

    session: boto3.Session
    say: Say
    dry_run: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return the client for a service."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service, config=PATIENT)
        return self._clients[service]

    @cached_property
    def number(self) -> str:
        """The account's number. STS is asked for it, which fails early if there are no credentials."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def region(self) -> str:
        """The region's name."""
        return str(self.client("sts").meta.region_name)

    def do(self, what: str, action: Callable[[], Any]) -> Any:
        """Announce an action and take it; in a dry run only announce it, and return None."""
        self.say(f"  to be {what}" if self.dry_run else f"  {what}")
        return None if self.dry_run else action()
