"""``python -m demo``; pictures of one's own with IMAGES=folder, a subfolder for each label."""

import os
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from demo.errors import NotAsToldError
from demo.pictures import FEWEST_A_LABEL, Cast, Shares, cast, shares_for
from demo.progress import Narrator
from demo.scene import Scene
from demo.steps.setup import begin
from demo.story import tell
from label_loop.exceptions import LabelLoopError
from label_loop.loop import Loop
from local_stack.environment import Stack, point_at
from local_stack.loopback import HttpError, UnreachableError
from local_stack.stack import LocalStack, StackError
from sample_images.digits import digits
from sample_images.folder import TooFewPicturesError, pictures

_PATH = "/label-loop"
_DIGITS = Shares(labelled=2, testing=20)
_FAILURES = (
    NotAsToldError,
    UnreachableError,
    HttpError,
    StackError,
    LabelLoopError,
    ClientError,
    BotoCoreError,
    OSError,
)


def main() -> int:
    """Tell the story; return 0 where everything was as told, 1 where not, 130 after an interruption."""
    signal.signal(signal.SIGTERM, _interrupt)
    narrator = Narrator()
    stack = LocalStack(_stack())
    try:
        _run(stack, narrator)
    except TooFewPicturesError as error:
        narrator.console.print(f"error: {error}", style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        narrator.say("\nInterrupted. What was started runs on: `make down` stops it, `make demo` begins anew.")
        return 130
    except _FAILURES as error:
        narrator.console.print(f"\nNot as told: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        if stack.endpoint.find() or stack.airflow.find():
            narrator.say("What was started runs on, to be looked at: `make down` stops it.")
        return 1
    narrator.say(f"Airflow is at {stack.stack.airflow_url} and stays; `make down` stops everything.")
    return 0


def _run(stack: LocalStack, narrator: Narrator) -> None:
    folder = os.environ.get("IMAGES")
    own = _own_pictures(Path(folder)) if folder else None
    narrator.say("A model that gets better, on this machine. [dim]Nothing leaves it; there is no AWS account.[/dim]")
    point_at(stack.stack.aws_environment())
    if stopped := begin(stack):
        narrator.say(f"Stopped first, with what it knew: {', '.join(stopped)}.")
    tell(Scene(stack, narrator, _loop(stack.stack), own or cast(digits(), _DIGITS)))
    narrator.say(f"It took {narrator.elapsed_seconds:.0f} s.")


def _own_pictures(folder: Path) -> Cast:
    found = pictures(folder.expanduser(), FEWEST_A_LABEL)
    return cast(found, shares_for(Counter(picture.label for picture in found)))


def _stack() -> Stack:
    given = Stack.from_environment()
    return given if given.parameter_paths else replace(given, parameter_paths=_PATH)


def _loop(stack: Stack) -> Loop:
    return Loop(stack.parameter_paths.split(",")[0].strip().rstrip("/"))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
