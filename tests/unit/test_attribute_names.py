"""The attributes of the inference log are named in one module, so that nothing reads or writes a row past it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from label_loop.domain.log_row import Attribute

ROOT = Path(__file__).parents[2]
HOME = ROOT / "plugins/label_loop/domain/log_row.py"
FOLDERS = ("plugins", "dags", "include/demo", "bench")
SUFFIXES = {".py", ".js", ".html", ".json", ".yaml", ".yml", ".sql"}
WORD = re.compile(rf"(?<![\w-])(?:{'|'.join(Attribute)})(?![\w-])")

# Other things that AWS, or a table of another kind, calls by the same name, and the keys in the template of the table,
# which cannot be imported there.
SAME_NAMES = {
    "plugins/label_loop/provisioning/loop.yaml": {
        "DetectLabelRequestId",
        "DetectLabelDate",
        "Sampled",
        "HumanLoopName",
    },
    "plugins/label_loop/hooks/a2i.py": {"HumanLoopName"},
    "plugins/label_loop/hooks/rekognition.py": {"ProjectVersionArn", "S3Bucket"},
    "plugins/label_loop/hooks/reviews.py": {"HumanLoopName"},
    "plugins/label_loop/provisioning/sample.py": {"ProjectVersionArn"},
    "plugins/label_loop/provisioning/table.py": {"HumanLoopName"},
    "include/demo/steps/training.py": {"ProjectVersionArn"},
    "include/demo/table.py": {"ProjectVersionArn"},
    "include/demo/versions.py": {"ProjectVersionArn"},
}


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES and path != HOME)


def texts(path: Path) -> Iterator[str]:
    """Yield what a file says: the strings of a Python file without its docstrings, else all of it."""
    source = path.read_text()
    if path.suffix != ".py":
        yield source
        return
    tree = ast.parse(source)
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def named(path: Path) -> set[str]:
    return {name for text in texts(path) for name in WORD.findall(text)}


def test_the_names_are_seen_where_they_are() -> None:
    assert named(HOME) == set(Attribute)


@pytest.mark.parametrize(
    "source",
    [
        'row["DetectedLabel"]',
        'f"Sampled = :no AND {date} >= :moment"',
        "dict(HumanLabel=1)",
        'x = "SET Sampled = :yes"',
    ],
)
def test_a_name_is_seen_in_any_form(tmp_path: Path, source: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert len(named(path)) == 1


def test_no_other_module_names_an_attribute() -> None:
    found = {path.relative_to(ROOT).as_posix(): names for path in files() if (names := named(path))}
    assert found == SAME_NAMES
