"""What a server of forks has before its first fork, so that no process makes it: Airflow, and clients of AWS."""

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.hooks.sns import SnsHook
from tests.chaos import killable

from label_loop.hooks.a2i import AugmentedAIRuntimeHook
from label_loop.hooks.inference_log import InferenceLogHook
from label_loop.hooks.notification_queue import NotificationQueueHook
from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.rekognition import RekognitionHook
from label_loop.hooks.retries import PATIENT


def _make_clients() -> None:
    for kind in (AugmentedAIRuntimeHook, NotificationQueueHook, ParameterStoreHook, RekognitionHook, S3Hook, SnsHook):
        assert kind(aws_conn_id=None, config=PATIENT).conn
    assert InferenceLogHook("any", statistics="any", aws_conn_id=None, config=PATIENT).conn


killable.save_time()
_make_clients()
