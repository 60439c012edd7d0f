"""Rekognition Custom Labels."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.exceptions import ClientError

from label_loop.domain import datasets
from label_loop.domain.detections import LABELS_WANTED, UNDETECTABLE
from label_loop.exceptions import LabelLoopError
from label_loop.hooks.aws_errors import error_code
from label_loop.hooks.retries import PATIENT
from label_loop.payloads import ProjectDataset, ProjectVersion, S3Upload

if TYPE_CHECKING:
    from types_boto3_rekognition import RekognitionClient
    from types_boto3_rekognition.literals import DatasetTypeType
    from types_boto3_rekognition.type_defs import (
        AssetTypeDef,
        CreateProjectVersionRequestTypeDef,
        DatasetSourceTypeDef,
        GroundTruthManifestTypeDef,
        OutputConfigTypeDef,
        S3ObjectTypeDef,
    )


class RekognitionHook(AwsBaseHook):
    """Wraps ``boto3.client("rekognition")`` for projects, their versions and detection.

    Takes AwsBaseHook's arguments. Errors are botocore's ClientError unless a method says otherwise. ``on_retries`` is
    called after a detection that botocore had to retry, because of throttling or errors.
    """

    if TYPE_CHECKING:
        conn: RekognitionClient

    on_retries: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        kwargs["client_type"] = "rekognition"
        super().__init__(*args, **kwargs)

    @property
    def waiter_path(self) -> PathLike[str]:
        """The file with the waiters of this package."""
        return Path(__file__).parents[1] / "waiters" / "rekognition.json"

    def versions(self, project_arn: str) -> Iterator[ProjectVersion]:
        """Yield all versions of a project, newest first."""
        paginator = self.conn.get_paginator("describe_project_versions")
        for page in paginator.paginate(ProjectArn=project_arn):
            yield from (_version(description) for description in page["ProjectVersionDescriptions"])

    def version(self, project_arn: str, name: str) -> ProjectVersion:
        """Return one version by name. Raises LabelLoopError if the project has none of that name."""
        response = self.conn.describe_project_versions(ProjectArn=project_arn, VersionNames=[name])
        for description in response["ProjectVersionDescriptions"]:
            return _version(description)
        raise LabelLoopError(f"The project {project_arn} has no version named {name}.")

    def create_version(
        self,
        *,
        project_arn: str,
        name: str,
        bucket: str,
        manifest_key: str | None,
        test_manifest_key: str | None,
        output_prefix: str,
    ) -> str:
        """Start a training; return the version's ARN. If the name is in use, the existing version is returned.

        Without a test manifest Rekognition splits the training images, 80 % to 20 %. Without any manifest it trains
        from the project's datasets; a project that has datasets takes no manifests.
        """
        output: OutputConfigTypeDef = {"S3Bucket": bucket, "S3KeyPrefix": output_prefix}
        request: CreateProjectVersionRequestTypeDef = {
            "ProjectArn": project_arn,
            "VersionName": name,
            "OutputConfig": output,
        }
        if manifest_key:
            request["TrainingData"] = {"Assets": [_manifest(bucket, manifest_key)]}
            request["TestingData"] = (
                {"Assets": [_manifest(bucket, test_manifest_key)]} if test_manifest_key else {"AutoCreate": True}
            )
        client = self.conn
        try:
            return client.create_project_version(**request)["ProjectVersionArn"]
        except client.exceptions.ResourceInUseException:
            existing = next((one for one in self.versions(project_arn) if one.name == name), None)
            if existing is None:  # not the name is in use, but a dataset that is changing
                raise
            return existing.arn

    def datasets(self, project_arn: str) -> list[ProjectDataset]:
        """Return a project's datasets, at most one of each kind; [] if it has none or does not exist."""
        name = project_arn.split("/")[-2]
        return datasets.found_in(self.conn.describe_projects(ProjectNames=[name])["ProjectDescriptions"])

    def dataset_entries(self, arn: str) -> Iterator[str]:
        """Yield the entries of a dataset, each a JSON line; one call per 100."""
        for page in self.conn.get_paginator("list_dataset_entries").paginate(DatasetArn=arn):
            yield from page["DatasetEntries"]

    def create_dataset(self, project_arn: str, kind: "DatasetTypeType", bucket: str, manifest_key: str) -> None:
        """Begin to create a dataset from a manifest; one of its kind that exists already is left as it is."""
        client = self.conn
        with suppress(client.exceptions.ResourceAlreadyExistsException):
            source: DatasetSourceTypeDef = {"GroundTruthManifest": _s3_object(bucket, manifest_key)}
            client.create_dataset(ProjectArn=project_arn, DatasetType=kind, DatasetSource=source)

    def delete_dataset(self, arn: str) -> None:
        """Begin to delete a dataset, unless it is changing or gone."""
        client = self.conn
        with suppress(client.exceptions.ResourceInUseException, client.exceptions.ResourceNotFoundException):
            client.delete_dataset(DatasetArn=arn)

    def start_version(self, arn: str, inference_units: int, maximum_inference_units: int | None = None) -> None:
        """Start a version; one that is starting or running already is left as it is.

        With a maximum, Rekognition scales between the two by itself.
        """
        most = {"MaxInferenceUnits": maximum_inference_units} if maximum_inference_units else {}
        client = self.conn
        try:
            client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=inference_units, **most)
        except client.exceptions.ResourceInUseException:
            self.log.info("%s is already starting or running", arn)

    def stop_version(self, arn: str) -> bool:
        """Stop a version; return False if its status does not allow it yet."""
        client = self.conn
        try:
            client.stop_project_version(ProjectVersionArn=arn)
        except client.exceptions.ResourceInUseException:
            return False
        return True

    def detect(self, arn: str, upload: S3Upload) -> list[Mapping[str, Any]]:
        """Return the few best labels of an image in S3: ``{"Name": str, "Confidence": 0..100}``.

        MinConfidence=0 overrides the label's own threshold: an unsure guess is more useful to a reviewer than none.
        """
        image: S3ObjectTypeDef = {"Bucket": upload.bucket, "Name": upload.key}
        if upload.version_id:
            image["Version"] = upload.version_id
        try:
            response = self.conn.detect_custom_labels(
                ProjectVersionArn=arn, Image={"S3Object": image}, MaxResults=LABELS_WANTED, MinConfidence=0
            )
        except ClientError as error:
            self._report_retries(error.response)
            raise
        self._report_retries(response)
        return list(response.get("CustomLabels", []))

    def _report_retries(self, response: Mapping[str, Any]) -> None:
        if self.on_retries and response.get("ResponseMetadata", {}).get("RetryAttempts"):
            self.on_retries()


def is_not_ready(error: Exception) -> bool:
    """Return whether a detection failed because its version is not running."""
    return error_code(error) in {"ResourceNotReadyException", "ResourceNotFoundException"}


def concerns_the_image(error: Exception) -> bool:
    """Return whether a detection failed because its image is gone or unreadable, so that others may succeed."""
    return error_code(error) in {*UNDETECTABLE, "InvalidS3ObjectException"}


def _manifest(bucket: str, key: str) -> "AssetTypeDef":
    return {"GroundTruthManifest": _s3_object(bucket, key)}


def _s3_object(bucket: str, key: str) -> "GroundTruthManifestTypeDef":
    return {"S3Object": {"Bucket": bucket, "Name": key}}


def _version(description: Mapping[str, Any]) -> ProjectVersion:
    arn = description["ProjectVersionArn"]
    evaluation = description.get("EvaluationResult", {})
    summary = evaluation.get("Summary", {}).get("S3Object", {})
    return ProjectVersion(
        arn=arn,
        name=arn.split("/")[-2],
        status=description["Status"],
        status_message=description.get("StatusMessage", ""),
        f1_score=evaluation.get("F1Score"),
        created_at=description.get("CreationTimestamp"),
        inference_units=description.get("MinInferenceUnits"),
        maximum_inference_units=description.get("MaxInferenceUnits"),
        evaluation_summary=(summary["Bucket"], summary["Name"]) if summary else None,
        evaluation_snapshot=_snapshot(description),
    )


def _snapshot(description: Mapping[str, Any]) -> tuple[str, str] | None:
    for asset in description.get("TestingDataResult", {}).get("Output", {}).get("Assets", []):
        file = asset.get("GroundTruthManifest", {}).get("S3Object", {})
        return (file["Bucket"], file["Name"]) if file else None
    return None
