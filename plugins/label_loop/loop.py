"""A loop, and which loops this Airflow serves."""

import logging
import re
from dataclasses import dataclass

from label_loop.exceptions import InvalidParameterError

log = logging.getLogger(__name__)

PATHS_OPTION, PATHS_VARIABLE = "[label_loop] parameter_paths", "label_loop/parameter_paths"
NAMED_BY = f"the Variable {PATHS_VARIABLE} or the option {PATHS_OPTION}"


@dataclass(frozen=True)
class Loop:
    """One loop, named by its Parameter Store path: ``/logos`` is the loop ``logos``."""

    path: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", self.path):
            raise InvalidParameterError("The path of a loop", self.path, "a path in Parameter Store, such as /logos")

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
    """Return the loops this Airflow serves.

    First those of the option ``[label_loop] parameter_paths``, then those of the Variable
    ``label_loop/parameter_paths``, which can be added while Airflow runs. A path that cannot be a loop, or a Variable
    that cannot be read, is reported in the log and takes no other loop away.
    """
    found: dict[str, Loop] = {}
    for source, paths in ((f"option {PATHS_OPTION}", _option()), (f"Variable {PATHS_VARIABLE}", _variable())):
        for path in filter(None, (text.strip().rstrip("/") for text in paths.split(","))):
            try:
                loop = Loop(path)
            except InvalidParameterError as error:
                log.error("A loop of the %s is left out, the others go on: %s", source, error)
                continue
            if found.setdefault(loop.name, loop) != loop:
                taken = found[loop.name].path
                log.error(
                    "The loop %s of the %s is left out: %s has the name %s already", path, source, taken, loop.name
                )
    return list(found.values())


def _option() -> str:
    from airflow.sdk import conf

    return conf.get("label_loop", "parameter_paths", fallback="/label-loop") or ""


def _variable() -> str:
    from airflow.sdk import Variable

    try:
        return str(Variable.get(PATHS_VARIABLE, default=None) or "")
    except Exception:  # whatever it is, the loops of the option go on
        log.exception("The Variable %s cannot be read: its loops are left out until it can be", PATHS_VARIABLE)
        return ""
