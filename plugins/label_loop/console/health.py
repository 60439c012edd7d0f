"""A loop's health from a few calls to AWS: the serving version, the backlog, and the cost."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from label_loop.console.prices import inference_unit_usd_per_hour
from label_loop.context import LoopContext
from label_loop.domain.costs import Cost, cost, detections_in_last_day
from label_loop.domain.deployment import BILLED, RUNNING
from label_loop.domain.idleness import is_asleep
from label_loop.domain.review_queue import Stage
from label_loop.domain.statistics import DETECTIONS
from label_loop.exceptions import ReviewRefusedError
from label_loop.model_project import ModelProject
from label_loop.payloads import ProjectVersion
from label_loop.review.base import AIRFLOW


@dataclass(frozen=True)
class ModelHealth:
    """The endpoint (the version that should serve; None before the first deployment), and all versions billed now.

    ``since`` is when the endpoint last changed (ISO 8601); ``stopped_because`` is why it was stopped, if it was.
    """

    endpoint: ProjectVersion | None
    since: str | None
    billed: list[ProjectVersion]
    cost: Cost
    stopped_because: str | None = None

    @property
    def is_serving(self) -> bool:
        """Whether uploads are detected now."""
        return self.endpoint is not None and self.endpoint.status == RUNNING

    @property
    def is_asleep(self) -> bool:
        """Whether it was stopped as idle, so that the next upload starts it, or has just done so."""
        return self.endpoint is not None and is_asleep(self.endpoint.status, self.stopped_because)

    @property
    def idle_versions(self) -> list[ProjectVersion]:
        """The billed versions other than the endpoint; every deployment has one for a while."""
        return [version for version in self.billed if version != self.endpoint]


@dataclass(frozen=True)
class Backlog:
    """How many items wait; None if the loop has no such queue, or no reviews in Airflow."""

    uploads: int | None
    answers: int | None
    reviews: int | None
    dead_letters: int | None


def model_health(context: LoopContext) -> ModelHealth:
    """Return the health of the loop's models. Calls Rekognition."""
    state = context.store.state
    versions = ModelProject(context).versions()
    billed = [version for version in versions if version.status in BILLED]
    return ModelHealth(
        endpoint=next((version for version in versions if version.arn == state.endpoint_arn), None),
        since=state.endpoint_moved_at,
        billed=billed,
        cost=cost(billed, inference_unit_usd_per_hour()),
        stopped_because=state.stopped_because,
    )


def detections_a_day(context: LoopContext) -> float | None:
    """Return the approximate number of detections in the last 24 hours, or None for a loop without statistics."""
    if context.clients.statistics is None:
        return None
    now = datetime.now(UTC)
    today, yesterday = now.date(), now.date() - timedelta(days=1)
    counts: Counter[str] = Counter()
    for day in context.clients.statistics.days(yesterday, today)[0]:
        counts[day.day] += day[DETECTIONS]
    return detections_in_last_day(counts[today.isoformat()], counts[yesterday.isoformat()], now)


def backlog(context: LoopContext) -> Backlog:
    """Return the numbers of queued messages, which are approximate as SQS reports them, and of open reviews."""
    record = context.store.record
    dead = [context.clients.queue.unfinished(url) for url in record.dead_letter_queue_urls.values()]
    return Backlog(
        uploads=_unfinished(context, record.uploads_queue_url),
        answers=_unfinished(context, record.answers_queue_url),
        reviews=_open_reviews(context),
        dead_letters=sum(dead) if dead else None,
    )


def _unfinished(context: LoopContext, queue_url: str | None) -> int | None:
    return context.clients.queue.unfinished(queue_url) if queue_url else None


def _open_reviews(context: LoopContext) -> int | None:
    if context.store.record.review_backend != AIRFLOW:
        return None
    with suppress(ReviewRefusedError):
        return context.clients.reviews.table.count(Stage.OPEN)
    return None
