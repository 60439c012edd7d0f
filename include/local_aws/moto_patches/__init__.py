"""All that is changed in moto, and nothing else changes it.

A patch says in its docstring what moto does, what AWS does instead, and in which version of moto this was seen.
``tests/local_aws/moto_patches/`` shows both, with and without it: a patch that moto needs no longer fails there,
and is deleted with its test.
"""

from types import ModuleType

from local_aws.moto_patches import (
    dynamodb_transactions,
    event_rules,
    parameter_store,
    s3_events,
    s3_notifications,
    s3_requests,
    s3_xml,
    sns_batches,
    sqs_messages,
    sqs_retention,
)
from local_aws.moto_patches.patch import Patch

_MODULES = (
    s3_requests,
    s3_xml,
    s3_events,
    s3_notifications,
    event_rules,
    parameter_store,
    sns_batches,
    sqs_messages,
    sqs_retention,
    dynamodb_transactions,
)


def apply() -> None:
    """Change moto for all services but CloudFormation; again is no more than once."""
    for one in patches(*_MODULES):
        one.apply()


def apply_to_stacks(url: str) -> None:
    """Change moto's CloudFormation, for an endpoint at this address.

    It is changed apart since moto loads all its services for it, which takes seconds.
    """
    from local_aws.moto_patches import cloudformation_resources

    cloudformation_resources.serve_at(url)
    for one in _of_stacks():
        one.apply()


def every_patch() -> list[Patch]:
    """Return all patches, those of CloudFormation too."""
    return [*patches(*_MODULES), *_of_stacks()]


def _of_stacks() -> list[Patch]:
    from local_aws.moto_patches import cloudformation_resources, cloudformation_stacks, cloudformation_templates

    return patches(cloudformation_resources, cloudformation_templates, cloudformation_stacks)


def patches(*modules: ModuleType) -> list[Patch]:
    """Return the patches that modules have, in the order of their lines."""
    return [value for module in modules for value in vars(module).values() if isinstance(value, Patch)]
