"""Types of resources that stacks make by services written here; types that neither moto nor this has are left out."""

from typing import Any, ClassVar, Self

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel

from local_aws import moto_patches, stack_resources  # noqa: F401 - moto finds types by their base class
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


class RekognitionProject(_Ours, CloudFormationModel):
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


for _cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
    _cached.cache_clear()  # they may have been asked before there were the types of this endpoint


def serve(url: str, rekognition: Service, environments: Environments) -> None:
    """Let stacks make what this endpoint serves, at its own address, until another endpoint of the process does."""
    RekognitionProject.service, Environment.service = rekognition, environments
    moto_patches.apply_to_stacks(url)
