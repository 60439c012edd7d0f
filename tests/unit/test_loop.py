"""A loop's names, and which loops are served."""

import pytest

from label_loop.exceptions import InvalidParameterError
from label_loop.loop import Loop, loops


@pytest.mark.parametrize(
    ("path", "name", "dag_id", "variable"),
    [
        ("/logos", "logos", "logos.training", "logos/Minimum-F1-Score"),
        ("/label-loop", "label-loop", "label-loop.training", "label-loop/Minimum-F1-Score"),
        ("/acme/logos", "acme.logos", "acme.logos.training", "acme/logos/Minimum-F1-Score"),
        ("/A_b.c-1", "A_b.c-1", "A_b.c-1.training", "A_b.c-1/Minimum-F1-Score"),
    ],
)
def test_names(path, name, dag_id, variable):
    loop = Loop(path)
    assert loop.name == name
    assert loop.dag_id("training") == dag_id
    assert loop.parameter("Minimum-F1-Score") == f"{path}/Minimum-F1-Score"
    assert loop.variable("Minimum-F1-Score") == variable


@pytest.mark.parametrize("path", ["", "/", "logos", "/logos/", "//logos", "/lo gos", "/löwe", "/a,/b", "/a\n"])
def test_what_is_no_parameter_store_path_is_no_loop(path):
    with pytest.raises(InvalidParameterError, match="a path in Parameter Store"):
        Loop(path)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (None, ["/label-loop"]),
        ("/logos", ["/logos"]),
        ("/logos,/products", ["/logos", "/products"]),
        (" /logos/ , /products ,, /logos,", ["/logos", "/products"]),
        ("/acme/logos\n,/acme/products", ["/acme/logos", "/acme/products"]),
        ("", []),
    ],
)
def test_the_loops_come_from_the_airflow_option(monkeypatch, paths, expected):
    variable = "AIRFLOW__LABEL_LOOP__PARAMETER_PATHS"
    if paths is None:
        monkeypatch.delenv(variable, raising=False)
    else:
        monkeypatch.setenv(variable, paths)
    assert [loop.path for loop in loops()] == expected


def test_a_path_that_is_none_is_told_and_takes_no_other_loop_away(monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", "/logos,products")
    assert [loop.path for loop in loops()] == ["/logos"]
    assert "'products'" in caplog.text


def test_two_paths_of_one_name_do_not_share_their_dags(monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", "/a/b,/a.b,/c")
    assert [loop.path for loop in loops()] == ["/a/b", "/c"]
    assert "Skipping the loop /a.b of the option [label_loop] parameter_paths" in caplog.text


VARIABLE = "AIRFLOW_VAR_LABEL_LOOP/PARAMETER_PATHS"


def test_loops_of_the_variable_join_those_of_the_option(monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", "/logos,/acme/products")
    monkeypatch.setenv(VARIABLE, " /logos/ ,/pets,, no-path ,/acme.products\n,/birds")
    assert [loop.path for loop in loops()] == ["/logos", "/acme/products", "/pets", "/birds"]
    assert "Skipping a loop of the Variable label_loop/parameter_paths" in caplog.text
    assert "'no-path'" in caplog.text
    assert "Skipping the loop /acme.products of the Variable" in caplog.text


def test_a_variable_that_cannot_be_read_takes_no_loop_of_the_option_away(monkeypatch, caplog):
    from airflow.sdk import Variable

    def refuse(*_, **__):
        raise PermissionError("this Variable is not yours")

    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", "/logos")
    monkeypatch.setattr(Variable, "get", refuse)
    assert [loop.path for loop in loops()] == ["/logos"]
    assert "Cannot read the Variable label_loop/parameter_paths" in caplog.text
    assert "this Variable is not yours" in caplog.text
