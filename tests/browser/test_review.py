"""A reviewer labels images by keyboard, and they join the training images under the label that was pressed."""

from playwright.sync_api import Frame, expect
from tests.browser.conftest import ODD_NAME, TRAINED, UPLOADED, Visit, system_record
from tests.browser.reviewing import look
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from label_loop.payloads import LABELLED_FOLDER
from sample_images.digits import Picture

ANSWERS = 10
OTHERS_HAVE_IT_MS = 130_000  # an image that somebody looks at is kept for them for two minutes


def test_ten_images_are_labelled_by_keyboard(visit: Visit, running: RunningStack, pictures: list[Picture]):
    uploaded = pictures[TRAINED : TRAINED + UPLOADED]
    shown_as = {ODD_NAME if number == 0 else picture.name: picture for number, picture in enumerate(uploaded)}
    frame = visit("user").open_page("Review")
    frame.get_by_role("heading", name="Review").click()  # the keys go where the last click went

    answered = [_answer(frame, shown_as, number) for number in range(1, ANSWERS + 1)]

    assert len({picture.name for picture in answered}) == ANSWERS
    wanted = {picture.body: picture.label for picture in answered}
    eventually(lambda: wanted.items() <= _labelled(running).items(), "ten images under their labels")
    unanswered = {picture.body for picture in uploaded} - wanted.keys()
    assert not unanswered & _labelled(running).keys()


def _answer(frame: Frame, shown_as: dict[str, Picture], number: int) -> Picture:
    """Press the key of the label that the shown image has; return the picture."""
    image = frame.locator("[data-picture] img")
    expect(image).to_be_visible(timeout=OTHERS_HAVE_IT_MS)
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0
    picture = shown_as[frame.locator("[data-key]").inner_text()]
    look(frame)
    frame.page.keyboard.press(frame.locator(f"[data-label='{picture.label}'] kbd").inner_text())
    expect(frame.locator("[data-done]")).to_have_text(str(number))
    return picture


def _labelled(running: RunningStack) -> dict[bytes, str]:
    """Return the label of each training image, by its content."""
    s3, bucket = running.client("s3"), system_record(running)["s3_bucket"]
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=LABELLED_FOLDER)["Contents"]]
    return {s3.get_object(Bucket=bucket, Key=key)["Body"].read(): key.split("/")[1] for key in keys if key[-1] != "/"}
