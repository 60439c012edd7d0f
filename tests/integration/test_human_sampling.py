"""Human sampling over a real endpoint: one detection of each block once, whatever is interrupted."""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.site import events
from tests.integration.world import World

from label_loop.exceptions import ReviewRefusedError
from label_loop.operators.human_sampling import HumanSamplingOperator
from label_loop.workflows.human_sampling import HumanSamplingWorkflow

BEGIN = datetime(2026, 11, 23, 9, tzinfo=UTC)


def moment(second: int) -> str:
    return (BEGIN + timedelta(seconds=second)).isoformat(timespec="microseconds")


def rows(first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "DetectLabelRequestId": f"{n:08x}-0000-0000-0000-000000000000",
            "DetectLabelDate": moment(n),
            "S3Bucket": "b",
            "S3ObjectKey": f"images_for_detection/{n}.png",
            "DetectedLabel": "1",
            "DetectedConfidenceLevel": Decimal("99.5"),
            "Sampled": "No",
            **more,
        }
        for n in range(first, last + 1)
    ]


def sampled(world: World) -> list[int]:
    return [int(row["DetectLabelRequestId"][:8], 16) for row in world.rows() if row["Sampled"] == "Yes"]


def blocks(world: World, length: int = 5) -> list[int]:
    """Return the blocks that have a sample, numbered from 0; each row that is sampled has its block's weight."""
    assert {row["SampleWeight"] for row in world.rows() if row["Sampled"] == "Yes"} <= {length}
    return [(number - 1) // length for number in sampled(world)]


@pytest.fixture
def each_fifth(world: World) -> World:
    world.set_variable("Human-Sampling-Interval", "5")
    world.set_state(sampling_since=moment(0))
    return world


def test_one_detection_of_each_block_is_marked_sent_to_review_and_told(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 12))
    task = HumanSamplingOperator(task_id="sample", loop_path=each_fifth.loop.path, aws_conn_id=None)
    assert task.execute({}) == 2
    assert blocks(each_fifth) == [0, 1]
    tasks = each_fifth.human_loops()
    assert {task["input_content"]["source"] for task in tasks} == {"Human Sampling"}
    names = [row.get("HumanLoopName") for row in each_fifth.rows() if row["Sampled"] == "Yes"]
    assert sorted(map(str, names)) == sorted(task["name"] for task in tasks)
    told = each_fifth.told()
    assert len(events(told, "sample")) == 2
    assert {one["body"]["source"] for one in events(told, "review_created")} == {"Human Sampling"}
    assert sorted(one["body"]["review"] for one in events(told, "review_created")) == sorted(map(str, names))


def test_a_second_run_takes_nothing_and_later_ones_go_on_after_the_last_block(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 12))
    each_fifth.sample()
    assert each_fifth.sample() == 0
    each_fifth.add_rows(rows(13, 20))
    assert each_fifth.sample() == 2
    assert blocks(each_fifth) == [0, 1, 2, 3]


def test_a_block_is_sampled_once_its_last_detection_is_ten_minutes_old(each_fifth: World) -> None:
    now = datetime.now(UTC)
    young, old = ((now - timedelta(minutes=minutes)).isoformat(timespec="microseconds") for minutes in (9, 11))
    each_fifth.add_rows(rows(1, 9, DetectLabelDate=old) + rows(10, 10, DetectLabelDate=young))
    task = HumanSamplingOperator(task_id="sample", loop_path=each_fifth.loop.path, aws_conn_id=None)
    assert task.execute({}) == 1
    assert blocks(each_fifth) == [0]
    assert task.execute({"params": {"minimum_age_minutes": 0}}) == 1
    assert blocks(each_fifth) == [0, 1]


def test_what_is_logged_behind_a_closed_block_is_in_no_sample(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 3) + rows(5, 6))
    each_fifth.sample()
    each_fifth.add_rows(rows(4, 4) + rows(7, 11))
    assert each_fifth.sample() == 1
    first, second = sampled(each_fifth)
    assert first in {1, 2, 3, 5, 6}
    assert second in {7, 8, 9, 10, 11}


def test_sampling_starts_when_it_was_switched_on(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 20))
    each_fifth.set_state(sampling_since=moment(11))
    assert each_fifth.sample() == 2
    assert blocks(each_fifth) == [2, 3]


def test_sampling_that_is_switched_on_again_passes_over_what_came_in_between(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 5))
    assert each_fifth.sample() == 1
    each_fifth.add_rows(rows(6, 20))
    each_fifth.set_state(sampling_since=moment(16))
    assert each_fifth.sample() == 1
    assert blocks(each_fifth) == [0, 3]


def test_an_interval_that_changes_holds_from_the_next_block_on(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 8))
    assert each_fifth.sample() == 1
    each_fifth.set_variable("Human-Sampling-Interval", "3")
    assert each_fifth.sample() == 1
    weights = [row["SampleWeight"] for row in each_fifth.rows() if row["Sampled"] == "Yes"]
    assert weights == [5, 3]


def test_the_secret_is_made_once_and_nobody_is_told(each_fifth: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="label_loop")
    each_fifth.add_rows(rows(1, 5))
    each_fifth.sample()
    secret = each_fifth.state().sampling_secret
    assert secret
    each_fifth.add_rows(rows(6, 10))
    each_fifth.sample()
    assert each_fifth.state().sampling_secret == secret
    assert secret not in f"{caplog.text} {each_fifth.record()} {each_fifth.told()} {each_fifth.human_loops()}"


def test_a_loop_without_a_state_table_samples_too_and_keeps_no_secret_in_its_record(each_fifth: World) -> None:
    each_fifth.set_record(state_table=None, sampling_since=moment(0))
    each_fifth.add_rows(rows(1, 12))
    assert each_fifth.sample() == 2
    assert each_fifth.sample() == 0
    assert "sampling_secret" not in each_fifth.record()


def test_a_crash_between_task_and_mark_gives_the_same_samples_one_task_each(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 12))
    each_fifth.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    with pytest.raises(ClientError):
        each_fifth.sample()
    asked = {task["input_content"]["detectLabelRequestId"] for task in each_fifth.human_loops()}
    assert len(asked) == 2
    assert sampled(each_fifth) == []
    each_fifth.heal()
    assert each_fifth.sample() == 2
    assert {row["DetectLabelRequestId"] for row in each_fifth.rows() if row["Sampled"] == "Yes"} == asked
    assert len(each_fifth.human_loops()) == 2
    assert all(row["HumanLoopName"] for row in each_fifth.rows() if row["Sampled"] == "Yes")


@pytest.mark.parametrize("later", [2, 3, 50])
def test_a_run_that_is_cut_is_completed_with_the_same_samples_whatever_the_interval_is_by_then(
    each_fifth: World, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    """All detections have one timestamp, and DynamoDB gives rows in any order."""
    each_fifth.set_variable("Human-Sampling-Interval", "2")
    each_fifth.add_rows(rows(1, 400, DetectLabelDate=moment(7)))
    context = each_fifth.context()
    client = context.clients.log.conn.meta.client
    read, write = client.batch_get_item, client.transact_write_items
    written = []

    def in_another_order(**request: Any) -> Any:
        answer = read(**request)
        for found in answer["Responses"].values():
            found.reverse()
        return answer

    def cut_at_the_fourth(**request: Any) -> Any:
        if len(written) == 3:
            raise RuntimeError("the worker is gone")
        written.append(write(**request))

    with monkeypatch.context() as patch:
        patch.setattr(client, "batch_get_item", in_another_order)
        patch.setattr(client, "transact_write_items", cut_at_the_fourth)
        with pytest.raises(RuntimeError, match="the worker is gone"):
            HumanSamplingWorkflow(context).sample()
    asked = {task["input_content"]["detectLabelRequestId"] for task in each_fifth.human_loops()}
    taken = blocks(each_fifth, 2)
    assert taken == list(range(len(taken)))
    assert 100 < len(taken) < 200  # the mark is behind the first hundred
    each_fifth.set_variable("Human-Sampling-Interval", str(later))
    assert each_fifth.sample() == (400 - 2 * len(taken)) // later
    weights = [int(row["SampleWeight"]) for row in each_fifth.rows() if row["Sampled"] == "Yes"]
    assert sorted(weights) == sorted([2] * len(taken) + [later] * ((400 - 2 * len(taken)) // later))
    if later == 2:
        assert {row["DetectLabelRequestId"] for row in each_fifth.rows() if row["Sampled"] == "Yes"} == asked


def test_a_detection_in_review_is_marked_without_a_second_task(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 5, HumanLoopName="the-first"))
    assert each_fifth.sample() == 1
    assert each_fifth.human_loops() == []
    assert {row["HumanLoopName"] for row in each_fifth.rows()} == {"the-first"}


def test_failed_images_are_in_no_sample(each_fifth: World) -> None:
    failed = rows(6, 9)
    for row in failed:
        del row["Sampled"]
    each_fifth.add_rows([*rows(1, 4), *failed])
    assert each_fifth.sample() == 0


def test_refused_review_marks_nothing_so_that_nothing_is_lost(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 5))
    each_fifth.fault("sagemaker-a2i-runtime", "StartHumanLoop", code="AccessDeniedException", status=403)
    with pytest.raises(ReviewRefusedError, match="--review-backend airflow"):
        each_fifth.sample()
    assert sampled(each_fifth) == []
    each_fifth.heal()
    assert each_fifth.sample() == 1
