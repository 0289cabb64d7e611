"""Structured logs without personal data: one JSON object per line on standard error.

The entry of a request contains its route (`/api/v1/films/{item_id}`), but never its path, client
address, token or body.
"""

import logging
import sys
import threading
import time
import traceback
from datetime import UTC, datetime

import orjson

SELDOM_SECONDS = 5.0
"""The minimum time between two entries of an event that `log_seldom` writes."""


def log(event: str, **fields: object) -> None:
    """Writes a log entry with the time, the event and the fields."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = orjson.dumps({"time": now, "event": event} | fields, default=str)
    sys.stderr.write(f"{line.decode()}\n")
    sys.stderr.flush()


class _SeldomEvents:
    """Events that one cause may bring about thousands of times a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # event and kind -> when it was logged, and how often it has occurred since then
        self._events: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, event: str, kind: str) -> int | None:
        """How often an event was left out since it was logged; None to leave it out too."""
        with self._lock:
            now, key = time.monotonic(), (event, kind)
            logged_at, n_left_out = self._events.get(key, (float("-inf"), 0))
            if now - logged_at < SELDOM_SECONDS:
                self._events[key] = (logged_at, n_left_out + 1)
                return None
            if len(self._events) >= _MAX_EVENTS:
                self._events.clear()
            self._events[key] = (now, 0)
            return n_left_out


_MAX_EVENTS = 100
_SELDOM = _SeldomEvents()


def log_seldom(event: str, kind: str = "", **fields: object) -> None:
    """Writes an entry unless one of the same event and kind was written within the last
    `SELDOM_SECONDS`. `left_out` says how often that has been the case."""
    n_left_out = _SELDOM.count(event, kind)
    if n_left_out is not None:
        more = {"left_out": n_left_out} if n_left_out else {}
        log(event, **fields, **more)


def log_bug(request_id: str, route: str, error: BaseException) -> None:
    """Logs the type and traceback of an unexpected error. Its message is left out, because it may
    contain what a person sent."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]]
    log("bug", request_id=request_id, route=route, error=type(error).__name__, traceback=lines)


class _JsonHandler(logging.Handler):
    """Writes the log records of libraries in the same format."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1]:
            fields["error"] = repr(record.exc_info[1])
        log_seldom("library", f"{record.name} {record.msg}"[:200], **fields)


def log_libraries() -> None:
    """Sends warnings of uvicorn and other libraries through `log` and removes their own
    handlers."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    root = logging.getLogger()
    root.handlers = [_JsonHandler()]
    root.setLevel(logging.WARNING)
