"""One loop at work: what is stored of it, the clients of its resources, and its settings."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from label_loop.clients import Clients
from label_loop.hooks.retries import PATIENT
from label_loop.loop import Loop
from label_loop.parameters import Settings
from label_loop.store import LoopStore
from label_loop.variables import SYNC_STATE, read_settings, variable_text

if TYPE_CHECKING:
    from botocore.config import Config


@dataclass(frozen=True)
class LoopContext:
    """What a workflow is given of its loop."""

    store: LoopStore
    clients: Clients

    @classmethod
    def of(cls, loop: Loop, aws_conn_id: str | None = "aws_default", config: "Config" = PATIENT) -> Self:
        """Return the context of a task, with nothing read yet."""
        store = LoopStore(loop, aws_conn_id, config)
        return cls(store, Clients(store, aws_conn_id, config))

    @property
    def loop(self) -> Loop:
        """The loop."""
        return self.store.loop

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
        stored = self.store.parameter_store.texts(self.loop)
        return read_settings(self.loop, lambda loop, name: variable_text(loop, name) or stored.get(name))
