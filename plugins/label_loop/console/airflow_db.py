"""The console's queries of Airflow's own database. Blocking: call them in a thread."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select

_LONGEST_EVENT = 60


@dataclass(frozen=True)
class Run:
    """A DAG run. ``state`` is Airflow's; ``task_id`` is the task that is active, or the one that failed."""

    dag_id: str
    run_id: str
    state: str
    at: datetime | None
    task_id: str | None = None

    @property
    def href(self) -> str:
        """The path of the run, or of its task, in the Airflow UI, relative to its root."""
        path = f"dags/{quote(self.dag_id, safe='')}/runs/{quote(self.run_id, safe='')}"
        return f"{path}/tasks/{quote(self.task_id, safe='')}" if self.task_id else path


@dataclass(frozen=True)
class Schedule:
    """When a DAG's next scheduled run is due; ``at`` is None if nothing is scheduled."""

    dag_id: str
    at: datetime | None
    paused: bool


@dataclass(frozen=True)
class AuditRow:
    """A row of the audit log: who did what, and when."""

    at: datetime | None
    event: str
    user: str
    facts: Mapping[str, Any]


def active_runs(dag_ids: Sequence[str]) -> list[Run]:
    """Return the queued and running runs of DAGs, each with its current task."""
    query = (
        select(DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.start_date, TaskInstance.task_id)
        .outerjoin(
            TaskInstance,
            (TaskInstance.dag_id == DagRun.dag_id)
            & (TaskInstance.run_id == DagRun.run_id)
            & TaskInstance.state.in_([s for s in TaskInstanceState if s not in _SETTLED]),
        )
        .where(DagRun.dag_id.in_(dag_ids), DagRun.state.in_([DagRunState.RUNNING, DagRunState.QUEUED]))
        .order_by(DagRun.dag_id, DagRun.run_after)
    )
    with create_session() as session:
        rows = session.execute(query).all()
    return list({(row[0], row[1]): Run(*row) for row in rows}.values())


_SETTLED = frozenset(
    {
        TaskInstanceState.SUCCESS,
        TaskInstanceState.FAILED,
        TaskInstanceState.SKIPPED,
        TaskInstanceState.UPSTREAM_FAILED,
        TaskInstanceState.REMOVED,
    }
)


def latest_run(dag_id: str) -> Run | None:
    """Return a DAG's latest run, whatever its state, or None."""
    query = (
        select(DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.run_after)
        .where(DagRun.dag_id == dag_id)
        .order_by(DagRun.run_after.desc())
        .limit(1)
    )
    with create_session() as session:
        row = session.execute(query).first()
    return Run(*row) if row else None


def run_request(dag_id: str, run_id: str) -> tuple[Mapping[str, Any], str | None]:
    """Return a run's conf and the user who triggered it; an empty mapping and None if nobody did."""
    query = select(DagRun.conf, DagRun.triggering_user_name).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    with create_session() as session:
        row = session.execute(query).first()
    conf, user = row if row else (None, None)
    return (conf if isinstance(conf, dict) else {}), user


def failed_tasks(dag_ids: Sequence[str], *, most: int, days: int) -> list[Run]:
    """Return up to ``most`` tasks that failed in the last ``days`` days, newest first."""
    since = datetime.now(UTC) - timedelta(days=days)
    query = (
        select(
            TaskInstance.dag_id, TaskInstance.run_id, TaskInstance.state, TaskInstance.end_date, TaskInstance.task_id
        )
        .where(
            TaskInstance.dag_id.in_(dag_ids),
            TaskInstance.state == TaskInstanceState.FAILED,
            TaskInstance.end_date >= since,
        )
        .order_by(TaskInstance.end_date.desc())
        .limit(most)
    )
    with create_session() as session:
        return [Run(*row) for row in session.execute(query)]


def schedules(dag_ids: Sequence[str]) -> list[Schedule]:
    """Return the schedules of DAGs, without those that the DAG processor has not loaded yet."""
    query = select(DagModel.dag_id, DagModel.next_dagrun_create_after, DagModel.is_paused).where(
        DagModel.dag_id.in_(dag_ids)
    )
    with create_session() as session:
        return [Schedule(*row) for row in session.execute(query)]


def trigger(dag_id: str, conf: Mapping[str, Any], user: BaseUser) -> Run:
    """Trigger a run on behalf of a user. Raises DagNotFound if the DAG processor has not loaded the DAG yet."""
    started = trigger_dag(
        dag_id=dag_id,
        conf=dict(conf),
        triggered_by=DagRunTriggeredByType.UI,
        triggering_user_name=user.get_name(),
    )
    if started is None:
        raise RuntimeError(f"Airflow started no run of {dag_id}.")
    return Run(started.dag_id, started.run_id, str(started.state), started.run_after)


def asked_runs(dag_id: str, task_id: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the runs, newest first, in which a task waits for a person's answer: their ids and confs."""
    query = (
        select(DagRun.run_id, DagRun.conf)
        .join(TaskInstance, (TaskInstance.dag_id == DagRun.dag_id) & (TaskInstance.run_id == DagRun.run_id))
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(
            DagRun.dag_id == dag_id,
            TaskInstance.task_id == task_id,
            TaskInstance.state == TaskInstanceState.AWAITING_INPUT,
            HITLDetail.responded_at.is_(None),
        )
        .order_by(DagRun.run_after.desc())
    )
    with create_session() as session:
        return [(run_id, conf if isinstance(conf, dict) else {}) for run_id, conf in session.execute(query)]


def answer(run: Run, option: str, user: BaseUser) -> None:
    """Answer what the run's task asks, as Airflow's own endpoint does. Raises HTTPException 404 or 409 if it cannot."""
    payload = UpdateHITLDetailPayload(chosen_options=[option], params_input={})
    with create_session() as session:
        update_hitl_detail(run.dag_id, run.run_id, str(run.task_id), payload, user, session)


@dataclass(frozen=True)
class AuditNote:
    """A person's action, for Airflow's audit log."""

    event: str
    user: BaseUser
    dag_id: str
    facts: Mapping[str, Any]

    def entry(self) -> Log:
        """Return the row of the audit log."""
        return Log(
            event=self.event[:_LONGEST_EVENT],
            owner=self.user.get_name(),
            owner_display_name=self.user.get_name(),
            extra=json.dumps(dict(self.facts), ensure_ascii=False),
            dag_id=self.dag_id,
        )


def write_note(event: str, user: BaseUser, dag_id: str, facts: Mapping[str, Any]) -> None:
    """Record a person's action in Airflow's audit log."""
    with create_session() as session:
        session.add(AuditNote(event, user, dag_id, facts).entry())


def replace_variable(key: str, text: str, description: str, *, present: str | None, note: AuditNote) -> bool:
    """Write a Variable and its audit note in one transaction, if the Variable still has the text ``present``.

    Return whether it was written. ``present`` None stands for a Variable that does not exist.
    """
    with create_session() as session:
        found = session.scalar(select(Variable).where(Variable.key == key).with_for_update())
        if (found.val if found else None) != present:
            return False
        Variable.set(key, text, description=description, session=session)
        session.add(note.entry())
        return True


def audit_entries(events: Sequence[str], *, containing: str, most: int) -> list[AuditRow]:
    """Return up to ``most`` audit rows with one of the events whose facts contain a text, newest first."""
    query = (
        select(Log.dttm, Log.event, Log.owner, Log.extra)
        .where(Log.event.in_(events), Log.extra.contains(containing, autoescape=True))
        .order_by(Log.dttm.desc())
        .limit(most)
    )
    with create_session() as session:
        return [AuditRow(at, event, user or "", _facts(extra)) for at, event, user, extra in session.execute(query)]


def _facts(extra: str | None) -> Mapping[str, Any]:
    try:
        facts = json.loads(extra or "{}")
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
