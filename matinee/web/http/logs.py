"""Structured logs without personal data: one JSON object per line on standard error.

The entry of a request contains its route (`/api/v1/films/{item_id}`), but never its path, client
address, token or body.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime

import orjson


def log(event: str, **fields: object) -> None:
    """Writes a log entry with the time, the event and the fields."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = orjson.dumps({"time": time, "event": event} | fields, default=str)
    sys.stderr.write(f"{line.decode()}\n")
    sys.stderr.flush()


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
        log("library", **fields)


def log_libraries() -> None:
    """Sends warnings of uvicorn and other libraries through `log` and removes their own
    handlers."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    root = logging.getLogger()
    root.handlers = [_JsonHandler()]
    root.setLevel(logging.WARNING)
