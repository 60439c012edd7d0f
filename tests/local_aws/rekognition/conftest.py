"""One real training serves all tests that only need a trained model."""

from collections.abc import Iterator

import pytest
from tests.local_aws.rekognition.fakes import Caller, put_shapes

from local_aws.rekognition.training import Trainer, TrainingOutcome


@pytest.fixture(scope="session")
def shapes_outcome() -> TrainingOutcome:
    """Discs and squares, really trained in a process of its own."""
    caller = Caller()
    put_shapes(caller.s3)
    arn = caller.version(caller.project(), "shapes", "shapes.manifest")
    assert caller.trained(arn)["Status"] == "TRAINING_COMPLETED"
    outcome = caller.service._versions._registry.version(arn, caller.region).outcome
    assert outcome is not None
    return outcome


@pytest.fixture
def caller() -> Iterator[Caller]:
    """A fresh Rekognition whose trainings are real."""
    caller = Caller()
    yield caller
    caller.service.close()


@pytest.fixture
def instant(caller: Caller, shapes_outcome: TrainingOutcome, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A fresh Rekognition whose trainings all end at once with the shapes model."""
    monkeypatch.setattr(Trainer, "run", lambda _trainer: shapes_outcome)
    return caller


@pytest.fixture
def ready(instant: Caller) -> tuple[Caller, str]:
    """A caller and the ARN of its running version."""
    arn = instant.version(instant.project(), "v1", "any.manifest")
    instant.trained(arn)
    instant.running(arn)
    return instant, arn
