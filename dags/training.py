"""### Training: a better model, deployed without a gap

Checks whether enough labelled images are new, trains a Rekognition Custom Labels version with them, and lets it
serve where its F1 score is good enough. The version that serves is stopped only after its successor does.

**Schedule** every `Automatic-Training-Poll-Frequency` minutes while `Enable-Automatic-Training` is true. It can be
triggered by hand at any time; with `force`, new images are not asked for.

**Variables read** `Enable-Automatic-Training`, `Automatic-Training-Poll-Frequency`, `Minimum-Untrained-Images`,
`Minimum-F1-Score`, `Minimum-Inference-Units`.

**Idempotency** every task can be repeated: a version's name belongs to its images and its run, so nothing is
trained or paid twice. A run that was cut is gone on with by the next one.

**When it fails** the model that served goes on serving, and nothing else is left running. The failed task's log
and the mail name the reason. A rejected or failed version is not trained again before there are new images.
"""

from airflow.sdk import DAG, Param

from label_loop.operators.rekognition import (
    EndpointMoveOperator,
    RekognitionCreateProjectVersionOperator,
    RekognitionEvaluateProjectVersionOperator,
    RekognitionSmokeTestOperator,
    RekognitionStartProjectVersionOperator,
    RekognitionStopIdleVersionsOperator,
    TrainingCheckOperator,
    TrainingWriteManifestOperator,
)
from label_loop.sensors.rekognition import RekognitionProjectVersionSensor
from label_loop.settings import loops
from label_loop.wiring import dag_arguments, interval_schedule

for loop in loops():
    schedule = interval_schedule(
        loop, switch="Enable-Automatic-Training", frequency="Automatic-Training-Poll-Frequency"
    )
    force = Param(False, type="boolean", description="Train even without new labelled images")
    with DAG(**dag_arguments(loop, "training"), schedule=schedule, doc_md=__doc__, params={"force": force}) as dag:
        check = TrainingCheckOperator(task_id="check", loop_path=loop.path, skips="write_manifest")
        write_manifest = TrainingWriteManifestOperator(
            task_id="write_manifest", loop_path=loop.path, decision=check.output, skips="create_version"
        )
        create_version = RekognitionCreateProjectVersionOperator(
            task_id="create_version", loop_path=loop.path, attempt=write_manifest.output
        )
        version_name = create_version.output
        wait_for_training = RekognitionProjectVersionSensor(
            task_id="wait_for_training",
            loop_path=loop.path,
            version_name=version_name,
            waiter_name="project_version_trained",
        )
        evaluate = RekognitionEvaluateProjectVersionOperator(
            task_id="evaluate", loop_path=loop.path, version_name=version_name, skips="start_version"
        )
        start_version = RekognitionStartProjectVersionOperator(
            task_id="start_version", loop_path=loop.path, version_name=version_name
        )
        wait_for_start = RekognitionProjectVersionSensor(
            task_id="wait_for_start",
            loop_path=loop.path,
            version_name=version_name,
            waiter_name="project_version_running",
        )
        smoke_test = RekognitionSmokeTestOperator(task_id="smoke_test", loop_path=loop.path, version_name=version_name)
        move_endpoint = EndpointMoveOperator(task_id="move_endpoint", loop_path=loop.path, version_name=version_name)
        # A teardown: it comes last whatever happened, and a run is judged by what came before it, and by it.
        stop_idle_versions = RekognitionStopIdleVersionsOperator(
            task_id="stop_idle_versions", loop_path=loop.path, retries=8
        ).as_teardown(on_failure_fail_dagrun=True)

        check >> write_manifest >> create_version >> wait_for_training >> evaluate
        evaluate >> start_version >> wait_for_start >> smoke_test >> move_endpoint >> stop_idle_versions
