"""The objects of a loop: what may be read and copied, and which errors concern one object for good."""

import io

import pytest
from botocore.exceptions import ClientError

from label_loop.exceptions import ForeignObjectError
from label_loop.hooks.aws_errors import is_denial, object_problem
from label_loop.hooks.objects import LoopObjects
from label_loop.payloads import S3Upload

FOLDER = "images_for_detection/"
ITEM = S3Upload("bucket", f"{FOLDER}a.png", "e", "v1")


def error(code, operation="DetectCustomLabels"):
    return ClientError({"Error": {"Code": code, "Message": ""}}, operation)


class FakeS3:
    """Objects of which some cannot be read, by the code of the refusal."""

    def __init__(self, refused, others=("b.png",)):
        self.refused = {f"{FOLDER}{name}": code for name, code in refused.items()}
        self.keys = [f"{FOLDER}{name}" for name in ("a.png", *others)]
        self.asked = []

    def get_object(self, **request):
        self.asked.append(request)
        code = self.refused.get(request["Key"])
        if code:
            raise error(code, "GetObject")
        return {"Body": io.BytesIO(b"12345678")}

    def copy_object(self, **request):
        self.asked.append(request)

    def list_objects_v2(self, **request):
        return {"Contents": [{"Key": key, "Size": 8} for key in self.keys]}


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("NoSuchKey", "was deleted from S3"),
        ("NoSuchVersion", "was deleted from S3"),
        ("InvalidObjectState", "is archived: restore it in S3"),
        ("InvalidRange", "is empty"),
        ("AccessDenied", "may not be read: access to it or to its KMS key is denied"),
        ("KMS.DisabledException", "is encrypted with a KMS key that is disabled or deleted"),
    ],
)
@pytest.mark.parametrize("failed", ["InvalidS3ObjectException", "AccessDenied", "NoSuchKey", "InvalidObjectState"])
def test_an_object_that_cannot_be_read_has_its_own_reason(failed, code, problem):
    objects = LoopObjects(FakeS3({"a.png": code}), "bucket")
    assert objects.problem(ITEM, FOLDER, error(failed)) == problem
    assert object_problem(error(code)) == problem


@pytest.mark.parametrize("others", [("b.png", "c.png"), ()])
@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException"])
def test_where_access_is_denied_to_all_objects_it_is_not_this_one(code, others):
    s3 = FakeS3(dict.fromkeys(("a.png", *others), code), others)
    assert is_denial(error(code))
    assert LoopObjects(s3, "bucket").problem(ITEM, FOLDER, error("AccessDenied")) is None


@pytest.mark.parametrize(
    "code", ["SlowDown", "InternalError", "ExpiredToken", "InvalidAccessKeyId", "NoSuchBucket", "AccessDeniedException"]
)
def test_what_passes_or_concerns_all_is_not_held_against_an_object(code):
    assert object_problem(error(code)) is None
    assert LoopObjects(FakeS3({}), "bucket").problem(ITEM, FOLDER, error(code)) is None
    assert LoopObjects(FakeS3({"a.png": code}), "bucket").problem(ITEM, FOLDER, error("AccessDenied")) is None


def test_an_object_that_can_be_read_after_all_is_tried_again():
    assert LoopObjects(FakeS3({}), "bucket").problem(ITEM, FOLDER, error("InvalidS3ObjectException")) is None


def test_an_image_that_was_replaced_is_not_read_for_it():
    s3 = FakeS3({})
    assert LoopObjects(s3, "bucket").problem(ITEM, FOLDER, error("PreconditionFailed")) == "was overwritten in S3"
    assert s3.asked == []


def test_an_object_is_read_in_its_version_and_up_to_a_limit():
    s3 = FakeS3({})
    assert LoopObjects(s3, "bucket").read(ITEM, FOLDER, 8) == b"12345678"
    assert s3.asked == [{"Bucket": "bucket", "Key": ITEM.key, "VersionId": "v1", "Range": "bytes=0-7"}]
    assert LoopObjects(FakeS3({"a.png": "InvalidRange"}), "bucket").read(ITEM, FOLDER, 8) == b""


@pytest.mark.parametrize("item", [S3Upload("other", ITEM.key, "e"), S3Upload("bucket", "manifests/a.png", "e")])
def test_an_object_of_another_bucket_or_folder_is_neither_read_nor_copied(item):
    s3 = FakeS3({})
    objects = LoopObjects(s3, "bucket")
    for work in (lambda: objects.read(item, FOLDER, 8), lambda: objects.copy(item, FOLDER, "target", {})):
        with pytest.raises(ForeignObjectError):
            work()
    assert s3.asked == []


def test_a_copy_is_of_the_version_or_else_of_the_content():
    s3 = FakeS3({})
    objects = LoopObjects(s3, "bucket")
    objects.copy(ITEM, FOLDER, "target.png", {"labelled-by": "ann"})
    objects.copy(S3Upload("bucket", ITEM.key, "e"), FOLDER, "target", {})
    versioned, unversioned = s3.asked
    assert versioned["CopySource"] == {"Bucket": "bucket", "Key": ITEM.key, "VersionId": "v1"}
    assert "CopySourceIfMatch" not in versioned
    assert unversioned["CopySourceIfMatch"] == "e"
