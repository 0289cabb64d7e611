"""The registry of served models, each loaded from one file and reloaded when the file changes.

Requests use a `ModelSnapshot`, which is immutable. A request takes the current snapshot when it
starts and keeps it until it ends. A changed file is loaded and tested first; then one assignment
replaces the snapshot, so no request sees a partly loaded model. If a file cannot be used, the
previous snapshot stays in use.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from matinee.errors import MatineeError, ModelFileError, SettingError, StoreError
from matinee.files import put_in_place
from matinee.recommendation.guide import Guide
from matinee.web.http.logs import log
from matinee.web.http.monitoring import MODEL_LOADED_AT, MODEL_LOADS
from matinee.web.http.problems import Problem
from matinee.web.serving.servable import servable
from matinee.web.serving.snapshot import ModelSnapshot


class FileSignature(NamedTuple):
    """The properties of a file that change when it is written or replaced; 0 without a file."""

    inode: int
    size: int
    modified_ns: int


SnapshotCheck = Callable[["RegisteredModel", ModelSnapshot], None]
"""Raises a MatineeError if a snapshot must not be served."""


class RegisteredModel:
    """A model file and its current snapshot.

    Attributes:
        name: the name of the file without its extension.
        current: the snapshot that new requests use.
        refusal: why the newest version of the file was refused; None if it is in use.
    """

    def __init__(self, path: Path) -> None:
        """Loads the file; raises ModelFileError if it is invalid."""
        self.path, self.name = path, path.stem
        self.refusal: str | None = None
        self._loading = threading.Lock()
        self._check: SnapshotCheck | None = None
        self._loaded_signature = self._last_signature = self._read_signature()
        self.current = self._load()
        self._count_load(self.current)

    def use_check(self, check: SnapshotCheck) -> None:
        """Checks the current snapshot, and from now on every new one before it is used; raises
        the error of the check."""
        with self._loading:
            check(self, self.current)
            self._check = check

    def poll(self) -> None:
        """Reloads the file if it has changed since it was loaded but not since the last poll. A
        file that is still changing may be incomplete."""
        signature = self._read_signature()
        if signature != self._loaded_signature and signature == self._last_signature:
            self.reload()
        self._last_signature = signature

    def reload(self) -> bool:
        """Loads the file and makes it current. If it cannot be used, keeps the previous snapshot,
        sets `refusal` and returns False."""
        with self._loading:
            self._loaded_signature = self._read_signature()
            try:
                snapshot = self._load()
                if self._check is not None:
                    self._check(self, snapshot)
            except MatineeError as error:
                self.refusal = str(error)
                if isinstance(error, StoreError):
                    # The file may be fine, so `poll` tries it again
                    self._loaded_signature = self._last_signature = FileSignature(0, 0, 0)
            except Exception as error:  # such a file must not stop the server
                self.refusal = f"'{self.path}' cannot be used: {type(error).__name__}: {error}."
            else:
                self.current, self.refusal = snapshot, None
                self._count_load(snapshot)
                return True
            MODEL_LOADS.labels(self.name, "refused").inc()
            log("model refused", model=self.name, detail=self.refusal, serving=self.current.version)
            return False

    def replace_with(self, path: Path, check: SnapshotCheck) -> None:
        """Serves another file: checks it, puts it in the place of this model's file, and makes it
        current. Other processes notice the change by themselves.

        Args:
            check: called before the check of every new version.

        Raises:
            MatineeError: the file cannot be served; the previous one stays.
        """
        with self._loading:
            snapshot = self._load(path)
            check(self, snapshot)
            if self._check is not None:
                self._check(self, snapshot)
            try:
                put_in_place(path, self.path)
            except OSError as error:
                raise ModelFileError(f"Cannot write '{self.path}': {error.strerror}.") from error
            self._loaded_signature = self._last_signature = self._read_signature()
            self.current, self.refusal = snapshot, None
            self._count_load(snapshot)

    def _load(self, path: Path | None = None) -> ModelSnapshot:
        """Loads a file, by default that of this model."""
        started = time.perf_counter()
        signature = self._read_signature(path)
        version = f"{signature.modified_ns:x}-{signature.size:x}"
        guide = servable(Guide.load(path or self.path), self.name)
        snapshot = ModelSnapshot(self.name, guide, version)
        log(
            "model loaded",
            model=self.name,
            kind=snapshot.guide.model.name,
            items=len(snapshot.guide.model.items_),
            version=version,
            seconds=round(time.perf_counter() - started, 3),
        )
        return snapshot

    def _count_load(self, snapshot: ModelSnapshot) -> None:
        MODEL_LOADS.labels(self.name, "loaded").inc()
        MODEL_LOADED_AT.labels(self.name).set(snapshot.loaded_at)

    def _read_signature(self, path: Path | None = None) -> FileSignature:
        try:
            status = (path or self.path).stat()
        except OSError:
            return FileSignature(0, 0, 0)
        return FileSignature(status.st_ino, status.st_size, status.st_mtime_ns)


class ModelRegistry:
    """The served models by name. Iterating gives `RegisteredModel` objects; the first model is the
    default."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Loads the files.

        Raises:
            ModelFileError: a file is invalid.
            SettingError: there are no files, or two have the same name.
        """
        self._models: dict[str, RegisteredModel] = {}
        for path in paths:
            if path.stem in self._models:
                raise SettingError(f"Two models are called '{path.stem}'; rename one of the files.")
            self._models[path.stem] = RegisteredModel(path)
        if not self._models:
            raise SettingError("There is no model to serve; give at least one model file.")

    def __iter__(self) -> Iterator[RegisteredModel]:
        return iter(self._models.values())

    def snapshot(self, name: str | None = None) -> ModelSnapshot:
        """The current snapshot of a model, by default of the first one; raises Problem, 404, if
        there is no model of that name."""
        return self.registered(name).current

    def registered(self, name: str | None = None) -> RegisteredModel:
        """As `snapshot`, with the file of the model."""
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            raise Problem(
                404,
                "unknown-model",
                f"There is no model '{name[:60]}'. The models are: {', '.join(self._models)}.",
            )
        return self._models[name]

    def use_check(self, check: SnapshotCheck) -> None:
        """Checks all models, and from now on every new version of them; see
        `RegisteredModel.use_check`."""
        for model in self._models.values():
            model.use_check(check)

    def poll(self) -> None:
        """Checks all files for changes; see `RegisteredModel.poll`."""
        for model in self._models.values():
            model.poll()

    def reload(self) -> bool:
        """Reloads all files, even if one is refused; returns whether all were accepted."""
        accepted = [model.reload() for model in self._models.values()]
        return all(accepted)
