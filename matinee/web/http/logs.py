"""Structured logs: one JSON object on a line of standard error, without anything personal.

A request is logged by its route (`/api/v1/films/{item_id}`), never by its path, address, token
or body.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson


def log(event: str, **fields: Any) -> None:
    """Writes a line with the time, the event and the fields."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = orjson.dumps({"time": time, "event": event} | fields, default=str)
    sys.stderr.write(f"{line.decode()}\n")
    sys.stderr.flush()


def log_bug(request_id: str, route: str, error: BaseException) -> None:
    """Writes where an unexpected error was raised. Its own words are left out: they may hold
    what a person sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]]
    log("bug", request_id=request_id, route=route, error=type(error).__name__, traceback=where)


class _Lines(logging.Handler):
    """What libraries log, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1]:
            fields["error"] = repr(record.exc_info[1])
        log("library", **fields)


def log_libraries() -> None:
    """Sends the warnings of uvicorn and others through `log`, in place of whatever they had
    set up."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    root = logging.getLogger()
    root.handlers = [_Lines()]
    root.setLevel(logging.WARNING)
