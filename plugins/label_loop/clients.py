"""A hook for each AWS service that a loop uses, created on first use for the resources in its record."""

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from label_loop.hooks.retries import PATIENT
from label_loop.notifications import Announcer
from label_loop.store import LoopStore

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.config import Config
    from types_boto3_s3 import S3Client

    from label_loop.hooks.inference_log import InferenceLogHook
    from label_loop.hooks.label_history import LabelHistory
    from label_loop.hooks.notification_queue import NotificationQueueHook
    from label_loop.hooks.objects import LoopObjects
    from label_loop.hooks.rekognition import RekognitionHook
    from label_loop.hooks.statistics import StatisticsHook
    from label_loop.review.airflow import AirflowReview
    from label_loop.review.base import ReviewBackend


class Clients:
    """The hooks of one loop. They are imported where they are used: a task needs only some of them."""

    def __init__(self, store: LoopStore, aws_conn_id: str | None = "aws_default", config: "Config" = PATIENT) -> None:
        self.store = store
        self.aws_conn_id = aws_conn_id
        self.config = config
        self._statistics: StatisticsHook | None = None
        self._making = threading.Lock()

    @cached_property
    def rekognition(self) -> "RekognitionHook":
        """Rekognition."""
        from label_loop.hooks.rekognition import RekognitionHook

        return RekognitionHook(aws_conn_id=self.aws_conn_id, config=self.config)

    @cached_property
    def s3(self) -> "S3Hook":
        """The provider's S3 hook."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return S3Hook(aws_conn_id=self.aws_conn_id, config=self.config)

    @property
    def s3_client(self) -> "S3Client":
        """The hook's client, for what the hook lacks."""
        client: S3Client = self.s3.conn
        return client

    @property
    def objects(self) -> "LoopObjects":
        """The objects in the loop's folders."""
        from label_loop.hooks.objects import LoopObjects

        return LoopObjects(self.s3_client, self.store.record.bucket)

    @cached_property
    def queue(self) -> "NotificationQueueHook":
        """The loop's queues."""
        from label_loop.hooks.notification_queue import NotificationQueueHook

        return NotificationQueueHook(aws_conn_id=self.aws_conn_id, config=self.config)

    @cached_property
    def log(self) -> "InferenceLogHook":
        """The inference log."""
        from label_loop.hooks.inference_log import InferenceLogHook

        record = self.store.record
        return InferenceLogHook(
            table=record.log_table,
            index=record.log_index,
            statistics=record.statistics_table,
            aws_conn_id=self.aws_conn_id,
            config=self.config,
        )

    @property
    def statistics(self) -> "StatisticsHook | None":
        """The daily statistics, or None if the loop has no table for them."""
        from label_loop.hooks.statistics import StatisticsHook

        table = self.store.record.statistics_table
        if table and (self._statistics is None or self._statistics.table != table):
            self._statistics = StatisticsHook(table, aws_conn_id=self.aws_conn_id, config=self.config)
        return self._statistics if table else None

    @cached_property
    def label_history(self) -> "LabelHistory | None":
        """What people said of each image, or None if the loop has no table for it."""
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        from label_loop.hooks.label_history import LabelHistory

        table = self.store.record.labels_table
        if table is None:
            return None
        hook = AwsBaseHook(aws_conn_id=self.aws_conn_id, client_type="dynamodb", config=self.config)
        return LabelHistory(hook.conn, table)

    @property
    def review(self) -> "ReviewBackend":
        """The review backend of the loop. Thread-safe. Raises ReviewRefusedError if it is not configured."""
        with self._making:
            return self._review

    @cached_property
    def _review(self) -> "ReviewBackend":
        from label_loop.review.base import review_backend

        return review_backend(self.store.record, self.aws_conn_id, self.config)

    @cached_property
    def reviews(self) -> "AirflowReview":
        """The reviews in the Airflow UI. Raises ReviewRefusedError if the loop has no table for them."""
        from label_loop.review.airflow import AirflowReview

        return AirflowReview(self.store.record, self.aws_conn_id, self.config)

    @cached_property
    def announcer(self) -> Announcer:
        """The publisher for the loop's SNS topic."""
        return Announcer(self.store.loop, self.store.record.topic_arn, self.aws_conn_id)
