"""A fresh beginning: the endpoint forgets everything when it ends, so Airflow must not remember."""

import shutil
from pathlib import Path

from demo.errors import NotAsToldError
from local_stack.environment import MARKER, Stack


def remove_state(home: Path) -> None:
    """Delete a stack's home. Raises NotAsToldError, and deletes nothing, where no stack of ours made the folder."""
    if not home.exists() and not home.is_symlink():
        return
    ours = home.is_dir() and not home.is_symlink() and ((home / MARKER).is_file() or home == Stack.home)
    if not ours:
        raise NotAsToldError(
            f"{home} is there and was not made by this project, so it is left alone. "
            "Choose another folder with LABEL_LOOP_HOME, or leave it out."
        )
    shutil.rmtree(home)
