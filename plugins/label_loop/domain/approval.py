"""Whether a person is asked about a new version, and until when."""

from datetime import datetime, timedelta

from label_loop.domain.comparison import Verdict
from label_loop.domain.moments import timestamp
from label_loop.parameters import ApproveDeployments, Settings
from label_loop.payloads import ApprovalQuestion

OPTIONS = {"deploy": "Deploy", "hold": "Hold"}
"""What a person is offered for each decision."""
ASK_TASK = "ask"
APPROVED_RUN = "approved__"
"""How the id of a training run begins that deploys what was approved."""
RETURN_RUN = "return__"
"""How the id of a training run begins that has the former version serve again."""


def needs_person(verdict: Verdict, mode: ApproveDeployments) -> bool:
    """Return whether a person decides on a version; one that is held needs nobody."""
    if mode is ApproveDeployments.ALWAYS:
        return verdict.action != "hold"
    return mode is ApproveDeployments.WHEN_UNDECIDED and verdict.action == "ask"


def deadline(before: ApprovalQuestion | None, now: datetime, settings: Settings) -> str:
    """Return until when an answer to a new question is awaited, as ISO 8601 in UTC.

    ``before`` is the open question that the new one replaces. Its deadline is kept: otherwise a loop that trains more
    often than ``Approval-Hours`` would wait for ever where nobody answers.
    """
    until = timestamp(now + timedelta(hours=settings.approval_hours))
    return min(until, before.until) if before and before.until > timestamp(now) else until
