"""Datasets through the endpoint: with boto3, S3, and the control API."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.rekognition.fakes import BUCKET, asset, line, manifest


def test_a_dataset_lives_in_the_endpoint(endpoint: Endpoint) -> None:
    rows = [line(f"images/ü {n}.png", "cat") for n in range(5)]
    s3, rekognition = endpoint.client("s3"), endpoint.client("rekognition")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="cats.manifest", Body=manifest(rows))
    project = rekognition.create_project(ProjectName="cats")["ProjectArn"]
    source = asset("cats.manifest")
    arn = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)["DatasetArn"]
    deadline = time.monotonic() + 30
    while rekognition.describe_dataset(DatasetArn=arn)["DatasetDescription"]["Status"] != "CREATE_COMPLETE":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pages = rekognition.get_paginator("list_dataset_entries").paginate(
        DatasetArn=arn, SourceRefContains="ü", PaginationConfig={"PageSize": 2}
    )
    assert [json.loads(row)["source-ref"] for page in pages for row in page["DatasetEntries"]] == [
        row["source-ref"] for row in rows
    ]
    with pytest.raises(ClientError) as caught:
        rekognition.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": b"x" * (5 * 2**20 + 1)})
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert endpoint.control("POST", "projects/cats/open") == (200, {"datasets": []})
    assert endpoint.control("POST", "projects/dogs/open")[0] == 400
