"""Templates and change sets of CloudFormation."""

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any

from moto.cloudformation import parsing, responses
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, Stack
from moto.cloudformation.responses import CloudFormationResponse

from local_aws.moto_patches.patch import patch

_TEMPLATE_BYTES = 51_200
_PARAMETER_BYTES = 4096


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


@patch(
    (CloudFormationResponse, "create_stack"),
    (CloudFormationResponse, "update_stack"),
    (CloudFormationResponse, "create_change_set"),
    (CloudFormationResponse, "get_template_summary"),
)
def limit_the_length_of_templates(original: Callable[..., Any], response: CloudFormationResponse) -> Any:
    """Refuse a template that is longer than a request takes.

    moto 5.2.5 takes templates of any length. AWS documents 51,200 bytes (CreateChangeSet, "TemplateBody"), and answers
    ValidationError above it.
    """
    if len((response._get_param("TemplateBody") or "").encode()) > _TEMPLATE_BYTES:
        raise ValidationError(message=f"A template in a request has at most {_TEMPLATE_BYTES} bytes.")
    return original(response)


@patch(
    (CloudFormationResponse, "create_stack"),
    (CloudFormationResponse, "update_stack"),
    (CloudFormationResponse, "create_change_set"),
)
def limit_the_length_of_stack_parameters(original: Callable[..., Any], response: CloudFormationResponse) -> Any:
    """Refuse a parameter that is longer than CloudFormation takes.

    moto 5.2.5 takes values of any length. AWS documents 4,096 bytes ("CloudFormation quotas"), and answers
    ValidationError above it.
    """
    for one in response._get_param("Parameters") or []:
        if len((one.get("ParameterValue") or "").encode()) > _PARAMETER_BYTES:
            text = f"The value of the parameter {one['ParameterKey']} has more than {_PARAMETER_BYTES} bytes."
            raise ValidationError(message=text)
    return original(response)
