"""The operations on datasets."""

from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.rekognition import models, project_dataset, requests
from local_aws.rekognition.dataset_entries import DatasetChange, count_labels, distribute, is_asked_for, read_change
from local_aws.rekognition.exceptions import (
    invalid_parameter,
    invalid_s3_object,
    resource_already_exists,
    resource_in_use,
    resource_not_found,
    resource_not_ready,
)
from local_aws.rekognition.project_dataset import CREATE, FILLED, IN_PROGRESS, TEST, TRAIN, UPDATE, ProjectDataset
from local_aws.rekognition.registry import Registry
from local_aws.rekognition.responses import describe_dataset, page_in_order
from local_aws.rekognition.storage import S3Access, S3ObjectMissingError
from local_aws.rekognition.training import S3Location
from local_aws.services import RequestContext


class Datasets:
    """Creates, describes, lists, changes and deletes datasets."""

    def __init__(self, registry: Registry, s3: S3Access) -> None:
        self._registry = registry
        self._s3 = s3

    def create(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """CreateDataset: from a manifest, as a copy, or empty."""
        change = self._read_source(request.get("DatasetSource"), context)
        with self._registry.lock:
            project = self._registry.project(request["ProjectArn"], context.region)
            if project.deleting_since is not None:
                raise resource_not_found(project.arn)  # the model gives CreateDataset no ResourceInUseException
            return {"DatasetArn": self._add(project, request["DatasetType"], change)}

    def describe(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DescribeDataset."""
        with self._registry.lock:
            return {"DatasetDescription": describe_dataset(self._find(request, context))}

    def list_entries(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """ListDatasetEntries, in the order in which they were added."""
        with self._registry.lock:
            entries = self._listable(request, context).entries
        chosen, token = page_in_order(list(entries.values()), request, lambda entry: is_asked_for(entry, request))
        return {"DatasetEntries": [entry.listed() for entry in chosen]} | ({"NextToken": token} if token else {})

    def list_labels(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """ListDatasetLabels, by name."""
        with self._registry.lock:
            entries = self._listable(request, context).entries
        counts = sorted(count_labels(entries.values()).items())
        chosen, token = page_in_order(counts, request)
        labels = [
            {"LabelName": name, "LabelStats": {"EntryCount": count, "BoundingBoxCount": 0}} for name, count in chosen
        ]
        return {"DatasetLabelDescriptions": labels} | ({"NextToken": token} if token else {})

    def update_entries(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """UpdateDatasetEntries: adds images, or replaces their lines; it cannot remove any."""
        change = read_change(request["Changes"]["GroundTruth"])
        with self._registry.lock:
            dataset = self._find(request, context)
            if dataset.status not in FILLED:
                raise resource_in_use(f"{dataset.arn} cannot be updated while it is {dataset.status}.")
            dataset.begin(UPDATE, self._registry.now(), change.applied_to(dataset.entries))
        return {}

    def distribute_entries(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DistributeDatasetEntries: moves a fifth of the training dataset to an empty test dataset."""
        with self._registry.lock:
            given = [self._registry.dataset(item["Arn"], context.region) for item in request["Datasets"]]
            by_kind = {dataset.kind: dataset for dataset in given}
            if set(by_kind) != {TRAIN, TEST} or len({dataset.project_arn for dataset in given}) > 1:
                raise invalid_parameter("Datasets takes the training dataset and the test dataset of one project.")
            for dataset in given:
                if dataset.status not in FILLED:
                    raise resource_not_ready(dataset.arn, dataset.status, "complete")
            training, testing = by_kind[TRAIN], by_kind[TEST]
            if testing.entries:
                raise invalid_parameter(f"{testing.arn} has {len(testing.entries)} entries; it must be empty.")
            staying, moving = distribute(training.entries)
            training.begin(UPDATE, self._registry.now(), staying)
            testing.begin(UPDATE, self._registry.now(), moving)
        return {}

    def delete(self, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """DeleteDataset."""
        with self._registry.lock:
            dataset = self._find(request, context)
            if dataset.status in IN_PROGRESS:
                raise resource_in_use(f"{dataset.arn} cannot be deleted while it is {dataset.status}.")
            dataset.delete(self._registry.now())
        return {}

    def open_in_console(self, project_name: str) -> list[str]:
        """Do what AWS does when somebody opens a project's page: make datasets of the manifests trained with last.

        Returns the ARNs of the datasets made: none if there are datasets already, or nothing was trained yet.
        Raises ``AwsError`` for a project or a manifest that does not exist.
        """
        with self._registry.lock:
            projects = [project for project in self._registry.projects() if project.name == project_name]
            manifests = {project.arn: _trained_with(project) for project in projects if not project.datasets}
        if not projects:
            raise resource_not_found(project_name)
        changes = {
            (arn, kind): self._read(locations)
            for arn, by_kind in manifests.items()
            for kind, locations in by_kind.items()
        }
        with self._registry.lock:
            by_arn = {project.arn: project for project in self._registry.projects()}
            return [self._add(by_arn[arn], kind, change) for (arn, kind), change in changes.items() if arn in by_arn]

    def _add(self, project: models.Project, kind: str, change: DatasetChange) -> str:
        if any(dataset.kind == kind for dataset in project.datasets.values()):
            raise resource_already_exists(f"The project {project.name} already has a {kind} dataset.")
        created_ms = self._registry.next_ms()
        arn = f"{project.arn.rpartition('/')[0]}/dataset/{kind.lower()}/{created_ms}"
        dataset = ProjectDataset(arn, project.arn, kind, created_ms)
        dataset.begin(CREATE, self._registry.now(), change)
        project.datasets[arn] = dataset
        return arn

    def _read_source(self, source: Mapping[str, Any] | None, context: RequestContext) -> DatasetChange:
        if source is None:
            return DatasetChange()
        if ("DatasetArn" in source) == ("GroundTruthManifest" in source):
            raise invalid_parameter("DatasetSource takes either GroundTruthManifest or DatasetArn.")
        if "GroundTruthManifest" in source:
            return self._read([requests.manifest_location(source, "DatasetSource")])
        with self._registry.lock:
            copied = self._find(source, context)
            if copied.status not in FILLED:
                raise invalid_parameter(f"{copied.arn} cannot be copied while it is {copied.status}.")
            return DatasetChange(dict(copied.entries))

    def _read(self, locations: Sequence[S3Location]) -> DatasetChange:
        bodies = []
        for location in locations:
            try:
                bodies.append(self._s3.get(location.bucket, location.key, location.version).rstrip(b"\n"))
            except S3ObjectMissingError as error:
                raise invalid_s3_object(location.bucket, location.key) from error
        return read_change(b"\n".join(bodies)).applied_to({})

    def _find(self, request: Mapping[str, Any], context: RequestContext) -> ProjectDataset:
        return self._registry.dataset(request["DatasetArn"], context.region)

    def _listable(self, request: Mapping[str, Any], context: RequestContext) -> ProjectDataset:
        dataset = self._find(request, context)
        if dataset.status in {project_dataset.UPDATE_IN_PROGRESS, project_dataset.DELETE_IN_PROGRESS}:
            raise resource_in_use(f"{dataset.arn} cannot be listed while it is {dataset.status}.")
        if dataset.status not in FILLED:
            raise resource_not_ready(dataset.arn, dataset.status, "complete")
        return dataset


def _trained_with(project: models.Project) -> dict[str, tuple[S3Location, ...]]:
    """Return the manifests of a project's newest trained version, by the kind of dataset that each becomes."""
    trained = [version for version in project.versions.values() if version.status not in models.UNTRAINED]
    if not trained:
        return {}
    newest = trained[-1]
    return {TRAIN: newest.training} | ({TEST: newest.testing} if newest.testing else {})
