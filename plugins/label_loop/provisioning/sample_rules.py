"""The EventBridge rules that set a deployment of the AWS sample to work."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from label_loop.provisioning.report import Line, Outcome
from label_loop.provisioning.site import Site, found, naming

_KIND = "rule"
_ABSENT = "ResourceNotFoundException"
_RULE, _FUNCTION, _MACHINE = "AWS::Events::Rule", "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"

type Rule = dict[str, str]


def machines(record: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of state machines that a system record names, under whatever key."""
    return [value for value in record.values() if isinstance(value, str) and ":states:" in value]


def enabled_rules(site: Site, stack: str | None, known: Sequence[str]) -> list[Rule]:
    """Return the enabled rules of the sample's stack, and those that target its functions or state machine.

    ``known`` are the ARNs of those that are known without the stack.
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
        with naming("rules of", target):
            pages = events.get_paginator("list_rule_names_by_target").paginate(TargetArn=target)
            rules += [{"Name": name, "EventBusName": "default"} for page in pages for name in page["RuleNames"]]
    return [dict(rule) for rule in dict.fromkeys(tuple(rule.items()) for rule in rules) if _state(site, dict(rule))]


def disable(site: Site, rules: Sequence[Mapping[str, str]]) -> None:
    """Disable the rules that are still enabled."""
    for rule in rules:
        with site.resource(_KIND, rule["Name"]) as work:
            if _state(site, rule):
                work.mend("disabled", lambda rule=rule: site.client("events").disable_rule(**rule))  # type: ignore[misc]


def enable(site: Site, rules: Sequence[Mapping[str, str]]) -> None:
    """Enable the rules again; one that is gone meanwhile is told."""
    for rule in rules:
        state = _state(site, rule)
        if state is None:
            site.report(Line(_KIND, rule["Name"], Outcome.NOT_MADE, "it is gone"))
            continue
        with site.resource(_KIND, rule["Name"]) as work:
            if not state:
                work.mend("enabled", lambda rule=rule: site.client("events").enable_rule(**rule))  # type: ignore[misc]


def _resources(site: Site, stack: str) -> Iterator[tuple[str, str]]:
    with naming("stack", stack):
        for page in site.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack):
            for one in page["StackResourceSummaries"]:
                if one["ResourceType"] in {_RULE, _FUNCTION, _MACHINE} and one.get("PhysicalResourceId"):
                    yield one["ResourceType"], one["PhysicalResourceId"]


def _state(site: Site, rule: Mapping[str, str]) -> bool | None:
    """Return whether a rule is enabled, or None where it is gone."""
    with naming(_KIND, rule["Name"]):
        present: Any = found(lambda: site.client("events").describe_rule(**rule), _ABSENT)
    return present["State"] != "DISABLED" if present else None
