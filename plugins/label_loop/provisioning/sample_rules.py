"""The EventBridge rules that trigger a deployment of the AWS sample."""

from collections.abc import Mapping, Sequence
from typing import Any

from label_loop.provisioning.report import ProvisioningError, ResourceLine, ResourceOutcome
from label_loop.provisioning.site import Site, aws_errors_as, or_none

_KIND = "rule"
_ABSENT = "ResourceNotFoundException"
_RULE, _FUNCTION, _MACHINE = "AWS::Events::Rule", "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"

type Rule = dict[str, str]
type StackResource = tuple[str, str]
"""Its type, and its name or ARN."""


def state_machines(record: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of the state machines that a system record names, under any key."""
    return [value for value in record.values() if isinstance(value, str) and ":states:" in value]


def stack_resources(site: Site, stack: str, record: Mapping[str, Any]) -> list[StackResource]:
    """Return the resources of the sample's stack.

    Raises ProvisioningError if there is no such stack, or if it has nothing that the system record names: then it is
    another one, whose rules are not the sample's.
    """
    pages = site.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    with aws_errors_as("stack", stack):
        found = or_none(lambda: [one for page in pages for one in page["StackResourceSummaries"]], "ValidationError")
    remedy = "correct --stack, or choose where to look with --region and --profile"
    if found is None:
        raise ProvisioningError("stack", stack, f"there is none of that name in {site.where}", remedy)
    resources = [(one["ResourceType"], one["PhysicalResourceId"]) for one in found if one.get("PhysicalResourceId")]
    if not {name for _, name in resources} & {value for value in record.values() if isinstance(value, str)}:
        problem = f"the one in {site.where} has nothing that the record of {site.loop.path} names"
        raise ProvisioningError("stack", stack, problem, remedy)
    return resources


def enabled_rules(site: Site, resources: Sequence[StackResource], known: Sequence[str]) -> list[Rule]:
    """Return the enabled rules of the sample's stack, and those that target its functions or state machine.

    ``known`` are the ARNs of functions and state machines that are known without the stack.
    """
    targets = [*known]
    rules: list[Rule] = []
    for kind, name in resources:
        if kind == _RULE:
            bus, _, plain = name.rpartition("|")
            rules.append({"Name": plain, "EventBusName": bus or "default"})
        elif kind in {_FUNCTION, _MACHINE}:
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


def _state(site: Site, rule: Mapping[str, str]) -> bool | None:
    """Return whether a rule is enabled, or None if it does not exist."""
    with aws_errors_as(_KIND, rule["Name"]):
        present: Any = or_none(lambda: site.client("events").describe_rule(**rule), _ABSENT)
    return present["State"] != "DISABLED" if present else None
