"""docs/aws-behaviour.md is complete, and what it names exists."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.testing.aws_calls import PACKAGE, SETTING_UP, all_called, operations

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "aws-behaviour.md"
COLUMNS = ("operation", "what AWS documents", "respected in", "shown by")


class Row(NamedTuple):
    """One row of a table, by its line."""

    line: int
    service: str
    operations: list[str]
    statement: str
    files: list[str]
    tests: list[str]
    shown_by: str


def rows_of(text: str) -> list[Row]:
    """Return the rows of all tables; a test that is named by ``::`` alone is in the file of the one before it."""
    service, found = "", []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            service = line.split("`")[-2]
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| ") or cells[0].startswith("---") or tuple(cells) == COLUMNS:
            continue
        operations, statement, files, shown_by = cells
        found.append(Row(number, service, quoted(operations), statement, quoted(files), named_in(shown_by), shown_by))
    return found


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def named_in(text: str) -> list[str]:
    file, found = "", []
    for name in filter(lambda name: "::" in name, quoted(text)):
        file = name.split("::")[0] or file
        found.append(f"{file}::{name.split('::')[1]}")
    return found


@cache
def names_in(file: str) -> set[str]:
    """Return the tests of a file, below tests/."""
    path = TESTS / file
    tree = ast.parse(path.read_text()) if path.is_file() else ast.Module([], [])
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def problems(row: Row) -> list[str]:
    """Return what is wrong with a row."""
    known = set(operations(SETTING_UP).values())
    is_covered = bool(row.tests) and not row.shown_by.startswith("not covered")
    checks = {
        "no operation": bool(row.operations),
        "an operation that the service does not have": all(f"{row.service}:{one}" in known for one in row.operations),
        "no statement": len(row.statement) > 10,
        "no such file": all((PACKAGE / file).is_file() for file in row.files),
        "no such test": all(name in names_in(file) for file, name in (one.split("::") for one in row.tests)),
        "neither a test nor why there is none": is_covered or bool(re.match("not covered: .{10,}", row.shown_by)),
        "a test, and no file": bool(row.files) or not is_covered,
    }
    return [f"line {row.line}: {problem}" for problem, is_good in checks.items() if not is_good]


ROWS = rows_of(DOCUMENT.read_text())


def test_each_row_names_what_exists() -> None:
    assert [problem for row in ROWS for problem in problems(row)] == []


def test_tests_that_the_text_names_exist() -> None:
    text = DOCUMENT.read_text().split("\n## ")[0]
    assert named_in(text)
    assert [one for one in named_in(text) if one.split("::")[1] not in names_in(one.split("::")[0])] == []


def test_each_operation_that_is_called_has_a_row_and_no_other() -> None:
    documented = {f"{row.service}:{name}" for row in ROWS for name in row.operations}
    called = all_called()
    assert called - documented == set(), "without a row"
    assert documented - called == set(), "called by nothing"


GOOD = "| `GetObject` | It is so in AWS. | `model_project.py` | `unit/test_aws_behaviour.py::{}` |"


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (GOOD.format("test_each_row_names_what_exists"), []),
        (GOOD.format("test_nothing"), ["no such test"]),
        (GOOD.format("names_in"), ["no such test"]),
        (GOOD.replace("unit", "gone"), ["no such test"]),
        (GOOD.replace("model_project", "gone"), ["no such test", "no such file"]),
        ("| `Guess` | It is so in AWS. | - | not covered: it is a guess. |", ["an operation that the service"]),
        ("| `GetObject` | It is so in AWS. | - | not covered |", ["neither a test"]),
        ("| `GetObject` | | - | not covered: it is a guess. |", ["no statement"]),
    ],
)
def test_a_row_that_is_wrong_is_noticed(row: str, wrong: list[str]) -> None:
    (read,) = rows_of(f"## S3: `s3`\n\n| {' | '.join(COLUMNS)} |\n| --- | --- | --- | --- |\n{row}\n")
    found = problems(read)
    assert len(found) == len(wrong)
    assert all(any(one in problem for problem in found) for one in wrong)
