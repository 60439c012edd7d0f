"""### Human sampling: have people review a sample of all detections

Marks every `Human-Sampling-Interval`-th detection since the last human sample, whatever its confidence, and sends it to
human review unless it already has a review. One run takes all samples that are due.

**Schedule** every `Automatic-Human-Sampling-Frequency` minutes while `Enable-Automatic-Human-Sampling` is true,
starting after the first sync of the parameters. It can be triggered by hand at any time.

**Variables read** `Enable-Automatic-Human-Sampling`, `Automatic-Human-Sampling-Frequency`,
`Human-Sampling-Interval`.

**Idempotency** the selection depends only on the log, and a review is named after its detection: the next run completes
an interrupted one with the same samples.

**When it fails** nothing is lost: the next run continues after the last sample that was marked.
"""

from airflow.sdk import DAG

from label_loop.loop import loops
from label_loop.operators.human_sampling import HumanSamplingOperator
from label_loop.wiring import dag_arguments, interval_schedule

for loop in loops():
    schedule = interval_schedule(
        loop, switch="Enable-Automatic-Human-Sampling", frequency="Automatic-Human-Sampling-Frequency"
    )
    with DAG(**dag_arguments(loop, "human_sampling", __doc__), schedule=schedule) as dag:
        HumanSamplingOperator(task_id="sample_detections", loop_path=loop.path)
