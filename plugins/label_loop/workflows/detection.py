"""Detection: each upload is detected, logged once, sent to review if below the minimum confidence, and announced."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import detections
from label_loop.domain.deployment import InferenceUnits
from label_loop.domain.folders import Folder
from label_loop.domain.log_row import LogRow, shown_percent
from label_loop.domain.moments import timestamp
from label_loop.domain.pacing import Pacer
from label_loop.domain.reviews import review_created
from label_loop.domain.sampling import drawn_chance, is_drawn
from label_loop.domain.statistics import GIVEN_UP, StatisticsKey
from label_loop.exceptions import NoServingModelError, ReviewRefusedError, UnfinishedWorkError
from label_loop.hooks.aws_errors import error_code, is_server_error, reason
from label_loop.hooks.rekognition import is_not_ready
from label_loop.inbox.base import Delivery, Inbox
from label_loop.payloads import UPLOADS_FOLDER, WORKFLOW_SOURCE, Event, ProjectVersion, S3Upload
from label_loop.workflows.review_budget import ReviewBudget

log = logging.getLogger(__name__)

# The worker waits this long for further uploads, which saves them the delay of a task start.
LINGER_SECONDS = 10
MAX_RUN_SECONDS = 15 * 60
_THREADS = 16


@dataclass
class DetectionSummary:
    """The number of uploads with each outcome in a run, and the problems."""

    detected: int = 0
    accepted: int = 0
    sent_to_review: int = 0
    withheld: int = 0
    failed: int = 0
    repeated: int = 0
    ignored: int = 0
    unfinished: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    """Deliveries in progress: the ids that need no further work, the new ids, and the rows of new detections."""

    deliveries: Sequence[Delivery]
    settled: Set[str]
    fresh: Set[str]
    detected: Sequence[LogRow]


class DetectionWorkflow:
    """Drains an inbox of uploads. An upload is done once its row is written; until then it is redelivered."""

    def __init__(
        self,
        context: LoopContext,
        inbox: Inbox,
        clock: Callable[[], float] = time.monotonic,
        serving: ProjectVersion | None = None,
    ) -> None:
        self.context = context
        self.inbox = inbox
        self.clock = clock
        self.summary = DetectionSummary()
        # The autoscaling maximum: Rekognition adds units only under more load than the running ones can serve.
        units = _units(context, serving)
        self._pacer = Pacer(units.maximum or units.minimum)
        context.clients.rekognition.on_retries = lambda: self._pacer.throttled(self.clock())
        self._being_written: set[str] = set()
        self._reasons: dict[str, str] = {}  # why an upload failed, by detection id
        self._failed_in_rekognition: set[str] = set()
        self._model_is_gone = False
        self._settings = context.settings
        self._secret = ""
        self._budget = ReviewBudget(context)

    def drain(self, first: Sequence[Delivery] = ()) -> DetectionSummary:
        """Process deliveries until none arrives within ``LINGER_SECONDS``, or the run has lasted 15 minutes.

        Raises UnfinishedWorkError at the end if uploads failed (they are redelivered), or reviews were refused.
        """
        deadline = self.clock() + MAX_RUN_SECONDS
        deliveries = list(first) or self.inbox.receive(wait_seconds=1)
        # One batch is written while the next is detected, since the model is billed by the hour.
        with ThreadPoolExecutor(_THREADS) as pool, ThreadPoolExecutor(1) as writer:
            writing: Future[None] | None = None
            while deliveries:
                batch = self._detect_batch(deliveries, pool)
                if writing:
                    writing.result()
                writing = writer.submit(self._settle_batch, batch, pool)
                may_go_on = self.clock() < deadline and not self._model_is_gone
                deliveries = self.inbox.receive(wait_seconds=LINGER_SECONDS) if may_go_on else []
            if writing:
                writing.result()
        if self.summary.problems:
            raise UnfinishedWorkError(self.summary.unfinished, self.summary.problems)
        return self.summary

    def _detect_batch(self, deliveries: Sequence[Delivery], pool: ThreadPoolExecutor) -> _Batch:
        self._settings = self.context.read_settings()  # so that a change takes effect during a long run
        uploads = {u.detection_id: u for d in deliveries for u in d.events if isinstance(u, S3Upload)}
        wanted = {id_: upload for id_, upload in uploads.items() if _is_upload(upload)}
        known = self.context.clients.log.rows(list(wanted)) if wanted else {}
        being_written = set(self._being_written)
        fresh = {id_: upload for id_, upload in wanted.items() if id_ not in known and id_ not in being_written}
        self.summary.ignored += len(uploads) - len(wanted)
        self.summary.repeated += len(wanted) - len(fresh)
        self._being_written |= fresh.keys()
        # Once here, or each thread would create a client and read the state.
        self.context.clients.rekognition.get_conn()
        _ = self.context.store.state
        self._secret = self.context.store.sampling_secret
        detected = self._each(list(fresh.values()), self._detect, pool, pace=True)
        self.summary.unfinished += len(fresh) - len(detected)
        # An upload that is being written is not settled: its duplicate message is redelivered, then found in the log.
        return _Batch(deliveries, uploads.keys() - fresh.keys() - being_written, fresh.keys(), detected)

    def _settle_batch(self, batch: _Batch, pool: ThreadPoolExecutor) -> None:
        try:
            settled = batch.settled | self._write_batch(batch, pool)
        except Exception as error:
            self.inbox.failed(dict.fromkeys(batch.deliveries, reason(error)))
            raise
        done = [d for d in batch.deliveries if all(_is_settled(event, settled) for event in d.events)]
        self.inbox.done(done)
        given_up = self.inbox.failed({d: why for d in batch.deliveries if d not in done and (why := self._why(d))})
        self._count_given_up(given_up)
        self._being_written -= batch.fresh

    def _count_given_up(self, deliveries: Sequence[Delivery]) -> None:
        """Count the uploads that Rekognition has failed on for good; they have no row to be counted with."""
        ids = {id_ for delivery in deliveries for id_ in map(_id, delivery.events)} & self._failed_in_rekognition
        statistics, arn = self.context.clients.statistics, self.context.store.state.endpoint_arn
        if ids and statistics and arn:
            key = StatisticsKey.of_given_up(timestamp(datetime.now(UTC))[:10], arn)
            statistics.add({key: Counter({GIVEN_UP: len(ids)})})

    def _write_batch(self, batch: _Batch, pool: ThreadPoolExecutor) -> Set[str]:
        """Send to review, write and announce; return the ids that are settled."""
        within_budget = self._budget.applied(self._drawn(batch.detected), self._settings)
        reviewed = self._each(within_budget, self._send_to_review, pool)
        written = set(self.context.clients.log.put_new(reviewed))
        self._count_and_publish([row for row in reviewed if row.detection_id in written])
        self.summary.unfinished += len(batch.detected) - len(reviewed)
        return {row.detection_id for row in reviewed}

    def _why(self, delivery: Delivery) -> str:
        """Return why a delivery failed, or "" if it did not."""
        return next((self._reasons[id_] for id_ in map(_id, delivery.events) if id_ in self._reasons), "")

    def _each[T: S3Upload | LogRow](
        self, items: Sequence[T], work: Callable[[T], LogRow], pool: ThreadPoolExecutor, *, pace: bool = False
    ) -> list[LogRow]:
        """Return the results of the items that succeeded; failures are recorded and do not affect other items."""
        futures: list[Future[LogRow]] = []
        for item in items:
            if pace:
                time.sleep(self._pacer.delay_seconds(self.clock()))
            futures.append(pool.submit(work, item))
        results = []
        for item, future in zip(items, futures, strict=True):
            try:
                results.append(future.result())
            except Exception as error:  # a failure of one upload must not stop the others; it is raised at the end
                self._model_is_gone |= isinstance(error, NoServingModelError)
                log.warning("An upload failed and will be retried: %s", error)
                self._reasons[_id(item)] = reason(error)
                self.summary.problems.append(reason(error))
        return results

    def _detect(self, upload: S3Upload) -> LogRow:
        arn = self.context.store.state.endpoint_arn
        if arn is None:
            raise NoServingModelError(f"The loop {self.context.loop.path} has no deployed model.")
        Folder(self.context.store.record.bucket, UPLOADS_FOLDER).check(upload.bucket, upload.key)
        try:
            labels = self.context.clients.rekognition.detect(arn, upload)
        except ClientError as error:
            return self._after_error(upload, arn, error)
        return self._decide(upload, arn, labels)

    def _after_error(self, upload: S3Upload, arn: str, error: ClientError) -> LogRow:
        if is_not_ready(error):
            replacement = self.context.store.endpoint_after(arn)
            if replacement is None:
                raise NoServingModelError(f"The model {arn} is not running.") from error
            return self._decide(upload, replacement, self.context.clients.rekognition.detect(replacement, upload))
        problem = self._problem(upload, error)
        if problem is None:
            if is_server_error(error):
                self._failed_in_rekognition.add(upload.detection_id)
            raise error
        return detections.failed(self._decide(upload, arn, []), error_code(error), problem)

    def _problem(self, upload: S3Upload, error: ClientError) -> str | None:
        """Return why an upload cannot be detected for good, or None if a retry may succeed."""
        code = error_code(error)
        if code == "InvalidS3ObjectException":
            # Rekognition returns it for a missing or archived object, but also for missing permission to read any.
            problem = self.context.clients.objects.problem(upload, UPLOADS_FOLDER, error)
            return problem and f"the image {problem}"
        return detections.UNDETECTABLE.get(code)

    def _decide(self, upload: S3Upload, arn: str, labels: Sequence[Mapping[str, Any]]) -> LogRow:
        return detections.to_log_row(
            upload,
            labels,
            settings=self._settings,
            project_version_arn=arn,
            detected_at=datetime.now(UTC),
            minimums=self.context.store.state.label_minimums,
        )

    def _drawn(self, rows: Sequence[LogRow]) -> list[LogRow]:
        """Return the rows, with the chance on those that are drawn of those that need review."""
        drawn = []
        for row in rows:
            unsure = self._budget.unsure_per_day(row.detected_at[:10], self._settings) if row.needs_review else 0.0
            chance = drawn_chance(self._settings.review_budget_per_day, unsure)
            is_chosen = row.needs_review and is_drawn(row.detection_id, chance, self._secret)
            drawn.append(replace(row, drawn_chance=chance) if is_chosen else row)
        return drawn

    def _send_to_review(self, row: LogRow) -> LogRow:
        if not row.needs_review or row.withheld:
            return row
        try:
            started = self.context.clients.review.start(row.review_task(WORKFLOW_SOURCE))
        except ReviewRefusedError as error:
            # The detection itself succeeded: it is logged with the reason why it was not sent to review.
            if str(error) not in self.summary.problems:
                self.summary.problems.append(str(error))
            return replace(row, review_failure=type(error).__name__)
        return row.with_review(started)

    def _count_and_publish(self, written: Sequence[LogRow]) -> None:
        for row in written:
            self.summary.detected += row.failure is None
            self.summary.failed += row.failure is not None
            self.summary.accepted += row.accepted
            self.summary.sent_to_review += row.has_review
            self.summary.withheld += row.withheld
        reviews = (row for row in written if row.has_review)
        self.context.clients.announcer.publish([*map(_event, written), *map(_review_event, reviews)])


def _id(item: object) -> str:
    """Return the detection id of an upload or a row; "" for anything else."""
    if isinstance(item, S3Upload):
        return item.detection_id
    return item.detection_id if isinstance(item, LogRow) else ""


def _units(context: LoopContext, serving: ProjectVersion | None) -> InferenceUnits:
    """Return the running inference units, or if unknown those set by the parameters."""
    if serving and serving.inference_units:
        return InferenceUnits(serving.inference_units, serving.maximum_inference_units)
    return InferenceUnits.of_settings(context.settings)


def _is_upload(upload: S3Upload) -> bool:
    return not upload.key.endswith("/")  # else it is the marker of a folder


def _is_settled(event: object, settled: Set[str]) -> bool:
    return not isinstance(event, S3Upload) or event.detection_id in settled


def _event(row: LogRow) -> Event:
    name = row.key.removeprefix(UPLOADS_FOLDER)
    facts = {
        "image": row.image_uri,
        "detection": row.detection_id,
        "label": row.detected_label,
        "confidence": row.confidence_percent,
        "in_review": row.has_review,
    }
    if row.failure is not None:
        text = f"{name}: detection failed ({row.failure})"
        return Event("detection", text, accepted=False, facts={**facts, "failure": row.failure})
    verdict = "accepted" if row.accepted else "not accepted"
    text = f"{name}: {row.detected_label or 'no label'} at {shown_percent(row.confidence_percent):.1f} %, {verdict}"
    return Event("detection", text, label=row.detected_label, accepted=row.accepted, facts=facts)


def _review_event(row: LogRow) -> Event:
    return review_created(row.review_task(WORKFLOW_SOURCE), str(row.human_loop_name))
