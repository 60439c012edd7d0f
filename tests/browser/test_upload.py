"""Images are uploaded in a page: one is detected, one joins those that train, and one that is none is told of."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, Frame, expect
from tests.browser.conftest import TRAINED, UPLOADED, Visit, system_record
from tests.testing.stack import RunningStack

from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER
from sample_images.digits import Picture

ODD_LABEL = "0 & <1> ü"
SPARE = TRAINED + UPLOADED  # the first picture that the loop has not seen


def test_an_uploaded_image_is_detected_and_its_result_shown(
    visit: Visit, running: RunningStack, pictures: list[Picture]
):
    frame = visit("user").open_page("Upload")
    picture = pictures[SPARE]
    _choose(frame, [(picture.name, picture.body), ("notes.png", b"no image at all")])
    expect(_row(frame, "notes.png")).to_contain_text("not a PNG or JPEG")
    expect(_row(frame, picture.name)).to_contain_text(" %", timeout=120_000)  # the confidence of what was detected
    expect(frame.locator("#summary")).to_have_text("1 of 2 uploaded, 1 detected, 1 rejected")
    assert _bodies(running, UPLOADS_FOLDER).count(picture.body) == 1


@pytest.fixture
def odd_label(running: RunningStack) -> Iterator[str]:
    """A label that exists for one test: one with a single image would keep the loop from training."""
    yield ODD_LABEL
    s3, bucket, prefix = running.client("s3"), system_record(running)["s3_bucket"], f"{LABELLED_FOLDER}{ODD_LABEL}/"
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=entry["Key"])


def test_an_image_is_uploaded_for_training_under_a_label(
    visit: Visit, running: RunningStack, pictures: list[Picture], odd_label: str
):
    frame = visit("op").open_page("Upload")
    picture = pictures[SPARE + 1]
    frame.get_by_label("Training").check()
    frame.get_by_label("Label", exact=True).fill(odd_label)
    _choose(frame, [(picture.name, picture.body)])
    expect(_row(frame, picture.name)).to_contain_text("added to the training images")
    assert _bodies(running, f"{LABELLED_FOLDER}{odd_label}/") == [picture.body]


def test_who_may_only_look_cannot_upload(visit: Visit):
    frame = visit("viewer").open_page("Upload")
    expect(frame.get_by_text("need permission to trigger the DAG detection")).to_be_visible()
    assert frame.locator("input[type=file]").count() == 0


def _choose(frame: Frame, files: list[tuple[str, bytes]]) -> None:
    payloads: list[FilePayload] = [{"name": name, "mimeType": "image/png", "buffer": body} for name, body in files]
    frame.get_by_label("Drop images here").set_input_files(payloads)


def _row(frame: Frame, file_name: str):
    return frame.locator("#images li").filter(has_text=file_name)


def _bodies(running: RunningStack, prefix: str) -> list[bytes]:
    s3, bucket = running.client("s3"), system_record(running)["s3_bucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    bodies = [s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in found]
    return [body for body in bodies if body]
