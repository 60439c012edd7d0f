"""### Quality: report every day how good the serving version is, and whether it drifts

Reads the daily statistics of the serving version and looks for two kinds of drift: people disagree with the human
samples more often than before, or confidences and labels of the detections differ from those of earlier days. The
report says what 50 more labels are worth, and what cannot be judged yet, and why. It is written to
`quality/dt=YYYY-MM-DD/report.json`, published as an event `quality`, and shown on the pages *Overview* and *Insight*.
Drift is published once for each version, and stays in the reports until another version serves.

**Schedule** daily, after midnight (UTC), about the day that is over. It can be triggered by hand at any time.

With a `Target-Precision`, it also finds, from the version's test images, from which confidence on each label is right
that often; detection accepts no less, from its next run on.

**Variables read** `Target-Precision`, `Minimum-Label-Detection-Confidence`.

**Idempotency** a report depends only on the statistics and on the report before it. Running it again for the same day
writes the report again, with answers that arrived since, and publishes only drift that is new.

**When it fails** nothing else is affected: the next run reports on its own day. A loop without statistics or without a
model gets a report that says so.
"""

from airflow.sdk import DAG

from label_loop.loop import loops
from label_loop.operators.quality import QualityReportOperator
from label_loop.wiring import DAILY, dag_arguments

for loop in loops():
    with DAG(**dag_arguments(loop, "quality", __doc__), schedule=DAILY) as dag:
        QualityReportOperator(task_id="report_quality", loop_path=loop.path)
