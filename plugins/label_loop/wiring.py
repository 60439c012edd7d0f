"""What the five DAG files share: schedules, defaults, and the failure callback."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DeltaTriggerTimetable

from label_loop.loop import Loop
from label_loop.notifications import FailureNotifier
from label_loop.variables import SYNC_STATE, setting, variable_text

# Fixed and past: without a start date a continuous DAG runs only once.
START = datetime(2026, 1, 1, tzinfo=UTC)
CONTINUOUS = "@continuous"
# A loop may have no upload, or no model, for months; that is no failure.
LONGEST_WAIT = timedelta(days=365)


def dag_arguments(loop: Loop, workflow: str, doc: str | None) -> dict[str, Any]:
    """Return the arguments of a DAG; ``doc`` is its file's docstring, whose first line is the description.

    One run at a time, two retries of each task, and a mail for what fails all the same.
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
    """Return the schedule that a loop's Variables ask for now; None where it is switched off, or not known yet.

    Read at each parse, so that a change is followed without a restart. Without a schedule, unlike paused, a DAG
    still runs when it is triggered by hand. Before the first sync it would be that of a default, and begin a run
    at once that Parameter Store may have switched off.
    """
    if variable_text(loop, SYNC_STATE) is None or not setting(loop, switch):
        return None
    return DeltaTriggerTimetable(timedelta(minutes=setting(loop, frequency)))
