"""Whatever a reviewer's images, keyboard and mouse do, each label is given to the image that they saw, and once."""

import io

import numpy
import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.browser.reviewing import Desk, Questions

# -------------------------------------------------------------------- images


@pytest.mark.parametrize("number", [0, 1])
def test_an_image_that_is_on_its_way_gets_no_label(desk: Desk, questions: Questions, number: int):
    names = questions.ask(None, None)
    image = desk.hold(f"**/review/images/{names[number]}")
    desk.open()
    if number:
        desk.see(0)
        desk.press("1")
    expect(desk.part("loading")).to_be_visible()
    desk.try_all()
    image.let_go()
    desk.see(number)
    desk.press("2")
    questions.expect(**({"_0": "ant", "_1": "bee"} if number else {"_0": "bee"}))


def test_an_image_that_is_gone_gets_no_label_until_it_can_be_loaded(desk: Desk, questions: Questions):
    questions.ask(None, None)
    questions.delete(0)
    desk.open()
    expect(desk.page.get_by_role("heading", name="This image cannot be shown")).to_be_visible()
    desk.try_all()
    questions.world.upload("0.png")
    desk.page.get_by_role("button", name="Reload the image").click()
    desk.see(0)
    desk.press("2")
    questions.expect(_0="bee")


def _noise(side: int, form: str, levels: int = 256) -> bytes:
    file = io.BytesIO()
    pixels = numpy.random.default_rng(0).integers(0, levels, (side, side), dtype=numpy.uint8)
    Image.fromarray(pixels).save(file, form, compress_level=1)
    return file.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_an_image_that_was_cut_off_is_drawn_as_far_as_it_goes_or_gets_no_label(
    desk: Desk, questions: Questions, form: str
):
    body = _noise(200, form)
    questions.ask(body[:20], body[: len(body) // 2], None)
    desk.open()
    expect(desk.page.get_by_role("heading", name="This image cannot be shown")).to_be_visible()
    desk.try_all()
    desk.press("s")
    desk.see(1)
    desk.press("2")
    questions.expect(_1="bee")


def test_a_huge_image_gets_no_label_before_it_is_on_the_screen(desk: Desk, questions: Questions):
    names = questions.ask(None, _noise(4096, "PNG", levels=90), None)
    desk.report_paints()
    desk.open()
    desk.see(0)
    desk.page.wait_for_load_state("networkidle")
    assert desk.hammer("1", answers=2) > desk.painted(names[1])
    questions.expect(_0="ant", _1="ant")


# ------------------------------------------------------------------ keyboards


_LAYOUTS = (
    ("&", "Digit1", "ant"),  # AZERTY
    ("é", "Digit2", "bee"),
    ("à", "Digit0", "jay"),
    ("١", "Digit1", "ant"),  # Arabic
    ("/", "Digit2", "bee"),  # Thai
    ("ื", "KeyN", "None of the Above"),  # Thai: a mark, not a letter
    ("т", "KeyN", "None of the Above"),  # Russian
    ("n", "KeyL", "None of the Above"),  # Dvorak: the character counts, not the place
)


def test_keys_of_any_layout_answer(desk: Desk, questions: Questions):
    questions.ask(*[None] * len(_LAYOUTS))
    desk.open()
    for number, (key, code, _) in enumerate(_LAYOUTS):
        desk.see(number)
        desk.key("End", "Numpad1")  # a number pad that moves
        desk.key(key, code)
    questions.expect(**{f"_{number}": label for number, (_, _, label) in enumerate(_LAYOUTS)})


def test_skip_and_undo_work_in_any_script(desk: Desk, questions: Questions):
    scripts = (("ы", "г"), ("ห", "ี"), ("े", "ह"))  # Russian, Thai, Hindi
    questions.ask(*[None] * (len(scripts) + 1))
    desk.open()
    for number, (skip, undo) in enumerate(scripts):
        desk.see(number)
        desk.press("1")
        desk.see(number + 1)
        desk.key(undo, "KeyU")
        desk.see(number)
        desk.key(skip, "KeyS")
    desk.see(len(scripts))
    desk.press("2")
    questions.expect(_3="bee")


def test_enter_that_ends_a_composition_answers_nothing(desk: Desk, questions: Questions):
    questions.world.set_variable("Review-Allow-New-Labels", "true")
    questions.ask(None, None, None)
    desk.open()
    desk.see(0)
    for field in ("#label-search", "#new-label"):
        desk.page.locator(field).focus()
        desk.browser.send("Input.imeSetComposition", {"text": "bee", "selectionStart": 3, "selectionEnd": 3})
        desk.key("Enter", "Enter", text="\r", key_code=229)
        desk.key("Process", "Enter", key_code=229)
        desk.browser.send("Input.insertText", {"text": "bee"})
        desk.key("Enter", "Enter", text="\r", key_code=229)  # Safari's order
        assert desk.page.locator(field).input_value() == "bee"
    desk.page.locator("#label-search").press("Enter")
    questions.expect(_0="bee")


def test_a_key_that_is_held_on_a_label_answers_once(desk: Desk, questions: Questions):
    questions.ask(*[None] * 4)
    desk.open()
    keys = (("Enter", "Enter", "\r", 13), (" ", "Space", " ", 32), ("3", "Digit3", "3", 51))
    for number, (key, code, text, key_code) in enumerate(keys):
        desk.see(number)
        desk.label("cat").focus()
        for repeat in (False, True, True):
            desk.key(key, code, text=text, repeat=repeat, key_code=key_code)
            desk.look()
        desk.let_go(key, code, key_code)
    desk.see(3)
    desk.press("2")
    questions.expect(_0="cat", _1="cat", _2="cat", _3="bee")


# --------------------------------------------------------------------- mouse


def test_a_double_click_answers_once(desk: Desk, questions: Questions):
    questions.ask(None, None, None)
    desk.open()
    desk.see(0)
    desk.label("cat").dblclick()
    desk.see(1)
    desk.label("dog").evaluate("(button) => { button.click(); button.click(); }")  # as where the mouse has moved
    desk.see(2)
    desk.press("2")
    questions.expect(_0="cat", _1="dog", _2="bee")


def test_a_click_that_began_before_the_image_came_does_not_answer(desk: Desk, questions: Questions):
    names = questions.ask(None, None)
    image = desk.hold(f"**/review/images/{names[0]}")
    desk.open()
    expect(desk.part("loading")).to_be_visible()
    desk.label("cat").hover()
    desk.page.mouse.down()
    image.let_go()
    desk.see(0)
    desk.page.mouse.up()
    desk.look()
    desk.label("bee").click()
    questions.expect(_0="bee")


def test_a_click_that_began_before_an_undone_image_came_back_does_not_answer(desk: Desk, questions: Questions):
    questions.ask(None, None)
    desk.open()
    desk.see(0)
    desk.press("1")
    desk.see(1)
    desk.label("cat").focus()
    undo = desk.hold("**/review/undo/*")
    desk.key(" ", "Space", text=" ", key_code=32)
    desk.press("u")
    undo.come()
    undo.let_go()
    desk.see(0)
    desk.let_go(" ", "Space", 32)
    desk.look()
    desk.press("2")
    questions.expect(_0="bee")


def test_in_a_zoomed_page_the_image_is_in_sight_of_whoever_labels_it(desk: Desk, questions: Questions):
    questions.ask(None, None, None, None)
    for number, (zoom, label) in enumerate(((4, "ant"), (2, "kiwi"), (1, "bee"))):
        metrics = {"width": 1280 // zoom, "height": 1024 // zoom, "deviceScaleFactor": zoom, "mobile": False}
        desk.browser.send("Emulation.setDeviceMetricsOverride", metrics)
        desk.open()
        desk.see(number)
        expect(desk.page.locator("[data-picture] img")).to_be_in_viewport(ratio=0.9)
        desk.label(label).click()
        desk.see(number + 1)
        expect(desk.page.locator("[data-picture] img")).to_be_in_viewport(ratio=0.9)
        expect(desk.label(label)).to_be_in_viewport()
    questions.expect(_0="ant", _1="kiwi", _2="bee")
