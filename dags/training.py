"""### Training: train a better version and deploy it without downtime

Checks whether there are enough new labelled images, trains a Rekognition Custom Labels version with all of them, and
deploys it if its F1 score is high enough and it holds against the serving version on the same test images. While it
trains, the serving version is asked for up to 200 images that it does not know, and labels that are likely wrong are
listed in `quality/label-audit.json` (`audit_labels`). That neither delays nor fails a training. The serving
version is stopped only once its successor serves. Then the successor scores the reviews that wait in the Airflow UI
again: those that it is sure of are withdrawn. Each run does so for five minutes at most, and the next one goes on. If
the test images do not tell which version is better, a person is asked by the DAG approval (`Approve-Deployments`), and
this run ends. After a deployment that the loop decided on, the DAG bake watches the new version for `Bake-Hours`.

**Schedule** every `Automatic-Training-Poll-Frequency` minutes while `Enable-Automatic-Training` is true, starting after
the first sync of the parameters. It can be triggered by hand at any time; with `force`, it trains even without new
images.

**Deploy or roll back by hand** by triggering it with `version`, the name of any version that is trained or was
stopped. Nothing is trained, and the version is started, tested and deployed in the same way. The F1 gate does not
apply, since the decision is a person's. The next training check does not undo it; new images are trained, and the new
version may be deployed, as usual. The name of the serving version starts it again if it was stopped. Only one run is
active at a time: a deployment that is triggered during a training starts when that run has ended.

**Variables read** `Enable-Automatic-Training`, `Automatic-Training-Poll-Frequency`, `Minimum-Untrained-Images`,
`Minimum-F1-Score`, `Challenger-Margin`, `Minimum-Test-Images`, `Approve-Deployments`, `Approval-Hours`,
`Train-None-Of-The-Above`, `Bake-Hours`, `Minimum-Inference-Units`, `Maximum-Inference-Units`,
`Minimum-Label-Detection-Confidence`.

**Idempotency** every task can be retried: a version is named after its images and its run, so nothing is trained or
paid for twice. The next run continues an interrupted training; an interrupted deployment by hand has to be triggered
again.

**When it fails** the serving version continues to serve, and nothing else is left running. The failed task's log and an
email give the reason. A held or failed version is not trained again until there are new images.
"""

from airflow.sdk import DAG, Label, Param, TriggerRule

from label_loop.loop import loops
from label_loop.operators.approval import RequestApprovalOperator
from label_loop.operators.bake import StartBakeOperator
from label_loop.operators.deployment import (
    DeploymentMoveEndpointOperator,
    DeploymentSmokeTestOperator,
    DeploymentStartVersionOperator,
    RescoreReviewsOperator,
    StopIdleVersionsOperator,
)
from label_loop.operators.training import (
    AuditLabelsOperator,
    TrainingCheckOperator,
    TrainingCreateVersionOperator,
    TrainingEvaluateOperator,
    TrainingWriteManifestOperator,
)
from label_loop.sensors.rekognition import RekognitionProjectVersionSensor
from label_loop.wiring import dag_arguments, interval_schedule

PARAMS = {
    "force": Param(False, type="boolean", description="Train even without new labelled images"),
    "version": Param(
        None,
        type=["null", "string"],
        description="Name of a version to deploy instead of training; may be an earlier one. Empty: train as needed",
    ),
}

for loop in loops():
    schedule = interval_schedule(
        loop, switch="Enable-Automatic-Training", frequency="Automatic-Training-Poll-Frequency"
    )
    with DAG(**dag_arguments(loop, "training", __doc__), schedule=schedule, params=PARAMS) as dag:
        check = TrainingCheckOperator(task_id="check", loop_path=loop.path)
        write_manifest = TrainingWriteManifestOperator(
            task_id="write_manifest", loop_path=loop.path, decision=check.output
        )
        create_version = TrainingCreateVersionOperator(
            task_id="create_version", loop_path=loop.path, attempt=write_manifest.output
        )
        # Beside the training, which takes longer and does not wait for it.
        audit_labels = AuditLabelsOperator(
            task_id="audit_labels", loop_path=loop.path, version_name=create_version.output
        )
        wait_for_training = RekognitionProjectVersionSensor(
            task_id="wait_for_training",
            loop_path=loop.path,
            version_name=create_version.output,
            waiter_name="project_version_trained",
        )
        evaluate = TrainingEvaluateOperator(
            task_id="evaluate", loop_path=loop.path, version_name=wait_for_training.output
        )
        request_approval = RequestApprovalOperator(
            task_id="request_approval", loop_path=loop.path, version_name=wait_for_training.output
        )
        # The trigger rule lets it run whether training ran or was skipped; it skips itself if there is no version to
        # start. Its retries last about 20 minutes: an idle version that it replaces may take long to stop.
        start_version = DeploymentStartVersionOperator(
            task_id="start_version",
            loop_path=loop.path,
            decision=check.output,
            trained_version_name=evaluate.output,
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            retries=8,
        )
        wait_for_start = RekognitionProjectVersionSensor(
            task_id="wait_for_start",
            loop_path=loop.path,
            version_name=start_version.output,
            waiter_name="project_version_running",
        )
        smoke_test = DeploymentSmokeTestOperator(
            task_id="smoke_test", loop_path=loop.path, version_name=wait_for_start.output
        )
        move_endpoint = DeploymentMoveEndpointOperator(
            task_id="move_endpoint", loop_path=loop.path, version_name=smoke_test.output
        )
        # A teardown runs last whatever happened, and does not decide the state of the run. If it could fail the run
        # too, Airflow would judge the run by it alone, and a failed deployment would show as a success.
        stop_idle_versions = StopIdleVersionsOperator(
            task_id="stop_idle_versions", loop_path=loop.path, retries=8
        ).as_teardown()

        # Apart from the teardown, so that the former version is stopped without waiting for it.
        rescore_reviews = RescoreReviewsOperator(
            task_id="rescore_reviews", loop_path=loop.path, trigger_rule=TriggerRule.NONE_FAILED
        )

        start_bake = StartBakeOperator(task_id="start_bake", loop_path=loop.path, version_name=smoke_test.output)

        check >> Label("train") >> write_manifest >> create_version >> wait_for_training >> evaluate
        check >> Label("deploy by hand") >> start_version
        evaluate >> Label("good enough") >> start_version
        evaluate >> Label("undecided") >> request_approval
        create_version >> audit_labels
        start_version >> wait_for_start >> smoke_test >> move_endpoint >> stop_idle_versions
        move_endpoint >> [rescore_reviews, start_bake]
