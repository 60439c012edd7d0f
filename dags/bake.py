"""### Bake: watch a version that was just deployed, and return to the former one if uploads fail

The training run triggers it once a version that the loop trained has replaced another one. For `Bake-Hours`, the
uploads of the new version are compared with those that the former one had in the seven days before:

- if more uploads fail for sure (those that Rekognition gave no result for in five tries), the former version returns by
  itself: a run of the DAG training starts, tests and deploys it, as any deployment. It was stopped, so that is a start
  that is billed.
- if the share of detections without a label, of those that are not accepted, or of human samples that were wrong rises
  by ten points or more, a person is asked by the DAG approval whether the former version is to return. Without an
  answer, the new one goes on serving.

With fewer than 20 uploads it goes on until there are 20, for seven days at most.

**Schedule** none. A run waits without occupying a worker, and looks every ten minutes. A deployment by hand is not
watched, since the person who chose the version decides on it, too. Any other deployment ends the bake.

**Variables read** `Bake-Hours`, `Approve-Deployments`, `Approval-Hours`.

**Idempotency** what was found is written to the loop's state before anything is triggered, and a run is triggered once.
Whether the former version still is to return is decided again when its run begins: a newer deployment wins. The version
that it replaces is not deployed again by itself.

**When it fails** the serving version continues to serve, unwatched. Clear the failed task to go on, or deploy the
former version by hand.
"""

from airflow.sdk import DAG, Param

from label_loop.loop import loops
from label_loop.operators.bake import WatchFailuresOperator, WatchSharesOperator
from label_loop.wiring import dag_arguments

PARAMS = {"version": Param(type="string", description="Name of the version that was just deployed")}

for loop in loops():
    with DAG(**dag_arguments(loop, "bake", __doc__), schedule=None, params=PARAMS) as dag:
        # Each triggers another DAG as its last act, so that neither waits for the other.
        WatchFailuresOperator(task_id="watch_failures", loop_path=loop.path)
        WatchSharesOperator(task_id="watch_shares", loop_path=loop.path)
