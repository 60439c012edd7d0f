"""### Approval: ask a person whether to deploy a version that the loop cannot decide on

The training run triggers it if the test images do not tell whether a new version is better than the serving one. The
question is answered with Deploy or Hold in Airflow (Required Actions), or on the page Models of the console. Deploy
triggers a run of the DAG training, which starts, tests and deploys the version.

**Schedule** none. A run waits up to `Approval-Hours` without occupying a worker, outside the training run, so that
trainings, rollbacks and deployments by hand go on meanwhile. Without an answer, the version is then deployed if it is
right on at least as many test images and has probably lost no label; otherwise it is held.

**Who may answer** whoever Airflow lets edit the task instances of this DAG.

**Variables read** none; whether and how long a person is asked is decided in the training run, by `Approve-Deployments`
and `Approval-Hours`.

**Idempotency** only the first answer about a version counts, and only while its question is open: a newer undecided
version replaces it, with the same deadline, and any deployment closes it. An answer that comes later has no effect, and
the skipped task says so. If it crashes after the answer, a retry or the next training check continues.

**When it fails** the serving version continues to serve, and the version stays undecided. Clear the failed task to ask
again, or deploy the version by hand.
"""

from airflow.sdk import DAG, Param

from label_loop.loop import loops
from label_loop.operators.approval import ApplyAnswerOperator, AskOperator, ReadQuestionOperator
from label_loop.wiring import dag_arguments

PARAMS = {"version": Param(type="string", description="Name of the version that the loop's open question is about")}
# An outdated question stays in Airflow until its deadline, and must not delay the one that replaced it.
MOST_QUESTIONS = 100

for loop in loops():
    arguments = dag_arguments(loop, "approval", __doc__) | {"max_active_runs": MOST_QUESTIONS}
    with DAG(**arguments, schedule=None, params=PARAMS) as dag:
        read_question = ReadQuestionOperator(task_id="read_question", loop_path=loop.path)
        # Without retries: a retry would ask again after an answer.
        ask = AskOperator(task_id="ask", question=read_question.output, retries=0)
        apply_answer = ApplyAnswerOperator(
            task_id="apply_answer", loop_path=loop.path, question=read_question.output, answer=ask.output
        )
        read_question >> ask >> apply_answer
