"""Shows progress: as bars on a terminal, else with a line for each change."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_LINES_PER_COUNT = 5  # the number of lines in a log for a count up to its total
_LOG_WIDTH = 110
ASIDE = "·"  # a change in what follows it in a detail causes no new line in a log


class Step:
    """An activity with a title, a current detail, and a count up to its total."""

    def show(self, detail: str, done: int | None = None) -> None:
        """Show the current detail and count; repeating them shows nothing new."""


class Narrator:
    """Shows steps and lines in a way that suits the output, a terminal or a log."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console or _console()
        self.durations: dict[str, float] = {}
        self._clock = clock
        self._began = clock()
        self._live = self.console.is_terminal and not self.console.is_dumb_terminal

    @property
    def elapsed_seconds(self) -> float:
        """The time since the start of the demo."""
        return self._clock() - self._began

    def say(self, text: str) -> None:
        """Print one line that stays."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def chapter(self, text: str) -> None:
        """Start the next part of the demo."""
        self.console.print(f"\n[bold]{text}[/bold] [dim]({self.elapsed_seconds:.0f} s)[/dim]", highlight=False)

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Step]:
        """Show a step while it is in progress, and how long it took once it has succeeded."""
        began = self._clock()
        if self._live:
            with _progress(self.console) as progress:
                shown = _BarStep(progress, progress.add_task(title, total=total, detail=""), total)
                yield shown
                shown.finish()
        else:
            yield _LineStep(lambda text: self.say(f"  {self.elapsed_seconds:6.1f} s  {title}: {text}"), total)
            self.say(f"  {self.elapsed_seconds:6.1f} s  {title}: done in {self._clock() - began:.1f} s")
        self.durations[title] = self._clock() - began


def _console() -> Console:
    console = Console()
    # A log has no width of its own, and the default of 80 would truncate the table.
    return console if console.is_terminal else Console(width=_LOG_WIDTH)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}[/dim]"),
        console=console,
    )


class _BarStep(Step):
    def __init__(self, progress: Progress, task: TaskID, total: int | None) -> None:
        self._progress = progress
        self._task = task
        self._total = total

    def show(self, detail: str, done: int | None = None) -> None:
        text = _counted(detail, done, self._total)
        self._progress.update(self._task, detail=text.replace("[", r"\["), completed=done if self._total else None)

    def finish(self) -> None:
        total = self._total or 1
        self._progress.update(self._task, total=total, completed=total)


class _LineStep(Step):
    def __init__(self, say: Callable[[str], None], total: int | None) -> None:
        self._say = say
        self._total = total
        self._last: tuple[str, int] | None = None

    def show(self, detail: str, done: int | None = None) -> None:
        part = done * _LINES_PER_COUNT // self._total if done is not None and self._total else 0
        news = (detail.partition(ASIDE)[0], part)
        if news != self._last:
            self._last = news
            self._say(_counted(detail, done, self._total).replace("[", r"\["))


def _counted(detail: str, done: int | None, total: int | None) -> str:
    if done is None or total is None:
        return detail
    return f"{done} of {total}{f', {detail}' if detail else ''}"
