"""Generates the parameter tables in the documentation from the declarations in plugins/label_loop/parameters.py."""

import re
import sys
from pathlib import Path

from label_loop.parameters import PARAMETERS, Group

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
_TABLE = re.compile(r"<!-- parameters: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
_HEADS = {
    Group.LOOP: "parameter (Airflow Variable `logos/…`)",
    Group.REVIEW: "review setting",
    Group.COST: "cost setting",
    Group.DECISION: "decision setting",
    Group.ACCEPTANCE: "acceptance setting",
}


def with_tables(text: str) -> str:
    """Return a document with its parameter tables regenerated."""
    return _TABLE.sub(lambda found: _table(Group[found[1]]), text)


def _table(group: Group) -> str:
    rows = [f"| {one.name} | {one.default} | {one.description} |" for one in PARAMETERS.values() if one.group is group]
    head = [f"<!-- parameters: {group.name} -->", f"| {_HEADS[group]} | default | effect |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, "<!-- end -->"])


def main() -> None:
    """Write the tables, and print the name of the file."""
    README.write_text(with_tables(README.read_text()))
    sys.stdout.write(f"{README.relative_to(PROJECT)}\n")


if __name__ == "__main__":
    main()
