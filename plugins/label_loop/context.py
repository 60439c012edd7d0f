"""One loop at work: its settings, its record, its state, and a hook for each service, made when first used."""

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

_MOST_TRIES = 10  # of a change that others are in the way of


class LoopContext:
    """What a workflow needs. The loop's state is read once, and again where it matters, by ``refresh``."""

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
        """The settings in force when first asked for."""
        return self.read_settings()

    def read_settings(self) -> Settings:
        """Return the settings in force now.

        Before the first sync there are no Variables, and a default could pay for what Parameter Store switches off.
        """
        if variable_text(self.loop, SYNC_STATE) is not None:
            return read_settings(self.loop)
        stored = self.parameter_store.texts(self.loop)
        return read_settings(self.loop, lambda loop, name: variable_text(loop, name) or stored.get(name))

    @property
    def record(self) -> SystemRecord:
        """The system record as last read: the names of the loop's resources."""
        record = self._record
        if record is None:
            record = self._record = self.parameter_store.record(self.loop)
        return record

    @property
    def state(self) -> LoopState:
        """The loop's state as last read."""
        return self._state or self.refresh()

    def refresh(self) -> LoopState:
        """Read the loop's state again."""
        if not self.record.state_table:
            self._record = None  # it may have a table by now, and then the state is there
        state = self._state = self._state_store.read()
        return state

    def change_state(self, transition: Callable[[LoopState], LoopState]) -> LoopState:
        """Change the loop's state by a pure function of it, and return it.

        The function is called again with the state as it then is where something else changed that meanwhile; where
        it returns what it was given, nothing is written. Raises StateChangedError where others are in the way again
        and again.
        """
        before = self.state
        for _ in range(_MOST_TRIES):
            after = transition(before)
            if after == before:
                return before
            after = replace(after, revision=before.revision + 1)
            if self._state_store.write(before, after):
                self._state = after
                self._mirror(before, after)
                return after
            before = self.refresh()
        raise StateChangedError(self.loop.path, _MOST_TRIES)

    def advance(self, mark: Mark, moment: str) -> None:
        """Move a mark on to a moment, unless it is at a later one."""
        self.change_state(lambda state: state.advanced(mark, moment))

    def _mirror(self, before: LoopState, after: LoopState) -> None:
        """Write into the system record what the AWS sample has there; a loop without a table has it there already."""
        values = after.sample_values()
        if not self.record.state_table or values == before.sample_values():
            return
        try:
            record = self.parameter_store.update_record(self.loop, values)
            self._mirror_record(json.dumps(dict(record.values)))
        except Exception as error:  # the state is written, and is what counts; the next change mirrors it as well
            log.warning("The state of %s is not mirrored in its system record: %s", self.loop.path, reason(error))

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
        """Return the endpoint that replaced ``arn``; many threads may ask, one reads."""
        with self._refreshing:
            if self.state.endpoint_arn == arn:
                self.refresh()
            endpoint = self.state.endpoint_arn
        return endpoint if endpoint != arn else None

    def serves(self) -> bool:
        """Return whether the endpoint exists and runs at this moment."""
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
        """The daily statistics, or None for a loop set up without them."""
        from label_loop.hooks.statistics import StatisticsHook

        table = self.record.statistics_table
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
