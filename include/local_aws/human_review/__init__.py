"""Human review: SageMaker's control plane for it, Amazon A2I's human loops, and a portal for the workers."""

import logging
import threading
from typing import Any

from local_aws.human_review.control_plane import SageMaker
from local_aws.human_review.loops import HumanLoops
from local_aws.human_review.portal import Portal
from local_aws.human_review.runtime import A2iRuntime
from local_aws.human_review.store import Store
from local_aws.services import Service
from local_aws.settings import EndpointSettings

__all__ = ["HumanReview"]

_LOG = logging.getLogger(__name__)
_TICK_SECONDS = 0.1


class HumanReview:
    """The three parts over one store, and the clock that lets loops expire unasked."""

    def __init__(self, settings: EndpointSettings, s3: Any) -> None:
        store = Store()
        self._loops = HumanLoops(store, s3, settings.human_loop_stop_seconds)
        self.services: list[Service] = [SageMaker(settings, store), A2iRuntime(settings, store, self._loops)]
        self.portal = Portal(self._loops)
        self._closing = threading.Event()
        self._clock = threading.Thread(target=self._tick, name="human-loop-clock", daemon=True)

    def start(self) -> None:
        """Let time pass."""
        self._clock.start()

    def close(self) -> None:
        """Stop the clock."""
        self._closing.set()
        self._clock.join(timeout=5)

    def _tick(self) -> None:
        while not self._closing.wait(_TICK_SECONDS):
            try:
                self._loops.advance()
            except Exception:
                _LOG.exception("human loops could not be advanced")
