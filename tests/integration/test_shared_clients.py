"""Threads that ask for reviews at once share one client, and know its errors."""

import time
from collections import Counter
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.world import World


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the clients that are made; making one takes a moment, so that all threads come for theirs."""
    counts: Counter[str] = Counter()
    for kind in ("get_client_type", "get_resource_type"):
        make = getattr(AwsGenericHook, kind)

        def counted(self: Any, *args: Any, make: Any = make, **kwargs: Any) -> Any:
            counts[type(self).__name__] += 1
            time.sleep(0.05)
            return make(self, *args, **kwargs)

        monkeypatch.setattr(AwsGenericHook, kind, counted)
    return counts


@pytest.mark.parametrize(("backend", "hook"), [("a2i", "AugmentedAIRuntimeHook"), ("airflow", "ReviewsHook")])
def test_many_reviews_at_once_are_asked_for_with_one_client(
    unsure: World, made: Counter[str], backend: str, hook: str
) -> None:
    world = unsure
    world.set_record(review_backend=backend)
    for n in range(8):
        world.upload(f"{n}.png", FRESH_DIGITS[n].body)
    assert world.detect().sent_to_review == 8
    assert made[hook] == made["RekognitionHook"] == 1
