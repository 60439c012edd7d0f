"""How a loop is doing, in a few calls to AWS: what serves, what waits, what it costs."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from label_loop.console.prices import inference_unit_usd_per_hour
from label_loop.context import LoopContext
from label_loop.domain.costs import Cost, cost, detections_in_a_day
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
    """The version that shall serve (None before the first deployment), and all that cost money now.

    ``stopped_because`` is why the first does not run, as the record tells it.
    """

    endpoint: ProjectVersion | None
    since: str | None
    billed: list[ProjectVersion]
    cost: Cost
    stopped_because: str | None = None

    @property
    def serves(self) -> bool:
        """Whether uploads are detected now."""
        return self.endpoint is not None and self.endpoint.status == RUNNING

    @property
    def asleep(self) -> bool:
        """Whether it was stopped as idle, and starts or will start with the next upload."""
        return self.endpoint is not None and is_asleep(self.endpoint.status, self.stopped_because)

    @property
    def idle(self) -> list[ProjectVersion]:
        """The versions that cost money and do not serve; some do for a while in each deployment."""
        return [version for version in self.billed if version != self.endpoint]


@dataclass(frozen=True)
class Backlog:
    """What waits, in numbers; None where the loop has no queue, or no reviews of its own, to count."""

    uploads: int | None
    answers: int | None
    reviews: int | None
    dead_letters: int | None


def model_health(context: LoopContext) -> ModelHealth:
    """Look at the models."""
    state = context.state
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
    """Return about how many detections the last 24 hours had, or None for a loop without statistics."""
    if context.statistics is None:
        return None
    now = datetime.now(UTC)
    today, yesterday = now.date(), now.date() - timedelta(days=1)
    counts: Counter[str] = Counter()
    for day in context.statistics.days(yesterday, today)[0]:
        counts[day.day] += day[DETECTIONS]
    return detections_in_a_day(counts[today.isoformat()], counts[yesterday.isoformat()], now)


def backlog(context: LoopContext) -> Backlog:
    """Look at the queues, whose numbers are SQS's approximate ones, and at the reviews."""
    record = context.record
    dead = [context.queue.unfinished(url) for url in record.dead_letter_queue_urls.values()]
    return Backlog(
        uploads=_unfinished(context, record.uploads_queue_url),
        answers=_unfinished(context, record.answers_queue_url),
        reviews=_open_reviews(context),
        dead_letters=sum(dead) if dead else None,
    )


def _unfinished(context: LoopContext, queue_url: str | None) -> int | None:
    return context.queue.unfinished(queue_url) if queue_url else None


def _open_reviews(context: LoopContext) -> int | None:
    if context.record.review_backend != AIRFLOW:
        return None
    with suppress(ReviewRefusedError):
        return context.reviews.table.count(Stage.OPEN)
    return None
