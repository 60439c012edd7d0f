"""The three-way merge: both sides become equal, no edit is lost silently, no invalid text spreads."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON, anything_like

from label_loop.domain.parameter_merge import STORE, VARIABLES, before_writing, cut_writes, is_settled, merge
from label_loop.exceptions import InvalidParameterError
from label_loop.parameters import PARAMETERS
from label_loop.payloads import StoredText

DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS.items()}
F1 = "Minimum-F1-Score"
TEXT = "Review-Instructions"
EQUAL = {"values": DEFAULTS, "refused": {}}

GOOD = {name: [parameter.default] for name, parameter in PARAMETERS.items()} | {
    F1: ["0.8", "0.9", ".5"],
    "Minimum-Untrained-Images": ["10", "11", "12"],
    "Enable-A2I-Workflow": ["true", "True", "no"],
    TEXT: ["Pick one.", "Pick one,\nthen the next."],
}
BAD = ["70,0", "1_000", "", "nan", "maybe", "{{1"]  # where the parameter is not a text


def valid(name, text):
    try:
        PARAMETERS[name].parse(text)
    except InvalidParameterError:
        return False
    return True


def sync(store, variables, state):
    """Merge, apply the plan as parameter_sync does, and return the plan and what is there then."""
    plan = merge(store, variables, state)
    # The state is kept as JSON in a Variable.
    return plan, {**store, **plan.to_store}, {**variables, **plan.to_variables}, json.loads(json.dumps(plan.state))


def f1(store, variable, base="0.8", refused=None):
    """Merge one parameter, all others being equal; return the plan."""
    state = {"values": DEFAULTS | {F1: base}, "refused": {F1: refused} if refused else {}}
    if base is None:
        del state["values"][F1]
    return merge({**DEFAULTS, F1: store}, {**DEFAULTS, F1: variable}, state)


def effect(plan):
    return plan.to_store.get(F1), plan.to_variables.get(F1), plan.values[F1]


# --- the cases, one by one


def test_the_first_sync_of_an_empty_loop_writes_the_defaults_everywhere():
    plan = merge({}, {}, {})
    assert plan.to_store == plan.to_variables == plan.values == DEFAULTS
    assert (plan.conflicts, plan.refusals, plan.refused) == ([], [], {})


@pytest.mark.parametrize(
    ("store", "variable", "base", "expected"),
    [
        # in the store, as Variable, last agreed;   written to the store, to Variables, in force
        ("0.8", "0.8", "0.8", (None, None, "0.8")),
        ("0.9", "0.8", "0.8", (None, "0.9", "0.9")),
        ("0.8", "0.9", "0.8", ("0.9", None, "0.9")),
        ("0.9", "0.9", "0.8", (None, None, "0.9")),
        ("0.9", "0.7", "0.8", (None, "0.9", "0.9")),
        # a side without a value gets the other's
        (None, "0.8", "0.8", ("0.8", None, "0.8")),
        ("0.8", None, "0.8", (None, "0.8", "0.8")),
        (None, None, "0.7", ("0.7", "0.7", "0.7")),
        (None, "0.9", "0.8", ("0.9", None, "0.9")),
        ("0.9", None, "0.8", (None, "0.9", "0.9")),
        # the first sync
        ("0.9", "0.9", None, (None, None, "0.9")),
        ("0.9", None, None, (None, "0.9", "0.9")),
        (None, "0.9", None, ("0.9", None, "0.9")),
        ("0.9", "0.7", None, (None, "0.9", "0.9")),
    ],
)
def test_three_ways(store, variable, base, expected):
    plan = f1(store, variable, base)
    assert effect(plan) == expected
    assert plan.refusals == []
    others = {name for name in PARAMETERS if name != F1}
    assert others.isdisjoint(plan.to_store.keys() | plan.to_variables.keys())


def test_only_a_real_conflict_is_told():
    (told,) = f1("0.9", "0.7").conflicts
    assert all(word in told for word in (F1, "0.9", "0.7"))
    for store, variable in (("0.9", "0.8"), ("0.8", "0.9"), ("0.9", "0.9"), ("0.8", "0.8"), ("0.9", None)):
        assert f1(store, variable).conflicts == []


def test_a_change_is_told_with_before_and_after():
    assert f1("0.9", "0.8").changes == [f"{F1}: 0.8 → 0.9"]
    assert f1("0.8", "0.9").changes == [f"{F1}: 0.8 → 0.9"]
    assert f1("0.8", "0.8").changes == []


def test_a_long_text_is_told_in_one_line_and_copied_whole():
    text = "Look twice.\n" * 100
    for variables in (DEFAULTS, DEFAULTS | {TEXT: "x" * 1000}):
        plan = merge(DEFAULTS | {TEXT: text}, variables, EQUAL)
        assert plan.to_variables == {TEXT: text}
        for told in plan.changes + plan.conflicts:
            assert told.isprintable()
            assert len(told) < 300


@pytest.mark.parametrize(
    ("store", "variable", "expected", "told"),
    [
        # an invalid text counts as unchanged and stays where it was written
        ("0,9", "0.8", (None, None, "0.8"), [STORE]),
        ("0.8", "0,9", (None, None, "0.8"), [VARIABLES]),
        ("0,9", "7", (None, None, "0.8"), [STORE, VARIABLES]),
        ("0,9", None, (None, "0.8", "0.8"), [STORE]),
        (None, "0,9", ("0.8", None, "0.8"), [VARIABLES]),
        # until a newer good value replaces it
        ("0,9", "0.9", ("0.9", None, "0.9"), [STORE]),
        ("0.9", "0,9", (None, "0.9", "0.9"), [VARIABLES]),
    ],
)
def test_an_invalid_text_never_spreads(store, variable, expected, told):
    plan = f1(store, variable)
    assert effect(plan) == expected
    assert [refusal.split(":")[0] for refusal in plan.refusals] == told
    for refusal in plan.refusals:
        assert F1 in refusal
        assert "from 0 to 1" in refusal
    assert plan.conflicts == []


def test_an_invalid_text_before_the_first_agreement_leaves_the_default_in_force():
    assert effect(f1("0,9", None, base=None)) == (None, "0.8", "0.8")
    assert effect(f1(None, "0,9", base=None)) == ("0.8", None, "0.8")
    assert effect(f1("0,9", "x", base=None)) == (None, None, "0.8")
    assert effect(f1("0,9", "0.7", base=None)) == (None, None, "0.7")


def test_an_invalid_text_is_told_once_until_it_changes():
    store, variables, state = {**DEFAULTS, F1: "0,9"}, dict(DEFAULTS), EQUAL
    plan, store, variables, state = sync(store, variables, state)
    assert len(plan.refusals) == 1
    for _ in range(2):
        plan, store, variables, state = sync(store, variables, state)
        assert plan.refusals == []
    store[F1] = "0;9"
    plan, store, variables, state = sync(store, variables, state)
    assert len(plan.refusals) == 1
    store[F1] = "0.9"
    plan, store, variables, state = sync(store, variables, state)
    assert (plan.refusals, variables[F1], plan.refused) == ([], "0.9", {})
    store[F1] = "0,9"
    assert len(sync(store, variables, state)[0].refusals) == 1


def test_an_invalid_text_is_told_once_though_the_other_side_is_restored_or_changes():
    plan, store, variables, state = sync({F1: "0,9"}, {}, {})
    assert len(plan.refusals) == 1
    plan, store, variables, state = sync(store, variables, state)
    assert plan.refusals == []
    assert is_settled(plan, state)
    variables[F1] = "0.9"
    plan, store, variables, state = sync(store, variables, state)
    assert plan.refusals == []
    assert store[F1] == "0.9"


def test_a_second_invalid_text_is_told_without_repeating_the_first():
    plan, store, variables, state = sync({**DEFAULTS, F1: "0,9"}, dict(DEFAULTS), EQUAL)
    variables[F1] = "maybe"
    plan, *_ = sync(store, variables, state)
    (told,) = plan.refusals
    assert told.startswith(VARIABLES)
    assert "maybe" in told


@pytest.mark.parametrize("state", [{}, {"values": None}, {"values": {}, "refused": None}, {"other": 1}])
def test_without_a_state_both_sides_are_asked(state):
    assert merge(DEFAULTS, DEFAULTS, state).to_store == {}
    assert merge(DEFAULTS, {}, state).to_variables == DEFAULTS


@pytest.mark.parametrize("base", ["0,9", "", 0.9, None, [], {}, True])
def test_an_edited_state_spreads_no_invalid_text(base):
    for store, variable in ((None, None), ("0.7", "0.7"), ("x", None), (None, "x"), ("x", "x")):
        plan = f1(store, variable, base)
        written = [text for text in effect(plan) if text is not None]
        assert all(isinstance(text, str) and valid(F1, text) for text in written)


@given(state=ARBITRARY_JSON.filter(lambda value: isinstance(value, dict)) | anything_like(
    {"values": {F1: "0.8"}, "refused": {F1: ["0,9", None]}}
).filter(lambda value: isinstance(value, dict)))  # fmt: skip
@example(state={"values": [1], "refused": "text"})
@example(state={"values": {F1: "0.8"}, "refused": {F1: 5}})
def test_no_edited_state_stops_the_sync(state):
    plan, store, variables, after = sync({F1: "0,9"}, {F1: "0.8"}, state)
    assert valid(F1, plan.values[F1])
    assert is_settled(merge(store, variables, after), after)


# --- properties

TEXTS = {name: st.none() | st.sampled_from(GOOD[name]) | st.sampled_from(BAD) for name in PARAMETERS}
SIDES = st.fixed_dictionaries(TEXTS)
AGREED = st.fixed_dictionaries({name: st.sampled_from(GOOD[name]) for name in PARAMETERS})
STATES = st.just({}) | AGREED.map(lambda values: {"values": values, "refused": {}})


@given(store=SIDES, variables=SIDES, state=STATES)
def test_applying_the_plan_settles_it(store, variables, state):
    plan, store, variables, state = sync(store, variables, state)
    again = merge(store, variables, state)
    assert is_settled(again, state)
    assert (again.to_store, again.to_variables) == ({}, {})
    assert (again.changes, again.conflicts, again.refusals) == ([], [], [])
    for name in PARAMETERS:
        texts = [text for text in (store[name], variables[name]) if valid(name, text)]
        assert all(text == plan.values[name] for text in texts), name
        assert store[name] is not None
        assert variables[name] is not None


@given(store=SIDES, variables=SIDES, state=STATES)
def test_nothing_invalid_is_written_or_in_force(store, variables, state):
    plan = merge(store, variables, state)
    for side in (plan.to_store, plan.to_variables, plan.values):
        assert all(valid(name, text) for name, text in side.items())
    assert plan.values.keys() == PARAMETERS.keys()


@given(store=SIDES, variables=SIDES, state=STATES)
def test_an_invalid_text_stays_unless_a_newer_good_one_replaces_it_and_is_told(store, variables, state):
    plan = merge(store, variables, state)
    base = state.get("values", {})
    for here, there, written, side in (
        (store, variables, plan.to_store, STORE),
        (variables, store, plan.to_variables, VARIABLES),
    ):
        for name, text in here.items():
            if text is None or valid(name, text):
                continue
            newer = valid(name, there[name]) and there[name] is not None and there[name] != base.get(name)
            assert name not in written or newer
            assert any(told.startswith(f"{side}: {name} ") for told in plan.refusals)


@given(changed=AGREED, agreed=AGREED, in_store=st.booleans())
def test_a_change_on_one_side_is_copied(changed, agreed, in_store):
    state = {"values": agreed, "refused": {}}
    plan, store, variables, _ = sync(*((changed, agreed) if in_store else (agreed, changed)), state)
    assert store == variables == changed == plan.values
    assert plan.conflicts == []
    assert len(plan.changes) == sum(changed[name] != agreed[name] for name in PARAMETERS)
    assert (plan.to_store if in_store else plan.to_variables) == {}


@given(in_store=AGREED, in_variables=AGREED, agreed=AGREED)
def test_when_both_changed_parameter_store_wins_and_it_is_told(in_store, in_variables, agreed):
    plan, store, variables, _ = sync(in_store, in_variables, {"values": agreed, "refused": {}})
    for name in PARAMETERS:
        both = len({in_store[name], in_variables[name], agreed[name]}) == 3
        if both:
            assert store[name] == variables[name] == in_store[name]
        assert both == any(told.startswith(f"{name}:") for told in plan.conflicts)


@given(present=AGREED, missing=st.sets(st.sampled_from(list(PARAMETERS))), in_store=st.booleans())
def test_what_is_missing_on_a_side_is_restored(present, missing, in_store):
    rest = {name: text for name, text in present.items() if name not in missing}
    store, variables = (rest, present) if in_store else (present, rest)
    plan, store, variables, _ = sync(store, variables, {"values": present, "refused": {}})
    assert store == variables == present
    assert (plan.changes, plan.conflicts, plan.refusals) == ([], [], [])


@given(store=SIDES, variables=SIDES, state=STATES, part=st.integers(0, 20))
def test_a_sync_that_died_halfway_is_repeated_to_the_same_end(store, variables, state, part):
    """Writes come before the state: what was written once must not count as somebody's change."""
    plan = merge(store, variables, state)
    writes = [(store, *item) for item in plan.to_store.items()] + [
        (variables, *item) for item in plan.to_variables.items()
    ]
    store, variables = ({**plan_side} for plan_side in (store, variables))
    for n, (_, name, text) in enumerate(writes[:part]):
        (store if n < len(plan.to_store) else variables)[name] = text
    again, *_ = sync(store, variables, state)
    assert again.values == plan.values


NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("direction", "store", "version", "variable", "expected"),
    [
        ("variables", "0.9", 2, "0.8", "0.9"),  # cut before the Variable was written
        ("variables", "0.8", 3, "0.9", "0.8"),  # written, and Parameter Store set back
        ("variables", "0.9", 2, "0.7", "0.9"),  # cut before, and the Variable edited: a conflict
        ("variables", "0.7", 3, "0.9", "0.7"),
        ("store", "0.8", 1, "0.9", "0.9"),  # cut before Parameter Store was written
        ("store", "0.9", 2, "0.8", "0.8"),  # written, and the Variable set back
        ("store", "0.8", 3, "0.9", "0.8"),  # written, and Parameter Store set back
        ("store", "0.9", 2, "0.7", "0.7"),
    ],
)
def test_an_edit_after_a_sync_that_was_cut_is_compared_with_what_it_wrote(
    direction: str, store: str, version: int, variable: str, expected: str
) -> None:
    seen = {F1: [1 if direction == "store" else 2, NOW.isoformat()]}
    writing = {"store": {}, "variables": {}, direction: {F1: "0.9"}}
    state = {**EQUAL, "writing": writing, "seen": seen}
    stored = {F1: StoredText(store, version, NOW)}
    written = cut_writes(state, stored, {F1: variable})
    plan = merge({**DEFAULTS, F1: store}, {**DEFAULTS, F1: variable}, state, written)
    assert plan.values[F1] == expected
    again = {**plan.state, **before_writing(plan.state, plan, written, seen)}
    assert cut_writes(again, stored, {F1: variable}).keys() >= written.keys()  # a second cut forgets nothing
    assert not is_settled(plan, state)


def test_the_plan_keeps_its_inputs():
    store, variables, state = {F1: "0.9"}, {F1: "0.7"}, {"values": {F1: "0.8"}, "refused": {}}
    copies = json.dumps([store, variables, state])
    merge(store, variables, state)
    assert json.dumps([store, variables, state]) == copies
