"""A loop's settings, record and state, and a hook for each AWS service, created on first use."""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from label_loop.exceptions import StateChangedError
from label_loop.hooks.aws_errors import reason
from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.retries import PATIENT
from label_loop.loop import Loop
from label_loop.loop_state import LoopState, Mark
from label_loop.notifications import Announcer
from label_loop.parameters import Settings
from label_loop.system_record import SYSTEM_RECORD, SYSTEM_RECORD_DESCRIPTION, SystemRecord
from label_loop.variables import SYNC_STATE, read_settings, variable_text, write_variable

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.config import Config

    from label_loop.hooks.inference_log import InferenceLogHook
    from label_loop.hooks.loop_state import LoopStateHook, LoopStateStore
    from label_loop.hooks.notification_queue import NotificationQueueHook
    from label_loop.hooks.rekognition import RekognitionHook
    from label_loop.hooks.statistics import StatisticsHook
    from label_loop.review.airflow import AirflowReview
    from label_loop.review.base import ReviewBackend


log = logging.getLogger(__name__)

_MAX_TRIES = 10  # of a change that conflicts with concurrent ones


class LoopContext:
    """What a workflow needs of its loop. The state is cached until ``refresh`` reads it again."""

    def __init__(self, loop: Loop, aws_conn_id: str | None = "aws_default", config: "Config" = PATIENT) -> None:
        self.loop = loop
        self.aws_conn_id = aws_conn_id
        self.config = config
        self._record: SystemRecord | None = None
        self._state: LoopState | None = None
        self._state_hook: LoopStateHook | None = None
        self._statistics: StatisticsHook | None = None
        self._refreshing = threading.Lock()
        self._making = threading.Lock()

    @cached_property
    def settings(self) -> Settings:
        """The settings in force at first use."""
        return self.read_settings()

    def read_settings(self) -> Settings:
        """Return the settings in force now.

        Before the first sync there are no Variables yet: then Parameter Store is read, since a default could start and
        bill what is switched off there.
        """
        if variable_text(self.loop, SYNC_STATE) is not None:
            return read_settings(self.loop)
        stored = self.parameter_store.texts(self.loop)
        return read_settings(self.loop, lambda loop, name: variable_text(loop, name) or stored.get(name))

    @property
    def record(self) -> SystemRecord:
        """The system record as last read. Raises LoopNotSetUpError if it is missing."""
        record = self._record
        if record is None:
            record = self._record = self.parameter_store.record(self.loop)
        return record

    @property
    def state(self) -> LoopState:
        """The loop's state as last read."""
        return self._state or self.refresh()

    def refresh(self) -> LoopState:
        """Read the loop's state again and return it."""
        if not self.record.state_table:
            self._record = None  # the loop may have been given a state table since
        state = self._state = self._state_store.read()
        return state

    def change_state(self, transition: Callable[[LoopState], LoopState]) -> LoopState:
        """Apply a pure function to the loop's state, store the result, and return it.

        After a concurrent change the function is called again with the new state, up to 10 times. Nothing is written
        if it returns an equal state. Raises StateChangedError if every attempt conflicts.
        """
        before = self.state
        for _ in range(_MAX_TRIES):
            after = transition(before)
            if after == before:
                return before
            after = replace(after, revision=before.revision + 1)
            if self._state_store.write(before, after):
                self._state = after
                self._mirror(before, after)
                return after
            before = self.refresh()
        raise StateChangedError(self.loop.path, _MAX_TRIES)

    def advance(self, mark: Mark, moment: str) -> None:
        """Move a mark forward to a moment in ISO 8601; a later mark is kept."""
        self.change_state(lambda state: state.advanced(mark, moment))

    def _mirror(self, before: LoopState, after: LoopState) -> None:
        """Copy the AWS sample's values to the system record, unless the state is stored in the record anyway."""
        values = after.sample_values()
        if not self.record.state_table or values == before.sample_values():
            return
        try:
            record = self.parameter_store.update_record(self.loop, values)
            self._mirror_record(json.dumps(dict(record.values)))
        except Exception as error:  # the state itself is stored; the next change mirrors it too
            log.warning("Could not mirror the state of %s to its system record: %s", self.loop.path, reason(error))

    def _mirror_record(self, text: str) -> None:
        write_variable(self.loop, SYSTEM_RECORD, text, SYSTEM_RECORD_DESCRIPTION)

    @property
    def _state_store(self) -> "LoopStateStore":
        from label_loop.hooks.loop_state import LoopStateHook, RecordedLoopState

        table = self.record.state_table
        if table is None:
            return RecordedLoopState(self.loop, self.parameter_store)
        if self._state_hook is None or self._state_hook.table != table:
            arguments = {"aws_conn_id": self.aws_conn_id, "config": self.config}
            self._state_hook = LoopStateHook(table, self.loop, self.parameter_store, **arguments)
        return self._state_hook

    def endpoint_after(self, arn: str) -> str | None:
        """Return the endpoint that replaced ``arn``, or None. Thread-safe: concurrent callers share one read."""
        with self._refreshing:
            if self.state.endpoint_arn == arn:
                self.refresh()
            endpoint = self.state.endpoint_arn
        return endpoint if endpoint != arn else None

    def is_serving(self) -> bool:
        """Return whether the endpoint is a version with the status RUNNING; reads both from AWS."""
        arn = self.refresh().endpoint_arn
        versions = self.rekognition.versions(self.record.project_arn) if arn else ()
        return any(version.arn == arn and version.status == "RUNNING" for version in versions)

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
            table=self.record.log_table,
            index=self.record.log_index,
            statistics=self.record.statistics_table,
            aws_conn_id=self.aws_conn_id,
            config=self.config,
        )

    @property
    def statistics(self) -> "StatisticsHook | None":
        """The daily statistics, or None if the loop has no table for them."""
        from label_loop.hooks.statistics import StatisticsHook

        table = self.record.statistics_table
        if table and (self._statistics is None or self._statistics.table != table):
            self._statistics = StatisticsHook(table, aws_conn_id=self.aws_conn_id, config=self.config)
        return self._statistics if table else None

    @property
    def review(self) -> "ReviewBackend":
        """The review backend of the loop. Thread-safe. Raises ReviewRefusedError if it is not configured."""
        with self._making:
            return self._review

    @cached_property
    def _review(self) -> "ReviewBackend":
        from label_loop.review.base import review_backend

        return review_backend(self.record, self.aws_conn_id, self.config)

    @cached_property
    def reviews(self) -> "AirflowReview":
        """The reviews in the Airflow UI. Raises ReviewRefusedError if the loop has no table for them."""
        from label_loop.review.airflow import AirflowReview

        return AirflowReview(self.record, self.aws_conn_id, self.config)

    @cached_property
    def announcer(self) -> Announcer:
        """The publisher for the loop's SNS topic."""
        return Announcer(self.loop, self.record.topic_arn, self.aws_conn_id)
