"""The Rekognition Custom Labels project."""

from typing import Any

from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site


def ensure_project(site: Site, arn: str | None) -> str:
    """Make the project, or adopt the one named; return its ARN, empty where a dry run did not make it."""
    name = arn.split(":project/")[-1].split("/")[0] if arn else site.names.base
    rekognition = site.client("rekognition")
    with site.resource("Rekognition project", name) as work:
        present = _look(site, name)
        if arn and (present is None or present["ProjectArn"] != arn):
            problem = f"the loop's record names {arn}, which does not exist"
            way_out = "correct the record's key rekognition_project_arn, or remove it to have a new project"
            raise ProvisioningError("Rekognition project", name, problem, way_out)
        if present is not None and present.get("Status") == "DELETING":
            problem = "it is being deleted"
            raise ProvisioningError("Rekognition project", name, problem, "run the command again when it is gone")
        if present is not None:
            return str(present["ProjectArn"])
        made = work.create(lambda: rekognition.create_project(ProjectName=name, Tags=site.tags))
    if not made:
        return ""
    site.until(lambda: _is_created(site, name), "Rekognition project", name, "created")
    return str(made["ProjectArn"])


def _look(site: Site, name: str) -> dict[str, Any] | None:
    answer = site.client("rekognition").describe_projects(ProjectNames=[name])
    described: list[dict[str, Any]] = answer["ProjectDescriptions"]
    return described[0] if described else None


def _is_created(site: Site, name: str) -> bool:
    project = _look(site, name)
    return project is not None and project.get("Status") == "CREATED"
