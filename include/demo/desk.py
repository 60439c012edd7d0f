"""The endpoints of the page Review, as the page uses them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from demo.reviewer import OpenReview
from label_loop.loop import Loop
from local_stack.airflow_api import AirflowApi
from local_stack.loopback import HttpError, ask


class Desk:
    """The endpoints of the page Review, for a user who is logged in to Airflow."""

    def __init__(self, airflow: AirflowApi, loop: Loop) -> None:
        self.url = f"{airflow.url}/label-loop/{quote(loop.name)}/review"
        self._airflow = airflow

    def _ask(self, path: str, body: Any) -> Any:
        return ask("POST", f"{self.url}/{path}", body, {**self._airflow.login, "X-Label-Loop": "console"})

    def take(self) -> Sequence[OpenReview]:
        """Return the next images, a few at a time."""
        return [OpenReview(one["name"], one["key"]) for one in self._ask("take", {})["reviews"]]

    def answer(self, name: str, label: str) -> None:
        """Answer a review; an earlier answer is kept."""
        try:
            self._ask("answer", {"name": name, "label": label})
        except HttpError as error:
            if error.status != 409:
                raise
