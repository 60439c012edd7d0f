"""After a deployment: open reviews are scored again by the new version, and those that it is sure of are withdrawn."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import batched

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import detections
from label_loop.domain.deployment import InferenceUnits
from label_loop.domain.log_row import LogRow
from label_loop.domain.moments import read_moment
from label_loop.domain.pacing import Pacer
from label_loop.domain.review_queue import Review, Stage, rescored, waits_to_teach, withdrawal
from label_loop.domain.statistics import version_name
from label_loop.hooks.rekognition import concerns_the_image, is_not_ready
from label_loop.inbox.sources import uploads_inbox
from label_loop.loop_state import LoopState
from label_loop.payloads import Event, S3Upload
from label_loop.review.base import AIRFLOW

log = logging.getLogger(__name__)

MOST_SECONDS = 5 * 60.0
"""Of one run: a deployment by hand waits until the run has ended."""
_BATCH = 20
_UPLOADS_WAIT_SECONDS = 5.0


@dataclass
class RescoringSummary:
    """How many reviews were scored again, how many of them withdrawn, and whether all are done."""

    rescored: int = 0
    withdrawn: int = 0
    is_complete: bool = False


class RescoringWorkflow:
    """Scores the open reviews that an earlier version made, oldest first, while no upload waits.

    Only reviews in the Airflow UI can be withdrawn. A run has a limit of time; the next one goes on where it ended.
    Human samples and what was drawn are left alone: they are answered whatever a model says of them.
    """

    def __init__(
        self,
        context: LoopContext,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.context = context
        self.clock, self.sleep = clock or time.monotonic, sleep or time.sleep
        self.summary = RescoringSummary()
        self._pacer = Pacer(InferenceUnits.of_settings(context.settings).minimum)

    def is_due(self) -> bool:
        """Return whether the serving version replaced another and has not looked at all open reviews since."""
        state = self.context.store.refresh()
        is_ours = self.context.store.record.review_backend == AIRFLOW and self.context.store.record.reviews_table
        moved = state.endpoint_arn is not None and state.endpoint_moved_at is not None
        is_done = state.rescored_by == state.endpoint_arn and (state.rescored_until or "") >= (
            state.endpoint_moved_at or ""
        )
        return bool(is_ours) and moved and not is_done

    def run(self) -> RescoringSummary:
        """Score reviews again until all are done, the time is up, or the model no longer serves."""
        state, table = self.context.store.state, self.context.clients.reviews.table
        arn, moved_at = str(state.endpoint_arn), str(state.endpoint_moved_at)
        deadline = self.clock() + MOST_SECONDS
        for review in list(table.queued(Stage.WITHDRAWING)):  # left by a run that was killed
            self._end(review)
        until = state.rescored_until if state.rescored_by == arn else None
        for some in batched(self._of_earlier_versions(until, moved_at), _BATCH):
            if not (self._may_go_on(deadline) and self._rescore(some, arn)):
                break
            until = datetime.fromtimestamp(some[-1].created_at, UTC).isoformat()
        else:
            until, self.summary.is_complete = moved_at, True
        self.context.store.change_state(lambda state: _marked(state, arn, until))
        self._announce(arn)
        return self.summary

    def _of_earlier_versions(self, until: str | None, moved_at: str) -> Iterator[Review]:
        begin, end = _seconds(until), _seconds(moved_at)
        for review in self.context.clients.reviews.table.queued(Stage.OPEN, begin):
            if review.created_at > end:
                return
            yield review

    def _may_go_on(self, deadline: float) -> bool:
        """Wait while uploads wait; return whether there is time left."""
        inbox = uploads_inbox(self.context)
        while self.clock() < deadline:
            if not inbox.has_unfinished():
                return True
            self.sleep(_UPLOADS_WAIT_SECONDS)
        return False

    def _rescore(self, some: Sequence[Review], arn: str) -> bool:
        """Score some reviews; return False if the model no longer serves."""
        version, now = version_name(arn), time.time()
        waiting = [one for one in some if one.scored_by != version and waits_to_teach(one, now)]
        rows = self.context.clients.log.rows([one.task.detection_id for one in waiting]) if waiting else {}
        for review in waiting:
            row = rows.get(review.task.detection_id)
            if row is None or row.is_sampled or row.is_answered:
                continue
            self.sleep(self._pacer.delay_seconds(self.clock()))
            try:
                scored = self._scored(row, arn)
            except ClientError as error:
                if is_not_ready(error):
                    return False
                if not concerns_the_image(error):
                    raise
                continue  # the image is gone or unreadable, so people decide
            self._settle(review, version, scored)
        return True

    def _scored(self, row: LogRow, arn: str) -> LogRow:
        """Return the row as it would be if the image were detected now."""
        upload = S3Upload(row.bucket, row.key, row.etag, row.version_id)
        labels = self.context.clients.rekognition.detect(arn, upload)
        return detections.to_log_row(
            upload, labels, settings=self.context.settings, project_version_arn=arn, detected_at=datetime.now(UTC)
        )

    def _settle(self, review: Review, version: str, scored: LogRow) -> None:
        changed = rescored(review, version, scored.detected_label, scored.confidence_percent, is_sure=scored.accepted)
        if not self.context.clients.reviews.table.replace(changed):
            return  # somebody has taken it in the meantime
        self.summary.rescored += 1
        if scored.accepted:
            self._end(changed)

    def _end(self, review: Review) -> None:
        """Log and count a withdrawal, then end the review. Repeated after a crash, it counts once."""
        rows = self.context.clients.log.rows([review.task.detection_id])
        for row in rows.values():
            self.summary.withdrawn += self.context.clients.log.withdraw_review(row, withdrawal(review))
        self.context.clients.reviews.table.replace(review.changed(stage=Stage.DONE))

    def _announce(self, arn: str) -> None:
        if self.summary.withdrawn:
            name, count = version_name(arn), self.summary.withdrawn
            text = f"{count} waiting reviews were withdrawn, since {name} is sure of their images"
            facts = {"version": name, "withdrawn": count, "rescored": self.summary.rescored}
            self.context.clients.announcer.publish([Event("review_withdrawn", text, facts=facts)])


def _marked(state: LoopState, arn: str, until: str | None) -> LoopState:
    """Return the state with the mark moved, unless the endpoint has moved on."""
    return replace(state, rescored_by=arn, rescored_until=until) if state.endpoint_arn == arn else state


def _seconds(moment: str | None) -> float:
    found = read_moment(moment) if moment else None
    return found.timestamp() if found else 0.0
