"""Whatever the network, a second tab and an undo do to a reviewer's answers, each counts once, or they are told."""

from playwright.sync_api import BrowserContext, expect
from tests.browser.reviewing import Desk, Questions, hurried, lose_answers


def test_answers_without_a_network_come_back_and_are_given_once(desk: Desk, questions: Questions):
    questions.ask(None, None, None)
    desk.open()
    desk.see(0)
    desk.page.wait_for_load_state("networkidle")
    desk.offline(True)
    desk.press("1")
    desk.see(1)
    desk.press("2")
    desk.told("cannot be reached")
    expect(desk.part("done")).to_have_text("0")
    desk.offline(False)
    assert questions.answers() == {}
    for key in ("3", "4", "5"):
        desk.look()
        seen = desk.page.locator("[data-picture] img").get_attribute("src").rsplit("-", 1)[1]
        desk.press(key)
        expect(desk.page.locator(f"[data-picture] img[src$='-{seen}']")).to_have_count(0)
    questions.expect(_2="cat", _1="dog", _0="eel")


def test_an_answer_whose_response_is_lost_counts_once_and_can_be_undone(desk: Desk, questions: Questions):
    questions.ask(None, None)
    lose_answers(desk.page, "**/review/answer")
    lose_answers(desk.page, "**/review/undo/*")
    desk.open()
    desk.see(0)
    desk.press("1")
    questions.expect(_0="ant")
    desk.see(1)
    desk.press("u")
    desk.see(0)
    assert (desk.problems, desk.done) == ([], 0)
    desk.press("2")
    questions.expect(_0="bee")


def test_an_image_that_could_not_be_skipped_comes_back(desk: Desk, questions: Questions):
    questions.ask(None, None)
    desk.open()
    desk.see(0)
    desk.page.wait_for_load_state("networkidle")
    desk.offline(True)
    desk.press("s")
    desk.told("cannot be reached")
    desk.offline(False)
    desk.see(1)
    desk.press("1")
    desk.see(0)
    desk.press("2")
    questions.expect(_0="bee", _1="ant")


def test_a_network_that_is_silent_is_told(desk: Desk, questions: Questions):
    questions.ask(None, None)
    desk.open()
    desk.see(0)
    answer = desk.hold("**/review/answer")
    with hurried(desk.page):
        desk.press("1")
        answer.come(3)
        desk.told("cannot be reached")
    desk.see(1)
    desk.page.unroute("**/review/answer")
    desk.press("2")
    desk.see(0)
    desk.press("3")
    questions.expect(_1="bee", _0="cat")


def test_an_undo_while_the_answer_is_under_way_comes_before_any_other_answer(desk: Desk, questions: Questions):
    questions.ask(None, None)
    desk.open()
    desk.see(0)
    answer = desk.hold("**/review/answer")
    desk.press("1")
    answer.come()
    desk.see(1)
    desk.press("u", "3")
    desk.try_all()
    answer.let_go()
    desk.see(0)
    desk.press("2")
    questions.expect(_0="bee")


def test_a_second_tab_answers_no_image_a_second_time(
    desk: Desk, questions: Questions, reviewer: BrowserContext, console_url: str
):
    questions.ask(None, None, None)
    second = Desk(reviewer.new_page(), console_url, questions)
    for tab in (second, desk):  # a tab in the background shows nothing
        tab.page.bring_to_front()
        tab.open()
        tab.see(0)
    desk.press("1")
    questions.expect(_0="ant")
    second.page.bring_to_front()
    answer = second.hold("**/review/answer")
    second.press("2")
    answer.come()
    second.see(1)
    second.press("u")  # what was never accepted cannot be undone, nor can the first tab's answer
    answer.let_go()
    second.told("You have already answered this image")
    second.see(1)
    assert second.done == 0
    second.press("3")
    questions.expect(_0="ant", _1="cat")


def test_an_image_is_shown_again_when_the_reviewer_comes_back_to_the_page(desk: Desk, questions: Questions):
    questions.ask(None, None, None)
    desk.open()
    desk.see(0)
    answer = desk.hold("**/review/answer")
    desk.press("1")
    answer.come()
    desk.page.goto(f"{desk.url}/upload")
    desk.page.unroute("**/review/answer")
    questions.expect(_0="ant")
    desk.page.go_back()
    desk.see(1)
    desk.press("2")
    questions.expect(_0="ant", _1="bee")
    assert desk.problems == []
