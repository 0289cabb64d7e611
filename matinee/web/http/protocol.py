"""uvicorn's HTTP protocol with limits on the head of a request and on the connections of a client.
The middleware cannot enforce them, because it runs only when the head is complete."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from matinee.web.http.rate_limits import ConnectionLimit

MAX_HEAD_BYTES = 64 * 1024
"""The maximum size of the URL and the headers together."""
MAX_HEAD_SECONDS = 10.0
"""The maximum time from the first byte of a head, or from the opening of the connection, to the
end of the head."""

LINGER_SECONDS = 1.0
"""How long the rest of a head that is too long is read, and ignored: closing the connection at once
would reset it, and the client might lose the answer."""

CONNECTIONS = "connections"
"""The name of a `ConnectionLimit` in the state that the application's lifespan yields."""


class HeadLimitProtocol(HttpToolsProtocol):
    """One connection. It is closed if a head is too long or does not arrive in time."""

    _n_bytes = 0
    """Size of the current head so far: its parsed parts, or the bytes of an incomplete part."""
    _deadline: asyncio.TimerHandle | None = None
    """Timer of the current head; None while a request is processed, and between requests."""
    _ignores_rest = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer for the first head, unless the client has too many connections."""
        super().connection_made(transport)
        self._start_timer()
        self._peer: str | None = self.client[0] if self.client else None
        limit: ConnectionLimit | None = self.app_state.get(CONNECTIONS)
        self._limit = limit
        if limit is not None and not limit.open(self._peer):
            self._refuse("503 Service Unavailable")

    def on_message_begin(self) -> None:
        """Starts the timer for a head whose first byte has arrived."""
        self._start_timer()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Counts the bytes of a part of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts the bytes of a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def data_received(self, data: bytes) -> None:
        """Parses bytes of a head or body, and counts those of an incomplete header."""
        if self._ignores_rest:
            return
        deadline, parsed_bytes = self._deadline, self._n_bytes
        super().data_received(data)
        if deadline is not None and deadline is self._deadline and self._n_bytes == parsed_bytes:
            self._n_bytes += len(data)  # all of them belong to one header that is incomplete
            if self._n_bytes > MAX_HEAD_BYTES:
                self._refuse_head()

    def on_headers_complete(self) -> None:
        """Stops the timer."""
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer and the count of the connection."""
        self._stop_timer()
        if self._limit is not None:
            self._limit.close(self._peer)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answers 431 if the head is too long, and otherwise 400."""
        if self._n_bytes > MAX_HEAD_BYTES:
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def _count(self, n: int) -> None:
        self._n_bytes += n
        if self._n_bytes > MAX_HEAD_BYTES:
            # The parser catches this and calls `send_400_response`
            raise ValueError("The head of the request is too long.")

    def _start_timer(self) -> None:
        self._stop_timer()
        self._deadline = self.loop.call_later(MAX_HEAD_SECONDS, self._refuse, "408 Request Timeout")

    def _stop_timer(self) -> None:
        self._n_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: str) -> None:
        """Answers, and closes the connection."""
        if not self.transport.is_closing():
            self._answer(status)
            self.transport.close()

    def _refuse_head(self) -> None:
        """Answers 431, and closes the connection when the client has, or after a while."""
        if not self.transport.is_closing():
            self._answer("431 Request Header Fields Too Large")
            self._ignores_rest = True
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write_eof()  # a request that still runs could not answer after it
            self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _answer(self, status: str) -> None:
        self._stop_timer()
        self.transport.write(
            f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
        )
