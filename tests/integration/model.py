"""One trained model for many tests."""

import json
from typing import Any

from tests.integration.clients import REGION, client
from tests.integration.pictures import TRAINING_DIGITS
from tests.waiting import eventually

from local_aws.rekognition import models
from local_aws.rekognition.models import Version
from local_aws.server import LocalAws

type Model = Version


def registry(aws: LocalAws) -> Any:
    """Return the endpoint's Rekognition state: tests share one training, which AWS's API does not offer."""
    return aws.rekognition._versions._registry


def train_model(aws: LocalAws) -> Model:
    s3, rekognition = client("s3", aws.url), client("rekognition", aws.url)
    s3.create_bucket(Bucket="shared-training", CreateBucketConfiguration={"LocationConstraint": REGION})
    lines = []
    for picture in TRAINING_DIGITS:
        s3.put_object(Bucket="shared-training", Key=picture.name, Body=picture.body)
        metadata = {
            "confidence": 1,
            "class-name": picture.label,
            "human-annotated": "yes",
            "creation-date": "2026-11-23T09:00:00.000000",
            "type": "groundtruth/image-classification",
        }
        lines.append(
            json.dumps({"source-ref": f"s3://shared-training/{picture.name}", "label": 1, "label-metadata": metadata})
        )
    s3.put_object(Bucket="shared-training", Key="a.manifest", Body="\n".join(lines).encode())
    project = rekognition.create_project(ProjectName="shared")["ProjectArn"]
    asset = {"GroundTruthManifest": {"S3Object": {"Bucket": "shared-training", "Name": "a.manifest"}}}
    arn = rekognition.create_project_version(
        ProjectArn=project,
        VersionName="shared",
        OutputConfig={"S3Bucket": "shared-training", "S3KeyPrefix": "out"},
        TrainingData={"Assets": [asset]},
        TestingData={"AutoCreate": True},
    )["ProjectVersionArn"]

    def trained() -> Model | None:
        with registry(aws).lock:
            version: Version = registry(aws).version(arn, REGION)
            return version if version.status == models.TRAINING_COMPLETED else None

    found = eventually(trained)
    assert found is not None
    return found
