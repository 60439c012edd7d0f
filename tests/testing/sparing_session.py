"""A session of boto3's for tests of commands: these make their clients anew at each run."""

from typing import Any

import boto3


class SparingSession(boto3.Session):
    """A session that makes one client of each service: making one takes longer than most calls."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._made: dict[str, Any] = {}

    def client(self, service: str, **settings: Any) -> Any:
        if service not in self._made:
            self._made[service] = super().client(service, **settings)
        return self._made[service]
