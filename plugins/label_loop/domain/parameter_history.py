"""Who changed which parameter when: told by Airflow's audit log and by Parameter Store, in one order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Protocol

from label_loop.payloads import ParameterVersion

NOTE = "label_loop_set_parameter"
"""The audit log's event for a parameter that is set in the console; its extra is ``note``'s."""

SYNC = "parameter_sync"
_AIRFLOW_EVENTS = {
    "post_variable": "create the Variable",
    "patch_variable": "change the Variable",
    "delete_variable": "delete the Variable",
    "bulk_variables": "write or delete Variables",
}
AUDITED = (NOTE, *_AIRFLOW_EVENTS)
_MOST_WRITTEN = 100  # as many as Parameter Store keeps


class AuditEntry(Protocol):
    """A row of Airflow's audit log: when, which event, who, and its facts, which an edited row may lack."""

    @property
    def at(self) -> datetime | None: ...  # noqa: D102
    @property
    def event(self) -> str: ...  # noqa: D102
    @property
    def user(self) -> str: ...  # noqa: D102
    @property
    def facts(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True)
class Change:
    """One change of a parameter. Texts are None where the source does not tell them."""

    at: datetime
    who: str
    name: str
    what: str
    before: str | None = None
    after: str | None = None
    by_sync: bool = False


def note(name: str, key: str, before: str | None, after: str) -> dict[str, Any]:
    """Return the extra of a note: a parameter, its Variable's key, and its text before and after."""
    return {"parameter": name, "key": key, "before": before, "after": after}


def from_audit_log(entries: Iterable[AuditEntry], names: Mapping[str, str]) -> list[Change]:
    """Return the changes that audit entries tell of. ``names`` maps the loop's Variable keys to short names."""
    return [
        change
        for entry in entries
        if entry.at
        for key in sorted(_keys(entry) & names.keys())
        for change in [_change(entry, entry.at, names[key])]
    ]


def _change(entry: AuditEntry, at: datetime, name: str) -> Change:
    if entry.event != NOTE:
        # Airflow writes its entry before it looks whether the user may, and hides the value.
        return Change(at, entry.user, name, f"asked Airflow to {_AIRFLOW_EVENTS[entry.event]}")
    texts = (entry.facts.get(key) for key in ("before", "after"))
    before, after = (text if isinstance(text, str) else None for text in texts)
    return Change(at, entry.user, name, "set it in the console", before, after)


def _keys(entry: AuditEntry) -> set[str]:
    """Return the keys of the Variables that an entry is about, by the event's shape of facts."""
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


def from_store(name: str, versions: Sequence[ParameterVersion], by_sync: Iterable[int]) -> list[Change]:
    """Return the changes that Parameter Store's versions of a parameter, newest first, tell of."""
    copied = frozenset(by_sync)
    return [
        Change(
            at=version.written_at,
            who=SYNC if version.version in copied else recognizable(version.user_arn),
            name=name,
            what="copied the Variable to Parameter Store" if version.version in copied else "wrote Parameter Store",
            before=before.text if before else None,
            after=version.text,
            by_sync=version.version in copied,
        )
        for version, before in zip_longest(versions, versions[1:])
    ]


def timeline(changes: Iterable[Change], limit: int) -> list[Change]:
    """Return the latest changes of all sources, newest first."""
    return sorted(changes, key=lambda change: change.at, reverse=True)[:limit]


def recognizable(arn: str) -> str:
    """Return what a person recognizes of the ARN of an AWS user, or the text itself where it is none.

    A session of a role is named by both, a permission set of IAM Identity Center without its affixes.
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
    """Return which versions in Parameter Store the sync wrote, by parameter; a person may have edited the state."""
    written = state.get("written")
    kept = written.items() if isinstance(written, dict) else ()
    return {
        name: [version for version in versions if isinstance(version, int)]
        for name, versions in kept
        if isinstance(versions, list)
    }


def with_written(state: Mapping[str, Any], versions: Mapping[str, int]) -> dict[str, list[int]]:
    """Return what ``written_by_sync`` will give once these versions were written, too.

    Versions count up; a parameter that was deleted begins again, and what was written before is then another's.
    """
    written = written_by_sync(state)
    for name, version in versions.items():
        earlier = [one for one in written.get(name, []) if one < version]
        written[name] = [*earlier, version][-_MOST_WRITTEN:]
    return written
