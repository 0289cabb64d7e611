"""Reads uploaded files in a process of its own, which is ended if it takes too long."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from matinee.errors import DataError
from matinee.web.db.film_lists import LISTS, MAX_FILMS
from matinee.web.db.groups import MAX_GROUPS
from matinee.web.db.schema import MAX_ITEM_ID_LENGTH, MAX_NAME_LENGTH
from matinee.web.http.logs import log
from matinee.web.http.problems import unavailable
from matinee.web.serving.import_process import FILMS, MOST_SECONDS, READ, message
from matinee.web.serving.snapshot import ModelSnapshot
from matinee.web.serving.uploads import ExportLimits, FilmsOfModel, Upload

MAX_WAITING = 8
"""The maximum number of files that wait for their turn."""
IDLE_SECONDS = 300.0
"""The time after which the process ends if it has nothing to do."""
COMMAND = (sys.executable, "-m", "matinee.web.serving.import_process")
_GAVE_UP = "Reading the file takes too much time or memory; give a part of it."
_LIMITS = ExportLimits(MAX_FILMS, MAX_GROUPS, MAX_ITEM_ID_LENGTH, MAX_NAME_LENGTH, tuple(LISTS))
_NOT_PASSED_ON = ("MATINEE_OPERATOR_TOKEN", "MATINEE_SERVE_SETTINGS", "PROMETHEUS_MULTIPROC_DIR")


class ImportWorker:
    """The process that reads files, one at a time; started when it is first needed."""

    def __init__(self) -> None:
        self._turn, self._n_waiting = asyncio.Lock(), 0
        self._process: asyncio.subprocess.Process | None = None
        self._films_of: ModelSnapshot | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def read(
        self, snapshot: ModelSnapshot, content: bytes, name: str | None = None
    ) -> Upload:
        """What a file says about the films of a model.

        Args:
            name: of the file; None if only the ratings in it are wanted.

        Raises:
            DataError: the file cannot be read, or not with the time and memory that there are.
            Problem: 503, too many files are waiting.
        """
        if self._n_waiting >= MAX_WAITING:
            raise unavailable("Too many files are being read; try again in a few seconds.")
        self._n_waiting += 1
        try:
            async with self._turn:
                answer = await self._ask(snapshot, content, name)
        finally:
            self._n_waiting -= 1
        values: dict[str, Any] = await asyncio.to_thread(json.loads, answer)
        if "refused" in values:
            raise DataError(values["refused"])
        if "bug" in values:
            log("bug", route="the process that reads files", **values)
            raise RuntimeError(values["bug"])
        catalog = snapshot.guide.catalog
        return await asyncio.to_thread(Upload.from_values, values["found"], catalog)

    async def prepare(self, snapshot: ModelSnapshot) -> None:
        """Starts the process if nothing is being read, so that the first file need not wait."""
        if not self._turn.locked():
            async with self._turn:
                await self._start(snapshot)
                self._end_when_idle()

    async def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        self._films_of = None
        if self._idle is not None:
            self._idle.cancel()
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _ask(self, snapshot: ModelSnapshot, content: bytes, name: str | None) -> bytes:
        """Sends a file; the answer. Ends the process if it does not answer in time, or if the
        request is given up."""
        is_answered = False
        try:
            process = await self._start(snapshot)
            async with asyncio.timeout(MOST_SECONDS + 0.5):
                sent = message(READ, json.dumps(name).encode(), b"\n", content)
                answer = await _exchange(process, sent)
            is_answered = True
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            raise DataError(_GAVE_UP) from None
        finally:
            if not is_answered:
                await self.close()
        self._end_when_idle()
        return answer

    async def _start(self, snapshot: ModelSnapshot) -> asyncio.subprocess.Process:
        """The running process, which knows the films of a model."""
        if self._idle is not None:
            self._idle.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            self._films_of = None
            self._process = process = await _new_process()
        if self._films_of is not snapshot:
            guide = snapshot.guide
            films = FilmsOfModel(guide.model.items_, guide.catalog, guide.model.scale_)
            text = await asyncio.to_thread(films.to_json)
            head = json.dumps(asdict(_LIMITS)).encode()
            assert process.stdin is not None
            process.stdin.write(message(FILMS, head, b"\n", text))
            await process.stdin.drain()
            self._films_of = snapshot
        return process

    def _end_when_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._process is not None and not self._turn.locked():
            self._process.kill()


async def _new_process() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_without(os.environ, _NOT_PASSED_ON),
        start_new_session=True,  # Ctrl+C is for the server, which ends this process
    )


def _without(environment: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}


async def _exchange(process: asyncio.subprocess.Process, sent: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(sent)
    await process.stdin.drain()
    head = await process.stdout.readexactly(9)
    return await process.stdout.readexactly(int.from_bytes(head[1:], "big"))
