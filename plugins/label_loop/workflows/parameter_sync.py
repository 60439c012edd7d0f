"""Parameter sync: keeps Parameter Store and Airflow Variables equal, in both directions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from label_loop.context import LoopContext
from label_loop.domain.moments import timestamp
from label_loop.domain.parameter_history import with_written
from label_loop.domain.parameter_merge import (
    MergePlan,
    agreed,
    before_writing,
    cut_writes,
    is_settled,
    merge,
    with_seen,
    with_suspected_shadows,
    without_stale_reads,
)
from label_loop.exceptions import InvalidParameterError
from label_loop.loop import Loop
from label_loop.parameters import PARAMETERS
from label_loop.payloads import Event, StoredText
from label_loop.system_record import SYSTEM_RECORD, SYSTEM_RECORD_DESCRIPTION, SystemRecord
from label_loop.variables import (
    SYNC_STATE,
    SYNC_STATE_DESCRIPTION,
    is_shadowed,
    parse_sync_state,
    variable_text,
    write_variable,
)

TRAINING_SWITCH = "Enable-Automatic-Training"
SAMPLING_SWITCH = "Enable-Automatic-Human-Sampling"


@dataclass(frozen=True)
class ParameterSides:
    """The texts of both sides, and the sync state, at one moment."""

    store: Mapping[str, str]
    variables: Mapping[str, str | None]
    state: Mapping[str, Any]
    cut_writes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, loop: Loop, stored: Mapping[str, StoredText]) -> "ParameterSides":
        """Read the Variables, and combine them with the parameters read from Parameter Store."""
        variables, state = read_variables(loop)
        return cls(without_stale_reads(stored, state), variables, state, cut_writes(state, stored, variables))

    def plan(self) -> MergePlan:
        """Return the plan of a sync."""
        return merge(self.store, self.variables, self.state, self.cut_writes)

    def differ(self) -> bool:
        """Return whether a sync has anything to do; always False without a system record in Parameter Store."""
        if SYSTEM_RECORD not in self.store:
            return False
        return not is_settled(self.plan(), self.state) or self.store[SYSTEM_RECORD] != self.variables[SYSTEM_RECORD]


def read_variables(loop: Loop) -> tuple[dict[str, str | None], dict[str, Any]]:
    """Return the Variables of a loop by their short names, and the state of its sync."""
    variables = {name: variable_text(loop, name) for name in (*PARAMETERS, SYSTEM_RECORD)}
    return variables, parse_sync_state(variable_text(loop, SYNC_STATE))


@dataclass(frozen=True)
class SyncResult:
    """The result of a sync: lines for people, and the schedules that it switched on."""

    changes: list[str]
    conflicts: list[str]
    refusals: list[str]
    training_switched_on: bool
    sampling_switched_on: bool
    did_something: bool


class ParameterSyncWorkflow:
    """Applies a merge. Writes are idempotent, and the state is written last, so a crash is repaired by the next run."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    def sync(self) -> SyncResult:
        """Make both sides equal. Raises LoopNotSetUpError if the loop has no system record."""
        loop = self.context.loop
        stored = self.context.store.parameter_store.stored(loop)
        sides = _without_shadows(loop, ParameterSides.read(loop, stored))
        SystemRecord.parse(loop, sides.store.get(SYSTEM_RECORD))
        plan = sides.plan()
        if sides.differ():
            self._apply(stored, sides, plan)
        return self._result(sides, plan)

    def _result(self, sides: ParameterSides, plan: MergePlan) -> SyncResult:
        before = {name: text for name in PARAMETERS if (text := agreed(sides.state, name)) is not None}
        return SyncResult(
            changes=plan.changes,
            conflicts=plan.conflicts,
            refusals=plan.refusals,
            training_switched_on=_switched_on(TRAINING_SWITCH, before, plan.values),
            sampling_switched_on=_switched_on(SAMPLING_SWITCH, before, plan.values),
            did_something=sides.differ(),
        )

    def _apply(self, stored: Mapping[str, StoredText], sides: ParameterSides, plan: MergePlan) -> None:
        loop = self.context.loop
        put = self.context.store.parameter_store.put
        if plan.to_store or plan.to_variables:
            seen = with_seen(sides.state, stored, {}, datetime.now(UTC))
            self._write_state(before_writing(sides.state, plan, sides.cut_writes, seen))
        versions = {name: put(loop, name, text, stored.get(name)) for name, text in plan.to_store.items()}
        for name, text in plan.to_variables.items():
            write_variable(loop, name, text, PARAMETERS[name].description)
            read = variable_text(loop, name)
            if read is not None and read != text:
                plan.add_shadow(name, read)
        if self._result(sides, plan).sampling_switched_on:
            now = timestamp(datetime.now(UTC))
            self.context.store.change_state(lambda state: replace(state, sampling_since=now))
        if sides.store[SYSTEM_RECORD] != sides.variables[SYSTEM_RECORD]:
            write_variable(loop, SYSTEM_RECORD, sides.store[SYSTEM_RECORD], SYSTEM_RECORD_DESCRIPTION)
        self.context.clients.announcer.publish(_events(plan))
        state = {
            **plan.state,
            "written": with_written(sides.state, versions),
            "seen": with_seen(sides.state, stored, versions, datetime.now(UTC)),
        }
        self._write_state(state)

    def _write_state(self, state: Mapping[str, Any]) -> None:
        write_variable(self.context.loop, SYNC_STATE, json.dumps(state), SYNC_STATE_DESCRIPTION)


def _without_shadows(loop: Loop, sides: ParameterSides) -> ParameterSides:
    """Mark the Variables that look edited and are read from elsewhere, so that they are not taken for edits."""
    edited = [name for name in PARAMETERS if sides.variables[name] not in (None, agreed(sides.state, name))]
    found = [name for name in edited if is_shadowed(loop, name)]
    return replace(sides, state=with_suspected_shadows(sides.state, found))


def _switched_on(switch: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    try:
        return (
            switch in before
            and not PARAMETERS[switch].parse(before[switch])
            and PARAMETERS[switch].parse(after[switch])
        )
    except InvalidParameterError:
        return False


def _events(plan: MergePlan) -> list[Event]:
    return [
        *(Event("parameter_applied", change) for change in plan.changes),
        *(Event("parameter_conflict", conflict) for conflict in plan.conflicts),
        *(Event("parameter_refused", refusal) for refusal in plan.refusals),
    ]
