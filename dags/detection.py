"""### Detection: detect each upload, log it once, and publish the result

The deferrable sensor `wait_for_uploads` waits for images in `images_for_detection/` and for a serving model.
`detect_uploads` asks the model for the label of each image, writes the result to the inference log, publishes it, and
sends detections below the minimum confidence to human review: all of them, or as many as the day's budget has room for.

**Schedule** continuous: a run ends when no upload has arrived for a while; then the next run waits. Uploads that arrive
before a model serves are kept, and detected as soon as one does. A model that has had no uploads for
`Idle-Model-Stop-Minutes` is stopped, and the next upload starts it again; a model that a person stopped stays stopped.
If scheduled training checks are off, a run stops versions that run without serving, at least once every
`Automatic-Training-Poll-Frequency` minutes.

**Variables read** `Minimum-Label-Detection-Confidence`, `Target-Precision`, `Enable-A2I-Workflow`,
`Review-Budget-Per-Day`, `Minimum-Inference-Units`, `Maximum-Inference-Units`, `Idle-Model-Stop-Minutes`,
`Enable-Automatic-Training`, `Automatic-Training-Poll-Frequency`.

**Idempotency** an upload's row and review are named after the upload itself, so an event that is delivered twice, or a
task that is retried, changes nothing. A message is deleted only after its row is written.

**When it fails** uploads that were not logged are retried automatically; after five tries they go to the dead-letter
queue. An image that cannot be detected is logged with the reason and does not hold up the others.
"""

from airflow.sdk import DAG

from label_loop.loop import loops
from label_loop.operators.inbox import DetectUploadsOperator
from label_loop.sensors.inbox import UploadsSensor
from label_loop.wiring import CONTINUOUS, LONGEST_WAIT, dag_arguments

for loop in loops():
    with DAG(**dag_arguments(loop, "detection", __doc__), schedule=CONTINUOUS) as dag:
        wait_for_uploads = UploadsSensor(task_id="wait_for_uploads", loop_path=loop.path, timeout=LONGEST_WAIT)
        detect_uploads = DetectUploadsOperator(task_id="detect_uploads", loop_path=loop.path)
        wait_for_uploads >> detect_uploads
