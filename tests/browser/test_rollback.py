"""An operator trains a second version, does not like it, and puts the first one back, all in the page."""

from playwright.sync_api import Frame, Locator, expect
from tests.browser.checks import assert_accessible, assert_no_overflow
from tests.browser.conftest import LOOP, Visit, system_record
from tests.testing.stack import RunningStack

ENDPOINT = "rekognition_project_version_arn"
RUN_MS = 240_000


def test_an_older_version_is_put_back(visit: Visit, running: RunningStack):
    first = system_record(running)[ENDPOINT]
    frame = visit("op").open_page("Models")
    expect(_row(frame, first)).to_contain_text("serving")
    before = _versions(frame).count()
    frame.get_by_role("button", name="Train now").click()
    frame.get_by_role("button", name="Train anyway").click()
    expect(_versions(frame)).to_have_count(before + 1, timeout=RUN_MS)
    expect(_versions(frame).first).to_contain_text("serving", timeout=RUN_MS)
    second = system_record(running)[ENDPOINT]
    assert second != first
    expect(_row(frame, first)).to_contain_text("stopped", timeout=RUN_MS)  # until then it cannot be started

    _row(frame, first).get_by_role("button", name="Roll back").click()
    dialog = frame.get_by_role("dialog")
    expect(dialog).to_contain_text(_name(first))
    assert_accessible(frame)
    dialog.get_by_role("button", name="Deploy").click()

    expect(_row(frame, first)).to_contain_text("serving", timeout=RUN_MS)
    assert system_record(running)[ENDPOINT] == first
    expect(_row(frame, second)).to_contain_text("stopped", timeout=RUN_MS)
    assert_no_overflow(frame)


def test_the_versions_with_all_that_can_be_done_with_them_fit_into_a_narrow_window(visit: Visit):
    frame = visit("op").open_directly(LOOP.name, "models")
    expect(
        frame.get_by_role("button", name="Roll back").or_(frame.get_by_role("button", name="Deploy"))
    ).to_be_visible()
    assert_no_overflow(frame, (820,))
    assert frame.get_by_role("region", name="Versions").evaluate("of => of.scrollWidth <= of.clientWidth")


def test_who_may_only_look_sees_versions_and_no_controls(visit: Visit):
    frame = visit("viewer").open_page("Models")
    expect(_versions(frame).first).to_be_visible()
    for name in ("Train", "Stop", "Roll back", "Deploy"):
        assert frame.get_by_role("button", name=name).count() == 0


def _versions(frame: Frame) -> Locator:
    return frame.get_by_role("region", name="Versions").locator("tbody tr")


def _row(frame: Frame, arn: str) -> Locator:
    return _versions(frame).filter(has_text=_name(arn))


def _name(arn: str) -> str:
    return arn.split("/")[-2]
