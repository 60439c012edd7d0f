"""Human sampling over a real endpoint: each n-th detection once, whatever is interrupted."""

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


@pytest.fixture
def each_fifth(world: World) -> World:
    world.set_variable("Human-Sampling-Interval", "5")
    world.set_state(sampling_since=moment(0))
    return world


def test_each_nth_detection_is_marked_sent_to_review_and_told(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 12))
    task = HumanSamplingOperator(task_id="sample", loop_path=each_fifth.loop.path, aws_conn_id=None)
    assert task.execute({}) == 2
    assert sampled(each_fifth) == [5, 10]
    tasks = each_fifth.human_loops()
    assert {task["input_content"]["source"] for task in tasks} == {"Human Sampling"}
    names = [row.get("HumanLoopName") for row in each_fifth.rows() if row["Sampled"] == "Yes"]
    assert names == [task["name"] for task in sorted(tasks, key=lambda task: task["name"])]
    told = each_fifth.told()
    assert len(events(told, "sample")) == 2
    assert {one["body"]["source"] for one in events(told, "review_created")} == {"Human Sampling"}
    assert sorted(one["body"]["review"] for one in events(told, "review_created")) == sorted(names)


def test_a_second_run_takes_nothing_and_later_ones_go_on_after_the_last_sample(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 12))
    each_fifth.sample()
    assert each_fifth.sample() == 0
    each_fifth.add_rows(rows(13, 20))
    assert each_fifth.sample() == 2
    assert sampled(each_fifth) == [5, 10, 15, 20]


def test_sampling_starts_when_it_was_switched_on(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 20))
    each_fifth.set_state(sampling_since=moment(11))
    assert each_fifth.sample() == 2
    assert sampled(each_fifth) == [15, 20]


def test_a_crash_between_task_and_mark_gives_the_same_samples_one_task_each(each_fifth: World) -> None:
    each_fifth.add_rows(rows(1, 12))
    each_fifth.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    with pytest.raises(ClientError):
        each_fifth.sample()
    assert len(each_fifth.human_loops()) == 2
    assert sampled(each_fifth) == []
    each_fifth.heal()
    assert each_fifth.sample() == 2
    assert sampled(each_fifth) == [5, 10]
    assert len(each_fifth.human_loops()) == 2
    assert all(row["HumanLoopName"] for row in each_fifth.rows() if row["Sampled"] == "Yes")


def test_samples_are_marked_in_the_log_s_order_so_that_a_cut_run_leaves_only_the_last(
    each_fifth: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB gives rows in any order, and the next run begins after the last sample."""
    each_fifth.set_variable("Human-Sampling-Interval", "1")
    each_fifth.add_rows(rows(1, 130, DetectLabelDate=moment(7)))
    context = each_fifth.context()
    client = context.clients.log.conn.meta.client
    read, write = client.batch_get_item, client.transact_write_items
    written = []

    def in_another_order(**request: Any) -> Any:
        answer = read(**request)
        for found in answer["Responses"].values():
            found.reverse()
        return answer

    def cut_at_the_second(**request: Any) -> Any:
        if written:
            raise RuntimeError("the worker is gone")
        written.append(write(**request))

    with monkeypatch.context() as patch:
        patch.setattr(client, "batch_get_item", in_another_order)
        patch.setattr(client, "transact_write_items", cut_at_the_second)
        with pytest.raises(RuntimeError, match="the worker is gone"):
            HumanSamplingWorkflow(context).sample()
    taken = sampled(each_fifth)
    assert taken == list(range(1, len(taken) + 1)) != []
    assert each_fifth.sample() == 130 - len(taken)
    assert sampled(each_fifth) == list(range(1, 131))


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
