"""Airflow's REST API for somebody who has to log in; the demo's Airflow lets everybody in."""

from functools import cached_property

from local_stack.airflow_api import AirflowApi
from local_stack.loopback import ask


class LoggedInAirflow(AirflowApi):
    def __init__(self, url: str, name: str, password: str) -> None:
        super().__init__(url)
        self._who = {"username": name, "password": password}

    @cached_property
    def login(self) -> dict[str, str]:
        token = ask("POST", f"{self.url}/auth/token", self._who)
        return {"Authorization": f"Bearer {token['access_token']}"}
