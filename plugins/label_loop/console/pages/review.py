"""Review: people label what the model is unsure of."""

import asyncio
import logging
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from label_loop.console.access import Look, Review, Visit
from label_loop.console.caching import Cached
from label_loop.console.images import image_response
from label_loop.console.labels import labels_of
from label_loop.console.render import render
from label_loop.console.threads import in_background, in_thread
from label_loop.context import LoopContext
from label_loop.domain import desk_order, review_queue
from label_loop.domain.labels import check_label, is_none_of_the_above
from label_loop.domain.log_row import shown_percent
from label_loop.domain.review_queue import UNDO_SECONDS, AnswersWanted, Stage
from label_loop.domain.reviewers import GoldImage, suspected
from label_loop.exceptions import InvalidLabelError
from label_loop.payloads import GOLD_FOLDER, NONE_OF_THE_ABOVE, UPLOADS_FOLDER
from label_loop.review.base import A2I, AIRFLOW
from label_loop.review.desk import ReviewDesk
from label_loop.review.gold import GoldReviews
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)
router = APIRouter()

_AHEAD = 4  # images that a reviewer holds at once: the one on the screen, and preloaded ones
_MOST_AT_HAND = 50  # includes images whose answer was undone or could not be sent
_COUNT_SECONDS = 5.0
_open_counts: Cached[str, int] = Cached(_COUNT_SECONDS)
_GOLD_SECONDS = 300.0
_MOST_GOLD = 1000
_gold_images: Cached[str, list[GoldImage]] = Cached(_GOLD_SECONDS)
_collectors: dict[str, asyncio.Task[None]] = {}

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,63}$")]
Names = Annotated[list[Name], Field(max_length=_MOST_AT_HAND)]


class TakeRequest(BaseModel):
    """A reviewer's request for images.

    ``keep`` names the reviews that they hold already; ``skipped`` asks for those that they skipped as well.
    """

    order: Literal["unsure", "oldest"] = "unsure"
    skipped: bool = False
    keep: Names = []


class AnswerRequest(BaseModel):
    """A reviewer's answer; a ``label`` of None means that no label fits."""

    name: Name
    label: Annotated[str, Field(max_length=255)] | None


class NamesRequest(BaseModel):
    """Names of reviews."""

    names: Names


@router.get("/review")
async def page(visit: Look) -> Response:
    """Return the page; its script requests the images."""
    backend, labels, settings = await in_thread(
        lambda: (_backend_name(visit.aws), labels_of(visit.aws), visit.aws.settings)
    )
    if backend == AIRFLOW:
        _collect_soon(visit.aws)  # answers left by a process that ended
    return render(
        visit,
        "review.html",
        backend=backend,
        labels=labels.names,
        none_label=NONE_OF_THE_ABOVE,
        settings=settings,
        undo_seconds=int(UNDO_SECONDS),
    )


@router.post("/review/take")
async def take(visit: Review, wanted: TakeRequest) -> dict[str, Any]:
    """Assign images to the reviewer for two minutes; return them and the number of open reviews."""

    def work() -> tuple[dict[str, Any], int]:
        desk = _desk(visit)
        reviews = desk.take(_AHEAD, oldest_first=wanted.order == "oldest", keep=wanted.keep, skipped=wanted.skipped)
        _open_counts.change(visit.loop.path, lambda count: max(0, count - desk.closed))
        open_reviews = _open_counts.get(visit.loop.path, lambda: visit.aws.clients.reviews.table.count(Stage.OPEN))
        return {"reviews": [_shown(review) for review in reviews], "open": open_reviews}, desk.closed

    answer, closed = await in_thread(work)
    if closed:
        _collect_soon(visit.aws)
    return answer


@router.post("/review/answer")
async def answer(visit: Review, given: AnswerRequest) -> dict[str, Any]:
    """Store an answer. It becomes final when it can no longer be undone."""

    def work() -> tuple[str, review_queue.Review]:
        label = _checked_label(visit, given.label)
        desk = _desk(visit)
        review = desk.answer(given.name, label)
        if desk.suspect:
            visit.aws.clients.announcer.publish([suspected(desk.suspect)])
        return label, review

    label, review = await in_thread(work)
    if review.stage is Stage.HELD and not review.gold_id:
        _open_counts.change(visit.loop.path, lambda count: max(0, count - 1))
        _collect_soon(visit.aws)
    return {"name": review.name, "label": label, "needs_others": review.stage is Stage.OPEN}


@router.post("/review/undo/{name}")
async def undo(visit: Review, name: Name) -> dict[str, Any]:
    """Undo an answer, and return its review. Responds with 409 if it is too late."""
    review = await in_thread(lambda: _desk(visit).undo(name))
    if not review.gold_id:
        _open_counts.change(visit.loop.path, lambda count: count + 1)
    return {"review": _shown(review)}


@router.post("/review/skip/{name}")
async def skip(visit: Review, name: Name) -> dict[str, Any]:
    """Leave an image to other reviewers."""
    await in_thread(lambda: _desk(visit).skip(name))
    return {}


@router.post("/review/release")
async def release(visit: Review, given: NamesRequest) -> dict[str, Any]:
    """Release images that the reviewer holds and has not answered."""
    await in_thread(lambda: _desk(visit).release(given.names))
    return {}


@router.get("/review/images/{name}")
async def image(visit: Look, name: Name) -> Response:
    """Return the image of a review, in the version that was detected."""

    def work() -> Response:
        review = visit.aws.clients.reviews.table.get(name)
        if review is None:
            raise HTTPException(404, "This review does not exist.")
        return image_response(visit.aws, review.task.image_uri, review.task.version_id)

    return await in_thread(work)


def _backend_name(aws: LoopContext) -> str:
    return aws.store.record.review_backend or A2I


def _desk(visit: Visit) -> ReviewDesk:
    aws = visit.aws
    table, settings = aws.clients.reviews.table, aws.settings
    gold = GoldReviews(table, aws.store.record.bucket, lambda: _gold_images.get(visit.loop.path, lambda: _gold(aws)))
    wanted = AnswersWanted(settings.review_answers_per_image, settings.review_overlap_percent)
    return ReviewDesk(table, str(visit.user.get_id()), wanted, gold=gold)


def _gold(aws: LoopContext) -> list[GoldImage]:
    listed = TrainingSet(aws).objects(GOLD_FOLDER)
    usable = (GoldImage(image.key, image.label) for image, problem in listed if image.label and not problem)
    return list(islice(usable, _MOST_GOLD))


def _shown(review: review_queue.Review) -> dict[str, Any]:
    """Return what the page shows of a review; the confidence is in percent. Of a human sample there is no guess."""
    key = review.task.image_uri.removeprefix("s3://").partition("/")[2]
    if review.gold_id:
        key = f"{UPLOADS_FOLDER}{key.rpartition('/')[2]}"  # its folder is its label
    guess = {"label": review.task.label, "confidence": shown_percent(review.task.confidence_percent)}
    return {
        "name": review.name,
        "key": key,
        "guess": None if desk_order.is_sample(review.task) else guess,
        "source": review.task.source,
        "answers": len(review.answers),
    }


def _checked_label(visit: Visit, label: str | None) -> str:
    """Return the label to store. Raises HTTPException 422 if the loop does not accept it."""
    if label is None or is_none_of_the_above(label):
        return NONE_OF_THE_ABOVE
    known = labels_of(visit.aws).resolve(label)
    if known:
        return known
    try:
        new = check_label(label.strip())
    except InvalidLabelError as error:
        raise HTTPException(422, str(error)) from error
    if not visit.aws.settings.review_allow_new_labels:
        raise HTTPException(422, "This loop accepts no new labels. To allow them, turn on Review-Allow-New-Labels.")
    return new


def _collect_soon(aws: LoopContext) -> None:
    """Write answers once they can no longer be undone; one background task per loop is enough."""
    waiting = _collectors.get(aws.loop.path)
    if waiting is None or waiting.done():
        _collectors[aws.loop.path] = asyncio.create_task(_collect_until_done(aws))


async def _collect_until_done(aws: LoopContext) -> None:
    while True:
        await asyncio.sleep(UNDO_SECONDS / 4)
        try:
            left = await in_background(lambda: _collect(aws))
        except Exception as error:  # retried by the next answer, page view or run of human_review
            log.warning("Answers for %s will be written later: %s", aws.loop.path, error)
            return
        if not left:
            return


def _collect(aws: LoopContext) -> bool:
    """Write the answers that are due; return whether others are still held."""
    aws.clients.reviews.collect()
    return next(aws.clients.reviews.table.queued(Stage.HELD), None) is not None
