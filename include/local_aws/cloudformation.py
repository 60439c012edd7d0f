"""What moto's CloudFormation lacks for the project's templates. Types that neither has are left out of a stack.

Those are policies of buckets, queues and topics, and subscriptions: provisioning makes what of them it finds missing.
"""

from copy import deepcopy
from functools import lru_cache
from typing import Any, ClassVar, Self

from moto.cloudformation import parsing, responses
from moto.cloudformation.models import ChangeSet, Stack
from moto.core.common_models import CloudFormationModel
from moto.ec2.models import ec2_backends
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import RouteTable
from moto.s3.models import FakeBucket
from moto.sqs.models import Queue
from moto.ssm.models import Parameter

from local_aws.environments import Environments
from local_aws.services import RequestContext, Service

_REQUEST_ID = "cloudformation"


class _Ours:
    """A resource that a service written here makes. moto calls its class methods as they are declared here."""

    service: ClassVar[Service]  # the running endpoint's: moto keeps its state per process, too

    def __init__(self, name: str, region: str) -> None:
        self.physical_resource_id = name
        self.region = region

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call the resource's service."""
        return self.service.call(operation, request, RequestContext(self.region, _REQUEST_ID))

    def is_created(self) -> bool:
        """Return whether it can be used."""
        return True


class Project(_Ours, CloudFormationModel):
    """AWS::Rekognition::Project."""

    arn = ""

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return the property that names it."""
        return "ProjectName"

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::Rekognition::Project"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Return whether GetAtt knows an attribute."""
        return attr == "Arn"

    def get_cfn_attribute(self, _: str) -> str:
        """Return its ARN."""
        return self.arn

    @classmethod
    def create_from_cloudformation_json(cls, name: str, _: Any, __: str, region: str, **___: Any) -> Self:  # type: ignore[override]
        """Make it."""
        made = cls(name, region)
        made.arn = made.call("CreateProject", ProjectName=name)["ProjectArn"]
        return made


class Environment(_Ours, CloudFormationModel):
    """AWS::MWAA::Environment."""

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return the property that names it."""
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        """Return its type."""
        return "AWS::MWAA::Environment"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Return whether GetAtt knows an attribute."""
        return attr in {"Arn", "WebserverUrl"}

    def get_cfn_attribute(self, attribute: str) -> str:
        """Return what MWAA tells of it under that name."""
        return str(self.call("GetEnvironment", Name=self.physical_resource_id)["Environment"][attribute])

    @classmethod
    def create_from_cloudformation_json(cls, name: str, json: Any, _: str, region: str, **__: Any) -> Self:  # type: ignore[override]
        """Make it."""
        made = cls(name, region)
        made.call("CreateEnvironment", **json["Properties"])
        return made

    @classmethod
    def update_from_cloudformation_json(cls, *, original_resource: Self, cloudformation_json: Any, **_: Any) -> Self:  # type: ignore[override]
        """Update what changed."""
        name = original_resource.physical_resource_id
        present = original_resource.call("GetEnvironment", Name=name)["Environment"]
        changed = {key: value for key, value in cloudformation_json["Properties"].items() if present[key] != value}
        if changed:
            original_resource.call("UpdateEnvironment", Name=name, **changed)
        return original_resource

    def delete(self, _: str, __: str) -> None:
        """Delete it."""
        self.call("DeleteEnvironment", Name=self.physical_resource_id)


def install(url: str, rekognition: Service, environments: Environments) -> None:
    """Let stacks make what this endpoint serves, at its own address."""
    Project.service, Environment.service = rekognition, environments
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()  # they may have been asked before there were the two types above
    patches: tuple[tuple[Any, str, Any], ...] = (
        (Queue, "physical_resource_id", property(lambda queue: f"{url}/{queue.account_id}/{queue.name}")),
        (Parameter, "create_from_cloudformation_json", classmethod(_parameter)),
        (FakeBucket, "create_from_cloudformation_json", classmethod(_bucket)),
        (RouteTable, "delete", _delete_route_table),
        (NatGateway, "delete", _delete_nat_gateway),
        (parsing.ResourceMap, "delete", _delete),
        (ChangeSet, "apply", _apply),
        (Stack, "parse_template", staticmethod(_template)),
        (ChangeSet, "_parse_template", lambda made: setattr(made, "template_dict", _template(made.template))),
        (responses, "get_template_summary_response_from_template", lambda body: deepcopy(_summary(body))),
    )
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)


# moto's own, which the functions below go on with.
_create_parameter: Any = vars(Parameter)["create_from_cloudformation_json"].__func__
_create_bucket: Any = vars(FakeBucket)["create_from_cloudformation_json"].__func__
_delete_all: Any = parsing.ResourceMap.delete
# It reads a template several times a call, each of which takes a third of a second.
_read_once = lru_cache(maxsize=16)(Stack.parse_template)
_summary = lru_cache(maxsize=16)(responses.get_template_summary_response_from_template)


def _template(text: str) -> dict[str, Any]:
    return deepcopy(_read_once(text))


def _parameter(cls: type[Parameter], /, name: str, json: Any, *where: str, **more: Any) -> Any:
    """Make a parameter with its tags as the resource type has them, a map; moto takes a list."""
    tags = json["Properties"].get("Tags", {})
    if isinstance(tags, dict):
        json["Properties"]["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return _create_parameter(cls, name, json, *where, **more)


def _bucket(cls: type[FakeBucket], /, name: str, json: Any, *where: str, **more: Any) -> Any:
    """Make a bucket that keeps versions where the template has it do so, which moto leaves out."""
    made = _create_bucket(cls, name, json, *where, **more)
    made.versioning_status = json["Properties"].get("VersioningConfiguration", {}).get("Status")
    return made


def _delete_route_table(table: RouteTable, account: str, region: str) -> None:
    table.associations.clear()
    ec2_backends[account][region].delete_route_table(table.id)


def _delete_nat_gateway(gateway: NatGateway, account: str, region: str) -> None:
    ec2_backends[account][region].delete_nat_gateway(gateway.id)


def _delete(resources: parsing.ResourceMap) -> None:
    """Delete a stack's resources but for those that it retains, under either name of that policy."""
    for resource in resources._resource_json_map.values():
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = "Retain"
    _delete_all(resources)


def _apply(change_set: ChangeSet) -> None:
    """Execute a change set, after which the stack also has its parameters and outputs."""
    stack = change_set.stack
    stack.template = change_set.template
    stack._parse_template()
    stack.resource_map.update(stack.template_dict, change_set.parameters)
    stack.parameters = change_set.parameters
    stack.output_map = stack._create_output_map()
