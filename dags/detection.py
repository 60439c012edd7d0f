"""### Detection: every upload is detected, logged once, and told

Waits, without a worker, for images in `images_for_detection/`; detects each with the model that serves, writes it
to the inference log, publishes it, and sends what is below the minimum confidence to human review.

**Schedule** always: a run waits for uploads and ends when none has come for a while, then the next one waits.
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
from label_loop.operators.inbox import RekognitionDetectUploadsOperator
from label_loop.wiring import CONTINUOUS, dag_arguments

for loop in loops():
    with DAG(**dag_arguments(loop, "detection", __doc__), schedule=CONTINUOUS) as dag:
        RekognitionDetectUploadsOperator(task_id="detect_uploads", loop_path=loop.path)
