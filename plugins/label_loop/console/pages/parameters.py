"""Parameters: values in effect, being synced or rejected; editing them; and the history of changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter, Depends, Form, HTTPException, Response

from label_loop.console import airflow_db
from label_loop.console.access import SeeParameters, SetParameters, Visit
from label_loop.console.render import render
from label_loop.console.threads import in_thread
from label_loop.domain import parameter_history as history
from label_loop.domain.parameter_status import ParameterStatus, overruled_by, statuses
from label_loop.exceptions import InvalidParameterError, shown
from label_loop.hooks.aws_errors import error_code
from label_loop.parameters import PARAMETERS, ApproveDeployments, Group, Parameter
from label_loop.workflows.parameter_sync import ParameterSides, read_variables

router = APIRouter()

_MOST_CHANGES = 50
_CONTROLS = {bool: "switch", int: "whole", float: "decimal", str: "text", ApproveDeployments: "choice"}


@dataclass(frozen=True)
class ParameterRow:
    """A parameter on the page.

    ``typed`` is a text that was not saved, and ``problem`` the reason. ``before`` is the text in effect when the page
    was rendered, by which a save detects that somebody else has changed it.
    """

    parameter: Parameter[Any]
    status: ParameterStatus
    before: str
    typed: str | None = None
    problem: str | None = None
    status_code: int = 200

    @property
    def control(self) -> str:
        """The kind of control that fits the parameter's values."""
        return _CONTROLS[type(self.parameter.parse(self.parameter.default))]

    @property
    def text(self) -> str:
        """The control's text: what the person typed, otherwise what is in effect."""
        return self.status.in_force if self.typed is None else self.typed

    @property
    def choices(self) -> Sequence[tuple[str, bool]]:
        """The values to choose from, and whether each is chosen; a refused text is among them, so that it is seen."""
        kind: type[StrEnum] = type(self.parameter.parse(self.parameter.default))
        try:
            chosen, refused = self.parameter.parse(self.text), []
        except InvalidParameterError:
            chosen, refused = self.text, [self.text]
        return [(value, value == chosen) for value in [*refused, *kind]]

    @property
    def is_on(self) -> bool:
        """Whether a switch is on."""
        return bool(self.parameter.parse(self.status.in_force if self.status_code == 422 else self.text))

    @property
    def is_default(self) -> bool:
        """Whether the default is in effect."""
        read = self.parameter.parse
        return bool(read(self.status.in_force) == read(self.parameter.default))


def _known_name(name: str) -> str:
    if name not in PARAMETERS:
        raise HTTPException(404, "There is no parameter with that name.")
    return name


Name = Annotated[str, Depends(_known_name)]
Text = Annotated[str, Form()]


@router.get("/parameters")
async def parameters(visit: SeeParameters) -> Response:
    """Return the page."""
    sides, paused = await in_thread(lambda: (_sides(visit), _is_paused(visit)))
    rows = _rows(sides)
    groups = [(group, [row for row in rows.values() if row.parameter.group is group]) for group in Group]
    return render(visit, "parameters.html", groups=groups, paused=paused)


@router.get("/parameters/{name}/status")
async def status(visit: SeeParameters, name: Name) -> Response:
    """Return one parameter's status; the page polls it until both sides agree."""
    sides = await in_thread(_sides, visit)
    return render(visit, "parameter_status.html", row=_rows(sides)[name])


@router.post("/parameters/{name}")
async def set_parameter(
    visit: SetParameters, name: Name, text: Text = "", before: Text = "", restore: Annotated[bool, Form()] = False
) -> Response:
    """Save a text, or the default. Responds with 409 or 422, the text and the reason if it was not saved."""
    wanted = PARAMETERS[name].default if restore else _without_carriage_returns(text)
    row = await in_thread(_save, visit, name, wanted, _without_carriage_returns(before))
    return render(visit, "parameter.html", status_code=row.status_code, row=row)


@router.get("/parameters/history")
async def all_history(visit: SeeParameters) -> Response:
    """Return the latest changes to all parameters."""
    return await _history(visit, list(PARAMETERS))


@router.get("/parameters/{name}/history")
async def one_history(visit: SeeParameters, name: Name) -> Response:
    """Return the latest changes to one parameter."""
    return await _history(visit, [name])


async def _history(visit: Visit, names: Sequence[str]) -> Response:
    changes, problem = await in_thread(_changes, visit, names)
    return render(visit, "parameter_history.html", changes=changes, problem=problem, several=len(names) > 1)


def _sides(visit: Visit) -> ParameterSides:
    return ParameterSides.read(visit.loop, visit.aws.store.parameter_store.stored(visit.loop))


def _is_paused(visit: Visit) -> bool:
    return any(schedule.paused for schedule in airflow_db.schedules([visit.loop.dag_id(history.SYNC)]))


def _rows(sides: ParameterSides) -> dict[str, ParameterRow]:
    found = statuses(sides.store, sides.variables, sides.state)
    return {name: ParameterRow(PARAMETERS[name], status, before=status.in_force) for name, status in found.items()}


def _save(visit: Visit, name: str, text: str, before: str) -> ParameterRow:
    sides = _sides(visit)
    row = _rows(sides)[name]
    text = text.strip() if row.control != "switch" else text or "false"  # a switch that is off sends nothing
    not_saved = _problem(row, text, before, sides)
    if not_saved:
        return not_saved
    if text == sides.variables[name]:
        return row
    saved = airflow_db.replace_variable(
        visit.loop.variable(name),
        text,
        row.parameter.description,
        present=sides.variables[name],
        note=_note(visit, name, row.status.in_force, text),
    )
    if not saved:
        return _conflict(_rows(_sides(visit))[name], text, before)
    return _rows(replace(sides, variables={**sides.variables, name: text}))[name]


def _problem(row: ParameterRow, text: str, before: str, sides: ParameterSides) -> ParameterRow | None:
    """Return the row for a text that cannot be saved, or None if it can be."""
    name = row.parameter.name
    try:
        row.parameter.parse(text)
    except InvalidParameterError as error:
        return replace(row, typed=text, problem=str(error), status_code=422)
    if row.status.is_shadowed:
        reason = (
            "Not saved: an environment variable (AIRFLOW_VAR_...) or a secrets backend overrides the Variable "
            f"{row.parameter.name}, so a saved value would have no effect. Remove that value first."
        )
        return replace(row, typed=text, problem=reason, status_code=409)
    in_force = _without_carriage_returns(row.status.in_force)
    if in_force not in (before, text):
        return _conflict(row, text, before)
    newer = overruled_by(name, text, sides.store, sides.state)
    if newer is None:
        return None
    reason = (
        f"Not saved: Parameter Store has the newer value {shown(newer)}, which has yet to be synced and would replace "
        "yours. Wait until it is in effect, then save again."
    )
    return replace(row, typed=text, problem=reason, status_code=409)


def _conflict(row: ParameterRow, text: str, before: str) -> ParameterRow:
    reason = (
        f"Not saved: the value was changed to {shown(row.status.in_force)} in the meantime. You started from "
        f"{shown(before)} and entered {shown(text)}. Save again to replace it."
    )
    return replace(row, typed=text, problem=reason, status_code=409)


def _note(visit: Visit, name: str, before: str, after: str) -> airflow_db.AuditNote:
    facts = history.note(name, visit.loop.variable(name), before, after)
    return airflow_db.AuditNote(history.NOTE, visit.user, visit.loop.dag_id(history.SYNC), facts)


def _changes(visit: Visit, names: Sequence[str]) -> tuple[list[history.ParameterChange], str | None]:
    """Return the latest changes, and the error code if Parameter Store's history could not be read."""
    loop = visit.loop
    keys = {loop.variable(name): name for name in names}
    containing = next(iter(keys)) if len(keys) == 1 else loop.variable("")
    entries = airflow_db.audit_entries(history.AUDITED, containing=containing, most=2 * _MOST_CHANGES)
    changes = history.from_audit_log(entries, keys)
    _, state = read_variables(loop)
    try:
        changes += _store_changes(visit, names, history.written_by_sync(state))
    except (ClientError, BotoCoreError) as error:
        return history.timeline(changes, _MOST_CHANGES), error_code(error) or type(error).__name__
    return history.timeline(changes, _MOST_CHANGES), None


def _store_changes(
    visit: Visit, names: Sequence[str], by_sync: Mapping[str, list[int]]
) -> list[history.ParameterChange]:
    store = visit.aws.store.parameter_store
    return [
        change
        for name in names
        for change in history.from_store(name, store.history(visit.loop, name), by_sync.get(name, []))
    ]


def _without_carriage_returns(text: str) -> str:
    return text.replace("\r\n", "\n")  # browsers submit line ends as CRLF
