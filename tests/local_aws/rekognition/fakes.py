"""An in-memory S3, a clock to turn by hand, pictures, and a Rekognition whose every answer is validated."""

import io
import json
import time
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import botocore.session
import numpy as np
import pytest
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator
from PIL import Image
from sklearn.datasets import load_digits

from local_aws.errors import AwsError
from local_aws.rekognition import Rekognition, S3ObjectMissingError
from local_aws.services import RequestContext
from local_aws.settings import EndpointSettings

BUCKET = "pictures"
QUICK = EndpointSettings(training_seconds=10, start_seconds=5, stop_seconds=3, images_per_second_per_unit=5)


class MemoryS3:
    """Objects by bucket, key and version; the bucket ``BUCKET`` exists, others do not."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str | None], bytes] = {}

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        try:
            return self.objects[(bucket, key, version)]
        except KeyError:
            raise S3ObjectMissingError(key) from None

    def put(self, bucket: str, key: str, body: bytes) -> None:
        if bucket != BUCKET:
            raise S3ObjectMissingError(bucket)
        self.objects[(bucket, key, None)] = body

    def text(self, s3_object: Mapping[str, str]) -> str:
        return self.get(s3_object["Bucket"], s3_object["Name"]).decode()


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@cache
def service_model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("rekognition")


def unknown_members(value: Any, shape: Shape, path: str = "") -> list[str]:
    """Members that the model does not know; botocore's validator lets them pass."""
    if isinstance(shape, StructureShape):
        unknown = [f"{path}.{name}" for name in value if name not in shape.members]
        known = [name for name in value if name in shape.members]
        return unknown + [
            u for name in known for u in unknown_members(value[name], shape.members[name], f"{path}.{name}")
        ]
    if isinstance(shape, ListShape):
        return [u for item in value for u in unknown_members(item, shape.member, f"{path}[]")]
    if "enum" in shape.metadata and value not in shape.metadata["enum"]:
        return [f"{path}={value}"]
    return []


class Caller:
    """Calls as the front does, and checks answers and error codes against botocore's model."""

    def __init__(self, settings: EndpointSettings = QUICK, region: str = "eu-west-1") -> None:
        self.s3 = MemoryS3()
        self.clock = Clock()
        self.service = Rekognition(settings, self.s3, self.clock)
        self.region = region
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, operation: str, region: str | None = None, **request: Any) -> dict[str, Any]:
        model = service_model().operation_model(operation)
        assert not ParamValidator().validate(request, model.input_shape).has_errors()
        try:
            answer = self.service.call(operation, request, RequestContext(region or self.region, "id"))
        except AwsError as error:
            assert error.code in {shape.name for shape in model.error_shapes}, (operation, error.code)
            assert error.status == 400
            self.seen.add((operation, error.code))
            raise
        report = ParamValidator().validate(answer, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        assert unknown_members(answer, model.output_shape) == []
        return answer

    def refused(self, code: str, operation: str, **request: Any) -> str:
        with pytest.raises(AwsError) as caught:
            self(operation, **request)
        assert caught.value.code == code
        return caught.value.message

    def project(self, name: str = "logos") -> str:
        return str(self("CreateProject", ProjectName=name)["ProjectArn"])

    def version(self, project_arn: str, name: str, manifest: str, testing: str | None = None) -> str:
        test_data = {"Assets": [asset(testing)]} if testing else {"AutoCreate": True}
        answer = self(
            "CreateProjectVersion",
            ProjectArn=project_arn,
            VersionName=name,
            OutputConfig={"S3Bucket": BUCKET, "S3KeyPrefix": "evaluation"},
            TrainingData={"Assets": [asset(manifest)]},
            TestingData=test_data,
        )
        return str(answer["ProjectVersionArn"])

    def describe(self, version_arn: str) -> dict[str, Any]:
        project, _, rest = version_arn.partition("/version/")
        for description in self("DescribeProjectVersions", ProjectArn=self.project_arn(project))[
            "ProjectVersionDescriptions"
        ]:
            if description["ProjectVersionArn"] == version_arn:
                return dict(description)
        raise AssertionError(f"no version {rest}")

    def project_arn(self, prefix: str) -> str:
        projects = self("DescribeProjects", MaxResults=100)["ProjectDescriptions"]
        return next(p["ProjectArn"] for p in projects if p["ProjectArn"].startswith(f"{prefix}/"))

    def trained(self, version_arn: str, seconds: float = 120) -> dict[str, Any]:
        """Wait for the real training, then let the least training time pass."""
        version = self.service._versions._registry.version(version_arn, self.region)
        deadline = time.monotonic() + seconds
        while version.outcome is None:
            assert time.monotonic() < deadline, "the training did not end"
            time.sleep(0.02)
        self.clock.now += 10
        return self.describe(version_arn)

    def running(self, version_arn: str, units: int = 1) -> None:
        self("StartProjectVersion", ProjectVersionArn=version_arn, MinInferenceUnits=units)
        self.clock.now += 5
        assert self.describe(version_arn)["Status"] == "RUNNING"

    def detect(self, version_arn: str, body: bytes, **options: Any) -> list[dict[str, Any]]:
        self.clock.now += 1  # refills the token bucket
        answer = self("DetectCustomLabels", ProjectVersionArn=version_arn, Image={"Bytes": body}, **options)
        return list(answer["CustomLabels"])


def asset(key: str, bucket: str = BUCKET) -> dict[str, Any]:
    return {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Name": key}}}


def image_bytes(pixels: np.ndarray | Image.Image, kind: str = "PNG") -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def plain(size: tuple[int, int] = (64, 64), colour: str = "navy", kind: str = "PNG") -> bytes:
    return image_bytes(Image.new("RGB", size, colour), kind)


def shape_picture(label: str, number: int) -> bytes:
    """A disc or a square, each picture a little different."""
    random = np.random.default_rng(number)
    rows, columns = np.mgrid[:96, :96]
    down, across = random.uniform(38, 58, 2)
    size = random.uniform(20, 30)
    if label == "disc":
        inside = np.hypot(rows - down, columns - across) < size
    else:
        inside = np.maximum(abs(rows - down), abs(columns - across)) < size
    picture = np.where(inside[..., None], np.array([230, 200, 40]), np.array([30, 40, 60]))
    return image_bytes((picture + random.integers(0, 10, picture.shape)).astype(np.uint8))


@cache
def digits() -> tuple[list[bytes], list[str]]:
    """Scikit-learn's handwritten digits as 64-pixel PNGs, shuffled the same way each time."""
    data = load_digits()
    order = np.random.default_rng(3).permutation(len(data.images))
    pictures = [
        image_bytes(
            Image.fromarray((data.images[i] / 16 * 255).astype(np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
        )
        for i in order
    ]
    return pictures, [str(data.target[i]) for i in order]


def line(key: str, label: str, bucket: str = BUCKET, **changes: Any) -> dict[str, Any]:
    metadata = {
        "confidence": 1,
        "class-name": label,
        "human-annotated": "yes",
        "creation-date": "2026-11-23T09:00:00.000000",
        "type": "groundtruth/image-classification",
    }
    return {"source-ref": f"s3://{bucket}/{key}", "kind": 1, "kind-metadata": metadata | changes}


def manifest(rows: Iterable[Mapping[str, Any] | str]) -> bytes:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows).encode()


def put_labelled(s3: MemoryS3, pictures: Iterable[tuple[bytes, str]], key: str) -> list[dict[str, Any]]:
    """Store pictures and their manifest."""
    rows = []
    for number, (picture, label) in enumerate(pictures):
        name = f"images_labeled_by_folder/{label}/{key} {number}+ü.png"
        s3.put(BUCKET, name, picture)
        rows.append(line(name, label))
    s3.put(BUCKET, key, manifest(rows))
    return rows


def put_shapes(s3: MemoryS3, key: str = "shapes.manifest", count: int = 10) -> list[dict[str, Any]]:
    pictures = [(shape_picture(label, n), label) for n in range(count) for label in ("disc", "square")]
    return put_labelled(s3, pictures, key)
