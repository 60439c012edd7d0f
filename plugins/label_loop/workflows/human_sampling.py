"""Human sampling: every n-th detection is reviewed whatever its confidence, for an honest view of the model."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from label_loop.context import LoopContext
from label_loop.domain.moments import timestamp
from label_loop.domain.reviews import review_created
from label_loop.domain.sampling import Position, every_nth
from label_loop.payloads import SAMPLING_SOURCE, Event, ReviewTask

_BATCH = 100
_THREADS = 8


class HumanSamplingWorkflow:
    """Marks what qualifies since the last sample, and sends it to review unless it is there already."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    def sample(self) -> int:
        """Take all samples that are due; return how many. A run that was cut is completed by the next."""
        start = self._start()
        interval = self.context.settings.human_sampling_interval
        due = every_nth(self.context.log.unsampled_since(start.detected_at), after=start, interval=interval)
        # The choice is complete before the first mark: a mark moves its row within the index that is read.
        chosen = [position.detection_id for position in due]
        for first in range(0, len(chosen), _BATCH):
            self._take(chosen[first : first + _BATCH])
        return len(chosen)

    def _start(self) -> Position:
        """Return after what sampling goes on: the last sample, or the moment it was switched on, if later.

        Where neither is known, as in a deployment of the AWS sample just taken over, it is switched on now:
        sampling looks forward, and what was detected long ago is not sent to people.
        """
        last = self.context.log.last_sampled()
        since, now = self.context.state.sampling_since, timestamp(datetime.now(UTC))
        if since is None and last is None:
            state = self.context.change_state(lambda state: replace(state, sampling_since=state.sampling_since or now))
            since = state.sampling_since
        switched_on = Position(since or "", "")
        return max(switched_on, last) if last else switched_on

    def _take(self, ids: Sequence[str]) -> None:
        rows = self.context.log.rows(ids)
        with ThreadPoolExecutor(_THREADS) as pool:
            marks = dict(zip(rows, pool.map(self._send_to_review, rows.values()), strict=True))
        self.context.log.mark_sampled(rows.values(), marks)
        new = [review_created(_task(rows[id_]), mark["HumanLoopName"]) for id_, mark in marks.items() if mark]
        self.context.announcer.tell([*map(_event, rows.values()), *new])

    def _send_to_review(self, row: dict[str, Any]) -> dict[str, str]:
        """Return the attributes to set; none where a review exists."""
        if row.get("HumanLoopName"):
            return {}
        started = self.context.review.start(_task(row))
        marks = {"HumanLoopName": started.name, "HumanLoopRequestId": started.request_id}
        return {name: value for name, value in marks.items() if value}


def _task(row: dict[str, Any]) -> ReviewTask:
    return ReviewTask(
        detection_id=row["DetectLabelRequestId"],
        source=SAMPLING_SOURCE,
        image_uri=f"s3://{row['S3Bucket']}/{row['S3ObjectKey']}",
        label=row["DetectedLabel"],
        confidence_percent=float(row["DetectedConfidenceLevel"]),
        version_id=row.get("S3ObjectVersionId"),
    )


def _event(row: dict[str, Any]) -> Event:
    return Event(
        "sample",
        f"{row['S3ObjectKey']} is in the human sample; the model said {row['DetectedLabel'] or 'no label'}",
        label=row["DetectedLabel"],
        facts={"image": f"s3://{row['S3Bucket']}/{row['S3ObjectKey']}", "detection": row["DetectLabelRequestId"]},
    )
