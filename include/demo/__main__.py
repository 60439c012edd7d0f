"""``python -m demo``.

With IMAGES=folder, it uses your own images, in one subfolder per label. With OPEN_CONSOLE=1, somebody opens the
Rekognition project in the AWS console after the first training.
"""

import os
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from demo.errors import DemoError
from demo.pictures import FEWEST_PER_LABEL, Cast, Shares, cast, shares_for
from demo.progress import Narrator
from demo.scene import Scene
from demo.steps.setup import begin
from demo.story import run_demo
from label_loop.exceptions import LabelLoopError
from label_loop.loop import Loop
from local_stack.environment import StackSettings, point_at
from local_stack.loopback import HttpError, UnreachableError
from local_stack.stack import LocalStack, StackError
from sample_images.digits import digits
from sample_images.folder import TooFewPicturesError
from sample_images.folder import pictures as pictures_in

_PATH = "/label-loop"
_DIGITS = Shares(labelled=2, testing=20)
_MISTAKEN = {"4": "9", "9": "4"}  # digits that people confuse
_FAILURES = (
    DemoError,
    UnreachableError,
    HttpError,
    StackError,
    LabelLoopError,
    ClientError,
    BotoCoreError,
    OSError,
)


def main() -> int:
    """Run the demo; return 0 if every step succeeded, 1 if not, 130 after an interruption."""
    signal.signal(signal.SIGTERM, _interrupt)
    narrator = Narrator()
    stack = LocalStack(_stack())
    try:
        _run(stack, narrator)
    except TooFewPicturesError as error:
        narrator.console.print(f"error: {error}", style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        narrator.say("\nInterrupted. The stack keeps running: `make down` stops it, `make demo` starts again.")
        return 130
    except _FAILURES as error:
        narrator.console.print(
            f"\nThe demo failed: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        if stack.endpoint.find() or stack.airflow.find():
            narrator.say("The stack keeps running, so that you can inspect it: `make down` stops it.")
        return 1
    narrator.say(f"Airflow keeps running at {stack.settings.airflow_url}; `make down` stops everything.")
    return 0


def _run(stack: LocalStack, narrator: Narrator) -> None:
    folder = os.environ.get("IMAGES")
    own = _own_pictures(Path(folder)) if folder else None
    narrator.say(
        "A model that improves, on this machine. [dim]Nothing leaves the machine, and no AWS account is used.[/dim]"
    )
    point_at(stack.settings.aws_environment())
    if stopped := begin(stack):
        narrator.say(f"Stopped first, and their data deleted: {', '.join(stopped)}.")
    pictures = own or cast(digits(), _DIGITS)
    opens_console = bool(os.environ.get("OPEN_CONSOLE"))
    mistaken = {} if own else _MISTAKEN
    run_demo(Scene(stack, narrator, _loop(stack.settings), pictures, opens_console, mistaken))
    narrator.say(f"It took {narrator.elapsed_seconds:.0f} s.")


def _own_pictures(folder: Path) -> Cast:
    found = pictures_in(folder.expanduser(), FEWEST_PER_LABEL)
    return cast(found, shares_for(Counter(picture.label for picture in found)))


def _stack() -> StackSettings:
    given = StackSettings.from_environment()
    return given if given.parameter_paths else replace(given, parameter_paths=_PATH)


def _loop(stack: StackSettings) -> Loop:
    return Loop(stack.parameter_paths.split(",")[0].strip().rstrip("/"))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
