"""CSV lines that a spreadsheet shows as text and never runs as formulas."""

import csv
import io
from collections.abc import Iterable

# Text that begins with one of these is a formula to a spreadsheet, and could send other cells' content elsewhere.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def csv_line(cells: Iterable[object]) -> str:
    """Return a CSV line. Text that could be a formula is prefixed with an apostrophe; numbers stay numbers."""
    file = io.StringIO()
    csv.writer(file).writerow([_without_formula(cell) if isinstance(cell, str) else cell for cell in cells])
    return file.getvalue()


def _without_formula(text: str) -> str:
    begins = text.lstrip("\x00 \t\r\n")
    return f"'{text}" if begins.startswith(_FORMULA) or text.startswith(("\t", "\r", "\n")) else text
