"""Rekognition Custom Labels."""

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.exceptions import ClientError

from label_loop.exceptions import LabelLoopError
from label_loop.hooks.aws_errors import error_code
from label_loop.hooks.retries import PATIENT
from label_loop.payloads import ProjectVersion, S3Upload

if TYPE_CHECKING:
    from types_boto3_rekognition import RekognitionClient
    from types_boto3_rekognition.type_defs import AssetTypeDef, S3ObjectTypeDef, TestingDataTypeDef


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
        manifest_key: str,
        test_manifest_key: str | None,
        output_prefix: str,
    ) -> str:
        """Start a training; return the version's ARN. If the name is in use, the existing version is returned.

        Without a test manifest Rekognition splits the training images, 80 % to 20 %.
        """
        testing: TestingDataTypeDef = {"AutoCreate": True}
        if test_manifest_key:
            testing = {"Assets": [_manifest(bucket, test_manifest_key)]}
        client = self.conn
        try:
            response = client.create_project_version(
                ProjectArn=project_arn,
                VersionName=name,
                OutputConfig={"S3Bucket": bucket, "S3KeyPrefix": output_prefix},
                TrainingData={"Assets": [_manifest(bucket, manifest_key)]},
                TestingData=testing,
            )
        except client.exceptions.ResourceInUseException:
            return self.version(project_arn, name).arn
        return response["ProjectVersionArn"]

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
        """Return the best label of an image in S3, at most one: ``{"Name": str, "Confidence": 0..100}``.

        MinConfidence=0 overrides the label's own threshold: an unsure guess is more useful to a reviewer than none.
        """
        image: S3ObjectTypeDef = {"Bucket": upload.bucket, "Name": upload.key}
        if upload.version_id:
            image["Version"] = upload.version_id
        try:
            response = self.conn.detect_custom_labels(
                ProjectVersionArn=arn, Image={"S3Object": image}, MaxResults=1, MinConfidence=0
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


def _manifest(bucket: str, key: str) -> "AssetTypeDef":
    return {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Name": key}}}


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
    )
