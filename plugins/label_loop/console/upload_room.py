"""Bounds what uploads hold while they arrive: memory, time, and how many of them belong to one user."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from label_loop.domain.images import MAX_IMAGE_BYTES

MOST_BYTES = 128 << 20  # of all uploads in this process
MOST_PER_USER = 4  # the page sends three at once
# An upload has this long, and longer with what has arrived: one of 15 MB has five minutes.
FIRST_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = MAX_IMAGE_BYTES / 270


class UploadRoom:
    """The room for uploads in this process. For one event loop."""

    def __init__(self) -> None:
        self.held_bytes = 0
        self._by_user: Counter[str] = Counter()

    @contextmanager
    def admit(self, user: str) -> Iterator["Place"]:
        """Give a user's upload a place until it is stored. Raises HTTPException 503 if the user has too many."""
        if self._by_user[user] >= MOST_PER_USER:
            raise HTTPException(503, f"You have {MOST_PER_USER} uploads under way, the most at once. Try again soon.")
        self._by_user[user] += 1
        place = Place(self)
        try:
            yield place
        finally:
            self.held_bytes -= place.held_bytes
            self._by_user[user] -= 1
            if not self._by_user[user]:
                del self._by_user[user]


class Place:
    """The place of one upload. It counts only what has arrived, so that an upload that trickles keeps nobody out."""

    def __init__(self, room: UploadRoom) -> None:
        self.room = room
        self.held_bytes = 0

    async def read(self, request: Request) -> bytes:
        """Return the request's body.

        Raises HTTPException: 408 if it arrives too slowly, 413 if it is too large, 503 if there is no memory for it.
        """
        length = request.headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 12 or int(length) > MAX_IMAGE_BYTES):
            raise _too_large()
        body = bytearray()
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(FIRST_SECONDS) as patience:
                async for chunk in request.stream():
                    self._hold(len(chunk))
                    body += chunk
                    patience.reschedule(started + FIRST_SECONDS + self.held_bytes / SLOWEST_BYTES_PER_SECOND)
        except (TimeoutError, ClientDisconnect) as error:
            raise HTTPException(408, "The upload was too slow, or broke off. Try again.") from error
        return bytes(body)

    def _hold(self, more_bytes: int) -> None:
        self.held_bytes += more_bytes
        self.room.held_bytes += more_bytes
        if self.held_bytes > MAX_IMAGE_BYTES:
            raise _too_large()
        if self.room.held_bytes > MOST_BYTES:
            raise HTTPException(503, "There are more uploads under way than there is memory for. Try again soon.")


def _too_large() -> HTTPException:
    return HTTPException(413, "The file is larger than 15 MB.")
