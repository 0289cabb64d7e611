"""HTTP as uvicorn speaks it, but with limits on the head of a request, which the gate sees
only when it is complete."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""Of the address and the headers together."""
HEAD_SECONDS = 10.0
"""From the first byte of a head, or from the opening of the connection, to the end of the
head."""

_TOO_LONG = "431 Request Header Fields Too Large"


class Protocol(HttpToolsProtocol):
    """One connection; closed when a head is too long, or does not end in time."""

    _n_bytes = 0
    """Of the head that is awaited: the parts that are understood, or the bytes of one part
    that does not end."""
    _deadline: asyncio.TimerHandle | None = None
    """Of the head that is awaited; None while a request is worked on, and between two of
    them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        """The first byte of a head has come."""
        self._await_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def data_received(self, data: bytes) -> None:
        """Some bytes have come, of a head or of a body."""
        awaited, understood = self._deadline, self._n_bytes
        super().data_received(data)
        if awaited is not None and awaited is self._deadline and self._n_bytes == understood:
            self._n_bytes += len(data)  # all of them belong to one header that goes on
            if self._n_bytes > HEAD_BYTES:
                self._refuse(_TOO_LONG)

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self._end_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more."""
        self._end_head()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answers what cannot be read, or is too long to be read."""
        if self._n_bytes > HEAD_BYTES:
            self._refuse(_TOO_LONG)
        else:
            super().send_400_response(msg)

    def _count(self, n: int) -> None:
        self._n_bytes += n
        if self._n_bytes > HEAD_BYTES:
            raise ValueError(
                "the head of a request is too long"
            )  # which the parser tells by `send_400_response`

    def _await_head(self) -> None:
        self._end_head()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, "408 Request Timeout")

    def _end_head(self) -> None:
        self._n_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: str) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(
                f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
            )
            self.transport.close()
