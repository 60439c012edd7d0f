"""Daily statistics over a real endpoint: they are what the rows say, whatever came twice, failed or was cut."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.clients import SharedSession
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.world import World

from label_loop.domain.insight import DailyCounts
from label_loop.domain.log_row import LogRow
from label_loop.domain.statistics import StatisticsKey, of_row, summed
from label_loop.exceptions import UnfinishedWorkError
from label_loop.provisioning import Options, ProvisioningError
from label_loop.provisioning import statistics as provisioning_statistics
from label_loop.provisioning.site import Site
from label_loop.provisioning.statistics import rebuild


def counted(world: World) -> list[DailyCounts]:
    hook = world.context().clients.statistics
    assert hook is not None
    today = datetime.now(UTC).date()
    return hook.days(today - timedelta(days=1), today)[0]


def assert_counts_are_the_rows(world: World) -> DailyCounts:
    """Compare, and return the counts of the one day and version."""
    expected: dict[tuple[str, str], dict[str, int]] = {}
    for item, counters in summed(of_row(LogRow.from_item(row)) for row in world.rows()).items():
        expected.setdefault(item.day_and_version_name, {}).update(counters)
    days = counted(world)
    # A counter that went back to 0 stays.
    found = {(day.day, day.version): {name: n for name, n in day.counts.items() if n} for day in days}
    assert found == expected
    (day,) = days
    return day


def test_counts_are_what_the_run_did(world: World) -> None:
    world.upload_digits(12)
    world.upload("bad.png", b"hello")
    world.set_variable("Minimum-Label-Detection-Confidence", "80")
    summary = world.detect()
    day = assert_counts_are_the_rows(world)
    assert day.version == "v1"
    assert (day["detections"], day["failed"]) == (summary.detected, summary.failed) == (12, 1)
    assert (day["accepted"], day["sent_to_review"]) == (summary.accepted, summary.sent_to_review)


@pytest.mark.parametrize("operation", ["TransactWriteItems", "BatchGetItem"])
def test_uploads_that_come_again_are_counted_once(unsure: World, operation: str) -> None:
    for n in range(3):
        unsure.upload(f"{n}.png", FRESH_DIGITS[n].body)
    unsure.fault("dynamodb", operation, code="AccessDeniedException")
    with pytest.raises(ClientError):
        unsure.detect()
    unsure.heal()
    unsure.come_again()
    unsure.detect()
    assert assert_counts_are_the_rows(unsure)["detections"] == 3


def test_a_crash_after_the_rows_are_written_counts_nothing_twice(
    unsure: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure.upload_digits(3)
    state = unsure.detection()

    def crash(_: Any) -> None:
        raise RuntimeError("the worker is gone")

    monkeypatch.setattr(state.inbox, "done", crash)
    with pytest.raises(RuntimeError):
        state.drain()
    assert unsure.come_again() == 3
    assert unsure.detect().repeated == 3
    assert assert_counts_are_the_rows(unsure)["detections"] == 3


def test_an_answer_is_counted_once_whatever_comes_between(unsure: World) -> None:
    unsure.upload("a.png")
    unsure.detect()
    unsure.answer("7")
    unsure.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    with pytest.raises(UnfinishedWorkError):
        unsure.review()
    unsure.heal()
    assert assert_counts_are_the_rows(unsure)["review_answered"] == 0
    unsure.come_again("answers")
    unsure.review()
    unsure.come_again("answers")
    unsure.review()
    assert assert_counts_are_the_rows(unsure)["review_answered"] == 1


def test_a_reviewed_detection_that_is_sampled_later_counts_as_a_sample_too(unsure: World) -> None:
    unsure.set_variable("Human-Sampling-Interval", "1")
    for n in range(2):
        unsure.upload(f"{n}.png", FRESH_DIGITS[n].body)
    unsure.detect()
    first, second = (loop["name"] for loop in unsure.human_loops())
    unsure.answer("7", first)
    unsure.review()
    assert unsure.sample() == 2
    day = assert_counts_are_the_rows(unsure)
    assert (day["sampled"], day["sample_answered"], day["review_answered"]) == (2, 1, 1)
    unsure.answer("8", second)
    unsure.review()
    unsure.sample()
    day = assert_counts_are_the_rows(unsure)
    assert (day["sampled"], day["sample_answered"], day["review_answered"]) == (2, 2, 2)


def test_a_sample_answered_before_its_mark_is_written_is_counted(world: World) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.set_variable("Human-Sampling-Interval", "1")
    world.upload("a.png")
    world.detect()
    world.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    with pytest.raises(ClientError):
        world.sample()
    world.heal()
    world.answer("7")
    with pytest.raises(UnfinishedWorkError, match="Nobody was asked"):
        world.review()
    assert world.sample() == 1
    world.come_again("answers")
    assert world.review().answered == 1
    day = assert_counts_are_the_rows(world)
    assert (day["sampled"], day["sample_answered"], day["review_answered"]) == (1, 1, 0)


def test_counting_costs_no_call(unsure: World) -> None:
    _ = unsure.context().store.sampling_secret  # made once
    calls = {}
    for kept in (True, False):
        if not kept:
            unsure.set_record(statistics_table=None)
        unsure.upload_digits(5)
        detecting = unsure.calls(unsure.detect)
        unsure.answer("7", max(unsure.human_loops(), key=lambda loop: loop["created"])["name"])
        calls[kept] = (detecting, unsure.calls(unsure.review))
    assert calls[True] == calls[False]
    assert len(unsure.rows()) == 10


def test_a_loop_without_statistics_works_as_before(unsure: World) -> None:
    table = unsure.record()["statistics_table"]
    unsure.set_record(statistics_table=None)
    unsure.upload("a.png")
    assert unsure.detect().detected == 1
    unsure.answer("7")
    assert unsure.review().answered == 1
    assert unsure.context().clients.statistics is None
    unsure.set_record(statistics_table=table)
    assert counted(unsure) == []


# --- a log from before


def rebuilt(world: World) -> tuple[int, list[StatisticsKey]]:
    return rebuild(Site(world.loop, Options(), SharedSession(world.aws.url), lambda _: None))  # type: ignore[arg-type]


@pytest.fixture
def uncounted(unsure: World) -> World:
    """Give a loop that has detected, reviewed and sampled, and counted nothing of it."""
    table = unsure.record()["statistics_table"]
    unsure.set_record(statistics_table=None)
    unsure.set_variable("Human-Sampling-Interval", "2")
    unsure.upload_digits(4)
    unsure.upload("bad.png", b"hello")
    unsure.detect()
    unsure.sample()
    for loop in unsure.human_loops()[:3]:
        unsure.answer("7", loop["name"])
    unsure.review()
    unsure.set_record(statistics_table=table)
    return unsure


def test_a_log_from_before_is_counted_when_asked_and_again_changes_nothing(uncounted: World) -> None:
    assert counted(uncounted) == []
    for _ in range(2):
        assert rebuilt(uncounted) == (1, [])
        day = assert_counts_are_the_rows(uncounted)
        assert (day["detections"], day["failed"], day["sampled"], day["review_answered"]) == (4, 1, 2, 3)
    uncounted.upload("later.png")
    uncounted.detect()
    assert assert_counts_are_the_rows(uncounted)["detections"] == 5


@pytest.mark.parametrize("known", [True, False], ids=["a day counted on before", "a new day"])
def test_a_day_that_is_counted_on_meanwhile_is_left_and_told(
    uncounted: World, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    if known:
        uncounted.upload("first.png")
        uncounted.detect()
    read = provisioning_statistics._rows

    def detect_after_reading(site: Site, table: str) -> Any:
        yield from list(read(site, table))
        if table == uncounted.record()["dynamodb_table"]:
            uncounted.upload("meanwhile.png")
            uncounted.detect()

    with monkeypatch.context() as patch:
        patch.setattr(provisioning_statistics, "_rows", detect_after_reading)
        written, (changed,) = rebuilt(uncounted)
    assert (written, changed.day_and_version_name[1]) == (0, "v1")
    assert counted(uncounted)[0]["detections"] == 1 + known
    assert rebuilt(uncounted) == (1, [])
    assert_counts_are_the_rows(uncounted)


def test_a_loop_without_the_table_is_told_how_to_get_it(world: World) -> None:
    world.set_record(statistics_table=None)
    with pytest.raises(ProvisioningError, match=r"label_loop provision /integration. first"):
        rebuilt(world)
