"""Bodies of requests, read before the requests count as being worked on.

A client that sends its body slowly, or not at all, holds nothing that others need: it has a
deadline, and if many bodies are on their way at once, the one that has taken longest makes room.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from starlette.types import Message, Receive

from matinee.web.http.problems import Problem, unavailable

MAX_OPEN = 1_000
"""The maximum number of bodies on their way, per process."""
MAX_BUFFERED_BYTES = 64 * 1024 * 1024
"""The maximum size of all bodies in memory, per process."""

_PART_BYTES = 16 * 1024


@dataclass(eq=False)
class Body:
    """A body, whole or on its way."""

    deadline: asyncio.Timeout
    content: bytes = b""
    n_bytes: int = 0
    is_gone: bool = False
    """Whether the client has closed the connection, or has had to make room."""


class BodyReader:
    """Reads the bodies of one process's requests."""

    def __init__(self, seconds: float, max_open: int = MAX_OPEN) -> None:
        """A reader.

        Args:
            seconds: the maximum time for a body to arrive.
            max_open: see `MAX_OPEN`.
        """
        self._seconds, self._max_open = seconds, max_open
        self._open: dict[Body, None] = {}  # the oldest first
        self._n_bytes = 0

    async def read(self, receive: Receive, max_bytes: int, too_large: Problem) -> Body:
        """Reads a whole body; `forget` must be called when its request is done.

        Args:
            max_bytes: its maximum size.
            too_large: raised if it is larger.

        Raises:
            TimeoutError: it did not arrive in time, or had to make room for others.
            Problem: 503, there is no room.
        """
        parts: list[bytes] = []
        async with asyncio.timeout(self._seconds) as deadline:
            body = Body(deadline)
            self._open[body] = None
            self._make_room()
            try:
                while await self._add(body, parts, receive):
                    _check_size(body, max_bytes, too_large)
                _check_size(body, max_bytes, too_large)
            except BaseException:
                self.forget(body)
                raise
            finally:
                self._open.pop(body, None)
        body.content = b"".join(parts)
        return body

    def forget(self, body: Body) -> None:
        """Gives back the room of a body."""
        self._n_bytes -= body.n_bytes
        body.content, body.n_bytes = b"", 0
        self._open.pop(body, None)

    async def _add(self, body: Body, parts: list[bytes], receive: Receive) -> bool:
        """Adds the next part; whether there is more."""
        message = await receive()
        if message["type"] == "http.disconnect":
            body.is_gone = True
            return False
        part: bytes = message.get("body", b"")
        parts.append(part)
        body.n_bytes += len(part)
        self._n_bytes += len(part)
        self._make_room(body)
        more: bool = message.get("more_body", False)
        return more

    def _make_room(self, last: Body | None = None) -> None:
        """Ends the bodies that have been on their way for longest, except for the last."""
        while len(self._open) > self._max_open or self._n_bytes > MAX_BUFFERED_BYTES:
            oldest = next((one for one in self._open if one is not last), None)
            if oldest is None:
                raise unavailable("The server holds too many requests; try again in a second.")
            oldest.deadline.reschedule(0)
            self.forget(oldest)


def _check_size(body: Body, max_bytes: int, too_large: Problem) -> None:
    if body.n_bytes > max_bytes:
        raise too_large


def replay(body: Body, receive: Receive) -> Receive:
    """Gives an application a body that has been read."""
    parts = deque(
        body.content[place : place + _PART_BYTES]
        for place in range(0, max(1, len(body.content)), _PART_BYTES)
    )

    async def receive_again() -> Message:
        if not parts:
            return await receive()
        await asyncio.sleep(0)  # parsers of forms take long, so others get their turn
        part = parts.popleft()
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    return receive_again
