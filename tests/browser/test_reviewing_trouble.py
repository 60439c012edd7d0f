"""Reviewing on a bad day: a slow network, a page left at once, a nervous finger, a login that has ended."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Frame, Page, Route, expect
from tests.browser.conftest import LOOP, Enter, system_record
from tests.browser.reviewing import look
from tests.testing.stack import RunningStack
from tests.waiting import eventually

LEASE_MS = 130_000  # others may have the images for two minutes


@pytest.fixture
def page(enter: Enter) -> Iterator[Page]:
    """Give a window whose complaints are expected: requests fail on purpose."""
    window = enter("admin")  # nobody else reviews by this name: one person has the same images in each window
    yield window.page
    window.close()


def open_review(page: Page, running: RunningStack) -> Frame:
    page.goto(f"{running.stack.airflow_url}/label-loop/{LOOP.name}/review")
    expect(page.locator("[data-picture] img")).to_have_count(1, timeout=LEASE_MS)
    look(page)
    return page.main_frame


def shown(frame: Frame) -> str:
    """Return the name of the review that is on the screen."""
    return str(frame.locator("[data-picture] img").get_attribute("src")).rsplit("/", 1)[1]


def answered(running: RunningStack, names: set[str]) -> bool:
    table = system_record(running)["reviews_table"]
    get = running.client("dynamodb").get_item
    items = [get(TableName=table, Key={"HumanLoopName": {"S": name}}, ConsistentRead=True)["Item"] for name in names]
    return all(item["Answers"]["L"] for item in items)


def test_answers_arrive_although_the_page_is_left_at_once(page: Page, running: RunningStack):
    frame = open_review(page, running)
    held: list[Route] = []  # a slow network: what comes after them waits
    page.route("**/review/take", lambda route: held.append(route))  # noqa: PLW0108 - Playwright wants a function of its own
    names = set()
    for _ in range(3):
        names.add(shown(frame))
        page.keyboard.press("n")
        look(page)
    assert len(names) == 3
    page.goto(f"{running.stack.airflow_url}/label-loop/{LOOP.name}/overview")
    eventually(lambda: answered(running, names), "three answers")


def test_what_could_not_be_sent_comes_back_after_the_image_on_the_screen(page: Page, running: RunningStack):
    frame = open_review(page, running)
    page.route("**/review/answer", lambda route: route.fulfill(status=401, json={"detail": "Invalid JWT token"}))
    failing = shown(frame)
    page.keyboard.press("n")
    expect(page.locator(".notice.problem")).to_contain_text("Your session has expired")
    seen = shown(frame)
    assert seen != failing
    expect(page.locator("[data-done]")).to_have_text("0")
    page.unroute("**/review/answer")
    look(page)
    page.keyboard.press("s")
    assert shown(frame) == failing


def test_a_label_is_found_by_its_name_though_another_one_contains_it(page: Page, running: RunningStack):
    frame = open_review(page, running)
    frame.evaluate("""() => {
      const one = document.querySelector("[data-label='1']"), longer = one.cloneNode(true);
      longer.dataset.label = "21";
      one.before(longer);
      document.querySelector("[data-search]").hidden = false;
    }""")
    page.route("**/review/answer", lambda route: route.fulfill(json={"needs_others": False}))
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    assert page.locator("[data-done]").inner_text() == "0"
    page.keyboard.type("1")
    with page.expect_request("**/review/answer") as sent:
        page.keyboard.press("Enter")
    assert sent.value.post_data_json["label"] == "1"


def test_a_login_that_has_ended_is_told_once_however_often_it_is_asked(page: Page, running: RunningStack):
    page.clock.install()
    page.goto(f"{running.stack.airflow_url}/label-loop/{LOOP.name}/overview")
    expect(page.get_by_role("heading", name="DAG runs")).to_be_visible()
    page.route("**/overview/now", lambda route: route.fulfill(status=401, json={"detail": "Invalid JWT token"}))
    for _ in range(3):
        with page.expect_response("**/overview/now"):
            page.clock.run_for(10_500)
    expect(page.locator(".notice")).to_have_count(1)
    expect(page.locator(".notice")).to_contain_text("Your session has expired")
