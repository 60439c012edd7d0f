"""The contract of a review backend, and which one a loop has."""

from typing import TYPE_CHECKING, Protocol

from label_loop.exceptions import ReviewRefusedError, shown
from label_loop.hooks.retries import PATIENT
from label_loop.payloads import ReviewStarted, ReviewTask
from label_loop.system_record import SystemRecord

if TYPE_CHECKING:
    from botocore.config import Config

A2I, AIRFLOW = "a2i", "airflow"


class ReviewBackend(Protocol):
    """Takes review tasks; the answers arrive as A2I output files in ``a2i-human-loop-data/``."""

    def start(self, task: ReviewTask) -> ReviewStarted:
        """Start a task, or find the one that this detection has already; safe to repeat and to call in threads.

        Raises ReviewRefusedError where the backend does not take tasks of this account or loop at all.
        """
        ...

    def collect(self) -> int:
        """Let answers that are final reach their folder, and return how many did; safe to repeat."""
        ...


def review_backend(record: SystemRecord, aws_conn_id: str | None, config: "Config" = PATIENT) -> ReviewBackend:
    """Return the backend that the loop's record names as ``review_backend``, ``a2i`` where it names none.

    Raises ReviewRefusedError for any other, and for one that the loop lacks something for.
    """
    name = record.review_backend or A2I
    if name == A2I:
        from label_loop.review.a2i import A2IReview

        return A2IReview(record.flow_definition_arn, aws_conn_id, config)
    if name == AIRFLOW:
        from label_loop.review.airflow import AirflowReview

        return AirflowReview(record, aws_conn_id, config)
    raise ReviewRefusedError(
        f"The loop {record.loop.path} names {shown(name)} as its review_backend, which is neither {A2I!r} nor "
        f"{AIRFLOW!r}. Detections are logged without a review; correct it, or set Enable-A2I-Workflow to false."
    )
