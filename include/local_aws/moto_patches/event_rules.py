"""Rules of EventBridge, and what they send to their targets."""

import copy
import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jsonpath_ng.ext
from moto.core.exceptions import JsonRESTError
from moto.events.models import Rule
from moto.sns.models import sns_backends

from local_aws.moto_patches.patch import patch
from local_aws.services import ACCOUNT_ID

_TARGETS = 5


@patch((jsonpath_ng.ext, "parse"))
def parse_a_path_once(original: Callable[..., Any], path: str) -> Any:
    """Remember the paths that the targets of rules take out of events.

    moto 5.2.5 has a path parsed anew for each event and target, for which a grammar is built in tens of milliseconds,
    in the call that causes the event. AWS delivers events asynchronously: rules do not slow down the call that
    causes one.
    """
    return _parsed(original, path)


@functools.cache
def _parsed(parse: Callable[..., Any], path: str) -> Any:
    return parse(path)


@patch((Rule, "send_to_targets"))
def send_to_topics(original: Callable[..., None], rule: Rule, event: Any, transform_input: bool = True) -> None:
    """Publish events to the SNS topics that are targets.

    moto 5.2.5 raises NotImplementedError at such a target, which ends its PutEvents. AWS documents topics of SNS as
    targets of rules ("Event bus targets").
    """
    topics = [target["Arn"] for target in rule.targets if target["Arn"].split(":")[2] == "sns"]
    rest = copy.copy(rule)
    rest.targets = [target for target in rule.targets if target["Arn"] not in topics]
    original(rest, event, transform_input)
    if topics and rule.event_pattern.matches_event(event):
        _publish(topics, event)


@patch((Rule, "send_to_targets"))
def send_nothing_by_rules_that_match_nothing(
    original: Callable[..., None], rule: Rule, event: Any, transform_input: bool = True
) -> None:
    """Send events only by rules that are enabled and have a pattern.

    moto 5.2.5 sends events by disabled rules too, and every event by a rule that has a schedule alone. AWS
    documents that a disabled rule matches no events (DisableRule), and that a rule with a schedule triggers by it
    (PutRule).
    """
    if rule.state != "DISABLED" and rule.event_pattern.get_pattern():
        original(rule, event, transform_input)


@patch((Rule, "put_targets"))
def limit_the_targets_of_a_rule(original: Callable[..., None], rule: Rule, targets: list[dict[str, Any]]) -> None:
    """Give a rule targets, up to five.

    moto 5.2.5 takes any number. AWS documents that a rule has up to five, and LimitExceededException (PutTargets).
    """
    if len({one["Id"] for one in [*rule.targets, *targets]}) > _TARGETS:
        raise JsonRESTError("LimitExceededException", f"The rule {rule.name} would have more than {_TARGETS} targets.")
    original(rule, targets)


def _publish(topics: list[str], event: dict[str, Any]) -> None:
    moment = datetime.fromtimestamp(float(event["time"]), UTC)
    sent = {key: value for key, value in event.items() if key != "ingestion-time"}
    text = json.dumps(sent | {"time": moment.strftime("%Y-%m-%dT%H:%M:%SZ")})
    for arn in topics:
        sns_backends[ACCOUNT_ID][arn.split(":")[3]].publish(message=text, arn=arn)
