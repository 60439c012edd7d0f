"""The operations on projects."""

from collections.abc import Mapping
from typing import Any

from local_aws.rekognition.exceptions import invalid_parameter, resource_in_use
from local_aws.rekognition.models import Project
from local_aws.rekognition.registry import Registry
from local_aws.rekognition.responses import FEATURE, describe_project, page
from local_aws.services import ACCOUNT_ID, RequestContext


class Projects:
    """Creates, describes and deletes projects."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """CreateProject."""
        if request.get("Feature", FEATURE) != FEATURE or "AutoUpdate" in request:
            raise invalid_parameter("The local endpoint offers Custom Labels only, which has no AutoUpdate.")
        name = request["ProjectName"]
        with self._registry.lock:
            if any(project.name == name for project in self._registry.projects(context.region)):
                raise resource_in_use(f"A project named {name} already exists.")
            created_ms = self._registry.next_ms()
            arn = f"arn:aws:rekognition:{context.region}:{ACCOUNT_ID}:project/{name}/{created_ms}"
            self._registry.add(Project(arn, name, context.region, created_ms))
        return {"ProjectArn": arn}

    def describe(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DescribeProjects, newest first; names that no project has are left out."""
        names = request.get("ProjectNames")
        if FEATURE not in request.get("Features", [FEATURE]):
            return {"ProjectDescriptions": []}
        with self._registry.lock:
            projects = [
                project
                for project in reversed(self._registry.projects(context.region))
                if names is None or project.name in names
            ]
            chosen, token = page(projects, lambda p: p.created_ms, request.get("MaxResults"), request.get("NextToken"))
            answer: dict[str, Any] = {"ProjectDescriptions": [describe_project(project) for project in chosen]}
        return answer | ({"NextToken": token} if token else {})

    def delete(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DeleteProject; its versions and datasets must have been deleted before."""
        with self._registry.lock:
            project = self._registry.project(request["ProjectArn"], context.region)
            if project.versions:
                raise resource_in_use("The project has model versions; delete them first.")
            if project.datasets:
                raise resource_in_use("The project has datasets; delete them first.")
            if project.deleting_since is not None:
                raise resource_in_use("The project is already being deleted.")
            project.deleting_since = self._registry.now()
        return {"Status": "DELETING"}
