"""Detections: every upload that was detected, why it was accepted or not, and what became of it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from botocore.exceptions import ClientError
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BeforeValidator

from label_loop.console.access import Look, Visit
from label_loop.console.images import image_response
from label_loop.console.labels import labels_of
from label_loop.console.render import base, render
from label_loop.console.threads import in_thread
from label_loop.console.thumbnails import thumbnail_response
from label_loop.domain import detection_search
from label_loop.domain.detection_search import OUTCOMES, DetectionFilter, Found, Outcome, search
from label_loop.domain.log_row import SAMPLED_FAILED, SAMPLED_YES, LogRow
from label_loop.domain.sampling import Position
from label_loop.domain.statistics import version_name
from label_loop.domain.uploads import detection_id
from label_loop.hooks.aws_errors import object_problem
from label_loop.hooks.log_reader import IN_INDEX, LogWindow
from label_loop.payloads import UPLOADS_FOLDER

router = APIRouter()

_MOST_SHOWN = 50
_MOST_READ = 500  # of one request; whoever looks for few among many goes on from there
_PAGE_SIZE, _FILTERED_PAGE_SIZE = _MOST_SHOWN + 1, 250
_LAST = "~"  # sorts after anything that follows a date in a timestamp

DetectionId = Annotated[str, Path(alias="id", pattern=r"^[A-Za-z0-9-]{1,64}$")]
_Text = Annotated[str, Query(max_length=255)]
_Percent = Annotated[float, Query(ge=0, le=100)]
_unless_blank = BeforeValidator(lambda text: text or None)  # a form sends all its fields


@dataclass(frozen=True)
class Search:
    """What is looked for, within which days, and after which positions of the parts of the log."""

    wanted: DetectionFilter
    first: date | None
    last: date | None
    after: Mapping[str, Position | None]

    @property
    def query(self) -> dict[str, str]:
        """The parameters of an address that finds the same from the newest on; those with a default are left out."""
        wanted, anything = self.wanted, DetectionFilter()
        values = {
            "name": wanted.name,
            "label": wanted.label,
            "human": wanted.human,
            "version": wanted.version,
            "outcome": wanted.outcome,
            "sampled": None if wanted.sampled is None else str(wanted.sampled).lower(),
            "low": f"{wanted.lowest_percent:g}" if wanted.lowest_percent != anything.lowest_percent else None,
            "high": f"{wanted.highest_percent:g}" if wanted.highest_percent != anything.highest_percent else None,
            "from": self.first and self.first.isoformat(),
            "to": self.last and self.last.isoformat(),
        }
        return {name: value for name, value in values.items() if value}

    @property
    def window(self) -> LogWindow:
        """The part of the log that is read."""
        parts: tuple[str, ...] = IN_INDEX
        if self.wanted.sampled:
            parts = (SAMPLED_YES,)
        elif self.wanted.outcome == "failed":
            parts = (SAMPLED_FAILED,)
        return LogWindow(
            {part: self.after.get(part) for part in parts},
            since=self.first.isoformat() if self.first else "0",
            until=f"{self.last.isoformat() if self.last else ''}{_LAST}",
            page_size=_PAGE_SIZE if self.wanted.is_empty else _FILTERED_PAGE_SIZE,
        )


def _search(
    *,
    name: _Text = "",
    label: _Text = "",
    human: _Text = "",
    low: _Percent = 0.0,
    high: _Percent = 100.0,
    version: _Text = "",
    outcome: Annotated[Outcome | None, _unless_blank] = None,
    sampled: Annotated[bool | None, _unless_blank] = None,
    first: Annotated[date | None, Query(alias="from"), _unless_blank] = None,
    last: Annotated[date | None, Query(alias="to"), _unless_blank] = None,
    after: Annotated[str, Query(max_length=2000)] = "",
) -> Search:
    if first and last and first > last:
        raise HTTPException(422, f"The first day, {first}, is after the last, {last}. Exchange from and to.")
    if low > high:
        raise HTTPException(422, f"The lowest confidence, {low:g}, is above the highest, {high:g}. Exchange them.")
    wanted = DetectionFilter(name.strip(), label.strip(), human.strip(), low, high, version.strip(), outcome, sampled)
    return Search(wanted, first, last, _positions(after) if after else {})


Wanted = Annotated[Search, Depends(_search)]


@router.get("/detections")
async def detections(visit: Look, wanted: Wanted) -> Response:
    """Return the page; a submitted form is redirected to the address that people share, without its empty fields."""
    if not wanted.after and dict(visit.request.query_params) != wanted.query:
        query = f"?{urlencode(wanted.query)}" if wanted.query else ""
        return RedirectResponse(f"{base(visit.request)}/{quote(visit.loop.name)}/detections{query}", 303)
    found, exact = await in_thread(_found, visit, wanted)
    rows = [row for row in found.rows if exact is None or row.detection_id != exact.detection_id]
    return render(
        visit,
        "detections.html",
        search=wanted,
        outcomes=OUTCOMES,
        rows=[exact, *rows] if exact else rows,
        found=found,
        older=urlencode({**wanted.query, "after": _after(wanted, found)}) if not found.is_all else None,
        is_continued=bool(wanted.after),
        **_helpers(),
    )


@router.get("/detections/rows")
async def rows(visit: Look, wanted: Wanted) -> dict[str, Any]:
    """Return the detections that the page shows, and ``after`` with which to ask for older ones; None at the end."""
    found, _ = await in_thread(_found, visit, wanted)
    return {
        "detections": [detection_search.to_json(row) for row in found.rows],
        "searched": found.read,
        "searched_until": found.until,
        "after": None if found.is_all else _after(wanted, found),
    }


@router.get("/detections/of")
async def of_image(visit: Look, key: Annotated[str, Query(max_length=1024)]) -> dict[str, Any]:
    """Return the detection of the image that a key holds at present. Raises HTTPException 404 if there is none yet."""
    row = await in_thread(_of_key, visit, key)
    if row is None:
        raise HTTPException(404, f"No detection of the image that {key} holds at present is logged.")
    return detection_search.to_json(row)


@router.get("/detections/{id}")
async def detection(visit: Look, id_: DetectionId) -> Response:
    """Return the page of one detection."""
    row, labels = await in_thread(lambda: (_row(visit, id_), labels_of(visit.aws).names))
    return render(visit, "detections_detail.html", row=row, offered=labels, **_helpers())


@router.get("/detections/{id}/image")
async def image(visit: Look, id_: DetectionId) -> Response:
    """Return the image of a detection."""

    def work() -> Response:
        row = _row(visit, id_)
        return image_response(visit.aws, row.image_uri, row.version_id)

    return await in_thread(work)


@router.get("/detections/{id}/thumbnail")
async def thumbnail(visit: Look, id_: DetectionId) -> Response:
    """Return a small picture of the image of a detection."""

    def work() -> Response:
        row = _row(visit, id_)
        if row.bucket != visit.aws.store.record.bucket:
            raise HTTPException(404, "The image is not in the loop's bucket.")
        return thumbnail_response(visit.aws, row.key, row.etag, row.version_id)

    return await in_thread(work)


def _helpers() -> dict[str, Any]:
    return {
        "image_name": detection_search.image_name,
        "outcome_of": detection_search.outcome,
        "why": detection_search.why,
        "what_followed": detection_search.what_followed,
        "version_of": lambda row: version_name(row.project_version_arn),
    }


def _row(visit: Visit, id_: str) -> LogRow:
    row = visit.aws.clients.log.rows([id_]).get(id_)
    if row is None:
        raise HTTPException(404, f"The log has no detection {id_}.")
    return row


def _found(visit: Visit, wanted: Search) -> tuple[Found, LogRow | None]:
    """Return what is found in the log, and first the detection of the image whose whole name was asked for, if any."""
    found = search(visit.aws.clients.log.newest(wanted.window), wanted.wanted, _MOST_SHOWN, _MOST_READ)
    if wanted.after or not wanted.wanted.name:
        return found, None
    exact = _of_key(visit, f"{UPLOADS_FOLDER}{wanted.wanted.name.removeprefix(UPLOADS_FOLDER)}")
    return found, exact if exact and wanted.wanted.matches(exact) else None


def _of_key(visit: Visit, key: str) -> LogRow | None:
    """Return the detection of what a key holds at present: by its id, which follows from the object, without a search.

    None where an object has no version: then it depends on the event, too.
    """
    record = visit.aws.store.record
    if not key.startswith(UPLOADS_FOLDER) or len(key.encode()) > 1024:
        return None
    try:
        head = visit.aws.clients.s3_client.get_object(Bucket=record.bucket, Key=key, Range="bytes=0-0")
    except ClientError as error:
        if object_problem(error) is None:
            raise
        return None
    head["Body"].close()
    has_queue = record.uploads_queue_url is not None
    id_ = detection_id(record.bucket, key, head["ETag"], head.get("VersionId"), has_queue=has_queue)
    return visit.aws.clients.log.rows([id_]).get(id_) if id_ else None


def _after(wanted: Search, found: Found) -> str:
    """Return where a search ended, for an address."""
    positions = {part: [row.detected_at, row.detection_id] for part, row in found.last.items()}
    kept = {part: [at.detected_at, at.detection_id] for part, at in wanted.after.items() if at}
    return base64.urlsafe_b64encode(json.dumps({**kept, **positions}).encode()).decode()


def _positions(after: str) -> dict[str, Position | None]:
    try:
        positions = json.loads(base64.urlsafe_b64decode(after))
        return {part: Position(*map(str, positions[part])) for part in IN_INDEX if part in positions}
    except (ValueError, TypeError, RecursionError) as error:
        raise HTTPException(422, "The address is damaged: remove the part that begins with after=.") from error
