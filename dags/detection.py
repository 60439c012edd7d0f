"""### Detection: every upload is detected, logged once, and announced

The sensor `wait_for_uploads` waits, without a worker, for images in `images_for_detection/` and for a model that
serves. `detect_uploads` detects each image with it, writes it to the inference log, publishes it, and sends what is
below the minimum confidence to human review.

**Schedule** always: a run ends when no upload has come for a while, then the next one waits.
Uploads that come before a model serves are kept, and detected as soon as one does. A model without uploads for
`Idle-Model-Stop-Minutes` is stopped, and started again by the next upload; one that a person stopped is not. Where
scheduled training checks are off, a run stops what runs without serving, at least once every
`Automatic-Training-Poll-Frequency` minutes.

**Variables read** `Minimum-Label-Detection-Confidence`, `Enable-A2I-Workflow`, `Minimum-Inference-Units`,
`Maximum-Inference-Units`, `Idle-Model-Stop-Minutes`, `Enable-Automatic-Training`, `Automatic-Training-Poll-Frequency`.

**Idempotency** an upload's row and review task are named after the upload itself, so an event that is delivered
twice, or a task that is repeated, changes nothing. A message is deleted only after its row is written.

**When it fails** the uploads that were not logged come again by themselves; after five tries they are in the
dead-letter queue. An image that cannot be detected is logged with its reason and holds up no other.
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
