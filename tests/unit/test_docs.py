"""What the documents name exists: modules and their options, targets of make, files and links."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = (ROOT / "plugins", ROOT / "include", ROOT)
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def commands(text):
    """Yield the lines of a text, continued ones joined."""
    yield from text.replace("\\\n", " ").splitlines()


@cache
def help_of(command):
    """Return what a command says of its options."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, MODULES)), "COLUMNS": "200"}
    return subprocess.check_output([sys.executable, "-m", "label_loop", *command, "--help"], env=environment, text=True)


@every_document
def test_each_command_that_is_run_exists_with_the_options_named(document):
    for line in commands(document.read_text()):
        for command, rest in re.findall(r"python -m label_loop(?: ([a-z][a-z-]*))?([^`|]*)", line):
            options = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", rest))
            assert options <= set(re.findall(r"--[a-z][a-z0-9-]*", help_of((command,) if command else ()))), line


@every_document
def test_each_target_of_make_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|\$ )make ([a-z-]+)", document.read_text())
    assert set(named) <= targets


@every_document
def test_each_relative_link_leads_to_a_file(document):
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_the_documents_name_what_is_looked_for():
    text = "".join(document.read_text() for document in DOCUMENTS)
    assert text.count("python -m label_loop ") >= 5
    assert len(re.findall(r"\$ make [a-z]", text)) >= 5
