"""The reviewer's desk in the Airflow UI, as its page uses it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from demo.loopback import HttpError, ask
from demo.reviewer import Task
from label_loop.settings import Loop


class Desk:
    """The review page's endpoints, with a login of Airflow's."""

    def __init__(self, airflow_url: str, loop: Loop, login: dict[str, str]) -> None:
        self.url = f"{airflow_url}/label-loop/{quote(loop.name)}/review"
        self._headers = {**login, "X-Label-Loop": "console"}

    def _ask(self, path: str, body: Any) -> Any:
        return ask("POST", f"{self.url}/{path}", body, self._headers)

    def take(self) -> Sequence[Task]:
        """Return the next images, a few at a time."""
        return [Task(one["name"], one["key"]) for one in self._ask("take", {})["reviews"]]

    def answer(self, name: str, label: str) -> None:
        """Answer; what was answered already stays as it is."""
        try:
            self._ask("answer", {"name": name, "label": label})
        except HttpError as error:
            if error.status != 409:
                raise
