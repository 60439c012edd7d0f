"""### Human review: what people answered comes back into the loop

Waits, without a worker, for answers in `a2i-human-loop-data/`; writes each to the inference log, and copies its
image to `images_labeled_by_folder/<label>/`, where the next training finds it. Answers of *None of the Above* and
answers to human samples are logged only.

**Schedule** always: a run waits for answers and ends when none has come for a while, then the next one waits.

**Variables read** none.

**Idempotency** an answer is applied to its detection once; the copy of an image has a key of its own, so a
repetition copies onto itself.

**When it fails** the answers that were not applied come again by themselves. A malformed answer is refused and
told, and holds up no other. A review that ended without an answer is told.
"""

from airflow.sdk import DAG

from label_loop.loop import loops
from label_loop.operators.inbox import HumanReviewApplyAnswersOperator
from label_loop.wiring import CONTINUOUS, dag_arguments

for loop in loops():
    with DAG(**dag_arguments(loop, "human_review", __doc__), schedule=CONTINUOUS) as dag:
        HumanReviewApplyAnswersOperator(task_id="apply_answers", loop_path=loop.path)
