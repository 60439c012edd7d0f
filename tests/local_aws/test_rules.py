"""The limits of EventBridge's rules."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

PATTERN = '{"source": ["mine"]}'


def target(number: int) -> dict[str, str]:
    return {"Id": str(number), "Arn": f"arn:aws:sqs:us-east-1:123456789012:queue-{number}"}


@pytest.mark.parametrize(
    "wrong",
    [{"Name": "x" * 65}, {"Name": "a b"}, {"EventPattern": " " * 4097 + PATTERN}, {"State": "SLEEPING"}],
)
def test_what_breaks_the_model_is_refused(endpoint: Endpoint, wrong: dict[str, Any]) -> None:
    events = endpoint.client("events")
    events.put_rule(Name="x" * 64, EventPattern=PATTERN)
    with pytest.raises(ClientError) as caught:
        events.put_rule(**({"Name": "rule", "EventPattern": PATTERN} | wrong))
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert [rule["Name"] for rule in events.list_rules()["Rules"]] == ["x" * 64]


def test_a_rule_has_five_targets(endpoint: Endpoint) -> None:
    events = endpoint.client("events")
    events.put_rule(Name="rule", EventPattern=PATTERN)
    events.put_targets(Rule="rule", Targets=[target(number) for number in range(5)])
    events.put_targets(Rule="rule", Targets=[target(0)])  # one that it has already is no further one
    with pytest.raises(ClientError) as caught:
        events.put_targets(Rule="rule", Targets=[target(5)])
    assert caught.value.response["Error"]["Code"] == "LimitExceededException"
    assert len(events.list_targets_by_rule(Rule="rule")["Targets"]) == 5
