"""A page of the documentation that is followed literally: its commands, and what it says that they print."""

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^( *)```console\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_ANY = "…"


@dataclass(frozen=True)
class Step:
    """One command, and the lines that it prints; … stands for any text within a line, and alone for any lines."""

    command: str
    lines: tuple[str, ...]

    def check(self, printed: str) -> None:
        pattern = "".join(r"(?:.*\n)*?" if line == _ANY else f"{_escaped(line)}\n" for line in self.lines)
        assert re.fullmatch(pattern, printed), f"{self.command}\nprinted:\n{printed}\nand not:\n" + "\n".join(
            self.lines
        )


def steps(document: Path) -> list[Step]:
    """Return the steps of a page, in its order."""
    return [step for _, block in _BLOCK.findall(document.read_text()) for step in _steps(textwrap.dedent(block))]


def follow(steps: list[Step], run: Callable[[str], str]) -> None:
    """Run commands one after the other; ``run`` returns what one prints."""
    for step in steps:
        step.check(run(step.command))


def _steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield Step(command, tuple(lines))


def _escaped(line: str) -> str:
    return ".*".join(map(re.escape, line.split(_ANY)))
