"""How moto is changed: by a function in the place of one of its own, which it is given to call."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Patch:
    """A change of moto with its reason, which is the docstring of the function that makes it.

    That function is called in the place of moto's with moto's as its first argument, before the arguments of the call.
    """

    def __init__(self, change: Callable[..., Any], places: tuple[tuple[Any, str], ...]) -> None:
        self.name = change.__name__
        self.reason = inspect.getdoc(change) or ""
        self._change = change
        self._places = places
        self._is_applied = False
        self._is_on = True

    def apply(self) -> None:
        """Change moto, once a process. Raises ``AttributeError`` where moto has no such thing any more."""
        if self._is_applied:
            return
        self._is_applied = True
        for owner, name in self._places:
            setattr(owner, name, self._around(inspect.getattr_static(owner, name)))

    @contextmanager
    def off(self) -> Iterator[None]:
        """Let moto do as it does by itself, in all threads: whether the patch is still needed can be seen so."""
        self._is_on = False
        try:
            yield
        finally:
            self._is_on = True

    def _around(self, found: Any) -> Any:
        if isinstance(found, property):
            return property(self._called(found.fget))
        if isinstance(found, classmethod | staticmethod):
            return type(found)(self._called(found.__func__))
        return self._called(found)

    def _called(self, original: Any) -> Callable[..., Any]:
        @functools.wraps(original, updated=())  # a replacement is not abstract, if the original was
        def call(*args: Any, **options: Any) -> Any:
            if self._is_on:
                return self._change(original, *args, **options)
            return original(*args, **options)

        return call


def patch(*places: tuple[Any, str]) -> Callable[[Callable[..., Any]], Patch]:
    """Make a function a patch of these: classes or modules, each with the name of what is changed in it."""
    return lambda change: Patch(change, places)
