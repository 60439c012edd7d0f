"""### Human sampling: an honest look at the model

Marks every `Human-Sampling-Interval`-th detection since the last sample, whatever its confidence, and sends it to
human review unless it is there already. All that are due are taken in one run.

**Schedule** every `Automatic-Human-Sampling-Frequency` minutes while `Enable-Automatic-Human-Sampling` is true, from
the first sync of the parameters on. It can be triggered by hand at any time.

**Variables read** `Enable-Automatic-Human-Sampling`, `Automatic-Human-Sampling-Frequency`,
`Human-Sampling-Interval`.

**Idempotency** the choice depends on the log alone, and a review task is named after its detection: a run that was
cut is completed by the next one, with the same samples.

**When it fails** nothing is lost: the next run goes on from the last sample that was marked.
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
