"""Lines of a CSV file that a spreadsheet shows as they are."""

import csv
import io
from collections.abc import Iterable

# What makes a spreadsheet take a cell's text for a formula, which may send what is beside it elsewhere.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def csv_line(cells: Iterable[object]) -> str:
    """Return a line. Text that a spreadsheet could run gets an apostrophe before it; numbers stay numbers."""
    file = io.StringIO()
    csv.writer(file).writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return file.getvalue()


def _harmless(text: str) -> str:
    begins = text.lstrip("\x00 \t\r\n")
    return f"'{text}" if begins.startswith(_FORMULA) or text.startswith(("\t", "\r", "\n")) else text
