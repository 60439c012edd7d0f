"""Rekognition as the endpoint's front calls it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from local_aws.rekognition.datasets import Datasets
from local_aws.rekognition.detection import Detection
from local_aws.rekognition.exceptions import unknown_operation
from local_aws.rekognition.projects import Projects
from local_aws.rekognition.registry import Registry
from local_aws.rekognition.storage import S3Access
from local_aws.rekognition.versions import Versions
from local_aws.services import RequestContext
from local_aws.settings import EndpointSettings


class Rekognition:
    """Custom Labels' projects, datasets, versions and detection; thread-safe. ``clock`` gives epoch seconds."""

    name = "rekognition"

    def __init__(self, settings: EndpointSettings, s3: S3Access, clock: Callable[[], float] = time.time) -> None:
        # Small products on many BLAS threads take ten times as long when the machine is busy. Process-wide.
        threadpool_limits(limits=1, user_api="blas")
        registry = Registry(settings, clock)
        projects, self._versions = Projects(registry), Versions(registry, s3)
        self._datasets = datasets = Datasets(registry, s3)
        self._operations: dict[str, Callable[[Mapping[str, Any], RequestContext], dict[str, Any]]] = {
            "CreateProject": projects.create,
            "DescribeProjects": projects.describe,
            "DeleteProject": projects.delete,
            "CreateDataset": datasets.create,
            "DescribeDataset": datasets.describe,
            "ListDatasetEntries": datasets.list_entries,
            "ListDatasetLabels": datasets.list_labels,
            "UpdateDatasetEntries": datasets.update_entries,
            "DistributeDatasetEntries": datasets.distribute_entries,
            "DeleteDataset": datasets.delete,
            "CreateProjectVersion": self._versions.create,
            "DescribeProjectVersions": self._versions.describe,
            "StartProjectVersion": self._versions.start,
            "StopProjectVersion": self._versions.stop,
            "DeleteProjectVersion": self._versions.delete,
            "DetectCustomLabels": Detection(registry, s3).detect,
        }

    def call(self, operation: str, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """Answer one call."""
        handler = self._operations.get(operation)
        if handler is None:
            raise unknown_operation(operation)
        return handler(request, context)

    def open_in_console(self, project_name: str) -> list[str]:
        """Open a project's page in the AWS console; returns the ARNs of the datasets that this makes."""
        return self._datasets.open_in_console(project_name)

    def close(self) -> None:
        """End what still trains."""
        self._versions.close()
