"""A loop, its settings in force and its system record; the only place that touches Airflow Variables."""

import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from label_loop.exceptions import InvalidParameterError, LoopNotSetUpError
from label_loop.parameters import FIELDS, PARAMETERS, Settings

log = logging.getLogger(__name__)

_INFERENCE_UNIT_USD_PER_HOUR = 4.0
_LONGEST_COUNT = 15
SYSTEM_RECORD = "For-System-Use-Only"
SYSTEM_RECORD_DESCRIPTION = (
    "Resource names and operational state of the loop. Written by the loop, shown here for reading only."
)
UPLOADS_SEEN_KEY = "uploads_seen_until"  # of the record: how far the folder was listed
# The same where a queue tells of objects, and a listing finds what it did not tell of.
# Uploads up to this moment are in the log under other ids: another detected them.
TAKEN_OVER_KEY = "uploads_taken_over_until"
UPLOADS_RECONCILED_KEY, ANSWERS_RECONCILED_KEY = "uploads_reconciled_until", "answers_reconciled_until"
SYNC_STATE = "Parameter-Sync-State"
SYNC_STATE_DESCRIPTION = "What Parameter Store and the Variables last agreed on. Written by parameter_sync only."


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

    def dag_id(self, state: str) -> str:
        """Return the id of this loop's DAG for one of the five states."""
        return f"{self.name}.{state}"

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


def inference_unit_usd_per_hour() -> float:
    """Return the price of an inference unit, from ``[label_loop] inference_unit_usd_per_hour``.

    The default is the published price of Rekognition Custom Labels in us-east-1.
    """
    from airflow.sdk import conf

    text = conf.get("label_loop", "inference_unit_usd_per_hour", fallback=str(_INFERENCE_UNIT_USD_PER_HOUR))
    try:
        price = float(text)
    except (TypeError, ValueError):
        price = math.nan
    if 0 <= price < math.inf:
        return price
    log.error("[label_loop] inference_unit_usd_per_hour is %r, but must be a number such as 4.0", text)
    return _INFERENCE_UNIT_USD_PER_HOUR


def variable_text(loop: Loop, name: str) -> str | None:
    """Return the text of the Variable that mirrors a parameter, or None where it is missing."""
    from airflow.sdk import Variable

    text: str | None = Variable.get(loop.variable(name), default=None)
    return text


def write_variable(loop: Loop, name: str, text: str, description: str) -> None:
    """Write the Variable that mirrors a parameter."""
    from airflow.sdk import Variable

    Variable.set(loop.variable(name), text, description=description)


def parse_sync_state(text: str | None) -> dict[str, Any]:
    """Read the sync state; anything unreadable counts as no state, since the next sync rebuilds it."""
    try:
        state = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def read_settings(loop: Loop, read_variable: Callable[[Loop, str], str | None] = variable_text) -> Settings:
    """Return the settings in force: each Variable, else the value last synced, else the default.

    Never raises for a bad value: parameter_sync refuses and reports it, so that nothing else stops.
    """
    return Settings(**{field: setting(loop, name, read_variable) for name, field in FIELDS.items()})


def setting(
    loop: Loop, name: str, read_variable: Callable[[Loop, str], str | None] = variable_text
) -> Any:  # its type is the parameter's
    """Return one setting in force, by the same order as ``read_settings``."""
    parameter = PARAMETERS[name]
    text = read_variable(loop, name)
    if text is not None:
        try:
            return parameter.parse(text)
        except InvalidParameterError:
            pass
    synced = parse_sync_state(read_variable(loop, SYNC_STATE)).get("values", {})
    try:
        return parameter.parse(synced[name])
    except (InvalidParameterError, KeyError, TypeError):
        return parameter.parse(parameter.default)


@dataclass(frozen=True)
class SystemRecord:
    """The JSON object ``For-System-Use-Only``: the sample's keys, ours, and unknown ones kept untouched."""

    loop: Loop
    values: Mapping[str, Any]

    @classmethod
    def parse(cls, loop: Loop, text: str | None) -> "SystemRecord":
        """Read the record. Raises LoopNotSetUpError where it is missing or not a JSON object."""
        name = loop.parameter(SYSTEM_RECORD)
        if text is None:
            raise LoopNotSetUpError(loop.path, f"Parameter Store has no {name}")
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise LoopNotSetUpError(loop.path, f"{name} is not a JSON object")
        return cls(loop, values)

    def get(self, key: str) -> str | None:
        """Return a text value, or None where it is missing or empty."""
        value = self.values.get(key)
        return value if isinstance(value, str) and value else None

    def require(self, key: str) -> str:
        """Return a text value. Raises LoopNotSetUpError where it is missing."""
        value = self.get(key)
        if value is None:
            raise LoopNotSetUpError(self.loop.path, f"{SYSTEM_RECORD} has no {key!r}")
        return value

    @property
    def bucket(self) -> str:
        """The bucket that holds the loop's images."""
        return self.require("s3_bucket")

    @property
    def project_arn(self) -> str:
        """The Rekognition project."""
        return self.require("rekognition_project_arn")

    @property
    def endpoint_arn(self) -> str | None:
        """The project version that serves, or None before the first deployment."""
        return self.get("rekognition_project_version_arn")

    @property
    def endpoint_moved_at(self) -> str | None:
        """When another version began to serve, in ISO 8601; None where that was before it was kept."""
        return self.get("endpoint_moved_at")

    @property
    def endpoint_started_at(self) -> str | None:
        """When the endpoint was last started, in ISO 8601; None where nothing of this loop started it."""
        return self.get("endpoint_started_at")

    @property
    def stopped_because(self) -> str | None:
        """Why the endpoint was stopped: "idle", "by hand", or None where it was not, or by others."""
        return self.get("stopped_because")

    @property
    def deploying_since(self) -> str | None:
        """When the deployment under way began, in ISO 8601; a crash may leave it."""
        return self.get("deploying_since")

    @property
    def topic_arn(self) -> str | None:
        """The SNS topic of the loop's messages."""
        return self.get("sns-topic")

    def dead_letter_queue_url(self, queue_url: str) -> str | None:
        """Return the queue for what fails again and again in one of the loop's queues."""
        for purpose in ("uploads", "answers"):
            if self.get(f"{purpose}_queue_url") == queue_url:
                return self.get(f"{purpose}_dead_letter_queue_url")
        return None

    @property
    def uploads_queue_url(self) -> str | None:
        """The queue of notifications for ``images_for_detection/``; None: the folder is listed."""
        return self.get("uploads_queue_url")

    @property
    def answers_queue_url(self) -> str | None:
        """The queue of notifications for ``a2i-human-loop-data/``; None: the folder is listed."""
        return self.get("answers_queue_url")

    @property
    def previous_trained_images(self) -> int:
        """How many images the last training attempt had; the sample keeps no more than this."""
        value = self.values.get("previous_trained_images")
        text = str(value if value is not None else 0)
        # Python reads no number of thousands of digits.
        return int(text) if text.isdecimal() and len(text) <= _LONGEST_COUNT else 0

    @property
    def last_training_attempt(self) -> Mapping[str, Any] | None:
        """What the last training attempt was, as ``payloads.TrainingAttempt.to_json`` wrote it."""
        value = self.values.get("last_training_attempt")
        return value if isinstance(value, dict) else None
