"""How a parameter stands: in force, on its way, refused; and which new text a sync would overrule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import ARBITRARY_JSON

from label_loop.domain.parameter_merge import STORE, VARIABLES, merge
from label_loop.domain.parameter_status import overruled_by, statuses
from label_loop.loop import Loop
from label_loop.parameters import PARAMETERS
from label_loop.variables import SYNC_STATE, setting

F1 = "Minimum-F1-Score"
DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS.items()}
EQUAL = {"values": DEFAULTS, "refused": {}}


def f1(store, variable, state=EQUAL):
    return statuses(DEFAULTS | {F1: store}, DEFAULTS | {F1: variable}, state)[F1]


@pytest.mark.parametrize(
    ("store", "variable", "in_force", "to_store", "to_variables"),
    [
        ("0.8", "0.8", "0.8", None, None),
        ("0.8", "0.9", "0.9", "0.9", None),
        ("0.9", "0.8", "0.8", None, "0.9"),
        ("0.9", "0.7", "0.7", None, "0.9"),
        ("0.8", None, "0.8", None, "0.8"),
        (None, "0.8", "0.8", "0.8", None),
        ("0.8", "0,9", "0.8", None, None),
        ("0,9", "0.8", "0.8", None, None),
        ("0,9", "0.7", "0.7", "0.7", None),
    ],
)
def test_what_is_in_force_and_what_is_on_its_way(store, variable, in_force, to_store, to_variables):
    status = f1(store, variable)
    assert (status.in_force, status.to_store, status.to_variables) == (in_force, to_store, to_variables)
    assert status.settled == (to_store is None and to_variables is None)


def test_a_refused_text_is_shown_where_it_stands_with_the_reason():
    (refusal,) = f1("0.8", "0,9").refusals
    assert (refusal.side, refusal.text) == (VARIABLES, "0,9")
    assert "a number from 0 to 1" in refusal.reason
    (refusal,) = f1("7", "0.8").refusals
    assert (refusal.side, refusal.text) == (STORE, "7")
    assert f1("0.8", "0.9").refusals == f1(None, None).refusals == ()


@given(
    variable=st.none() | st.sampled_from(["0.7", "0,7", ""]), state=ARBITRARY_JSON.filter(lambda v: isinstance(v, dict))
)
def test_what_is_shown_in_force_is_what_the_dags_read(variable, state):
    import json

    texts = {F1: variable, SYNC_STATE: json.dumps(state)}
    read = setting(Loop("/logos"), F1, lambda _, name: texts.get(name))
    assert PARAMETERS[F1].parse(f1("0.8", variable, state).in_force) == read


@pytest.mark.parametrize(
    ("store", "state", "overruled"),
    [
        ("0.8", EQUAL, None),
        ("0.9", EQUAL, "0.9"),
        ("0,9", EQUAL, None),
        (None, EQUAL, None),
        ("0.7", EQUAL, None),
        ("0.8", {}, "0.8"),
    ],
)
def test_a_text_that_parameter_store_would_overrule_is_known_before_it_is_written(store, state, overruled):
    assert overruled_by(F1, "0.7", {F1: store}, state) == overruled
    assert (merge({F1: store}, {F1: "0.7"}, state).values[F1] == "0.7") == (overruled is None)
