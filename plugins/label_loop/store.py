"""What is stored of a loop while it runs: its system record and its state."""

import json
import logging
import secrets
import threading
import time
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
from label_loop.system_record import SYSTEM_RECORD, SYSTEM_RECORD_DESCRIPTION, SystemRecord
from label_loop.variables import write_variable

if TYPE_CHECKING:
    from botocore.config import Config

    from label_loop.hooks.loop_state import LoopStateHook, LoopStateStore

log = logging.getLogger(__name__)

_MAX_TRIES = 10  # of a change that conflicts with concurrent ones


class LoopStore:
    """A loop's record and state, cached.

    :param max_age_seconds: how old what is cached may become; by default it is kept until ``refresh``
    :param writes_variables: whether the record's Variable follows the record; only tasks write Variables
    """

    def __init__(
        self,
        loop: Loop,
        aws_conn_id: str | None = "aws_default",
        config: "Config" = PATIENT,
        *,
        max_age_seconds: float = float("inf"),
        writes_variables: bool = True,
    ) -> None:
        self.loop = loop
        self.aws_conn_id = aws_conn_id
        self.config = config
        self.max_age_seconds = max_age_seconds
        self.writes_variables = writes_variables
        self._record: SystemRecord | None = None
        self._state: LoopState | None = None
        self._hook: LoopStateHook | None = None
        self._read_at = time.monotonic()
        self._refreshing = threading.Lock()

    @cached_property
    def parameter_store(self) -> ParameterStoreHook:
        """Parameter Store."""
        return ParameterStoreHook(aws_conn_id=self.aws_conn_id, config=self.config)

    @property
    def record(self) -> SystemRecord:
        """The system record as last read. Raises LoopNotSetUpError if it is missing."""
        self._drop_stale()
        record = self._record
        if record is None:
            record = self._record = self.parameter_store.record(self.loop)
        return record

    @property
    def state(self) -> LoopState:
        """The loop's state as last read."""
        self._drop_stale()
        return self._state or self.refresh()

    def refresh(self) -> LoopState:
        """Read the loop's state again and return it."""
        if not self.record.state_table:
            self._record = None  # the loop may have been given a state table since
        state = self._state = self._state_store.read()
        return state

    def forget(self) -> None:
        """Drop what is cached."""
        self._record = self._state = None
        self._read_at = time.monotonic()

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

    @property
    def sampling_secret(self) -> str:
        """The secret that the draws of human samples depend on; made on first use.

        It is kept in the state, since all tasks have to draw alike, and only the loop's role reads that table. A loop
        without the table has its state in the record, which is mirrored in a Variable; its draws depend on its path.
        """
        if not self.record.state_table:
            return self.loop.path
        new = secrets.token_hex(32)
        state = self.state
        if state.sampling_secret is None:
            state = self.change_state(
                lambda state: state if state.sampling_secret else replace(state, sampling_secret=new)
            )
        return str(state.sampling_secret)

    def endpoint_after(self, arn: str) -> str | None:
        """Return the endpoint that replaced ``arn``, or None. Thread-safe: concurrent callers share one read."""
        with self._refreshing:
            if self.state.endpoint_arn == arn:
                self.refresh()
            endpoint = self.state.endpoint_arn
        return endpoint if endpoint != arn else None

    def _drop_stale(self) -> None:
        if time.monotonic() - self._read_at > self.max_age_seconds:
            self.forget()

    def _mirror(self, before: LoopState, after: LoopState) -> None:
        """Copy the AWS sample's values to the system record, unless the state is stored in the record anyway."""
        values = after.sample_values()
        if not self.record.state_table or values == before.sample_values():
            return
        try:
            record = self.parameter_store.update_record(self.loop, values)
            if self.writes_variables:
                text = json.dumps(dict(record.values))
                write_variable(self.loop, SYSTEM_RECORD, text, SYSTEM_RECORD_DESCRIPTION)
        except Exception as error:  # the state itself is stored; the next change mirrors it too
            log.warning("Could not mirror the state of %s to its system record: %s", self.loop.path, reason(error))

    @property
    def _state_store(self) -> "LoopStateStore":
        from label_loop.hooks.loop_state import LoopStateHook, RecordedLoopState

        table = self.record.state_table
        if table is None:
            return RecordedLoopState(self.loop, self.parameter_store)
        if self._hook is None or self._hook.table != table:
            arguments = {"aws_conn_id": self.aws_conn_id, "config": self.config}
            self._hook = LoopStateHook(table, self.loop, self.parameter_store, **arguments)
        return self._hook
