from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.fresh import remove_state
from local_stack.environment import MARKER, StackSettings
from local_stack.stack import LocalStack


def test_a_home_that_the_stack_made_is_removed(tmp_path: Path) -> None:
    stack = LocalStack(StackSettings(home=tmp_path / "home"))
    stack._make_home()
    (stack.settings.home / "logs").mkdir()
    (stack.settings.home / "logs" / "some.log").touch()
    remove_state(stack.settings.home)
    assert not stack.settings.home.exists()


def test_no_home_is_a_fresh_one(tmp_path: Path) -> None:
    remove_state(tmp_path / "none")


def test_a_folder_that_was_there_before_the_stack_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "airflow"
    home.mkdir()
    (home / "airflow.cfg").touch()
    LocalStack(StackSettings(home=home))._make_home()
    with pytest.raises(DemoError, match="left alone"):
        remove_state(home)
    assert (home / "airflow.cfg").is_file()


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_what_is_no_folder_of_ours_is_left_alone(tmp_path: Path, kind: str) -> None:
    home, target = tmp_path / "home", tmp_path / "target"
    if kind == "file":
        home.touch()
    else:
        home.symlink_to(target)
    if kind == "link":
        target.mkdir()
        (target / MARKER).touch()
    with pytest.raises(DemoError):
        remove_state(home)
    assert home.exists() or home.is_symlink()
    assert kind != "link" or (target / MARKER).is_file()
