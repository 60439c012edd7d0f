"""The EventBridge rules that trigger a deployment of the AWS sample."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from label_loop.provisioning.report import ResourceLine, ResourceOutcome
from label_loop.provisioning.site import Site, aws_errors_as, or_none

_KIND = "rule"
_ABSENT = "ResourceNotFoundException"
_RULE, _FUNCTION, _MACHINE = "AWS::Events::Rule", "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"

type Rule = dict[str, str]


def state_machines(record: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of the state machines that a system record names, under any key."""
    return [value for value in record.values() if isinstance(value, str) and ":states:" in value]


def enabled_rules(site: Site, stack: str | None, known: Sequence[str]) -> list[Rule]:
    """Return the enabled rules of the sample's stack, and those that target its functions or state machine.

    ``known`` are the ARNs of functions and state machines that are known without the stack.
    """
    targets = [*known]
    rules: list[Rule] = []
    for kind, name in _resources(site, stack) if stack else ():
        if kind == _RULE:
            bus, _, plain = name.rpartition("|")
            rules.append({"Name": plain, "EventBusName": bus or "default"})
        else:
            targets.append(site.names.arn("lambda", f"function:{name}") if kind == _FUNCTION else name)
    events = site.client("events")
    for target in dict.fromkeys(targets):
        with aws_errors_as("rules of", target):
            pages = events.get_paginator("list_rule_names_by_target").paginate(TargetArn=target)
            rules += [{"Name": name, "EventBusName": "default"} for page in pages for name in page["RuleNames"]]
    return [dict(rule) for rule in dict.fromkeys(tuple(rule.items()) for rule in rules) if _state(site, dict(rule))]


def disable(site: Site, rules: Sequence[Mapping[str, str]]) -> None:
    """Disable the rules that are still enabled."""
    for rule in rules:
        with site.resource(_KIND, rule["Name"]) as resource:
            if _state(site, rule):
                resource.update("disabled", lambda rule=rule: site.client("events").disable_rule(**rule))  # type: ignore[misc]


def enable(site: Site, rules: Sequence[Mapping[str, str]]) -> None:
    """Enable the rules again; one that no longer exists is reported."""
    for rule in rules:
        state = _state(site, rule)
        if state is None:
            site.report(ResourceLine(_KIND, rule["Name"], ResourceOutcome.SKIPPED, "it no longer exists"))
            continue
        with site.resource(_KIND, rule["Name"]) as resource:
            if not state:
                resource.update("enabled", lambda rule=rule: site.client("events").enable_rule(**rule))  # type: ignore[misc]


def _resources(site: Site, stack: str) -> Iterator[tuple[str, str]]:
    with aws_errors_as("stack", stack):
        for page in site.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack):
            for one in page["StackResourceSummaries"]:
                if one["ResourceType"] in {_RULE, _FUNCTION, _MACHINE} and one.get("PhysicalResourceId"):
                    yield one["ResourceType"], one["PhysicalResourceId"]


def _state(site: Site, rule: Mapping[str, str]) -> bool | None:
    """Return whether a rule is enabled, or None if it does not exist."""
    with aws_errors_as(_KIND, rule["Name"]):
        present: Any = or_none(lambda: site.client("events").describe_rule(**rule), _ABSENT)
    return present["State"] != "DISABLED" if present else None
