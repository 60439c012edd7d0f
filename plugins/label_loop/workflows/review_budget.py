"""A loop's budget of reviews: which of a batch of detections are sent to review, and which are withheld."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property

from label_loop.context import LoopContext
from label_loop.domain.log_row import LogRow
from label_loop.domain.review_budget import DAYS, ExpectedDay, asked, expected_day
from label_loop.hooks.review_budget import ReviewBudgetHook
from label_loop.parameters import Settings
from label_loop.payloads import WORKFLOW_SOURCE

log = logging.getLogger(__name__)


class ReviewBudget:
    """Spends ``Review-Budget-Per-Day``. Without a budget it calls nothing."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context
        self._expected: tuple[str, ExpectedDay | None] = ("", None)  # of a day

    def applied(self, rows: Sequence[LogRow], settings: Settings) -> list[LogRow]:
        """Return the rows, with those withheld that need review and for which the budget has no room."""
        budget = settings.review_budget_per_day
        tasks = [row.review_task(WORKFLOW_SOURCE) for row in rows if row.needs_review]
        if not (budget and tasks):
            return list(rows)
        day = next(row.detected_at[:10] for row in rows if row.needs_review)
        expected = self._expected_of(day, settings.minimum_label_detection_confidence_percent)
        hook = self._hook
        chosen = hook.spend(day, tasks, lambda spent: asked(tasks, spent, budget, expected)) if hook else ()
        ids = {task.detection_id for task in chosen}
        return [replace(row, withheld=row.needs_review and row.detection_id not in ids) for row in rows]

    def unsure_per_day(self, day: str, settings: Settings) -> float:
        """Return how many detections of a day are likely to need review; 0 without a budget, or if that is unknown."""
        if not settings.review_budget_per_day:
            return 0.0
        expected = self._expected_of(day, settings.minimum_label_detection_confidence_percent)
        return expected.unsure if expected else 0.0

    @cached_property
    def _hook(self) -> ReviewBudgetHook | None:
        table = self.context.store.record.statistics_table
        if table is None:
            log.warning(
                "Reviews are withheld: without a table of statistics a budget cannot be counted. Run "
                "`python -m label_loop provision %s` to create it.",
                self.context.loop.path,
            )
            return None
        clients = self.context.clients
        return ReviewBudgetHook(table, aws_conn_id=clients.aws_conn_id, config=clients.config)

    def _expected_of(self, day: str, minimum_percent: float) -> ExpectedDay | None:
        statistics = self.context.clients.statistics
        if statistics and self._expected[0] != day:
            today = date.fromisoformat(day)
            days, _ = statistics.days(today - timedelta(days=DAYS), today - timedelta(days=1))
            self._expected = (day, expected_day(days, minimum_percent))
        return self._expected[1]
