"""Uploads that trickle, or that cost much to decode: they hold up no page, and no other user's upload."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from starlette.requests import Request
from tests.console.conftest import FROM_THE_CONSOLE, LOOP
from tests.console.test_upload import DIGIT, JPEG
from tests.integration.world import World
from tests.testing.patience import until
from tests.waiting import PATIENCE_SECONDS

from label_loop.console import upload_room
from label_loop.console.pages import upload
from label_loop.decoder import pool

_QUICKLY_GIVEN_UP = "from label_loop.decoder import child; child.CPU_SECONDS = 0.1; child.main()"


@asynccontextmanager
async def browser(app: FastAPI, name: str) -> AsyncIterator[httpx.AsyncClient]:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role="OP"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://airflow.test",
        timeout=PATIENCE_SECONDS,
        cookies={"_token": token},
        headers={"Accept": "application/json", **FROM_THE_CONSOLE},
    ) as client:
        yield client


async def test_hostile_uploads_hold_up_no_page(served: FastAPI, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen uploads that trickle, have too many scans or take too long to decode, each of another user."""
    monkeypatch.setattr(pool, "_PROGRAM", ("-c", _QUICKLY_GIVEN_UP))
    monkeypatch.setattr(upload, "inspect_image", (decoders := pool.DecoderPool(2)).inspect)
    last = JPEG.rindex(b"\xff\xda")
    scans = JPEG[:last] + JPEG[last:-2] * 1_100 + JPEG[-2:]
    padding = b"\xff\xd8" + b"\xff" * 2_000_000  # takes seconds
    ended = asyncio.Event()

    async def trickle() -> AsyncIterator[bytes]:
        yield b"\xff\xd8"
        await ended.wait()

    bodies = [
        trickle,
        trickle,
        trickle,
        lambda: scans,
        lambda: padding,
        lambda: padding,
        lambda: padding,
        lambda: scans,
    ]
    async with AsyncExitStack() as stack:
        senders = [await stack.enter_async_context(browser(served, f"u{number}")) for number in range(16)]
        reader = await stack.enter_async_context(browser(served, "reader"))
        path = f"/label-loop/{LOOP.name}"
        sending = [
            asyncio.create_task(sender.post(f"{path}/upload/detection", content=bodies[number % len(bodies)]()))
            for number, sender in enumerate(senders)
        ]
        await until(lambda: len(upload._room._by_user) >= 6)  # at least those that trickle
        for page in ("overview/now", "review", "models", "insight", "upload", "parameters"):
            answer = await reader.get(f"{path}/{page}")
            assert answer.status_code == 200, (page, answer.text)
        good = await reader.post(f"{path}/upload/detection?name=a.png", content=DIGIT)
        assert good.status_code == 200
        assert {task.result().status_code for task in sending if task.done()} <= {422}
        ended.set()
        answers = await asyncio.gather(*sending)
    assert {answer.status_code for answer in answers} == {422}
    told = {answer.json()["detail"] for answer in answers}
    assert told == {
        "not a readable PNG or JPEG (UnidentifiedImageError)",
        "a JPEG of more than 50 scans: cameras and editors write about 10",
        "cannot be decoded within 1 s of computing time",
    }
    assert upload._room.held_bytes == 0
    for decoder in decoders._idle:
        decoder.close()


async def test_an_upload_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_room, "FIRST_SECONDS", 0.01)

    async def receive() -> Any:
        await asyncio.Event().wait()

    room = upload_room.UploadRoom()
    with room.admit("a") as place, pytest.raises(HTTPException) as caught:
        await place.read(Request({"type": "http", "headers": []}, receive))
    assert caught.value.status_code == 408


async def test_an_upload_has_longer_with_what_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_room, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(upload_room, "SLOWEST_BYTES_PER_SECOND", 1e-3)
    parts = [b"a", b"b", b"c"]

    async def receive() -> Any:
        if len(parts) < 3:
            await asyncio.sleep(0.02)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    room = upload_room.UploadRoom()
    with room.admit("a") as place:
        assert await place.read(Request({"type": "http", "headers": []}, receive)) == b"abc"
        assert room.held_bytes == 3
    assert room.held_bytes == 0


def test_one_user_leaves_room_for_others() -> None:
    room = upload_room.UploadRoom()
    with ExitStack() as stack:
        for _ in range(upload_room.MOST_PER_USER):
            stack.enter_context(room.admit("a"))
        with pytest.raises(HTTPException) as caught, room.admit("a"):
            pass
        assert caught.value.status_code == 503
        with room.admit("b"):
            pass
    with room.admit("a"):
        pass
    assert not room._by_user
