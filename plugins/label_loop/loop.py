"""A loop, and the list of loops that this Airflow runs."""

import logging
import re
from dataclasses import dataclass
from urllib.parse import quote

from label_loop.exceptions import InvalidParameterError

log = logging.getLogger(__name__)

PATHS_OPTION, PATHS_VARIABLE = "[label_loop] parameter_paths", "label_loop/parameter_paths"
CONSOLE_PATH = "/label-loop"
"""Where Airflow's API server mounts the console."""
NAMED_BY = f"the Variable {PATHS_VARIABLE} or the option {PATHS_OPTION}"


@dataclass(frozen=True)
class Loop:
    """One loop, identified by its Parameter Store path: ``/logos`` is the loop ``logos``."""

    path: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", self.path):
            raise InvalidParameterError("The path of a loop", self.path, "a path in Parameter Store, such as /logos")

    @property
    def name(self) -> str:
        """The loop's name in DAG ids and messages: the path with dots for slashes."""
        return self.path.strip("/").replace("/", ".")

    def dag_id(self, workflow: str) -> str:
        """Return the id of this loop's DAG for a workflow: ``logos.detection``."""
        return f"{self.name}.{workflow}"

    def page(self, path: str) -> str | None:
        """Return the address of one of this loop's pages, such as ``detections/<id>``; None if Airflow's is not set."""
        from airflow.sdk import conf

        airflow = conf.get("api", "base_url", fallback="") or ""
        return f"{airflow.rstrip('/')}{CONSOLE_PATH}/{quote(self.name)}/{quote(path)}" if airflow else None

    def parameter(self, name: str) -> str:
        """Return the full Parameter Store name of a parameter."""
        return f"{self.path}/{name}"

    def variable(self, name: str) -> str:
        """Return the key of the Airflow Variable that mirrors a parameter."""
        return self.parameter(name).removeprefix("/")


def loops() -> list[Loop]:
    """Return the loops that this Airflow runs.

    First those of the option ``[label_loop] parameter_paths``, then those of the Variable
    ``label_loop/parameter_paths``, which can be added while Airflow runs. An invalid path or an unreadable Variable is
    logged and skipped.
    """
    found: dict[str, Loop] = {}
    for source, paths in ((f"option {PATHS_OPTION}", _option()), (f"Variable {PATHS_VARIABLE}", _variable())):
        for path in filter(None, (text.strip().rstrip("/") for text in paths.split(","))):
            try:
                loop = Loop(path)
            except InvalidParameterError as error:
                log.error("Skipping a loop of the %s: %s", source, error)
                continue
            if found.setdefault(loop.name, loop) != loop:
                taken = found[loop.name].path
                log.error(
                    "Skipping the loop %s of the %s: its name %s is already used by %s", path, source, loop.name, taken
                )
    return list(found.values())


def _option() -> str:
    from airflow.sdk import conf

    return conf.get("label_loop", "parameter_paths", fallback="/label-loop") or ""


def _variable() -> str:
    from airflow.sdk import Variable

    try:
        return str(Variable.get(PATHS_VARIABLE, default=None) or "")
    except Exception:  # whatever the error, the loops of the option must go on
        log.exception("Cannot read the Variable %s; its loops are skipped until it can be read", PATHS_VARIABLE)
        return ""
