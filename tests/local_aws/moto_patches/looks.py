"""What the endpoint answers with a patch of moto, which is as AWS does, and what it answers without."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

from local_aws.moto_patches.patch import Patch


@dataclass(frozen=True)
class Look:
    """One look at a patch: ``ask`` gives ``aws`` with the patches, and ``moto`` while all of ``patches`` are off."""

    patches: tuple[Patch, ...]  # the one that is looked at, and those that hide what moto does by itself
    ask: Callable[[Endpoint], Any]
    aws: Any
    moto: Any

    @property
    def name(self) -> str:
        return self.patches[0].name

    @contextmanager
    def moto_alone(self) -> Iterator[None]:
        with ExitStack() as stack:
            for patch in self.patches:
                stack.enter_context(patch.off())
            yield


def look(*patches: Patch, aws: Any, moto: Any) -> Callable[[Callable[[Endpoint], Any]], Look]:
    """Make a function that asks the endpoint a look at a patch."""
    return lambda ask: Look(patches, ask, aws, moto)


def code_of(call: Callable[..., Any], **request: Any) -> str:
    """Return the code of a call's error, or "none"."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "none"


@contextmanager
def counted(owner: Any, name: str) -> Iterator[list[tuple[Any, ...]]]:
    """Note the arguments of each call of a function, which goes on as ever."""
    calls: list[tuple[Any, ...]] = []
    original = getattr(owner, name)

    def noted(*args: Any, **options: Any) -> Any:
        calls.append(args)
        return original(*args, **options)

    with mock.patch.object(owner, name, noted):
        yield calls
