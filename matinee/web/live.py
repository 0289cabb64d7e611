"""The models that are served, each from one file, and how a new file takes the place of an old one.

What answers a request is a `Snapshot`, which never changes. A request takes the newest one when it begins and keeps it
to its end; a new file is read, tried and then put in its place by one assignment, so no request sees half of it. A file
that cannot be used leaves the old one where it is.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from matinee.data.vocabulary import Id
from matinee.errors import MatineeError, OutOfScaleError, SettingError, UnsupportedError
from matinee.models.base import UserState
from matinee.recommendation.guide import Guide
from matinee.web.film_index import FilmIndex
from matinee.web.http.logs import log
from matinee.web.http.monitoring import LOADED_AT, LOADS
from matinee.web.http.problems import Problem
from matinee.web.lanes import Lane

QUICK_SECONDS = 0.01
"""What is expected to take less than this is done at once, and otherwise in a lane. Python lets one thread run for 5 ms
before it is another's turn, so with a thread everybody would wait as long, and the answer longer."""

Result = TypeVar("Result")
Signature = tuple[int, int, int]


class Folded(NamedTuple):
    """A person as a model sees them by their ratings."""

    profile: UserState
    unknown: list[str]
    """Items that the model does not know; they do not count."""


class Snapshot:
    """One model as it was in its file at one time; `films` finds its films by title. Its attributes never change."""

    def __init__(self, name: str, guide: Guide, version: str) -> None:
        self.name, self.guide, self.version = name, guide, version
        self.loaded_at = time.time()
        self.films = FilmIndex(guide)
        self._index = {str(item_id): index for index, item_id in enumerate(guide.model.items_.ids.tolist())}
        model = guide.model
        # A model that does more than call NumPy is asked by one thread at a time.
        self._lock = None if model.capabilities.thread_safe else threading.Lock()
        self._seconds = min(self._tried() for _ in range(3))
        self._seconds_of_reasons = min(self._explained() for _ in range(3))
        self._lists, self._long = Lane(), Lane()

    def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Calls something that asks the model."""
        with self._lock or nullcontext():
            return work(*arguments)

    async def ask(self, work: Callable[..., Result], *arguments: Any, ratings: int = 0, explained: int = 0) -> Result:
        """`run` from an async function: at once if that is quick, and otherwise in a lane, where 503 is possible.

        Args:
            ratings: how many the person gave; explained: how many films are to be explained.
        """
        expected = (self._seconds + explained * self._seconds_of_reasons) * (1 + ratings / 100)
        if expected < QUICK_SECONDS and (self._lock is None or self._lock.acquire(blocking=False)):
            try:
                return work(*arguments)
            finally:
                if self._lock is not None:
                    self._lock.release()
        lane = self._long if explained else self._lists
        return await lane.run(self.run, work, *arguments, seconds=expected)

    async def ask_long(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Calls what is long whatever the model, and does not ask it."""
        return await self._long.run(work, *arguments)

    def find(self, item_id: Id) -> int | None:
        """The index of an item, None if the model does not know it; faster than to search the vocabulary."""
        return self._index.get(str(item_id))

    def index_of(self, item_id: Id) -> int:
        """The index of an item; raises Problem, 404, if the model does not know it."""
        index = self.find(item_id)
        if index is None:
            hint = "Find films by title with /api/v1/films?q=..."
            raise Problem(404, "unknown-film", f"The model {self.name} knows no film with the id '{item_id}'. {hint}")
        return index

    def fold_in(self, stars: Mapping[Id, float] | Mapping[str, float], *, strict: bool) -> Folded:
        """A person from {item id: stars}; with no known item, the average person.

        Args:
            strict: raise OutOfScaleError where stars are outside the scale, as a request must be told. Otherwise they
                are taken to its nearer end: ratings that were kept may be older than the model.
        """
        model = self.guide.model
        lowest, highest = model.scale_[:2]
        known: dict[Id, float] = {}
        unknown: list[str] = []
        for item_id, given in stars.items():
            index = self.find(item_id)
            if index is None:
                unknown.append(str(item_id))
            elif strict and not lowest <= given <= highest:
                raise OutOfScaleError(f"{given:g} stars for film '{item_id}' are outside the scale {model.scale_}.")
            else:
                known[model.items_.id(index)] = min(max(given, lowest), highest)
        return Folded(model.fold_in(known), unknown)

    def item_id(self, item_id: Id) -> Id:
        """An id as the model writes it, such as 7 for the text "7"; raises Problem, 404, if it is unknown."""
        return self.guide.model.items_.id(self.index_of(item_id))

    def known_ids(self, item_ids: Iterable[Id]) -> list[Id]:
        """The ids of those items that the model knows, as it writes them."""
        return [self.guide.model.items_.id(index) for index in self.indices(dict.fromkeys(item_ids, 0.0))]

    def indices(self, stars: Mapping[Id, float] | Mapping[str, float]) -> dict[int, float]:
        """Item index -> stars, of the items that the model knows, in the same order."""
        known = {}
        for item_id, given in stars.items():
            index = self.find(item_id)
            if index is not None:
                known[index] = given
        return known

    def _tried(self) -> float:
        """Asks for a list, which compiles what is to be compiled and shows that the model works; the seconds."""
        started = time.perf_counter()
        self.guide.recommend(self._somebody(), 10)
        return time.perf_counter() - started

    def _explained(self) -> float:
        """The seconds to explain one film of a list; 0 for a model that cannot, and says so at once."""
        person, some = self._somebody(), self.guide.model.items_.ids[:20].tolist()
        started = time.perf_counter()
        try:
            for why in self.guide.explain_each(person, some, 3):
                why.to_dict(3)
        except UnsupportedError:
            return 0.0
        return (time.perf_counter() - started) / len(some)

    def _somebody(self) -> UserState:
        """Who likes the first few films."""
        model = self.guide.model
        return model.fold_in(dict.fromkeys(model.items_.ids[:20].tolist(), model.scale_.highest))


class LiveModel:
    """A file, the snapshot of it that is served, and what is wrong with the file if it is refused."""

    def __init__(self, path: Path) -> None:
        """Reads the file; raises ModelFileError if it is not a good one."""
        self.path, self.name = path, path.stem
        self.refusal: str | None = None
        self._loading = threading.Lock()
        self._seen = self._waiting = self._signature()
        self.current = self._read()

    def poll(self) -> None:
        """Reads the file if it has changed, and has been the same for two polls: whoever writes it may not be done."""
        now = self._signature()
        if now != self._seen and now == self._waiting:
            self.reload()
        self._waiting = now

    def reload(self) -> bool:
        """Reads the file and serves it, or keeps what there was and says why; True if it is served."""
        with self._loading:
            self._seen = self._signature()
            try:
                self.current = self._read()
            except MatineeError as error:
                self.refusal = str(error)
            except Exception as error:  # a file that passes all checks but does not work must not end the server
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
        log("model loaded", model=self.name, kind=kind, items=n, version=snapshot.version, seconds=seconds)
        return snapshot

    def _signature(self) -> Signature:
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns


class Models:
    """All models that are served, by the names of their files; the first is the one that is meant if none is named."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Reads the files; raises ModelFileError if one is not good, SettingError if two have the same name."""
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
            raise Problem(404, "unknown-model", f"There is no model '{name[:60]}' here; there is: {listed}.")
        return self._live[name].current

    def poll(self) -> None:
        """Looks at all files; see `LiveModel.poll`."""
        for live in self._live.values():
            live.poll()

    def reload(self) -> bool:
        """Reads all files again; True if all are good."""
        good = [live.reload() for live in self._live.values()]  # all of them, also after a bad one
        return all(good)
