"""Human sampling: one detection of each block is reviewed whatever its confidence, to measure how good the model is."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched

from label_loop.context import LoopContext
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import timestamp
from label_loop.domain.reviews import review_created
from label_loop.domain.sampling import Block, Position, closed_blocks
from label_loop.loop_state import LoopState
from label_loop.payloads import SAMPLING_SOURCE, Event, ReviewStarted, ReviewTask

MINIMUM_AGE_MINUTES = 10
_BATCH = 100
_THREADS = 8


class HumanSamplingWorkflow:
    """Marks the samples of the blocks that are closed, and sends those without a review to review."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    def sample(self, minimum_age_minutes: int = MINIMUM_AGE_MINUTES) -> int:
        """Take the samples of all closed blocks; return how many. An interrupted run is completed by the next one.

        A block is closed once it has `Human-Sampling-Interval` detections, the last of them of the minimum age:
        detections made at once are not written in the order of their times, and the index follows the table later.
        What is written behind a closed block, or is in none yet, is in no sample.
        """
        log, start = self.context.clients.log, self._start()
        sampled = {Position(row.detected_at, row.detection_id): row for row in log.sampled_since(start.detected_at)}
        blocks = closed_blocks(
            log.positions_since(start.detected_at),
            after=start,
            length=self.context.settings.human_sampling_interval,
            until=timestamp(datetime.now(UTC) - timedelta(minutes=minimum_age_minutes)),
            taken={at: row.sample_weight for at, row in sampled.items() if row.sample_weight and at > start},
            secret=self.context.store.sampling_secret,
        )
        # Selected before the first is marked: marking moves a row within the index that is being read.
        return sum(self._take(some) for some in batched(list(blocks), _BATCH))

    def _start(self) -> Position:
        """Return the position after which to sample: the last block, or when sampling was switched on if later.

        The first check begins after the last sample there is, as in a deployment of the AWS sample that was adopted. If
        there is none, and sampling was never switched on, it begins now: old detections are not sent to people.
        """
        state = self.context.store.state
        if state.sampled_until is None:
            last = self.context.clients.log.last_sampled()
            begin = Position(state.sampling_since or "", "")
            begin = max(begin, last) if last else begin
            state = self._move_mark(begin if begin.detected_at else Position(timestamp(datetime.now(UTC)), ""))
        return max(_mark(state), Position(state.sampling_since or "", ""))

    def _move_mark(self, end: Position) -> LoopState:
        return self.context.store.change_state(
            lambda state: (
                state
                if _mark(state) >= end
                else replace(state, sampled_until=end.detected_at, sampled_until_id=end.detection_id or None)
            )
        )

    def _take(self, blocks: Sequence[Block]) -> int:
        """Mark the samples of blocks and send them to review, then move the mark behind the blocks."""
        lengths = {block.drawn_id: block.length for block in blocks if block.drawn_id is not None}
        rows = {id_: row for id_, row in self.context.clients.log.rows(list(lengths)).items() if not row.is_sampled}
        with ThreadPoolExecutor(_THREADS) as pool:
            reviews = dict(zip(rows, pool.map(self._send_to_review, rows.values()), strict=True))
        self.context.clients.log.mark_sampled(rows.values(), reviews, lengths)
        self._move_mark(blocks[-1].end)
        new = [review_created(_task(rows[id_]), started.name) for id_, started in reviews.items() if started]
        self.context.clients.announcer.publish([*map(_event, rows.values()), *new])
        return len(rows)

    def _send_to_review(self, row: LogRow) -> ReviewStarted | None:
        """Return the review that was started, or None if one exists already."""
        return None if row.has_review else self.context.clients.review.start(_task(row))


def _mark(state: LoopState) -> Position:
    return Position(state.sampled_until or "", state.sampled_until_id or "")


def _task(row: LogRow) -> ReviewTask:
    return row.review_task(SAMPLING_SOURCE)


def _event(row: LogRow) -> Event:
    return Event(
        "sample",
        f"{row.key} was sampled for review; detected label: {row.detected_label or 'none'}",
        label=row.detected_label,
        facts={"image": row.image_uri, "detection": row.detection_id},
    )
