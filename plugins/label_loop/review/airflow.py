"""Review in the Airflow UI: tasks are kept in a table, and answers are written in A2I's output format."""

import json
import logging
import time
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from label_loop.domain import desk_order
from label_loop.domain.review_queue import Review, Stage, is_due, output, output_key, released_by
from label_loop.domain.reviewers import agreement
from label_loop.domain.reviews import human_loop_name
from label_loop.exceptions import ReviewRefusedError
from label_loop.hooks.aws_errors import error_code
from label_loop.hooks.retries import PATIENT
from label_loop.hooks.reviews import ReviewsHook
from label_loop.payloads import ReviewStarted, ReviewTask
from label_loop.system_record import SystemRecord

if TYPE_CHECKING:
    from botocore.config import Config

log = logging.getLogger(__name__)

_MOST_RELEASED = 1000  # by one answer


class AirflowReview:
    """Adds reviews to the loop's table, and writes their answers to the folder of answers."""

    def __init__(self, record: SystemRecord, aws_conn_id: str | None, config: "Config" = PATIENT) -> None:
        table = record.reviews_table
        if table is None:
            raise ReviewRefusedError(
                f"The loop {record.loop.path} has no table of reviews (reviews_table). Run "
                f"`python -m label_loop provision {record.loop.path}` to create it."
            )
        self.bucket = record.bucket
        self.table = ReviewsHook(table, aws_conn_id=aws_conn_id, config=config)
        self.table.get_conn()  # created here once, since threads would each create one
        self._aws_conn_id, self._config = aws_conn_id, config

    def start(self, task: ReviewTask) -> ReviewStarted:
        """Add a task to the table; an existing one is not changed."""
        name = human_loop_name(task.detection_id)
        is_new = self.table.add(Review(name, task, time.time())) or self._ask_again(name, task)
        return ReviewStarted(name, name if is_new else None)

    def _ask_again(self, name: str, task: ReviewTask) -> bool:
        """Open a withdrawn review again for a human sample; return whether that was done."""
        review = self.table.get(name) if desk_order.is_sample(task) else None
        if review is None or review.stage is not Stage.DONE or review.answers:
            return False
        return self.table.replace(review.changed(task=task, stage=Stage.OPEN, created_at=time.time(), scored_by=""))

    def collect(self) -> int:
        """Write the answers that can no longer be undone; return how many."""
        now, written = time.time(), 0
        for stage in (Stage.HELD, Stage.SETTLING):
            for review in self.table.queued(stage):
                if is_due(review, now):
                    written += self._settle(review)
        return written

    def agreement(self, month: datetime) -> float | None:
        """Return how far people agree on the images of a month's reviews, as Krippendorff's alpha; None if unknown."""
        return agreement(self.table.overlap(month))

    def _settle(self, review: Review) -> bool:
        if review.stage is Stage.HELD:
            review = review.changed(stage=Stage.SETTLING)
            if not self.table.replace(review):
                return False  # undone, or being written by another process
        self._write(review)
        self._release(review)
        if len(review.reviewers) > 1:
            self.table.add_overlap(review)
        return self.table.replace(review.changed(stage=Stage.DONE))

    def _release(self, answered: Review) -> None:
        """Give the answers to open reviews of equal content, whose own files are written next."""
        if not answered.task.content:
            return
        place = desk_order.place_of_content(answered)
        for review in islice(self.table.ordered(place, f"{place}{desk_order.LAST}"), _MOST_RELEASED):
            is_equal = review.task.content == answered.task.content
            settled = released_by(review, answered, time.time()) if is_equal else None
            if settled:
                self.table.replace(settled)

    def _write(self, review: Review) -> None:
        """Write the answers, unless an interrupted run or another process already has."""
        from botocore.exceptions import ClientError

        body = json.dumps(output(review), ensure_ascii=False).encode()
        try:
            self._s3.put_object(
                Bucket=self.bucket,
                Key=output_key(review),
                Body=body,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error_code(error) != "PreconditionFailed":
                raise
            log.info("The answers of %s have already been written", review.name)

    @cached_property
    def _s3(self) -> Any:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return S3Hook(aws_conn_id=self._aws_conn_id, config=self._config).conn
