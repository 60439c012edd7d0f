"""### Human review: apply the answers of reviewers to the loop

The deferrable sensor `wait_for_answers` waits for answers in `a2i-human-loop-data/`. `apply_answers` writes each answer
to the inference log, then copies its image to the label folder `images_labeled_by_folder/<label>/`, where the next
training finds it. Answers of *None of the Above* and answers to human samples are only logged. The row of the detection
decides which review an answer must come from, and whether its image is copied.

**Schedule** continuous: a run ends when no answer has arrived for a while; then the next run waits.

**Variables read** `Review-Allow-New-Labels`, for an answer whose label has no folder.

**Idempotency** an answer is applied to its detection once. The copy of an image has a fixed key, so repeating the copy
overwrites it with itself.

**When it fails** answers that were not applied are retried automatically. An answer that is malformed, comes from
another review or names a label that the loop does not accept is refused and reported, and does not hold up the others.
An image that cannot be copied is reported, and its row has the reason. A review that ended without an answer is
reported.
"""

from airflow.sdk import DAG

from label_loop.loop import loops
from label_loop.operators.inbox import ApplyAnswersOperator
from label_loop.sensors.inbox import AnswersSensor
from label_loop.wiring import CONTINUOUS, LONGEST_WAIT, dag_arguments

for loop in loops():
    with DAG(**dag_arguments(loop, "human_review", __doc__), schedule=CONTINUOUS) as dag:
        wait_for_answers = AnswersSensor(task_id="wait_for_answers", loop_path=loop.path, timeout=LONGEST_WAIT)
        apply_answers = ApplyAnswersOperator(task_id="apply_answers", loop_path=loop.path)
        wait_for_answers >> apply_answers
