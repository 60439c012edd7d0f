"""One loop at work: its settings, its record, and a hook for each service, made when first used."""

import json
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.retries import PATIENT
from label_loop.loop import Loop
from label_loop.notifications import Announcer
from label_loop.parameters import Settings
from label_loop.system_record import SYSTEM_RECORD, SYSTEM_RECORD_DESCRIPTION, SystemRecord
from label_loop.variables import SYNC_STATE, read_settings, variable_text, write_variable

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.config import Config

    from label_loop.hooks.inference_log import InferenceLogHook
    from label_loop.hooks.notification_queue import NotificationQueueHook
    from label_loop.hooks.rekognition import RekognitionHook
    from label_loop.hooks.statistics import StatisticsHook
    from label_loop.review.airflow import AirflowReview
    from label_loop.review.base import ReviewBackend


class LoopContext:
    """What a state needs. The record is read once, and again where it matters, by ``refresh``."""

    def __init__(self, loop: Loop, aws_conn_id: str | None = "aws_default", config: "Config" = PATIENT) -> None:
        self.loop = loop
        self.aws_conn_id = aws_conn_id
        self.config = config
        self._record: SystemRecord | None = None
        self._statistics: StatisticsHook | None = None
        self._refreshing = threading.Lock()
        self._making = threading.Lock()

    @cached_property
    def settings(self) -> Settings:
        """The settings in force when first asked for.

        Before the first sync there are no Variables, and a default could pay for what Parameter Store switches off.
        """
        if variable_text(self.loop, SYNC_STATE) is not None:
            return read_settings(self.loop)
        stored = self.parameter_store.texts(self.loop)
        return read_settings(self.loop, lambda loop, name: variable_text(loop, name) or stored.get(name))

    @property
    def record(self) -> SystemRecord:
        """The system record as last read."""
        return self._record or self.refresh()

    def refresh(self) -> SystemRecord:
        """Read the system record again."""
        self._record = self.parameter_store.record(self.loop)
        return self._record

    def endpoint_after(self, arn: str) -> str | None:
        """Return the endpoint that replaced ``arn``; many threads may ask, one reads."""
        with self._refreshing:
            if self.record.endpoint_arn == arn:
                self.refresh()
            endpoint = self.record.endpoint_arn
        return endpoint if endpoint != arn else None

    def serves(self) -> bool:
        """Return whether the endpoint exists and runs at this moment."""
        arn = self.refresh().endpoint_arn
        versions = self.rekognition.versions(self.record.project_arn) if arn else ()
        return any(version.arn == arn and version.status == "RUNNING" for version in versions)

    def update_record(self, changes: Mapping[str, Any]) -> None:
        """Change keys of the record in Parameter Store, and mirror it as it then is."""
        self._record = self.parameter_store.update_record(self.loop, changes)
        write_variable(self.loop, SYSTEM_RECORD, json.dumps(dict(self._record.values)), SYSTEM_RECORD_DESCRIPTION)

    @cached_property
    def parameter_store(self) -> ParameterStoreHook:
        """Parameter Store."""
        return ParameterStoreHook(aws_conn_id=self.aws_conn_id, config=self.config)

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

    @cached_property
    def queue(self) -> "NotificationQueueHook":
        """The loop's queues."""
        from label_loop.hooks.notification_queue import NotificationQueueHook

        return NotificationQueueHook(aws_conn_id=self.aws_conn_id, config=self.config)

    @cached_property
    def log(self) -> "InferenceLogHook":
        """The inference log."""
        from label_loop.hooks.inference_log import InferenceLogHook

        return InferenceLogHook(
            table=self.record.require("dynamodb_table"),
            index=self.record.require("dynamodb_table_GSI"),
            statistics=self.record.get("statistics_table"),
            aws_conn_id=self.aws_conn_id,
            config=self.config,
        )

    @property
    def statistics(self) -> "StatisticsHook | None":
        """The daily statistics, or None for a loop set up without them."""
        from label_loop.hooks.statistics import StatisticsHook

        table = self.record.get("statistics_table")
        if table and (self._statistics is None or self._statistics.table != table):
            self._statistics = StatisticsHook(table, aws_conn_id=self.aws_conn_id, config=self.config)
        return self._statistics if table else None

    @property
    def review(self) -> "ReviewBackend":
        """The review backend of the loop; many threads may ask, one makes it."""
        with self._making:
            return self._review

    @cached_property
    def _review(self) -> "ReviewBackend":
        from label_loop.review.base import review_backend

        return review_backend(self.record, self.aws_conn_id, self.config)

    @cached_property
    def reviews(self) -> "AirflowReview":
        """The reviews that wait in the Airflow UI. Raises ReviewRefusedError where the loop has no table for them."""
        from label_loop.review.airflow import AirflowReview

        return AirflowReview(self.record, self.aws_conn_id, self.config)

    @cached_property
    def announcer(self) -> Announcer:
        """The loop's topic."""
        return Announcer(self.loop, self.record.topic_arn, self.aws_conn_id)
