"""### Parameter sync: keep Parameter Store and Airflow Variables equal

Defers until a parameter differs between Parameter Store and its Airflow Variable, then copies the change to the other
side, in either direction. If both sides changed, Parameter Store wins, and the operator is notified.
`For-System-Use-Only` is mirrored to a Variable for reading only.

**Schedule** continuous: a run waits for a difference, applies it and ends; then the next run waits.

**Variables read** all of the loop's. It also writes them, and `Parameter-Sync-State`, the values that both sides last
agreed on.

**Idempotency** both sides are compared with the values they last agreed on; the next run completes an interrupted one.

**When it fails** a value was refused: the task `refuse` names the parameter, the value and the rule. The last valid
value stays in force until the value is corrected where it was entered.
"""

from airflow.sdk import DAG, Label

from label_loop.loop import loops
from label_loop.operators.parameter_sync import DagRunNowOperator, ParameterRefuseOperator, ParameterSyncOperator
from label_loop.wiring import CONTINUOUS, dag_arguments

for loop in loops():
    with DAG(**dag_arguments(loop, "parameter_sync", __doc__), schedule=CONTINUOUS) as dag:
        sync = ParameterSyncOperator(task_id="sync", loop_path=loop.path)
        # A schedule that was just switched on would first run after a whole period.
        check_training = DagRunNowOperator(
            task_id="check_training",
            loop_path=loop.path,
            trigger_dag_id=loop.dag_id("training"),
            result=sync.output,
            field="training_switched_on",
        )
        sample_detections = DagRunNowOperator(
            task_id="sample_detections",
            loop_path=loop.path,
            trigger_dag_id=loop.dag_id("human_sampling"),
            result=sync.output,
            field="sampling_switched_on",
        )
        refuse = ParameterRefuseOperator(task_id="refuse", loop_path=loop.path, result=sync.output)

        sync >> Label("training was switched on") >> check_training
        sync >> Label("sampling was switched on") >> sample_detections
        sync >> Label("a value breaks its rule") >> refuse
