"""A fresh start: the endpoint loses its data when it stops, so Airflow must lose its data, too."""

import shutil
from pathlib import Path

from demo.errors import DemoError
from local_stack.environment import MARKER, StackSettings


def remove_state(home: Path) -> None:
    """Delete a stack's home. Raises DemoError, and deletes nothing, if no stack of ours created the folder."""
    if not home.exists() and not home.is_symlink():
        return
    ours = home.is_dir() and not home.is_symlink() and ((home / MARKER).is_file() or home == StackSettings.home)
    if not ours:
        raise DemoError(
            f"{home} exists and was not created by this project, so it is left alone. "
            "Choose another folder with LABEL_LOOP_HOME, or unset that variable."
        )
    shutil.rmtree(home)
