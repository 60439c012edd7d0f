"""Renders templates. Every value is escaped: keys, labels, file names and answers are untrusted."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from label_loop.console.access import SEE_PARAMETERS, Visit
from label_loop.domain.idleness import is_asleep
from label_loop.domain.moments import read_moment
from label_loop.domain.version_numbers import display_name

# The navigation's entries: path, name, purpose.
PAGES = (
    ("overview", "Overview", "Is the loop healthy?"),
    ("review", "Review", "Label what the model is unsure of"),
    ("images", "Images", "What does the model learn from, and what is it tested with?"),
    ("detections", "Detections", "What did the model say, and what became of it?"),
    ("models", "Models", "Which version is serving, and how good is each?"),
    ("insight", "Insight", "How good is the model?"),
    ("upload", "Upload", "Detect images, or add them to the training set"),
    ("parameters", "Parameters", "What is in effect, and who changed it?"),
)


@cache
def _templates() -> Environment:
    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "ago": ago,
        "moment": moment,
        "percent": percent,
        "count": count,
        "dollars": dollars,
        "asleep": is_asleep,
        "display_name": display_name,
    }
    return environment


def render(visit: Visit, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """Return a page, or a part of one, for a visitor. ``template`` is the name of a file in ``templates/``."""
    entries = [entry for entry in PAGES if entry[0] != "parameters" or visit.may[SEE_PARAMETERS]]
    pages = {"pages": entries, "page": template.removesuffix(".html").partition("_")[0], "has_others": visit.has_others}
    root, loop = base(visit.request), visit.loop
    # Not `loop`, which Jinja defines inside a for block.
    where = {"base": root, "home": f"{root}/{quote(loop.name)}", "loop_name": loop.name, "loop_path": loop.path}
    return HTMLResponse(
        _templates().get_template(template).render(**where, **pages, may=visit.may, **values), status_code
    )


def render_plain(request: Request, template: str, *, status_code: int, **values: Any) -> HTMLResponse:
    """Return a page that belongs to no loop."""
    text = _templates().get_template(template).render(base=base(request), **values)
    return HTMLResponse(text, status_code)


def base(request: Request) -> str:
    """Return the path that the console is mounted at, without a trailing slash, for links."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def moment(time: datetime | str | None) -> str:
    """Return a time in UTC, to the minute, or a dash for None."""
    time = read_moment(time)
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if time else "–"


def ago(time: datetime | str | None) -> str:
    """Return how long ago a time was, or how far ahead it is, in the largest whole unit."""
    time = read_moment(time)
    if time is None:
        return "–"
    seconds = (datetime.now(UTC) - time).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= length:
            number = f"{abs(seconds) // length:.0f} {unit}"
            return f"{number} ago" if seconds > 0 else f"in {number}"
    return "just now" if seconds >= 0 else "in 1 min"


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share (0 to 1) in percent, or a dash for None."""
    return "–" if share is None else f"{100 * share:.{decimals}f} %"


def dollars(amount: float) -> str:
    """Return an amount in dollars, to the cent, or to two significant digits if it is small."""
    return f"{amount:.2f}" if amount >= 0.1 else f"{amount:.2g}" if amount >= 0.0001 else "0.0001 or less"


def count(number: int | None) -> str:
    """Return a whole number with thin spaces between thousands."""
    return "–" if number is None else f"{number:,}".replace(",", " ")
