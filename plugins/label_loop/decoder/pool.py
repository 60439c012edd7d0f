"""A few decoders that are kept from image to image, since starting one takes longer than most images."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from label_loop.decoder.limits import CPU_SECONDS, INSPECT, LENGTH, REQUEST, THUMBNAIL, inspection_of
from label_loop.domain.images import Inspection, is_thumbnail, size_problem
from label_loop.exceptions import LabelLoopError

DECODERS = 2  # in each process that checks images
# Longer than any image takes, even on a machine so busy that a decoder gets a thirtieth of a core.
LONGEST_SECONDS = 30.0
# Not the whole environment, which may have credentials: what decodes hostile bytes needs none.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
_PROGRAM = ("-m", "label_loop.decoder.child")


class DecoderUnavailableError(LabelLoopError):
    """No decoder answered, for a reason that is not the image's."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"could not be checked: its decoder {reason}; try again")


class Decoder:
    """One decoder. Not thread-safe. Raises DecoderUnavailableError if the system has no process or memory for it."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        # The same modules as here. Airflow adds its folders to the path while it runs.
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
        try:
            # Not multiprocessing: Celery's processes may not have children of that kind. Not a fork: there are threads.
            self._process = subprocess.Popen(  # noqa: S603 - all arguments are constants
                [sys.executable, "-P", *_PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
            )
        except OSError as error:
            raise DecoderUnavailableError(f"could not start ({error.strerror})") from error
        self._is_overdue = False

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def is_usable(self) -> bool:
        """Return whether it can check another image."""
        return not self._is_overdue and self._process.poll() is None

    def inspect(self, body: bytes) -> Inspection:
        """Return what an image is. If the image ends the decoder, that is its problem.

        Raises DecoderUnavailableError if the decoder was not the image's to end.
        """
        answer = self._ask_in_time(INSPECT, body)
        return Inspection(self._cause_of_death()) if answer is None else inspection_of(answer)

    def thumbnail(self, body: bytes) -> bytes | None:
        """Return an image's thumbnail; None if it is no image, or takes too much.

        Raises DecoderUnavailableError if the decoder was not the image's to end.
        """
        answer = self._ask_in_time(THUMBNAIL, body)
        if answer is None:
            self._cause_of_death()
        return answer if answer and is_thumbnail(answer) else None

    def close(self) -> None:
        """End the process, if it has not ended."""
        self._process.kill()
        self._process.communicate()

    def _give_up(self) -> None:
        self._is_overdue = True
        self._process.kill()

    def _ask_in_time(self, what: bytes, body: bytes) -> bytes | None:
        deadline = threading.Timer(LONGEST_SECONDS, self._give_up)
        deadline.daemon = True
        deadline.start()
        try:
            return self._ask(what, body)
        finally:
            deadline.cancel()
            deadline.join()  # from here on it is known whether the decoder was killed

    def _ask(self, what: bytes, body: bytes) -> bytes | None:
        """Return the decoder's answer, or None if it ended without one."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise TypeError("a decoder is made with pipes")
        try:
            stdin.write(REQUEST.pack(what, len(body)))
            stdin.write(body)
            stdin.flush()
        except BrokenPipeError:
            return None
        header = stdout.read(LENGTH.size)
        if len(header) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack(header)
        answer = stdout.read(length)
        return answer if len(answer) == length else None

    def _cause_of_death(self) -> str:
        code = self._process.wait()
        if self._is_overdue:
            raise DecoderUnavailableError(f"did not answer within {LONGEST_SECONDS:.0f} seconds")
        if code == -signal.SIGPROF:
            return f"cannot be decoded within {CPU_SECONDS:g} s of computing time"
        if code in {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL}:
            return f"cannot be decoded: its decoder crashed ({signal.Signals(-code).name})"
        raise DecoderUnavailableError(f"ended with {code}")  # killed from outside, or it could not start


class DecoderPool:
    """Decoders that threads share."""

    def __init__(self, size: int) -> None:
        self._free = threading.BoundedSemaphore(size)
        self._idle: list[Decoder] = []

    def inspect(self, body: bytes) -> Inspection:
        """Return what an image is. Waits for a free decoder, however long that takes."""
        return self._asked(lambda decoder: decoder.inspect(body))

    def thumbnail(self, body: bytes) -> bytes | None:
        """Return an image's thumbnail, or None if it is no image. Waits as ``inspect`` does."""
        return self._asked(lambda decoder: decoder.thumbnail(body))

    def _asked[T](self, ask: Callable[[Decoder], T]) -> T:
        with self._free:
            decoder = self._take()
            try:
                return ask(decoder)
            finally:
                if decoder.is_usable():
                    self._idle.append(decoder)
                else:
                    decoder.close()

    def _take(self) -> Decoder:
        while self._idle:
            decoder = self._idle.pop()
            if decoder.is_usable():
                return decoder
            decoder.close()
        return Decoder()


@cache
def _pool_of(process_id: int) -> DecoderPool:  # noqa: ARG001 - a forked process must not share its parent's decoders
    return DecoderPool(DECODERS)


def inspect_image(body: bytes) -> Inspection:
    """Find out whether an image can be used for training and what it looks like, as ``images.inspect_image`` does.

    The work is bounded: an image that takes more than the limits of ``decoder.limits`` cannot be used. Raises
    DecoderUnavailableError if that could not be found out.
    """
    problem = size_problem(len(body))
    return Inspection(problem) if problem else _pool_of(os.getpid()).inspect(body)


def thumbnail(body: bytes) -> bytes | None:
    """Return a small JPEG of an image, as ``images.thumbnail`` makes it; None if it is no image or takes too much.

    The work is bounded like that of ``inspect_image``. Raises DecoderUnavailableError if no decoder answered.
    """
    return None if size_problem(len(body)) else _pool_of(os.getpid()).thumbnail(body)
