"""Which objects are a loop's own."""

import pytest

from label_loop.domain.folders import Folder
from label_loop.exceptions import ForeignObjectError

UPLOADS = Folder("bucket", "images_for_detection/")


@pytest.mark.parametrize("key", ["images_for_detection/a.png", "images_for_detection/../a", "images_for_detection/"])
def test_what_is_in_the_folder_is_the_loops_own(key):
    UPLOADS.check("bucket", key)


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("other", "images_for_detection/a.png"),
        ("Bucket", "images_for_detection/a.png"),
        ("", "images_for_detection/a.png"),
        ("bucket", "images_labeled_by_folder/cat/a.png"),
        ("bucket", "/images_for_detection/a.png"),
        ("bucket", "images_for_detection"),
        ("bucket", "IMAGES_FOR_DETECTION/a.png"),
        ("bucket", ""),
    ],
)
def test_all_else_is_not_and_the_error_names_both_places(bucket, key):
    with pytest.raises(ForeignObjectError) as caught:
        UPLOADS.check(bucket, key)
    assert f"'s3://{bucket}/{key}'" in str(caught.value)
    assert "s3://bucket/images_for_detection/" in str(caught.value)
