"""What a version is trained with: the manifests of the request, or the project's datasets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.rekognition import requests
from local_aws.rekognition.exceptions import invalid_parameter, resource_in_use
from local_aws.rekognition.models import Project
from local_aws.rekognition.project_dataset import IN_PROGRESS, TEST, TRAIN, TRAINABLE
from local_aws.rekognition.training import S3Location, results_folder


@dataclass(frozen=True)
class TrainingData:
    """The manifests of a training; ``testing`` is None when the test set is to be split off.

    ``snapshots`` has the text of those manifests that the training writes itself, because they are datasets.
    """

    training: tuple[S3Location, ...]
    testing: tuple[S3Location, ...] | None
    snapshots: Mapping[S3Location, str] = field(default_factory=dict)


def training_data(request: Mapping[str, Any], project: Project) -> TrainingData:
    """Read a CreateProjectVersion request: a project that has datasets takes no manifests.

    Raises ``AwsError``: InvalidParameterException, and ResourceInUseException for a dataset that is changing.
    """
    if not project.datasets:
        return TrainingData(requests.training_manifests(request), requests.testing_manifests(request))
    if "TrainingData" in request or "TestingData" in request:
        raise invalid_parameter(
            f"The project {project.name} has associated datasets: it cannot be trained with manifest files. "
            "Leave out TrainingData and TestingData to train with the datasets."
        )
    _check_datasets(project)
    bucket, prefix = requests.output(request)
    folder = results_folder(prefix, project.name, request["VersionName"])
    by_kind = {dataset.kind: dataset for dataset in project.datasets.values()}
    places = {kind: S3Location(bucket, f"{folder}datasets/{kind.lower()}.manifest") for kind in by_kind}
    return TrainingData(
        training=(places[TRAIN],),
        testing=(places[TEST],) if TEST in places else None,
        snapshots={places[kind]: dataset.manifest() for kind, dataset in by_kind.items()},
    )


def _check_datasets(project: Project) -> None:
    if all(dataset.kind != TRAIN for dataset in project.datasets.values()):
        raise invalid_parameter(f"The project {project.name} has no training dataset.")
    for dataset in project.datasets.values():
        if dataset.status in IN_PROGRESS:
            raise resource_in_use(f"{dataset.arn} cannot be trained with while it is {dataset.status}.")
        if dataset.status not in TRAINABLE:
            raise invalid_parameter(f"{dataset.arn} cannot be trained with: its status is {dataset.status}.")
