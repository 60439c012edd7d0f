"""The operator of quality."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from label_loop.operators.base import LoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class QualityReportOperator(LoopOperator):
    """Reports on the last day that is over (UTC); returns the day."""

    def execute(self, context: "Context") -> str:
        """Write and announce the report."""
        from label_loop.domain.quality import summary
        from label_loop.workflows.quality import QualityWorkflow

        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        report = QualityWorkflow(self.loop_context()).report(yesterday)
        self.log.info(summary(report))
        return report.day
