"""Insight: how good the model is by people's answers, from the daily statistics."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from botocore.exceptions import ClientError
from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import StreamingResponse

from label_loop.console import insight_charts
from label_loop.console.access import Look, Visit
from label_loop.console.csv_lines import csv_line
from label_loop.console.render import render
from label_loop.console.threads import in_thread
from label_loop.domain import insight, live_accuracy, statistics
from label_loop.domain.draws import DRAW_COUNTERS
from label_loop.domain.evaluated_set import MOST_DECISIONS, OLDEST_DAYS
from label_loop.domain.insight import Agreement, DailyCounts
from label_loop.domain.log_row import LogRow
from label_loop.domain.quality import QualityReport
from label_loop.hooks.aws_errors import error_code
from label_loop.payloads import NONE_OF_THE_ABOVE
from label_loop.workflows.quality import latest_report, serving_version

router = APIRouter()

WINDOWS_DAYS = (7, 30, 90, 365)
_MOST_LABELS = 12  # of a confusion matrix; with more, the most frequent confusions are listed
_MOST_LISTED = 30
_MOST_VERSIONS = 6  # with their accuracy, latest first
_MOST_ROWS = 10_000
_MOST_PAGES = 32  # of 1 MB; more than a day of a million detections a month
_TOTALS = (
    statistics.DETECTIONS,
    statistics.ACCEPTED,
    statistics.SENT_TO_REVIEW,
    statistics.FAILED,
    statistics.SAMPLED,
    *(
        counter(source)
        for source in (statistics.SAMPLES, statistics.REVIEWS)
        for counter in (statistics.answered_counter, statistics.agreed_counter)
    ),
    *DRAW_COUNTERS,
)


@dataclass(frozen=True)
class InsightWindow:
    """The days to show, ending today (UTC), and the version; an empty version stands for all."""

    days: int
    version: str
    first: date
    last: date

    def includes(self, day: DailyCounts) -> bool:
        """Whether a day's counts are shown."""
        return day.day >= self.first.isoformat() and self.version in ("", day.version)


def _window(days: int = 30, version: str = "") -> InsightWindow:
    if days not in WINDOWS_DAYS:
        choices = ", ".join(map(str, WINDOWS_DAYS))
        raise HTTPException(422, f"Insight cannot show {days} days. Choose one of {choices}.")
    today = datetime.now(UTC).date()
    return InsightWindow(days, version, today - timedelta(days=days - 1), today)


SelectedWindow = Annotated[InsightWindow, Depends(_window)]


@dataclass(frozen=True)
class Answers:
    """People's answers from one source, with a confusion matrix if there are few enough labels."""

    agreement: Agreement
    columns: Sequence[str]
    rows: Mapping[str, Sequence[int]]
    disagreements: Sequence[insight.Confusion]


@router.get("/insight")
async def insight_page(visit: Look, window: SelectedWindow) -> Response:
    """Show the page."""
    days, since, report = await in_thread(_read_with_report, visit, window)
    shown = [day for day in days or () if window.includes(day)]
    counts = insight.total(shown)
    return render(
        visit,
        "insight.html",
        window=window,
        windows=WINDOWS_DAYS,
        is_counted=days is not None,
        since=since if since > window.first else None,
        versions=_versions(days or (), window),
        counts=counts,
        review_share=insight.review_share(counts),
        live=live_accuracy.by_version(shown),
        most_versions=_MOST_VERSIONS,
        samples=_answers(counts, statistics.SAMPLES),
        reviews=_answers(counts, statistics.REVIEWS),
        report=report,
        charts=_charts(shown, window, report),
        most_listed=_MOST_LISTED,
        none_label=NONE_OF_THE_ABOVE,
        most_decisions=MOST_DECISIONS,
        oldest_days=OLDEST_DAYS,
    )


def _read(visit: Visit, window: InsightWindow) -> tuple[list[DailyCounts] | None, date]:
    """Return the counts of the window and the first day covered; the counts are None without a statistics table."""
    hook = visit.aws.clients.statistics
    try:
        return hook.days(window.first, window.last) if hook else (None, window.first)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return None, window.first


def _read_with_report(
    visit: Visit, window: InsightWindow
) -> tuple[list[DailyCounts] | None, date, QualityReport | None]:
    """Return what ``_read`` does, and the latest report of the serving version, if any; it is shown with any window."""
    report = latest_report(visit.aws)
    is_current = report is not None and report.version == serving_version(visit.aws)
    return *_read(visit, window), report if is_current else None


def _versions(days: Sequence[DailyCounts], window: InsightWindow) -> list[str]:
    """Return the versions to choose from, most recent first."""
    latest = {day.version: day.day for day in days if day.day >= window.first.isoformat()}
    if window.version:
        latest.setdefault(window.version, "")
    return sorted(latest, key=lambda version: (latest[version], version), reverse=True)


def _answers(counts: Mapping[str, int], source: str) -> Answers:
    agreement = insight.agreement(counts, source)
    pairs = agreement.confusions
    rows = list(agreement.by_label)
    columns = list(dict.fromkeys(pair.human for pair in pairs))
    columns.sort(key=lambda label: (label not in agreement.by_label, rows.index(label) if label in rows else 0, label))
    by_labels = {(pair.detected, pair.human): pair.count for pair in pairs}
    fits = max(len(rows), len(columns)) <= _MOST_LABELS
    return Answers(
        agreement,
        columns if fits else (),
        {row: [by_labels.get((row, column), 0) for column in columns] for row in rows} if fits else {},
        [pair for pair in pairs if not pair.agrees][:_MOST_LISTED],
    )


def _charts(
    days: Sequence[DailyCounts], window: InsightWindow, report: QualityReport | None
) -> dict[str, insight_charts.Chart]:
    return {
        "reliability": insight_charts.reliability_by_label(report.thresholds if report else ()),
        "detections": insight_charts.detections_over_time(days, window.first, window.last),
        "share": insight_charts.review_share_over_time(days, window.first, window.last),
        "confidence": insight_charts.confidence_by_version(days),
    }


@router.get("/insight/daily.csv")
async def daily_csv(visit: Look, window: SelectedWindow) -> Response:
    """Return the daily counts as CSV; ``confidence_n`` counts confidences from 5n to 5n + 5 percent."""
    days, _ = await in_thread(_read, visit, window)
    buckets = [statistics.bucket_counter(bucket) for bucket in range(statistics.BUCKETS)]
    names = [*_TOTALS, *buckets]
    lines: list[list[object]] = [["day", "version", *(name.replace(" ", "_") for name in names)]]
    shown = [day for day in days or () if window.includes(day)]
    lines += [[day.day, day.version, *(day[name] for name in names)] for day in shown]
    return Response(
        "".join(csv_line(cells) for cells in lines), headers=_attachment_headers(visit, "daily"), media_type="text/csv"
    )


def _selected_days(
    window: SelectedWindow,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
) -> InsightWindow:
    """Return the window, or the days within it or elsewhere that a person asked for."""
    days = replace(window, first=first or window.first, last=last or window.last)
    if days.first > days.last:
        raise HTTPException(422, f"The first day, {days.first}, is after the last, {days.last}. Exchange from and to.")
    return days


@router.get("/insight/reviewed.csv")
async def reviewed_csv(visit: Look, window: Annotated[InsightWindow, Depends(_selected_days)]) -> Response:
    """Return the detections that people answered as CSV, streamed while the index is read."""
    pages = await in_thread(_answered, visit, window)
    first = await in_thread(next, pages, None)  # before the response starts, so that an error still gives a page
    return StreamingResponse(
        _lines(first, pages, window), headers=_attachment_headers(visit, "reviewed"), media_type="text/csv"
    )


def _answered(visit: Visit, window: InsightWindow) -> Iterator[list[LogRow]]:
    # A tilde sorts after anything that follows the date in a timestamp.
    return visit.aws.clients.log.answered(window.first.isoformat(), f"{window.last.isoformat()}~")


_COLUMNS: Mapping[str, Callable[[LogRow], str]] = {
    "detected_at": lambda row: row.detected_at,
    "detection": lambda row: row.detection_id,
    "project_version": lambda row: row.project_version_arn,
    "bucket": lambda row: row.bucket,
    "key": lambda row: row.key,
    "detected_label": lambda row: row.detected_label,
    "confidence": lambda row: f"{row.confidence_percent:g}",  # at most four decimals are stored
    "minimum_confidence": lambda row: f"{row.minimum_confidence_percent:g}",
    "sampled": lambda row: "Yes" if row.is_sampled else "No",
    "sample_weight": lambda row: str(row.sample_weight or ""),
    "drawn_chance": lambda row: f"{row.drawn_chance:g}" if row.drawn_chance else "",
    "human_label": lambda row: row.human_label or "",
    "answered_at": lambda row: row.answered_at or "",
    "agrees": lambda row: "yes" if row.agrees_with(row.human_label or "") else "no",
}


async def _lines(page: list[LogRow] | None, pages: Iterator[list[LogRow]], window: InsightWindow) -> AsyncIterator[str]:
    yield csv_line(list(_COLUMNS))
    written = read = 0
    while page is not None:
        for row in page:
            if window.version in ("", statistics.version_name(row.project_version_arn)):
                yield csv_line([cell(row) for cell in _COLUMNS.values()])
                written += 1
        read += 1
        page = await in_thread(next, pages, None)
        if page is not None and (written >= _MOST_ROWS or read >= _MOST_PAGES):
            yield csv_line(
                [
                    f"Truncated after {written} detections: {read} MB were read. Choose a shorter period or days: "
                    f"for one add &from={window.last}&to={window.last} to the address."
                ]
            )
            return


def _attachment_headers(visit: Visit, name: str) -> dict[str, str]:
    # A loop's name has no characters that need quoting in a header.
    return {"Content-Disposition": f'attachment; filename="{visit.loop.name}-{name}.csv"'}
