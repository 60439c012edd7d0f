"""The contract of a review backend, and the choice of a loop's backend."""

from typing import TYPE_CHECKING, Protocol

from label_loop.exceptions import ReviewRefusedError, shown
from label_loop.hooks.retries import PATIENT
from label_loop.payloads import ReviewStarted, ReviewTask
from label_loop.system_record import SystemRecord

if TYPE_CHECKING:
    from botocore.config import Config

A2I, AIRFLOW = "a2i", "airflow"


class ReviewBackend(Protocol):
    """Accepts review tasks; the answers arrive as A2I output files in ``a2i-human-loop-data/``."""

    def start(self, task: ReviewTask) -> ReviewStarted:
        """Start a task, or return the existing one of the detection. Idempotent and thread-safe.

        Raises ReviewRefusedError if the backend does not accept tasks from this account or loop.
        """
        ...

    def collect(self) -> int:
        """Write final answers to their folder, and return how many. Idempotent."""
        ...


def review_backend(record: SystemRecord, aws_conn_id: str | None, config: "Config" = PATIENT) -> ReviewBackend:
    """Return the backend that the record names as ``review_backend``, by default ``a2i``.

    Raises ReviewRefusedError for an unknown backend, or one that is not set up.
    """
    name = record.review_backend or A2I
    if name == A2I:
        from label_loop.review.a2i import A2IReview

        return A2IReview(record.flow_definition_arn, aws_conn_id, config)
    if name == AIRFLOW:
        from label_loop.review.airflow import AirflowReview

        return AirflowReview(record, aws_conn_id, config)
    raise ReviewRefusedError(
        f"The review_backend of the loop {record.loop.path} is {shown(name)}, but must be {A2I!r} or {AIRFLOW!r}. "
        "Detections are logged without review. Correct it, or set Enable-A2I-Workflow to false."
    )
