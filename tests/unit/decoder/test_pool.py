"""Decoders: one image costs no more than its limits, ends no more than its decoder, and is told from other troubles."""

import errno
import io
import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest
from PIL import Image
from tests.waiting import PATIENCE_SECONDS

from label_loop.decoder import DecoderUnavailableError, inspect_image, pool
from label_loop.decoder.pool import DecoderPool

LIMITED = "from label_loop.decoder import child; child.{} = {}; child.main()"


def png(side: int = 80) -> bytes:
    body = io.BytesIO()
    Image.effect_noise((side, side), 80).save(body, "PNG")
    return body.getvalue()


@pytest.fixture
def one() -> Iterator[DecoderPool]:
    decoders = DecoderPool(1)
    yield decoders
    for decoder in decoders._idle:
        decoder.close()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, one: DecoderPool) -> "Program":
    return Program(monkeypatch)


class Program:
    """Lets the next decoders be another program than the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def is_(self, code: str) -> None:
        self.monkeypatch.setattr(pool, "_PROGRAM", ("-c", code))

    def does(self, code: str) -> None:
        """Let it do something instead of decoding."""
        self.is_(f"import os, signal, threading\nfrom label_loop.decoder import child\n"
                 f"child.inspect_image = lambda body: child.Inspection({code})\nchild.main()")  # fmt: skip

    def is_the_real_one_again(self) -> None:
        self.monkeypatch.undo()


def test_good_and_bad_images_are_checked_by_one_process(one: DecoderPool):
    assert one.inspect(png()).problem is None
    (first,) = one._idle
    problem = one.inspect(png()[:-100]).problem
    assert problem
    assert "not a readable PNG or JPEG" in problem
    assert one.inspect(png()).problem is None
    assert one._idle == [first]


def test_an_image_that_takes_too_long_ends_its_decoder_only(one: DecoderPool, program: Program):
    program.is_(LIMITED.format("CPU_SECONDS", 0.05))
    # A header of nothing but padding, which Pillow reads byte by byte.
    assert one.inspect(b"\xff\xd8" + b"\xff" * 2_000_000).problem == "cannot be decoded within 1 s of computing time"
    program.is_the_real_one_again()
    assert one.inspect(png()).problem is None


def test_an_image_that_takes_too_much_memory_is_told(one: DecoderPool, program: Program):
    program.is_(LIMITED.format("MEMORY_BYTES", 5 << 20))
    assert one.inspect(png(2000)).problem == "cannot be decoded within 5 MB of memory"
    assert one.inspect(png()).problem is None  # by the same decoder, which has its memory back


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_an_image_that_crashes_its_decoder_is_told(one: DecoderPool, program: Program, name: str):
    program.does(f"os.kill(os.getpid(), signal.{name})")
    assert one.inspect(png()).problem == f"cannot be decoded: its decoder crashed ({name})"


@pytest.mark.parametrize("code", ["os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_decoder_that_ends_by_itself_is_not_the_images_fault(one: DecoderPool, program: Program, code: str):
    program.does(code)
    with pytest.raises(DecoderUnavailableError, match="could not be checked: its decoder ended"):
        one.inspect(png())


def test_a_decoder_that_cannot_start_is_not_the_images_fault(one: DecoderPool, program: Program):
    program.is_("raise SystemExit(3)")
    with pytest.raises(DecoderUnavailableError, match="ended with 3"):
        one.inspect(png())


def test_a_system_without_room_for_a_process_is_not_the_images_fault(one: DecoderPool, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(DecoderUnavailableError, match=r"could not start \(Resource temporarily unavailable\)"):
        one.inspect(png())
    monkeypatch.undo()
    assert one.inspect(png()).problem is None


@pytest.mark.parametrize("body", [b"", b"\x00" * 1_000_000], ids=["while it decodes", "while it reads"])
def test_a_decoder_that_does_not_answer_is_killed_and_replaced(
    one: DecoderPool, program: Program, monkeypatch: pytest.MonkeyPatch, body: bytes
):
    program.is_("import threading; threading.Event().wait()")
    monkeypatch.setattr(pool, "LONGEST_SECONDS", 0.01)
    begun = []
    monkeypatch.setattr(pool.Decoder, "inspect", lambda self, body, inspect=pool.Decoder.inspect: (
        begun.append(self), inspect(self, body))[1])  # fmt: skip
    with pytest.raises(DecoderUnavailableError, match="did not answer within"):
        one.inspect(body)
    with pytest.raises(ProcessLookupError):
        os.kill(begun[0].pid, 0)
    program.is_the_real_one_again()
    assert one.inspect(png()).problem is None


def test_a_decoder_that_was_killed_meanwhile_is_replaced(one: DecoderPool):
    assert one.inspect(png()).problem is None
    (decoder,) = one._idle
    os.kill(decoder.pid, signal.SIGKILL)
    decoder._process.wait()
    assert one.inspect(png()).problem is None


def test_a_decoder_gets_no_credentials(one: DecoderPool, program: Program, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    program.does("' '.join(os.environ)")
    names = one.inspect(png()).problem
    assert names
    assert set(names.split()) <= {"PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LC_CTYPE"}


def test_a_decoder_writes_no_file(one: DecoderPool, program: Program, tmp_path):
    program.does(f"str(open({str(tmp_path / 'x')!r}, 'wb').write(b'x' * 99999))")
    with pytest.raises(DecoderUnavailableError):
        one.inspect(png())


def test_there_are_no_more_decoders_than_it_says():
    decoders = DecoderPool(2)
    threads = [threading.Thread(target=decoders.inspect, args=(png(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert 1 <= len(decoders._idle) <= 2
    for decoder in decoders._idle:
        decoder.close()


def test_a_decoder_ends_with_its_parent(one: DecoderPool):
    assert one.inspect(png()).problem is None
    decoder = one._idle.pop()
    with decoder._process as process:  # which closes the pipes, as the end of a process does
        pass
    assert process.returncode == 0


@pytest.mark.parametrize(("size", "words"), [(0, "an empty file"), (15 * 1024 * 1024 + 1, "more than 15 MB")])
def test_what_its_size_refuses_reaches_no_decoder(monkeypatch: pytest.MonkeyPatch, size: int, words: str):
    monkeypatch.setattr(DecoderPool, "inspect", lambda *_: pytest.fail("it was decoded"))
    problem = inspect_image(b"\x00" * size).problem
    assert problem
    assert words in problem
