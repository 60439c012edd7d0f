"""Reading a CreateProjectVersion request."""

from collections.abc import Mapping
from typing import Any

from local_aws.rekognition.exceptions import invalid_parameter
from local_aws.rekognition.training import S3Location

EXTRAS = ("VersionDescription", "KmsKeyId")


def check_feature(request: Mapping[str, Any]) -> None:
    """Refuse what belongs to another feature than Custom Labels."""
    if "FeatureConfig" in request:
        raise invalid_parameter("FeatureConfig belongs to content moderation, which is not offered here.")


def training_manifests(request: Mapping[str, Any]) -> tuple[S3Location, ...]:
    """Return where the training manifests lie."""
    if "TrainingData" not in request:
        raise invalid_parameter("The project has no datasets: TrainingData and TestingData are required.")
    manifests = _manifests(request["TrainingData"], "TrainingData")
    if not manifests:
        raise invalid_parameter("TrainingData names no manifest.")
    return manifests


def testing_manifests(request: Mapping[str, Any]) -> tuple[S3Location, ...] | None:
    """Return where the testing manifests lie, None when the test set is to be split off."""
    testing = request.get("TestingData")
    if testing is None:
        raise invalid_parameter("TestingData is required with TrainingData.")
    manifests = _manifests(testing, "TestingData")
    auto_create = bool(testing.get("AutoCreate"))
    if auto_create == bool(manifests):
        raise invalid_parameter("TestingData takes either AutoCreate or Assets.")
    return None if auto_create else manifests


def output(request: Mapping[str, Any]) -> tuple[str, str]:
    """Return the bucket and the prefix for results."""
    config = request["OutputConfig"]
    if not config.get("S3Bucket"):
        raise invalid_parameter("OutputConfig names no S3Bucket.")
    return config["S3Bucket"], config.get("S3KeyPrefix", "")


def inference_units(request: Mapping[str, Any]) -> tuple[int, int | None]:
    """Return the least and the most inference units of a start."""
    least, most = request["MinInferenceUnits"], request.get("MaxInferenceUnits")
    for name, units in (("MinInferenceUnits", least), ("MaxInferenceUnits", most)):
        if units is not None and not 1 <= units <= 5:
            raise invalid_parameter(f"{name} must be between 1 and 5, but is {units}.")
    if most is not None and most < least:
        raise invalid_parameter("MaxInferenceUnits must not be less than MinInferenceUnits.")
    return least, most


def manifest_location(source: Mapping[str, Any], name: str) -> S3Location:
    """Return where the GroundTruthManifest of an asset or of a dataset's source lies."""
    s3_object = source.get("GroundTruthManifest", {}).get("S3Object", {})
    if not s3_object.get("Bucket") or not s3_object.get("Name"):
        raise invalid_parameter(f"{name} lacks its manifest's bucket or name.")
    return S3Location(s3_object["Bucket"], s3_object["Name"], s3_object.get("Version"))


def _manifests(data: Mapping[str, Any], name: str) -> tuple[S3Location, ...]:
    return tuple(manifest_location(asset, f"An asset of {name}") for asset in data.get("Assets", []))
