"""What the DAG files share: schedules, default arguments and the failure callback."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DeltaTriggerTimetable

from label_loop.loop import Loop
from label_loop.notifications import FailureNotifier
from label_loop.variables import SYNC_STATE, setting, variable_text

# Fixed and in the past: without a start date a continuous DAG runs only once.
START = datetime(2026, 1, 1, tzinfo=UTC)
CONTINUOUS = "@continuous"
DAILY = "@daily"
# A loop without uploads, or without a model, for months is not a failure.
LONGEST_WAIT = timedelta(days=365)


def dag_arguments(loop: Loop, workflow: str, doc: str | None) -> dict[str, Any]:
    """Return the arguments of a DAG; the first line of ``doc``, its file's docstring, is the description.

    One run at a time, two retries for each task, and a notification when a task still fails.
    """
    return {
        "dag_id": loop.dag_id(workflow),
        "description": (doc or "").partition("\n")[0].removeprefix("### "),
        "doc_md": doc,
        "start_date": START,
        "catchup": False,
        "max_active_runs": 1,
        "is_paused_upon_creation": False,
        "tags": ["label-loop", loop.name, workflow],
        "default_args": {
            "owner": "label-loop",
            "retries": 2,
            "retry_delay": timedelta(seconds=15),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(minutes=5),
            "on_failure_callback": FailureNotifier(loop.path),
        },
    }


def interval_schedule(loop: Loop, *, switch: str, frequency: str) -> DeltaTriggerTimetable | None:
    """Return the schedule set by a loop's Variables, ``frequency`` in minutes; None if off, or before the first sync.

    It is read at each parse, so a change takes effect without a restart. Unlike a paused DAG, one without a schedule
    still runs when triggered by hand. Before the first sync only the default is known, which would start a run at
    once that may be switched off in Parameter Store.
    """
    if variable_text(loop, SYNC_STATE) is None or not setting(loop, switch):
        return None
    return DeltaTriggerTimetable(timedelta(minutes=setting(loop, frequency)))
