"""Insight: its figures are what was written, whoever may see them, and it reads little whatever there is."""

import csv
import html
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from tests.integration.clients import ACCOUNT, REGION
from tests.integration.world import World

from label_loop.domain import statistics
from label_loop.domain.evaluated_set import EvaluatedPart, EvaluatedSet
from label_loop.domain.insight import Share
from label_loop.domain.log_row import LoggedAnswer, LogRow
from label_loop.domain.quality import QualityReport
from label_loop.domain.thresholds import LabelThreshold

TODAY = datetime.now(UTC).date()
ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/p/version/{}/1763888400000"
HOSTILE = "=cmd|'/c calc'!A1\"></script><script>alert(1)</script>,\n#"

LABELS = [statistics.label_counter(f"label {n}") for n in range(250)]

type Ask = Callable[..., Any]


def rows(count: int, *, days_ago: int = 0, version: str = "v1", **more: Any) -> list[dict[str, Any]]:
    moment = f"{TODAY - timedelta(days=days_ago)}T00:00:00.000000+00:00"
    return [
        {
            "DetectLabelRequestId": f"{days_ago:03}{version}{n:05}{abs(hash(str(more))):x}",
            "DetectLabelDate": moment,
            "S3Bucket": "b",
            "S3ObjectKey": f"images_for_detection/{n}.png",
            "ProjectVersionArn": ARN.format(version),
            "DetectedLabel": "cat",
            "DetectedConfidenceLevel": Decimal("62.5"),
            "MinimumConfidenceLevel": Decimal(70),
            "A2IEnabled": True,
            "HumanLoopName": "h",
            "Sampled": "No",
            **more,
        }
        for n in range(count)
    ]


def write(world: World, *groups: list[dict[str, Any]]) -> None:
    world.context().clients.log.put_new([LogRow.from_item(row) for group in groups for row in group])


def answer(world: World, labels: dict[str, str]) -> None:
    log = world.context().clients.log
    for id_, row in log.rows(list(labels)).items():
        log.set_answers([row], {id_: LoggedAnswer(labels[id_], "2026-11-25T09:00:00Z")})


def sample(world: World, taken: list[dict[str, Any]]) -> None:
    log = world.context().clients.log
    ids = [row["DetectLabelRequestId"] for row in taken]
    log.mark_sampled(log.rows(ids).values(), dict.fromkeys(ids), dict.fromkeys(ids, 1))


def chart(text: str, name: str) -> dict[str, Any]:
    found = re.search(rf'<script type="application/json" id="{name}-data">(.*?)</script>', text, re.DOTALL)
    assert found
    spec: dict[str, Any] = json.loads(found[1])
    return spec


def series(text: str, name: str) -> dict[str, list[Any]]:
    return {one["name"]: one["values"] for one in chart(text, name)["series"]}


def words(text: str) -> str:
    """Return a page's text as people read it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def table(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_viewer_sees_it(ask: Ask, world: World) -> None:
    assert ask("viewer", "GET", "insight").status_code == 200
    for path in ("insight", "insight/daily.csv", "insight/reviewed.csv"):
        assert ask(None, "GET", path).status_code == 401


def test_figures_are_what_was_written(ask: Ask, world: World) -> None:
    accepted = rows(6, DetectedConfidenceLevel=Decimal("91"))
    unsure = rows(3, days_ago=2)
    failed = rows(1, Failure="x", HumanLoopName="")
    alone = rows(2, A2IEnabled=False)
    before = rows(5, days_ago=30)
    write(world, accepted, unsure, failed, alone, before)
    text = ask("viewer", "GET", "insight?days=30").text
    over_time = series(text, "detections")
    assert {name: sum(values) for name, values in over_time.items()} == {
        "accepted": 6,
        "sent to review": 3,
        "not accepted, not sent to review": 2,
        "failed": 1,
    }
    labels = chart(text, "detections")["labels"]
    assert labels[0] == str(TODAY - timedelta(days=29))
    assert labels[-1] == str(TODAY)
    assert over_time["sent to review"][-3] == 3
    share = series(text, "share")["sent to review"]
    assert (share[-1], share[-2], share[-3]) == (0, None, 1)
    assert series(text, "confidence")["v1"][18] == round(6 / 11, 4)
    assert "11 detections" in words(text)
    assert "27.3 % sent to review (3)" in words(text)


def test_versions_are_apart_and_can_be_chosen(ask: Ask, world: World) -> None:
    write(world, rows(2, version="old", days_ago=3), rows(3, version="new"))
    text = ask("viewer", "GET", "insight").text
    assert re.findall(r'<option value="([^"]*)"', text) == ["", "new", "old"]
    assert set(series(text, "confidence")) == {"old", "new"}
    one = ask("viewer", "GET", "insight?version=old").text
    assert "2 detections" in words(one)
    assert set(series(one, "confidence")) == {"old"}
    none = ask("viewer", "GET", "insight?version=%3Cb%3E").text
    assert "No detections in the last 30 days by <b>" in words(none)
    assert "<b>" not in none


def test_agreement_of_samples_and_of_reviews_is_told_apart(ask: Ask, world: World) -> None:
    sure = rows(10, DetectedConfidenceLevel=Decimal("91"))
    unsure = rows(4)
    write(world, sure, unsure)
    sample(world, sure + unsure[:1])
    answer(world, {row["DetectLabelRequestId"]: "cat" for row in sure[:8]})
    answer(world, {row["DetectLabelRequestId"]: "dog" for row in [*sure[8:9], *unsure]})
    text = words(ask("viewer", "GET", "insight").text)
    samples, reviews = text.split("Human samples ")[1].split(" Reviews ")
    assert "11 were sampled, 10 of them have been answered" in samples
    assert "80.0 % (49.0 % to 94.3 %) 8 of 10 answers agree" in samples
    assert "0.0 % (0.0 % to 49.0 %) 0 of 4 answers agree" in reviews
    assert "drawn at random" in samples
    assert "does not estimate" in reviews


def test_how_good_a_version_is_is_said_with_its_interval(ask: Ask, world: World) -> None:
    sure, unsure = rows(40, DetectedConfidenceLevel=Decimal("91")), rows(10)
    write(world, sure, unsure, rows(4, version="other", days_ago=1))
    sample(world, sure)
    answer(world, {row["DetectLabelRequestId"]: "cat" for row in [*sure, *unsure[:5]]})
    answer(world, {row["DetectLabelRequestId"]: "dog" for row in unsure[5:]})
    text = words(ask("viewer", "GET", "insight").text)
    v1, other = text.split("How good is it?")[1].split(" v1 Of")[1].split(" other Of")
    assert "what was accepted , 91.2 % to 100.0 % is right (40 answers, 100 % answered), most likely 100.0 %." in v1
    assert "(50 answers, 100 % answered), most likely 90.0 %. 80.0 % of its 50 detections were accepted." in v1
    assert "About 10 of its detections are in no block" in v1
    assert "all , not known yet, since no detection that was drawn for it has an answer." in other
    assert "There is no single" not in text


def test_where_much_is_unanswered_it_says_why_there_is_no_single_figure(ask: Ask, world: World) -> None:
    sure = rows(40, DetectedConfidenceLevel=Decimal("91"))
    write(world, sure)
    sample(world, sure)
    answer(world, {row["DetectLabelRequestId"]: "cat" for row in sure[:28]})
    text = words(ask("viewer", "GET", "insight").text)
    live = text.split("How good is it?")[1].split("Detections over time")[0]
    assert "(28 answers, 70 % answered)." in live
    assert "most likely" not in live.replace("no single most likely", "")
    assert "less than 95 % of what was drawn is answered" in live


def test_counts_of_before_have_todays_figures_and_no_estimate(ask: Ask, world: World) -> None:
    day = TODAY.isoformat()
    counted = {"detections": 50, "accepted": 30, "sampled": 20, "sample_answered": 20, "sample_agreed": 18}
    world.add_items("statistics_table", [{"Month": day[:7], "DayAndVersion": f"{day}#v1", **counted}])
    text = words(ask("viewer", "GET", "insight").text)
    assert "18 of 20 answers agree" in text
    assert "Of what was accepted , not known yet" in text


def test_many_labels_are_listed_by_their_most_frequent_confusions(ask: Ask, world: World) -> None:
    many = [row for n in range(20) for row in rows(1 + (n == 7), DetectedLabel=f"label {n}")]
    write(world, many)
    answer(world, {row["DetectLabelRequestId"]: f"not {row['DetectedLabel']}" for row in many})
    text = ask("viewer", "GET", "insight").text
    assert "Confusion matrix" not in text
    listed = words(text.split("Most frequent confusions</h3>")[1])
    assert listed.startswith("Model label Human label Count label 7 not label 7 2")


def test_hostile_labels_are_only_text(ask: Ask, world: World) -> None:
    hostile = rows(1, DetectedLabel=HOSTILE, ProjectVersionArn=ARN.format('"><img src=x>'))
    write(world, hostile)
    answer(world, {hostile[0]["DetectLabelRequestId"]: f"{HOSTILE} too"})
    text = ask("viewer", "GET", "insight").text
    assert "<script>" not in text
    assert "<img" not in text
    assert html.escape(HOSTILE, quote=False)[:10] in html.unescape(text)
    assert list(series(text, "confidence")) == ['"><img src=x>']


def test_the_daily_counts_are_a_file(ask: Ask, world: World) -> None:
    taken = rows(3, days_ago=1)
    write(world, taken, rows(2, version="=v2"))
    sample(world, taken[:1])
    answer(world, {taken[0]["DetectLabelRequestId"]: "cat"})
    given = ask("viewer", "GET", "insight/daily.csv?days=7")
    assert given.headers["content-type"].startswith("text/csv")
    assert given.headers["content-disposition"] == 'attachment; filename="pages-daily.csv"'
    first, second = table(given)
    assert (first["day"], first["version"], first["detections"]) == (str(TODAY - timedelta(days=1)), "v1", "3")
    assert (first["sampled"], first["sample_agreed"], first["review_answered"]) == ("1", "1", "1")
    assert first["confidence_12"] == "3"
    assert (first["drawn_unsure_sample_weight"], first["drawn_unsure_sample_answers"]) == ("1", "1")
    assert second["version"] == "'=v2"


def test_the_reviewed_detections_are_a_file_that_runs_nothing(ask: Ask, world: World) -> None:
    hostile = rows(1, DetectedLabel=HOSTILE, S3ObjectKey="@SUM(A1)")
    plain = rows(3, days_ago=2, DrawnChance=Decimal("0.3"))
    write(world, hostile, plain, rows(1, days_ago=40))
    sample(world, plain[:1])
    answer(world, {hostile[0]["DetectLabelRequestId"]: "+1", plain[0]["DetectLabelRequestId"]: "cat"})
    first, second = table(ask("viewer", "GET", "insight/reviewed.csv"))
    assert (first["sampled"], first["human_label"], first["agrees"]) == ("Yes", "cat", "yes")
    assert first["confidence"] == "62.5"
    assert (first["sample_weight"], first["drawn_chance"]) == ("1", "0.3")
    assert (second["detected_label"], second["key"], second["human_label"]) == (f"'{HOSTILE}", "'@SUM(A1)", "'+1")
    assert second["agrees"] == "no"
    assert table(ask("viewer", "GET", "insight/reviewed.csv?version=v9")) == []


def test_the_reviewed_detections_of_an_adopted_loop_are_a_file_too(
    ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (index,) = dynamodb_backends[ACCOUNT][REGION].tables[world.record()["dynamodb_table"]].global_indexes
    monkeypatch.setattr(index, "projection", {"ProjectionType": "KEYS_ONLY"})
    (reviewed,) = rows(1, HumanLabel="dog", HumanLableCompletedDate="2026-11-24T09:00:00.000Z")
    world.add_rows([reviewed, *rows(3, days_ago=1)])
    (line,) = table(ask("viewer", "GET", "insight/reviewed.csv"))
    assert (line["key"], line["human_label"], line["agrees"]) == (reviewed["S3ObjectKey"], "dog", "no")
    assert line["answered_at"] == "2026-11-24T09:00:00.000Z"


def test_a_file_of_reviewed_detections_has_an_end(ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("label_loop.console.pages.insight._MOST_ROWS", 5)
    monkeypatch.setattr("moto.dynamodb.models.table.RESULT_SIZE_LIMIT", 2_000)
    taken = rows(30)
    write(world, taken)
    answer(world, {row["DetectLabelRequestId"]: "cat" for row in taken})
    lines = ask("viewer", "GET", "insight/reviewed.csv").text.splitlines()
    assert 6 < len(lines) < 20
    assert lines[-1].startswith("Truncated after ")
    assert f"&from={(today := datetime.now(UTC).date())}&to={today} to the address" in lines[-1]


def test_what_is_read_for_a_file_is_bounded(ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("label_loop.console.pages.insight._MOST_PAGES", 2)
    monkeypatch.setattr("moto.dynamodb.models.table.RESULT_SIZE_LIMIT", 2_000)
    write(world, rows(30))  # nobody answered any: all is read, and nothing is written
    lines = ask("viewer", "GET", "insight/reviewed.csv").text.splitlines()
    assert lines[-1].startswith("Truncated after 0 detections: 2 MB were read.")


def test_single_days_are_read_alone(ask: Ask, world: World) -> None:
    recent, older = rows(1, days_ago=1), rows(1, days_ago=5)
    write(world, recent, older)
    answer(world, {row["DetectLabelRequestId"]: "cat" for row in (*recent, *older)})
    day = datetime.now(UTC).date() - timedelta(days=5)
    found = table(ask("viewer", "GET", f"insight/reviewed.csv?days=7&from={day}&to={day}"))
    assert [row["detection"] for row in found] == [older[0]["DetectLabelRequestId"]]


@pytest.mark.parametrize("query", ["from=2026-02-02&to=2026-02-01", "from=now", "to=2026-02-30", "from=9999-12-31"])
def test_days_that_are_none_are_refused(ask: Ask, world: World, query: str) -> None:
    assert ask("viewer", "GET", f"insight/reviewed.csv?{query}").status_code == 422


def test_a_loop_without_statistics_is_told_the_command(ask: Ask, world: World) -> None:
    world.set_record(statistics_table=None)
    text = words(ask("viewer", "GET", "insight").text)
    assert f"python -m label_loop provision {world.loop.path}" in text
    assert table(ask("viewer", "GET", "insight/daily.csv")) == []


def test_a_table_that_is_gone_is_told_the_command(ask: Ask, world: World) -> None:
    world.set_record(statistics_table="gone")
    assert "python -m label_loop provision" in ask("viewer", "GET", "insight").text


def test_before_the_first_detection_it_says_what_to_do(ask: Ask, world: World) -> None:
    assert "put images into images_for_detection/" in words(ask("viewer", "GET", "insight").text)


@pytest.mark.parametrize("query", ["days=31", "days=-1", "days=many", "days=99999999999999999999"])
def test_other_windows_are_refused(ask: Ask, world: World, query: str) -> None:
    assert ask("viewer", "GET", f"insight?{query}").status_code == 422


def test_the_report_of_the_serving_version_is_told_in_words(ask: Ask, world: World) -> None:
    world.set_state(endpoint_arn=ARN.format("v1"))
    fill(world, dict.fromkeys(range(1, 40), 500), bucket=lambda day: 5 if day < 6 else 15)
    assert "no report yet" in words(ask("viewer", "GET", "insight").text)
    world.quality().report(TODAY - timedelta(days=1))
    text = told(ask)
    assert "What v1 sees has changed since about" in text
    assert "20 is reported" not in text  # nobody has answered a sample
    assert "Its error cannot be watched yet" in text
    world.set_state(endpoint_arn=ARN.format("v2"))
    assert "no report yet" in told(ask)


def test_a_version_without_drift_is_steady(ask: Ask, world: World) -> None:
    world.set_state(endpoint_arn=ARN.format("v1"))
    fill(world, dict.fromkeys(range(1, 40), 500), bucket=lambda day: 15)
    world.quality().report(TODAY - timedelta(days=1))
    assert "steady Neither the share of wrong answers nor" in told(ask)


def test_a_report_that_is_gone_or_no_report_is_none(ask: Ask, world: World) -> None:
    fill(world, {1: 3}, bucket=lambda day: 15)
    world.set_state(endpoint_arn=ARN.format("v1"), quality_reported_on="2026-11-29")
    assert "no report yet" in told(ask)
    world.put("quality/dt=2026-11-29/report.json", b'{"day": "</script>", "version": 5}')
    assert "no report yet" in told(ask)


def test_thresholds_are_listed_with_how_reliable_each_confidence_is(ask: Ask, world: World) -> None:
    fill(world, {1: 3}, bucket=lambda day: 15)
    bins = (*[Share(0, 0)] * 8, Share(15, 20), Share(60, 60))
    thresholds = (LabelThreshold(HOSTILE, 91.25, 80, 0.7, bins), LabelThreshold("dog", None, 90, 0.0, bins))
    report = QualityReport("2026-11-29", "v1", thresholds=thresholds)
    world.put("quality/dt=2026-11-29/report.json", report.to_json().encode())
    world.set_state(endpoint_arn=ARN.format("v1"), quality_reported_on="2026-11-29")
    ask("viewer", "GET", "models/versions")  # reads the state anew
    text = ask("viewer", "GET", "insight").text
    assert "<script>alert" not in text
    assert "91.2 % 80 70.0 % dog not shown to reach it 90 0.0 %" in words(text)
    assert series(text, "reliability")[HOSTILE] == [*[None] * 8, 0.75, 1.0]


def test_the_parts_of_the_test_images_are_shown_with_what_speaks_against_them(ask: Ask, world: World) -> None:
    fill(world, {1: 3}, bucket=lambda day: 15)
    tested = EvaluatedSet((EvaluatedPart("test/core", 1200, 250, 900),), 250, 21)
    report = QualityReport("2026-11-29", "v1", evaluated_set=tested)
    world.put("quality/dt=2026-11-29/report.json", report.to_json().encode())
    world.set_state(endpoint_arn=ARN.format("v1"), quality_reported_on="2026-11-29")
    text = told(ask)
    assert "test/core 1 200 250 75.0 %" in text
    assert all(warning in text for warning in tested.warnings().values())


def told(ask: Ask) -> str:
    ask("viewer", "GET", "models/versions")  # reads the state anew
    return words(ask("viewer", "GET", "insight").text)


@pytest.mark.parametrize(
    ("days", "most_queries", "most_points"), [(30, 2, 30), pytest.param(365, 20, 54, marks=pytest.mark.slow)]
)
def test_100000_detections_a_year_are_a_few_calls_and_no_log(
    ask: Ask, world: World, days: int, most_queries: int, most_points: int
) -> None:
    per_day = dict.fromkeys(range(days), 274)
    fill(world, per_day, bucket=lambda day: day % 20)
    ask("viewer", "GET", "models/versions")  # reads record and state
    world.aws.calls.reset()
    text = ask("viewer", "GET", f"insight?days={days}").text
    counts = {call: count for call, count in world.counts().items() if call != "ssm.GetParameter"}
    assert list(counts) == ["dynamodb.Query"]
    assert counts["dynamodb.Query"] <= most_queries
    assert sum(sum(values) for values in series(text, "detections").values()) == sum(per_day.values())
    assert len(chart(text, "detections")["labels"]) <= most_points


def fill(world: World, detections: dict[int, int], *, version: str = "v1", bucket: Callable[[int], int]) -> None:
    """Put statistics as a year of detections leaves them: by days ago."""
    items: list[dict[str, Any]] = []
    for days_ago, count in detections.items():
        day = (TODAY - timedelta(days=days_ago)).isoformat()
        key = {"Month": day[:7], "DayAndVersion": f"{day}#{version}"}
        counters = ("detections", "accepted", statistics.bucket_counter(bucket(days_ago)), *LABELS)
        items.append({**key, **dict.fromkeys(counters, count)})
        pairs = [statistics.pair_counter("review", a, b) for a in "abc" for b in "abc"]
        items.append({**key, "DayAndVersion": f"{day}#{version}#pairs", **dict.fromkeys(pairs, 1)})
    world.add_items("statistics_table", items)


def test_the_window_ends_today(ask: Ask, world: World) -> None:
    text = words(ask("viewer", "GET", "insight?days=7").text)
    assert f"{date.fromordinal(TODAY.toordinal() - 6)} to {TODAY} (UTC)" in text
