"""Background processes are found again, and no other ones."""

import json
import os
from pathlib import Path

import psutil
import pytest

from local_stack.processes import BackgroundProcess


@pytest.mark.parametrize(
    ("shift_seconds", "is_found"),
    [(0, True), (1, True), (-1, True), (3600, False), (-3600, False)],
    ids=["the same", "the clock was put back", "the clock was put forward", "a later one", "an earlier one"],
)
def test_a_process_is_found_whatever_adjusts_the_clock(tmp_path: Path, shift_seconds: float, is_found: bool):
    background = BackgroundProcess("one", tmp_path)
    created = psutil.Process(os.getpid()).create_time() + shift_seconds
    background.file.write_text(json.dumps({"pid": os.getpid(), "created": created}))
    found = background.find()
    assert (found is not None) is is_found


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": "x", "created": 1}', '{"pid": 1, "created": "x"}'])
def test_a_file_that_names_no_process_finds_none(tmp_path: Path, text: str):
    background = BackgroundProcess("one", tmp_path)
    background.file.write_text(text)
    assert background.find() is None
