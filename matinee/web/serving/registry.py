"""The models that are served, each from one file, and how a new file takes the place of an old
one.

What answers a request is a `Snapshot`, which never changes. A request takes the newest one
when it begins and keeps it to its end; a new file is read, tried and then put in its place by
one assignment, so no request sees half of it. A file that cannot be used leaves the old one
where it is.
"""

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matinee.errors import MatineeError, SettingError
from matinee.recommendation.guide import Guide
from matinee.web.http.logs import log
from matinee.web.http.monitoring import LOADED_AT, LOADS
from matinee.web.http.problems import Problem
from matinee.web.serving.snapshot import Snapshot

Signature = tuple[int, int, int]


class LiveModel:
    """A file, the snapshot of it that is served, and what is wrong with the file if it is
    refused."""

    def __init__(self, path: Path) -> None:
        """Reads the file; raises ModelFileError if it is not a good one."""
        self.path, self.name = path, path.stem
        self.refusal: str | None = None
        self._loading = threading.Lock()
        self._seen = self._waiting = self._signature()
        self.current = self._read()

    def poll(self) -> None:
        """Reads the file if it has changed, and has been the same for two polls: whoever
        writes it may not be done."""
        now = self._signature()
        if now != self._seen and now == self._waiting:
            self.reload()
        self._waiting = now

    def reload(self) -> bool:
        """Reads the file and serves it, or keeps what there was and says why; True if it is
        served."""
        with self._loading:
            self._seen = self._signature()
            try:
                self.current = self._read()
            except MatineeError as error:
                self.refusal = str(error)
            except (
                Exception
            ) as error:  # a file that passes all checks but does not work must not end the server
                self.refusal = f"'{self.path}' cannot be used: {type(error).__name__}: {error}."
            else:
                self.refusal = None
                return True
            LOADS.labels(self.name, "refused").inc()
            log("model refused", model=self.name, detail=self.refusal, serving=self.current.version)
            return False

    def _read(self) -> Snapshot:
        started = time.perf_counter()
        inode, size, time_ns = self._signature()
        del inode
        snapshot = Snapshot(self.name, Guide.load(self.path), f"{time_ns:x}-{size:x}")
        LOADS.labels(self.name, "loaded").inc()
        LOADED_AT.labels(self.name).set(snapshot.loaded_at)
        seconds = round(time.perf_counter() - started, 3)
        kind, n = snapshot.guide.model.name, len(snapshot.guide.model.items_)
        log(
            "model loaded",
            model=self.name,
            kind=kind,
            items=n,
            version=snapshot.version,
            seconds=seconds,
        )
        return snapshot

    def _signature(self) -> Signature:
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns


class Models:
    """All models that are served, by the names of their files; the first is the one that is
    meant if none is named."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Reads the files; raises ModelFileError if one is not good, SettingError if two have
        the same name."""
        self._live: dict[str, LiveModel] = {}
        for path in paths:
            if path.stem in self._live:
                raise SettingError(f"Two models are called '{path.stem}'; rename one of the files.")
            self._live[path.stem] = LiveModel(path)
        if not self._live:
            raise SettingError("There is no model to serve: give at least one file.")

    def __iter__(self) -> Any:
        return iter(self._live.values())

    def snapshot(self, name: str | None = None) -> Snapshot:
        """What answers a request; raises Problem, 404, if there is no such model."""
        if name is None:
            return next(iter(self._live.values())).current
        if name not in self._live:
            listed = ", ".join(self._live)
            raise Problem(
                404, "unknown-model", f"There is no model '{name[:60]}' here; there is: {listed}."
            )
        return self._live[name].current

    def poll(self) -> None:
        """Looks at all files; see `LiveModel.poll`."""
        for live in self._live.values():
            live.poll()

    def reload(self) -> bool:
        """Reads all files again; True if all are good."""
        # All of them, also after a bad one
        good = [live.reload() for live in self._live.values()]
        return all(good)
