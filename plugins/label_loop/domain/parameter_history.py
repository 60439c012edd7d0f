"""The history of parameter changes, merged from Airflow's audit log and Parameter Store."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Protocol

from label_loop.payloads import ParameterVersion

NOTE = "label_loop_set_parameter"
"""The audit log event of a parameter set in the console; its extra is made by ``note``."""

SYNC = "parameter_sync"
_AIRFLOW_EVENTS = {
    "post_variable": "create the Variable",
    "patch_variable": "change the Variable",
    "delete_variable": "delete the Variable",
    "bulk_variables": "write or delete Variables",
}
AUDITED = (NOTE, *_AIRFLOW_EVENTS)
_MAX_WRITTEN = 100  # as many as Parameter Store keeps


class AuditLogEntry(Protocol):
    """A row of Airflow's audit log; an edited row may lack some of its facts."""

    @property
    def at(self) -> datetime | None: ...  # noqa: D102
    @property
    def event(self) -> str: ...  # noqa: D102
    @property
    def user(self) -> str: ...  # noqa: D102
    @property
    def facts(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True)
class ParameterChange:
    """One change of a parameter. ``before`` and ``after`` are None if the source does not record them."""

    at: datetime
    who: str
    name: str
    what: str
    before: str | None = None
    after: str | None = None
    by_sync: bool = False


def note(name: str, key: str, before: str | None, after: str) -> dict[str, Any]:
    """Return the extra of a ``NOTE`` event: a parameter, its Variable's key, and its text before and after."""
    return {"parameter": name, "key": key, "before": before, "after": after}


def from_audit_log(entries: Iterable[AuditLogEntry], names: Mapping[str, str]) -> list[ParameterChange]:
    """Return the changes recorded in audit log entries. ``names`` maps the loop's Variable keys to short names."""
    return [
        change
        for entry in entries
        if entry.at
        for key in sorted(_keys(entry) & names.keys())
        for change in [_change(entry, entry.at, names[key])]
    ]


def _change(entry: AuditLogEntry, at: datetime, name: str) -> ParameterChange:
    if entry.event != NOTE:
        # Airflow logs the request before it checks permissions, and masks the value.
        return ParameterChange(at, entry.user, name, f"requested Airflow to {_AIRFLOW_EVENTS[entry.event]}")
    texts = (entry.facts.get(key) for key in ("before", "after"))
    before, after = (text if isinstance(text, str) else None for text in texts)
    return ParameterChange(at, entry.user, name, "set it in the console", before, after)


def _keys(entry: AuditLogEntry) -> set[str]:
    """Return the keys of the Variables that an entry concerns."""
    if entry.event == "bulk_variables":
        actions = _dicts(entry.facts.get("actions"))
        entities = [entity for action in actions for entity in _list(action.get("entities"))]
        keys = [entity.get("key") if isinstance(entity, dict) else entity for entity in entities]
    else:
        keys = [entry.facts.get("key"), entry.facts.get("variable_key")]
    return {key for key in keys if isinstance(key, str)}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def from_store(name: str, versions: Sequence[ParameterVersion], by_sync: Iterable[int]) -> list[ParameterChange]:
    """Return the changes behind a parameter's versions in Parameter Store, given newest first."""
    copied = frozenset(by_sync)
    return [
        ParameterChange(
            at=version.written_at,
            who=SYNC if version.version in copied else display_name(version.user_arn),
            name=name,
            what="copied the Variable to Parameter Store" if version.version in copied else "updated Parameter Store",
            before=before.text if before else None,
            after=version.text,
            by_sync=version.version in copied,
        )
        for version, before in zip_longest(versions, versions[1:])
    ]


def timeline(changes: Iterable[ParameterChange], limit: int) -> list[ParameterChange]:
    """Return the latest changes of all sources, newest first."""
    return sorted(changes, key=lambda change: change.at, reverse=True)[:limit]


def display_name(arn: str) -> str:
    """Return a readable name for the ARN of an AWS identity; other text is returned as it is.

    A role session is shown as "session (role)", a permission set of IAM Identity Center without its prefix and suffix.
    """
    match = re.fullmatch(r"arn:[^:]*:(?:iam|sts)::([0-9]*):(.+)", arn)
    if not match:
        return arn or "unknown"
    account, resource = match.groups()
    kind, *rest = resource.split("/")
    if kind == "assumed-role" and len(rest) == 2:
        role = re.sub(r"^AWSReservedSSO_(.+)_[0-9a-f]{16}$", r"\1", rest[0])
        return f"{rest[1]} ({role})"
    return rest[-1] if rest else f"{kind} of {account}"


def written_by_sync(state: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the Parameter Store versions written by the sync, by parameter; malformed entries are ignored."""
    written = state.get("written")
    kept = written.items() if isinstance(written, dict) else ()
    return {
        name: [version for version in versions if isinstance(version, int)]
        for name, versions in kept
        if isinstance(versions, list)
    }


def with_written(state: Mapping[str, Any], versions: Mapping[str, int]) -> dict[str, list[int]]:
    """Return the value of ``written_by_sync`` after these versions are written as well.

    A parameter that was deleted and recreated restarts at version 1: versions not below the new one are dropped.
    """
    written = written_by_sync(state)
    for name, version in versions.items():
        earlier = [one for one in written.get(name, []) if one < version]
        written[name] = [*earlier, version][-_MAX_WRITTEN:]
    return written
