"""Whether a loop's Rekognition project has datasets: then it is trained in another way."""

from label_loop.domain import datasets
from label_loop.provisioning.report import ResourceLine, ResourceOutcome
from label_loop.provisioning.site import Site, aws_errors_as


def report_datasets(site: Site, project_arn: str) -> None:
    """Report the datasets that the project has, if any, with what they mean."""
    name = project_arn.split("/")[-2]
    with aws_errors_as("Rekognition project", name):
        described = site.client("rekognition").describe_projects(ProjectNames=[name])["ProjectDescriptions"]
    meaning = datasets.meaning(datasets.found_in(described))
    if meaning:
        site.report(ResourceLine("datasets of", name, ResourceOutcome.FOUND, meaning))
