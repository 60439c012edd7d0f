"""### Human review: what people answered comes back into the loop

The sensor `wait_for_answers` waits, without a worker, for answers in `a2i-human-loop-data/`. `apply_answers` writes
each to the inference log, and copies its image to `images_labeled_by_folder/<label>/`, where the next training finds
it. Answers of *None of the Above* and answers to human samples are logged only.

**Schedule** always: a run ends when no answer has come for a while, then the next one waits.

**Variables read** none.

**Idempotency** an answer is applied to its detection once; the copy of an image has a key of its own, so a
repetition copies onto itself.

**When it fails** the answers that were not applied come again by themselves. A malformed answer is refused and
reported, and holds up no other. A review that ended without an answer is reported.
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
