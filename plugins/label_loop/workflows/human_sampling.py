"""Human sampling: every n-th detection is reviewed whatever its confidence, for an unbiased measure of the model."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from label_loop.context import LoopContext
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import timestamp
from label_loop.domain.reviews import review_created
from label_loop.domain.sampling import Position, every_nth
from label_loop.payloads import SAMPLING_SOURCE, Event, ReviewStarted, ReviewTask

_BATCH = 100
_THREADS = 8


class HumanSamplingWorkflow:
    """Marks the detections that are due since the last sample, and sends those without a review to review."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    def sample(self) -> int:
        """Take all samples that are due; return how many. An interrupted run is completed by the next one."""
        start = self._start()
        interval = self.context.settings.human_sampling_interval
        due = every_nth(self.context.clients.log.unsampled_since(start.detected_at), after=start, interval=interval)
        # Selected before the first is marked: marking moves a row within the index that is being read.
        chosen = [position.detection_id for position in due]
        for first in range(0, len(chosen), _BATCH):
            self._take(chosen[first : first + _BATCH])
        return len(chosen)

    def _start(self) -> Position:
        """Return the position after which to sample: the last sample, or when sampling was switched on if later.

        If neither is known, as after adopting a deployment of the AWS sample, sampling starts now: old detections are
        not sent to people.
        """
        last = self.context.clients.log.last_sampled()
        since, now = self.context.store.state.sampling_since, timestamp(datetime.now(UTC))
        if since is None and last is None:
            state = self.context.store.change_state(
                lambda state: replace(state, sampling_since=state.sampling_since or now)
            )
            since = state.sampling_since
        switched_on = Position(since or "", "")
        return max(switched_on, last) if last else switched_on

    def _take(self, ids: Sequence[str]) -> None:
        rows = self.context.clients.log.rows(ids)
        with ThreadPoolExecutor(_THREADS) as pool:
            reviews = dict(zip(rows, pool.map(self._send_to_review, rows.values()), strict=True))
        self.context.clients.log.mark_sampled(rows.values(), reviews)
        new = [review_created(_task(rows[id_]), started.name) for id_, started in reviews.items() if started]
        self.context.clients.announcer.publish([*map(_event, rows.values()), *new])

    def _send_to_review(self, row: LogRow) -> ReviewStarted | None:
        """Return the review that was started, or None if one exists already."""
        return None if row.has_review and not row.is_withdrawn else self.context.clients.review.start(_task(row))


def _task(row: LogRow) -> ReviewTask:
    return row.review_task(SAMPLING_SOURCE)


def _event(row: LogRow) -> Event:
    return Event(
        "sample",
        f"{row.key} was sampled for review; detected label: {row.detected_label or 'none'}",
        label=row.detected_label,
        facts={"image": row.image_uri, "detection": row.detection_id},
    )
