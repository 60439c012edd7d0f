"""A loop, and which loops this Airflow serves."""

import logging
import re
from dataclasses import dataclass

from label_loop.exceptions import InvalidParameterError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loop:
    """One loop, named by its Parameter Store path: ``/logos`` is the loop ``logos``."""

    path: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", self.path):
            raise InvalidParameterError(
                "[label_loop] parameter_paths",
                self.path,
                "Parameter Store paths, separated by commas, such as /logos,/products",
            )

    @property
    def name(self) -> str:
        """The loop's name, as DAG ids and messages carry it; a nested path is joined by dots."""
        return self.path.strip("/").replace("/", ".")

    def dag_id(self, workflow: str) -> str:
        """Return the id of this loop's DAG for one of the workflows."""
        return f"{self.name}.{workflow}"

    def parameter(self, name: str) -> str:
        """Return the full Parameter Store name of a parameter."""
        return f"{self.path}/{name}"

    def variable(self, name: str) -> str:
        """Return the key of the Airflow Variable that mirrors a parameter."""
        return self.parameter(name).removeprefix("/")


def loops() -> list[Loop]:
    """Return the loops this Airflow serves, from ``[label_loop] parameter_paths``.

    A path that cannot be a loop is told in the log and left out: it takes no other loop's DAGs away.
    """
    from airflow.sdk import conf

    paths = conf.get("label_loop", "parameter_paths", fallback="/label-loop") or ""
    found: dict[str, Loop] = {}
    for path in filter(None, (text.strip().rstrip("/") for text in paths.split(","))):
        try:
            loop = Loop(path)
        except InvalidParameterError as error:
            log.error("A loop is left out, the others go on: %s", error)
            continue
        if found.setdefault(loop.name, loop) != loop:
            log.error("The loop %s is left out: %s has the name %s already", path, found[loop.name].path, loop.name)
    return list(found.values())
