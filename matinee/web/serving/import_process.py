"""The process that reads uploaded files: `python -m matinee.web.serving.import_process`.

It reads messages from its standard input, and writes one answer to each request to its standard
output; `import_worker` is the other side. Time and memory are limited by the operating system, so
that no file can keep it busy. It ends when its input ends.
"""

import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import BinaryIO

from matinee.errors import DataError
from matinee.web.serving.uploads import ExportLimits, FilmsOfModel, Values, read_upload

SECONDS = 7.0
"""The time in which a file must be read."""
MOST_SECONDS = 8.5
"""The time after which the process is ended, whatever it is doing."""
MAX_MEGABYTES = 1024
"""The memory of the process."""
TOO_MUCH = "Reading the file takes too much memory; give a part of it."
FILMS, READ = b"F", b"R"
"""The kinds of messages: the films that files are about, and a file."""
_HEAD_BYTES = 9


def message(kind: bytes, *parts: bytes) -> bytes:
    """A message: its kind, its length in 8 bytes, and the parts."""
    return b"".join((kind, sum(map(len, parts)).to_bytes(8, "big"), *parts))


def main() -> None:
    """Answers until the input ends."""
    _limit_memory()
    source = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    films: FilmsOfModel | None = None
    limits = ExportLimits(0, 0, 0, 0, ())
    while (received := _receive(source)) is not None:
        kind, content = received
        if kind == FILMS:
            head, _, text = content.partition(b"\n")
            limits = ExportLimits(**json.loads(head))
            films = FilmsOfModel.from_json(text)
            continue
        assert films is not None
        _end_after(MOST_SECONDS)
        answers.write(message(READ, json.dumps(_answer(content, films, limits)).encode()))
        answers.flush()
        _end_after(0)


def _answer(content: bytes, films: FilmsOfModel, limits: ExportLimits) -> Values:
    name, _, file = content.partition(b"\n")
    try:
        upload = read_upload(file, json.loads(name), films, limits, SECONDS)
        return {"found": upload.to_values()}
    except DataError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": TOO_MUCH}
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return {"bug": type(error).__name__, "traceback": lines}


def _receive(source: BinaryIO) -> tuple[bytes, bytes] | None:
    head = source.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES:
        return None
    return head[:1], source.read(int.from_bytes(head[1:], "big"))


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        limit = MAX_MEGABYTES * 1024**2
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with suppress(OSError):
        os.nice(5)  # requests that take milliseconds go first


def _end_after(seconds: float) -> None:
    """Ends the process after some seconds; 0: not any more."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
