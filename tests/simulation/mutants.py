"""Faults that are put into the package, to prove that the histories find such ones. Like ``runs.py`` it knows names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.simulation.clock import CLOCK
from tests.simulation.machine import DailyWork, Histories, Models

from label_loop.domain.log_row import LogRow
from label_loop.domain.sampling import Position
from label_loop.hooks.inference_log import InferenceLogHook
from label_loop.operators.deployment import StopIdleVersionsOperator
from label_loop.review import a2i
from label_loop.sensors.rekognition import RekognitionProjectVersionSensor
from label_loop.store import LoopStore
from label_loop.workflows.detection import DetectionWorkflow
from label_loop.workflows.human_sampling import HumanSamplingWorkflow


@dataclass(frozen=True)
class Mutant:
    """A fault, and the kind of histories that finds it."""

    machine: type[Histories]
    put_in: Callable[[pytest.MonkeyPatch], None]


def _delete_messages_before_rows_are_written(patch: pytest.MonkeyPatch) -> None:
    write = DetectionWorkflow._write_batch

    def write_batch(self: DetectionWorkflow, batch: Any, pool: Any) -> Any:
        self.inbox.done(batch.deliveries)
        return write(self, batch, pool)

    patch.setattr(DetectionWorkflow, "_write_batch", write_batch)


def _apply_answers_without_a_condition(patch: pytest.MonkeyPatch) -> None:
    update = InferenceLogHook._update

    def update_always(
        self: InferenceLogHook, id_: str, values: Mapping[str, Any], condition: str, _: Any = None
    ) -> Any:
        return update(self, id_, values or {"Touched": True}, condition.partition(" AND ")[0])

    patch.setattr(InferenceLogHook, "_update", update_always)
    patch.setattr(LogRow, "is_answered", False)  # else only two runs that read at the same moment could disagree


def _put_rows_without_a_condition(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(InferenceLogHook, "_put", lambda self, row: {"Put": {"TableName": self.table, "Item": row.to_item()}})


def _leave_the_old_version_running(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StopIdleVersionsOperator, "execute", lambda self, context: None)


def _name_reviews_at_random(patch: pytest.MonkeyPatch) -> None:
    names = iter(range(10**9))
    patch.setattr(a2i, "human_loop_name", lambda detection_id: f"label-loop-{detection_id}-{next(names)}")


def _do_not_wait_for_the_start(patch: pytest.MonkeyPatch) -> None:
    wait = RekognitionProjectVersionSensor.execute

    def execute(self: RekognitionProjectVersionSensor, context: Any) -> str:
        if self.waiter_name == "project_version_running":
            return str(self.version_name)
        return wait(self, context)

    patch.setattr(RekognitionProjectVersionSensor, "execute", execute)


def _forget_what_was_sampled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LoopStore, "sampling_secret", property(lambda self: str(CLOCK.monotonic())))
    patch.setattr(HumanSamplingWorkflow, "_start", lambda self: Position("", ""))
    patch.setattr(InferenceLogHook, "sampled_since", lambda self, moment: [])
    patch.setattr(HumanSamplingWorkflow, "_start", lambda self: Position("", ""))
    patch.setattr(InferenceLogHook, "sampled_since", lambda self, moment: [])


MUTANTS: Mapping[str, Mutant] = {
    "messages are deleted before their rows are written": Mutant(DailyWork, _delete_messages_before_rows_are_written),
    "answers are applied without a condition": Mutant(DailyWork, _apply_answers_without_a_condition),
    "rows are put without a condition": Mutant(DailyWork, _put_rows_without_a_condition),
    "the old version is left running": Mutant(Models, _leave_the_old_version_running),
    "reviews are named at random": Mutant(DailyWork, _name_reviews_at_random),
    "blocks are sampled again": Mutant(DailyWork, _forget_what_was_sampled),
    "nobody waits for the start": Mutant(Models, _do_not_wait_for_the_start),
}
