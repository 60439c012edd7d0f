"""### Human sampling: have people review a sample of all detections

Samples one detection of each block of `Human-Sampling-Interval` consecutive ones, whatever its confidence, and sends it
to human review unless it already has a review. A block is closed once it is full and its last detection is 10 minutes
old. One run takes the samples of all closed blocks since the last one.

**Schedule** every `Automatic-Human-Sampling-Frequency` minutes while `Enable-Automatic-Human-Sampling` is true,
starting after the first sync of the parameters. It can be triggered by hand at any time.

**Parameters of a manual run** `minimum_age_minutes` closes blocks earlier, 0 at once. What was detected before the end
of a closed block but is written to the log later is never sampled. `withheld_since` sends detections from that day on
to review that `Review-Budget-Per-Day` withheld, oldest first, `withheld_most` at most. The budget does not count them.

**Variables read** `Enable-Automatic-Human-Sampling`, `Automatic-Human-Sampling-Frequency`,
`Human-Sampling-Interval`.

**Idempotency** which detection of a block is sampled depends only on its id and a secret of the loop, and a review is
named after its detection: the next run completes an interrupted one with the same samples, even if
`Human-Sampling-Interval` has changed in the meantime.

**When it fails** nothing is lost: the next run continues after the last block whose sample was marked.
"""

from airflow.sdk import DAG, Param

from label_loop.loop import loops
from label_loop.operators.human_sampling import HumanSamplingOperator, SendWithheldOperator
from label_loop.wiring import dag_arguments, interval_schedule

PARAMS = {
    "minimum_age_minutes": Param(
        10, type="integer", minimum=0, description="How old the last detection of a block has to be"
    ),
    "withheld_since": Param(
        None,
        type=["null", "string"],
        description="A day such as 2026-11-29: detections from then on that the budget withheld are sent to review",
    ),
    "withheld_most": Param(100, type="integer", minimum=1, maximum=5000, description="How many of them at most"),
}

for loop in loops():
    schedule = interval_schedule(
        loop, switch="Enable-Automatic-Human-Sampling", frequency="Automatic-Human-Sampling-Frequency"
    )
    with DAG(**dag_arguments(loop, "human_sampling", __doc__), schedule=schedule, params=PARAMS) as dag:
        HumanSamplingOperator(task_id="sample_detections", loop_path=loop.path)
        SendWithheldOperator(task_id="send_withheld", loop_path=loop.path)
