"""A parameter is set in a page and reaches Parameter Store; a text that is none is refused where it was typed."""

from playwright.sync_api import Frame, Locator, expect
from tests.browser.checks import assert_accessible, assert_no_overflow
from tests.browser.conftest import LOOP, Visit
from tests.testing.stack import RunningStack
from tests.waiting import eventually

from local_stack.browser import navigation

NAME = "Minimum-F1-Score"
FREQUENCY = "Automatic-Training-Poll-Frequency"


def test_a_parameter_is_set_and_reaches_parameter_store(visit: Visit, running: RunningStack):
    frame = visit("op").open_page("Parameters")
    _save(frame, "0.85")
    status = _panel(frame).get_by_role("status")
    expect(status).to_contain_text("0.85")
    eventually(lambda: running.parameter(f"{LOOP.path}/{NAME}") == "0.85", "Parameter Store to follow")
    expect(status).to_have_text("in effect 0.85", timeout=60_000)

    _panel(frame).get_by_text("Change history").click()
    expect(_panel(frame).get_by_role("table")).to_contain_text("op")
    assert_no_overflow(frame)


def test_a_changed_frequency_is_followed_by_the_schedule(visit: Visit, running: RunningStack):
    frame = visit("op").open_page("Parameters")
    _save(frame, "45", FREQUENCY)
    expect(_panel(frame, FREQUENCY).get_by_role("status")).to_have_text("in effect 45", timeout=120_000)
    assert running.variable(f"{LOOP.name}/{FREQUENCY}") == "45"
    assert running.parameter(f"{LOOP.path}/{FREQUENCY}") == "45"
    training = LOOP.dag_id("training")
    eventually(lambda: running.dag(training)["timetable_summary"] == "0:45:00", "the schedule to follow")


def test_a_text_that_is_no_value_is_refused_where_it_was_typed(visit: Visit, running: RunningStack):
    before = running.variable(f"{LOOP.name}/{NAME}")
    frame = visit("op", expected=(422,)).open_page("Parameters")
    _save(frame, "70,0")
    expect(_panel(frame).get_by_role("alert")).to_contain_text("70,0")
    expect(_panel(frame).get_by_role("textbox")).to_have_value("70,0")
    assert_accessible(frame)
    assert running.variable(f"{LOOP.name}/{NAME}") == before


def test_who_may_not_read_variables_is_offered_no_parameters_and_told_what_is_needed(visit: Visit):
    window = visit("viewer", expected=(403,))
    assert "Parameters" not in navigation(window.open_console()).all_inner_texts()
    frame = window.open_directly(LOOP.name, "parameters")
    expect(frame.get_by_role("main")).to_contain_text("permission to read Airflow Variables")
    assert_accessible(frame)


def _panel(frame: Frame, name: str = NAME) -> Locator:
    return frame.locator(f"#parameter-{name}")


def _save(frame: Frame, text: str, name: str = NAME) -> None:
    frame.get_by_label(name, exact=True).fill(text)
    frame.get_by_role("button", name=f"Save {name}").click()
