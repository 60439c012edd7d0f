import io

from rich.console import Console

from demo.progress import Narrator


def _narrator() -> tuple[Narrator, io.StringIO]:
    file = io.StringIO()
    return Narrator(Console(file=file, width=110), clock=lambda: 1.0), file


def test_a_log_gets_a_line_for_each_fifth_of_a_count() -> None:
    narrator, file = _narrator()
    with narrator.step("Count", 300) as step:
        for count in range(301):
            step.show(f"· {count} beside", count)
    lines = [line for line in file.getvalue().splitlines() if " of 300" in line]
    assert [line.split("Count: ")[1].split(" of")[0] for line in lines] == ["0", "60", "120", "180", "240", "300"]


def test_a_log_gets_a_line_for_each_change_of_state() -> None:
    narrator, file = _narrator()
    with narrator.step("Version") as step:
        for state in ("TRAINING · check", "TRAINING · wait", "RUNNING", "RUNNING"):
            step.show(state)
    assert file.getvalue().count("TRAINING") == 1
    assert file.getvalue().count("RUNNING") == 1


def test_text_in_brackets_is_shown_and_not_taken_for_style() -> None:
    narrator, file = _narrator()
    with narrator.step("Step") as step:
        step.show("[label_loop] parameter_paths")
    assert "[label_loop] parameter_paths" in file.getvalue()


def test_a_terminal_gets_a_bar_that_ends_full() -> None:
    file = io.StringIO()
    narrator = Narrator(Console(file=file, width=110, force_terminal=True))
    with narrator.step("Upload", 10) as step:
        step.show("[odd]", 4)
    assert "Upload" in file.getvalue()
    assert "✓" in file.getvalue()
    assert list(narrator.durations) == ["Upload"]


def test_a_step_that_fails_is_not_told_as_done() -> None:
    narrator, file = _narrator()
    try:
        with narrator.step("Step"):
            raise ValueError
    except ValueError:
        pass
    assert "done" not in file.getvalue()
    assert not narrator.durations
