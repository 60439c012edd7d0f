"""The Airflow Variables of a loop and the settings in force; no other module accesses these Variables."""

import json
from collections.abc import Callable
from typing import Any

from label_loop.exceptions import InvalidParameterError
from label_loop.loop import Loop
from label_loop.parameters import FIELDS, PARAMETERS, Settings

SYNC_STATE = "Parameter-Sync-State"
SYNC_STATE_DESCRIPTION = (
    "The values on which Parameter Store and the Variables last agreed. Written by parameter_sync only."
)
_DATABASE_BACKENDS = {"ExecutionAPISecretsBackend", "MetastoreBackend"}  # a task's, and the API server's


def variable_text(loop: Loop, name: str) -> str | None:
    """Return the text of the Variable that mirrors a parameter, or None if it is missing."""
    from airflow.sdk import Variable

    text: str | None = Variable.get(loop.variable(name), default=None)
    return text


def is_shadowed(loop: Loop, name: str) -> bool:
    """Return whether this process reads a Variable from an environment variable or a secrets backend.

    What only the API server reads from elsewhere is not seen here, but by reading a Variable that was written.
    """
    from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded

    outside = [one for one in ensure_secrets_backend_loaded() if type(one).__name__ not in _DATABASE_BACKENDS]
    return any(backend.get_variable(key=loop.variable(name)) is not None for backend in outside)


def write_variable(loop: Loop, name: str, text: str, description: str) -> None:
    """Write the Variable that mirrors a parameter."""
    from airflow.sdk import Variable

    Variable.set(loop.variable(name), text, description=description)


def parse_sync_state(text: str | None) -> dict[str, Any]:
    """Parse the sync state; return {} for anything unreadable, since the next sync rebuilds it."""
    try:
        state = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def read_settings(loop: Loop, read_variable: Callable[[Loop, str], str | None] = variable_text) -> Settings:
    """Return the settings in force: each Variable, else the value last synced, else the default.

    Never raises for an invalid value: parameter_sync rejects and reports it, and everything else goes on.
    """
    return Settings(**{field: setting(loop, name, read_variable) for name, field in FIELDS.items()})


def setting(
    loop: Loop, name: str, read_variable: Callable[[Loop, str], str | None] = variable_text
) -> Any:  # its type is the parameter's
    """Return one setting in force, in the same order of precedence as ``read_settings``."""
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
