"""Templates and change sets of CloudFormation."""

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any

from moto.cloudformation import parsing, responses
from moto.cloudformation.models import ChangeSet, Stack

from local_aws.moto_patches.patch import patch


@lru_cache(maxsize=32)
def _read_once(read: Callable[[str], dict[str, Any]], text: str) -> dict[str, Any]:
    return read(text)


@patch((Stack, "parse_template"), (responses, "get_template_summary_response_from_template"))
def read_a_template_once(original: Callable[[str], dict[str, Any]], text: str) -> dict[str, Any]:
    """Remember what was read of a template.

    moto 5.2.5 reads it several times a call, a third of a second each for the project's. AWS documents that the
    creation of a stack starts after the call has completed (CreateStack): how often a template is read is not the
    caller's concern.
    """
    return deepcopy(_read_once(original, text))


@patch((Stack, "parse_template"))
def read_conditions_in_their_long_form(original: Callable[[str], dict[str, Any]], text: str) -> dict[str, Any]:
    """Read ``!Condition`` as ``Condition``.

    moto 5.2.5 reads it as ``Fn::Condition``, which it takes for false. AWS documents ``Condition: name`` as the long
    form of ``!Condition name`` ("Condition functions").
    """
    template: dict[str, Any] = _with_conditions(original(text))
    return template


def _with_conditions(part: Any) -> Any:
    if isinstance(part, list):
        return [_with_conditions(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {"Condition" if key == "Fn::Condition" else key: _with_conditions(one) for key, one in part.items()}


@patch((ChangeSet, "_parse_template"))
def read_the_template_of_a_change_set_once(_: Callable[..., None], change_set: ChangeSet) -> None:
    """Read a change set's template as a stack's is read, which is remembered.

    moto 5.2.5 has a second reader here, as slow as the first. AWS documents that CreateChangeSet answers while the
    change set is still being created.
    """
    change_set.template_dict = Stack.parse_template(change_set.template)


@patch((ChangeSet, "apply"))
def give_the_stack_what_a_change_set_brings(_: Callable[..., None], change_set: ChangeSet) -> None:
    """Execute a change set, after which the stack has its template, parameters and outputs.

    moto 5.2.5 changes the resources alone: DescribeStacks answers the parameters and outputs of before. AWS
    documents that ExecuteChangeSet updates the stack by what was given when the change set was created.
    """
    stack = change_set.stack
    stack.template = change_set.template
    stack._parse_template()
    stack.resource_map.update(stack.template_dict, change_set.parameters)
    stack.parameters = change_set.parameters
    stack.output_map = stack._create_output_map()


@patch((parsing.ResourceMap, "delete"))
def retain_under_either_name(original: Callable[..., None], resources: parsing.ResourceMap) -> None:
    """Delete a stack's resources but for those that it retains, under either name of that policy.

    moto 5.2.5 knows "Retain" alone. AWS documents "RetainExceptOnCreate" as the same, but for a resource whose
    creation is rolled back ("DeletionPolicy attribute").
    """
    for resource in resources._resource_json_map.values():
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = "Retain"
    original(resources)
