"""A loop's parameters: defaults, ranges, and how people write values."""

import math
from dataclasses import fields
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts.write_parameters import README, with_tables

from label_loop.exceptions import InvalidParameterError
from label_loop.parameters import FIELDS, PARAMETERS, ApproveDeployments, Group, Settings

BOOLEANS = (
    "Enable-Automatic-Training",
    "Enable-A2I-Workflow",
    "Enable-Automatic-Human-Sampling",
    "Review-Allow-New-Labels",
    "Test-With-Human-Samples",
    "Train-None-Of-The-Above",
)
COUNTS = ("Minimum-Untrained-Images", "Human-Sampling-Interval", "Minimum-Test-Images")
MINUTES = ("Automatic-Training-Poll-Frequency", "Automatic-Human-Sampling-Frequency")
UNITS = ("Minimum-Inference-Units", "Review-Answers-Per-Image")
HOURS = ("Approval-Hours",)
DECIMALS = (
    "Minimum-F1-Score",
    "Minimum-Label-Detection-Confidence",
    "Challenger-Margin",
    "Review-Overlap-Percent",
    "Target-Precision",
)
SWITCHED_OFF_BY_ZERO = ("Idle-Model-Stop-Minutes", "Maximum-Inference-Units", "Review-Budget-Per-Day", "Bake-Hours")
NUMBERS = COUNTS + MINUTES + UNITS + HOURS + SWITCHED_OFF_BY_ZERO + DECIMALS
INSTRUCTIONS = "Review-Instructions"
APPROVE = "Approve-Deployments"

NOT_NUMBERS = (
    "1,000", "1_000", "1.000.000", "1 000", "1'000", "70,0", "nan", "NaN", "inf", "-inf", "Infinity", "１", "٣",
    "²", "0x1", "one", "", " ", "--1", "+-1", "1%", "true", "None", "1e", "e1", ".", "1\x002", "1\n2",
    "9" * 400, "1e999", "1e9999",
)  # fmt: skip
NOT_WHOLE = ("1.0", "1.5", "1e0", "1.")


def defaults(group):
    return {name: p.parse(p.default) for name, p in PARAMETERS.items() if p.group is group}


def test_the_ten_are_the_samples_with_the_contracts_defaults():
    assert defaults(Group.LOOP) == {
        "Enable-Automatic-Training": True,
        "Automatic-Training-Poll-Frequency": 720,
        "Minimum-Untrained-Images": 10,
        "Minimum-F1-Score": 0.8,
        "Minimum-Inference-Units": 1,
        "Minimum-Label-Detection-Confidence": 70.0,
        "Enable-A2I-Workflow": True,
        "Enable-Automatic-Human-Sampling": True,
        "Automatic-Human-Sampling-Frequency": 720,
        "Human-Sampling-Interval": 1000,
    }


def test_the_review_settings_are_a_group_of_their_own():
    assert defaults(Group.REVIEW) == {
        "Review-Answers-Per-Image": 1,
        "Review-Allow-New-Labels": False,
        INSTRUCTIONS: "Pick the label that fits the image best.",
        "Review-Overlap-Percent": 0,
        "Review-Budget-Per-Day": 0,
    }
    assert {*BOOLEANS, *NUMBERS, INSTRUCTIONS, APPROVE} == set(PARAMETERS)


def test_what_bounds_the_cost_is_switched_off_by_default():
    assert defaults(Group.COST) == {"Idle-Model-Stop-Minutes": 0, "Maximum-Inference-Units": 0}


def test_each_parameter_has_its_own_field_and_a_description():
    assert set(FIELDS) == set(PARAMETERS)
    assert sorted(FIELDS.values()) == sorted(field.name for field in fields(Settings))
    for name, field in FIELDS.items():
        assert field.startswith(name.lower().replace("-", "_"))
    assert len({parameter.description for parameter in PARAMETERS.values()}) == len(PARAMETERS)


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (("true", "True", "TRUE", "tRuE", "yes", "Yes", "on", "ON", "1", " true ", "true\n", "\tyes"), True),
        (("false", "False", "FALSE", "no", "No", "off", "OFF", "0", " false", "no\r\n"), False),
    ],
)
def test_booleans_are_read_as_people_write_them(name, texts, value):
    for text in texts:
        assert PARAMETERS[name].parse(text) is value, text


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize(
    "text", ["", " ", "2", "-1", "10", "enabled", "maybe", "truetrue", "true,", '"true"', "１", "None", "tr ue"]
)
def test_other_words_are_not_booleans(name, text):
    with pytest.raises(InvalidParameterError):
        PARAMETERS[name].parse(text)


@pytest.mark.parametrize("text", ["when undecided", "When Undecided", " when  undecided\n"])
def test_a_choice_is_read_as_people_write_it(text):
    assert PARAMETERS[APPROVE].parse(text) is ApproveDeployments.WHEN_UNDECIDED


@pytest.mark.parametrize("text", ["", " ", "undecided", "true", "when-undecided", "always,", "None"])
def test_another_word_is_no_choice(text):
    with pytest.raises(InvalidParameterError, match="one of: when undecided, always, never"):
        PARAMETERS[APPROVE].parse(text)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_no_plain_number_is_refused(name, text):
    with pytest.raises(InvalidParameterError):
        PARAMETERS[name].parse(text)


@pytest.mark.parametrize("name", COUNTS + MINUTES + UNITS + HOURS + SWITCHED_OFF_BY_ZERO)
@pytest.mark.parametrize("text", NOT_WHOLE)
def test_a_fraction_is_no_whole_number(name, text):
    with pytest.raises(InvalidParameterError):
        PARAMETERS[name].parse(text)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        *((name, ["1", "+1", "01", " 7 ", "999999999999999"], ["0", "-1", "-0"]) for name in COUNTS),
        *((name, ["1", "720", "525600"], ["0", "-5", "525601", "999999999999"]) for name in MINUTES),
        ("Approval-Hours", ["1", "72", "8760"], ["0", "-1", "8761"]),
        ("Bake-Hours", ["0", "24", "168"], ["-1", "169"]),
        ("Minimum-Inference-Units", ["1", "5"], ["0", "6", "-1", "50"]),
        ("Review-Answers-Per-Image", ["1", "9"], ["0", "10", "-1"]),
        ("Idle-Model-Stop-Minutes", ["0", "60", "525600"], ["-1", "525601"]),
        ("Maximum-Inference-Units", ["0", "1", "5"], ["-1", "6"]),
        ("Target-Precision", ["0", "0.95", "1"], ["-0.01", "1.01", "95"]),
        ("Challenger-Margin", ["0", "0.02", "1"], ["-0.01", "1.01", "2"]),
        ("Minimum-F1-Score", ["0", "1", "0.8", ".8", "1.", "8e-1", "1.0"], ["-0.01", "1.01", "80", "1.0001"]),
        (
            "Minimum-Label-Detection-Confidence",
            ["0", "100", "70.0", "70", "1e2", "99.9999"],
            ["-1", "100.01", "101", "1e3"],
        ),
    ],
)
def test_ranges(name, good, bad):
    for text in good:
        assert PARAMETERS[name].parse(text) == float(text), text
    for text in bad:
        with pytest.raises(InvalidParameterError):
            PARAMETERS[name].parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Look twice.", "Look twice."),
        (" one\r\n\ttwo\n ", "one\n\ttwo"),
        ("Größe : 5 € 日本 🦊", "Größe : 5 € 日本 🦊"),
        ("à\xa0droite", "à\xa0droite"),
        ("<script>alert(1)</script> {x} %s", "<script>alert(1)</script> {x} %s"),
        ("x" * 2000, "x" * 2000),
        ("語" * 1365, "語" * 1365),
    ],
)
def test_instructions_are_text_of_any_number_of_lines(text, value):
    assert PARAMETERS[INSTRUCTIONS].parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " \n\t ", "x" * 2001, "語" * 1366, "a\x00b", "\x1b[31mred", "\u202egnp.exe", "half \ud83e",
        "see {{ssm:/logos/password}}", "{{",
    ],
)  # fmt: skip
def test_instructions_that_parameter_store_would_not_take_or_nobody_could_read_are_refused(text):
    with pytest.raises(
        InvalidParameterError, match=r"2000 printable characters, at most 4096 bytes, and without \{\{\."
    ):
        PARAMETERS[INSTRUCTIONS].parse(text)


def test_a_refusal_names_parameter_value_and_rule():
    with pytest.raises(InvalidParameterError) as caught:
        PARAMETERS["Minimum-Label-Detection-Confidence"].parse("70,0")
    message = str(caught.value)
    assert "Minimum-Label-Detection-Confidence" in message
    assert "'70,0'" in message
    assert "from 0 to 100" in message
    assert (caught.value.name, caught.value.value) == ("Minimum-Label-Detection-Confidence", "70,0")


def test_a_refusal_stays_readable_for_a_hostile_value():
    with pytest.raises(InvalidParameterError) as caught:
        PARAMETERS["Minimum-F1-Score"].parse("\x1b[31m\n\u202e" + "9" * 10_000)
    message = str(caught.value)
    assert len(message) < 300
    assert message.isprintable()


@pytest.mark.parametrize("name", PARAMETERS)
@given(text=st.text() | st.from_regex(r"[-+0-9.,_eE ]{1,12}", fullmatch=True) | st.integers() | st.floats())
def test_any_value_is_either_in_range_or_refused(name, text):
    try:
        value = PARAMETERS[name].parse(text)
    except InvalidParameterError:
        return
    if name in BOOLEANS:
        assert isinstance(value, bool)
        return
    if name == INSTRUCTIONS:
        assert 1 <= len(value) <= 2000
        assert len(value.encode()) <= 4096
        assert value == value.strip()
        return
    assert math.isfinite(value)
    assert str(text).strip().isascii()
    if name in MINUTES:
        assert timedelta(minutes=value) >= timedelta(minutes=1)
    elif name in DECIMALS:
        assert isinstance(value, float)
        assert 0 <= value <= (1 if name == "Minimum-F1-Score" else 100)
    else:
        assert isinstance(value, int)
        assert value >= (0 if name in SWITCHED_OFF_BY_ZERO else 1)


@given(value=st.floats(0, 100))
def test_a_number_that_python_wrote_is_read_back(value):
    assert PARAMETERS["Minimum-Label-Detection-Confidence"].parse(repr(value)) == value


def test_the_documents_say_what_is_declared():
    text = README.read_text()
    assert all(f"| {name} |" in text for name in PARAMETERS)
    assert with_tables(text) == text, "run `make parameters`"
