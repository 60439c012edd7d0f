"""What CloudFormation does with the resources of a stack as it is created, updated, rolled back and deleted."""

import json
import re
from collections.abc import Callable
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.parsing import ResourceMap

from local_aws.moto_patches.patch import patch


@patch((parsing, "parse_and_create_resource"))
def remember_the_properties_of_a_resource(
    original: Callable[..., Any], logical_id: str, template: Any, resources: ResourceMap, **where: str
) -> Any:
    """Create a resource and note its properties, to which an update compares those that it brings.

    moto 5.2.5 keeps the template alone, in which a parameter or another resource has its name. AWS documents that
    resources that have not changed run without disruption during an update ("Update behaviors of stack resources").
    """
    resource = original(logical_id, template, resources, **where)
    if resource is not None:
        resource.made_of = _properties(template, resources)
    return resource


@patch((parsing, "parse_and_create_resource"))
def remember_which_resource_failed(
    original: Callable[..., Any], logical_id: str, template: Any, resources: ResourceMap, **where: str
) -> Any:
    """Create a resource; an error gets its logical id and type, unless it has those of one that this one needs.

    moto 5.2.5 raises the error alone. AWS documents that a stack's events name the resource that failed, with the
    reason ("View stack events").
    """
    try:
        return original(logical_id, template, resources, **where)
    except Exception as error:
        if not hasattr(error, "failed_resource"):
            error.failed_resource = (logical_id, template["Type"])  # type: ignore[attr-defined]
        raise


@patch((ResourceMap, "build_resource_diff"))
def look_at_every_resource_in_an_update(
    original: Callable[..., dict[str, Any]], resources: ResourceMap, template: Any, parameters: Any = None
) -> dict[str, Any]:
    """Have an update look at all resources that stay in the template.

    moto 5.2.5 looks at those whose template changed or has a Ref to a parameter that did: not at Fn::Sub, nor at what
    a condition depends on. AWS documents that an update evaluates conditions again and updates by what differs from
    the stack's present template and parameters ("Update behaviors of stack resources").
    """
    found = original(resources, template, parameters)
    if parameters:
        found["Modify"] = [name for name in template["Resources"] if name in resources._resource_json_map]
    return found


@patch((parsing, "parse_and_update_resource"))
def keep_resources_that_cannot_be_updated(
    original: Callable[..., Any], logical_id: str, template: Any, resources: ResourceMap, **where: str
) -> Any:
    """Update a resource; one of a type without updates stays a resource of the stack.

    moto 5.2.5 forgets it: the stack neither names nor deletes it any more. AWS documents that DeleteStack deletes all
    of a stack's resources.
    """
    return original(logical_id, template, resources, **where) or resources[logical_id]


@patch((parsing, "parse_and_update_resource"))
def leave_resources_that_do_not_change(
    original: Callable[..., Any], logical_id: str, template: Any, resources: ResourceMap, **where: str
) -> Any:
    """Update a resource if its properties are others than before.

    moto 5.2.5 updates each resource that it looks at, over what somebody changed since. AWS documents that resources
    that have not changed run without disruption during an update ("Update behaviors of stack resources").
    """
    before: Any = resources[logical_id]
    properties = _properties(template, resources)
    if properties == before.made_of:
        return before
    resource = original(logical_id, template, resources, **where)
    resource.made_of = properties
    return resource


@patch((parsing, "parse_and_update_resource"))
def create_and_delete_by_condition(
    original: Callable[..., Any], logical_id: str, template: Any, resources: ResourceMap, **where: str
) -> Any:
    """Update a resource, create it if its condition is true only now, or delete it if that is false now.

    moto 5.2.5 asks no condition in an update. AWS documents that an update evaluates conditions again, and deletes
    resources whose condition is false now ("Conditions section structure").
    """
    before, condition = resources._parsed_resources.get(logical_id), template.get("Condition")
    if condition and not resources.lazy_condition_map[condition]:
        if before is not None and not template.get("DeletionPolicy", "").startswith("Retain"):
            resources._delete_resource(before, template)
        return None
    if before is None:
        return parsing.parse_and_create_resource(logical_id, template, resources, **where)
    return original(logical_id, template, resources, **where)


def _properties(template: Any, resources: ResourceMap) -> str:
    return json.dumps(parsing.clean_json(template.get("Properties", {}), resources), sort_keys=True, default=str)


@patch((ResourceMap, "_delete_resource"))
def delete_resources_that_are_gone(
    original: Callable[..., None], resources: ResourceMap, resource: Any, template: Any
) -> None:
    """Delete a resource, or find that somebody did.

    moto 5.2.5 fails to delete a stack then. AWS's resource types report such a resource as NotFound ("Resource type
    handler contract"), which a stack's deletion takes for deleted.
    """
    try:
        original(resources, resource, template)
    except Exception as error:
        if not re.search("NotExist|NotFound|NoSuch|Missing", type(error).__name__):
            raise


@patch((CloudFormationBackend, "create_change_set"))
def review_one_stack_of_a_name(
    original: Callable[..., Any], backend: CloudFormationBackend, stack_name: str, *how: Any, **more: Any
) -> Any:
    """Create a change set; a stack of its name that has nothing but another change set makes room for its own.

    moto 5.2.5 makes a second stack of that name. AWS documents that a stack's name is unique in its region
    (CreateStack, "StackName").
    """
    for stack in [one for one in backend.stacks.values() if one.name == stack_name]:
        if stack.status == "REVIEW_IN_PROGRESS":
            del backend.stacks[stack.stack_id]
    return original(backend, stack_name, *how, **more)


@patch((CloudFormationBackend, "execute_change_set"))
def roll_back_a_creation_that_fails(
    original: Callable[..., None], backend: CloudFormationBackend, change_set_name: str, stack_name: str | None = None
) -> None:
    """Execute a change set; a creation that fails is rolled back, with the event of its first failure.

    moto 5.2.5 answers ExecuteChangeSet with the resource's error and leaves what it has created. AWS documents that
    ExecuteChangeSet starts the creation, and that one that fails is rolled back by default ("OnStackFailure").
    """
    change_set = backend.describe_change_set(change_set_name)
    try:
        original(backend, change_set_name, stack_name)
    except Exception as error:
        if change_set is None or change_set.change_set_type != "CREATE" or not hasattr(error, "failed_resource"):
            raise
        _roll_back(change_set.stack, error, *error.failed_resource)


def _roll_back(stack: Stack, error: Exception, logical_id: str, resource_type: str) -> None:
    stack._add_stack_event("CREATE_FAILED", resource_status_reason=str(getattr(error, "message", error)))
    stack.events[-1].logical_resource_id, stack.events[-1].resource_type = logical_id, resource_type
    resources = stack.resource_map
    for name in reversed(list(resources._parsed_resources)):
        if name in resources._resource_json_map and resources._parsed_resources[name] is not None:
            resources._delete_resource(resources._parsed_resources.pop(name), resources._resource_json_map[name])
    stack.status = "ROLLBACK_COMPLETE"
    stack._add_stack_event("ROLLBACK_COMPLETE")
