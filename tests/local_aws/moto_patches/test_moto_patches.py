"""Each patch of moto makes the endpoint answer as AWS does, and moto by itself still answers otherwise."""

import re
from collections.abc import Callable
from typing import Any

import moto
import pytest
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.moto_patches import of_events_and_tables, of_s3, of_stacks
from tests.local_aws.moto_patches.looks import Look

from local_aws import moto_patches

MODULES = (of_s3, of_events_and_tables, of_stacks)
LOOKS = [value for module in MODULES for value in vars(module).values() if isinstance(value, Look)]
SERVICES = "s3,ssm,sns,sqs,dynamodb,events,cloudformation,ec2"


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look.name}:{look.ask.__name__}")
def look(request: pytest.FixtureRequest) -> Look:
    found: Look = request.param
    return found


@pytest.fixture
def endpoint(start: Callable[..., Endpoint]) -> Endpoint:
    return start(hosts=of_s3.HOST, moto_services=SERVICES)


def test_with_the_patch_the_endpoint_answers_as_aws_does(look: Look, endpoint: Endpoint) -> None:
    assert look.ask(endpoint) == look.aws


def test_moto_by_itself_still_needs_the_patch(look: Look, endpoint: Endpoint) -> None:
    with look.moto_alone():
        found = look.ask(endpoint)
    assert found == look.moto, f"moto {moto.__version__} answers otherwise: {look.name} may be needed no longer"


def test_every_patch_is_looked_at() -> None:
    assert {look.name for look in LOOKS} == {patch.name for patch in moto_patches.every_patch()}


@pytest.mark.parametrize("patch", moto_patches.every_patch(), ids=lambda patch: patch.name)
def test_every_patch_says_what_moto_does_and_what_aws_does(patch: Any) -> None:
    first, _, reason = patch.reason.partition("\n\n")
    assert first
    assert re.match(r"moto \d+\.\d+\.\d+ ", reason)
    assert "AWS" in reason
