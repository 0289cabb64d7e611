"""Immutable snapshots of models, and how requests run work on them."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import NamedTuple, TypeVar
from urllib.parse import unquote

from matinee.data.vocabulary import Id
from matinee.errors import OutOfScaleError, UnsupportedError
from matinee.models.base import UserState
from matinee.models.interface import values_in
from matinee.recommendation.guide import Guide
from matinee.web.http.problems import Problem
from matinee.web.serving.film_search import FilmIndex
from matinee.web.serving.work_queue import WorkQueue, stop_if_abandoned

INLINE_SECONDS = 0.01
"""Work that is expected to be shorter runs on the event loop, and longer work in a queue. Python
switches between threads only every 5 ms, so a thread for such short work would delay its own
response without helping the other requests."""

Result = TypeVar("Result")


class FoldInResult(NamedTuple):
    """A person's profile in a model, and the rated items that the model does not know."""

    profile: UserState
    unknown: list[str]


class ModelSnapshot:
    """A model as it was when its file was loaded; immutable.

    Attributes:
        name: the name of the model file without its extension.
        guide: the model with its catalog.
        version: changes whenever the file changes.
        loaded_at: when it was loaded, in Unix seconds.
        films: search for its films by title.
    """

    def __init__(self, name: str, guide: Guide, version: str) -> None:
        self.name, self.guide, self.version = name, guide, version
        self.loaded_at = time.time()
        self.films = FilmIndex(guide)
        self._index = {
            str(item_id): index for index, item_id in enumerate(guide.model.items_.ids.tolist())
        }
        model = guide.model
        # Models that are not thread-safe are used by one thread at a time
        self._lock = None if model.capabilities.thread_safe else threading.Lock()
        self._list_seconds = min(self._time_list() for _ in range(3))
        self._explanation_seconds = min(self._time_explanation() for _ in range(3))
        self._list_queue, self._slow_queue = WorkQueue(), WorkQueue()

    def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Calls a function that uses the model, under the model's lock if it has one."""
        with self._lock or nullcontext():
            stop_if_abandoned()
            return work(*arguments)

    async def run_async(
        self,
        work: Callable[..., Result],
        *arguments: object,
        lists: int = 1,
        ratings: int = 0,
        explained: int = 0,
    ) -> Result:
        """Calls a function that uses the model from an async function: directly if it is expected
        to be quick, and otherwise in a queue.

        Args:
            lists: number of lists that the function makes.
            ratings: number of ratings of each person.
            explained: number of films that the function explains.

        Raises:
            Problem: 503, the queue is too long.
        """
        seconds = (lists * self._list_seconds + explained * self._explanation_seconds) * (
            1 + ratings / 100
        )
        if seconds < INLINE_SECONDS and (self._lock is None or self._lock.acquire(blocking=False)):
            try:
                return work(*arguments)
            finally:
                if self._lock is not None:
                    self._lock.release()
        queue = self._slow_queue if explained else self._list_queue
        return await queue.run(self.run, work, *arguments, seconds=seconds)

    async def run_queued(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Calls a slow function that does not use the model, in the queue for slow work."""
        return await self._slow_queue.run(work, *arguments)

    def find(self, item_id: Id) -> int | None:
        """The index of an item; None if the model does not know it. Faster than a search in the
        vocabulary."""
        return self._index.get(str(item_id))

    def id_in_path(self, text: str) -> str:
        """The id that the path of an address names.

        Clients and proxies resolve "." and "..", and may change "%2F", so such an id is
        percent-encoded twice: "%252E" is the film ".". An id that is known as it stands is meant
        as it stands.
        """
        if "%" not in text or self.find(text) is not None:
            return text
        return unquote(text, errors="replace")

    def index_of(self, item_id: Id) -> int:
        """The index of an item; raises Problem, 404, if the model does not know it."""
        index = self.find(item_id)
        if index is None:
            raise Problem(
                404,
                "unknown-film",
                f"The model '{self.name}' has no film with id '{item_id}'. "
                "To find films by title, use /api/v1/films?q=...",
            )
        return index

    def fold_in(
        self, stars: Mapping[Id, float] | Mapping[str, float], *, strict: bool
    ) -> FoldInResult:
        """Folds in a person's ratings; without known items, the profile is the average person's.

        Args:
            stars: item id -> stars.
            strict: whether stars outside the model's scale raise OutOfScaleError, as in requests.
                Otherwise they are clipped to the scale: stored ratings may be older than the
                model.
        """
        stop_if_abandoned()
        model = self.guide.model
        lowest, highest = model.scale_[:2]
        known: dict[Id, float] = {}
        unknown: list[str] = []
        for item_id, given in stars.items():
            index = self.find(item_id)
            if index is None:
                unknown.append(str(item_id))
            elif strict and not lowest <= given <= highest:
                raise self._out_of_scale(item_id, given)
            else:
                known[model.items_.id(index)] = min(max(given, lowest), highest)
        return FoldInResult(model.fold_in(known), unknown)

    def check_scale(self, stars: Mapping[Id, float]) -> None:
        """Raises OutOfScaleError for stars outside the model's scale."""
        lowest, highest = self.guide.model.scale_[:2]
        for item_id, given in stars.items():
            if not lowest <= given <= highest:
                raise self._out_of_scale(item_id, given)
        values_in(self.guide.model.scale_, stars)

    def _out_of_scale(self, item_id: Id, given: float) -> OutOfScaleError:
        scale = self.guide.model.scale_
        return OutOfScaleError(
            f"{given:g} stars for film '{item_id}' are outside the scale {scale}."
        )

    def item_id(self, item_id: Id) -> Id:
        """The model's own form of an id, such as 7 for the text "7"; raises Problem, 404, if the
        model does not know it."""
        return self.guide.model.items_.id(self.index_of(item_id))

    def known_ids(self, item_ids: Iterable[Id]) -> list[Id]:
        """The ids of those items that the model knows, in the model's own form."""
        return [
            self.guide.model.items_.id(index)
            for index in self.indices(dict.fromkeys(item_ids, 0.0))
        ]

    def indices(self, stars: Mapping[Id, float] | Mapping[str, float]) -> dict[int, float]:
        """Item index -> stars, for the items that the model knows, in the same order."""
        known = {}
        for item_id, given in stars.items():
            index = self.find(item_id)
            if index is not None:
                known[index] = given
        return known

    def _time_list(self) -> float:
        """Measures the seconds of making a list. This also compiles the kernels and proves that
        the model works."""
        started = time.perf_counter()
        self.guide.recommend(self._sample_user(), 10)
        return time.perf_counter() - started

    def _time_explanation(self) -> float:
        """Measures the seconds of explaining one film of a list; 0 for a model that does not
        support explanations."""
        user, item_ids = self._sample_user(), self.guide.model.items_.ids[:20].tolist()
        started = time.perf_counter()
        try:
            for explanation in self.guide.explain_each(user, item_ids, 3):
                explanation.to_dict(3)
        except UnsupportedError:
            return 0.0
        return (time.perf_counter() - started) / len(item_ids)

    def _sample_user(self) -> UserState:
        """A user who gave the highest rating to the first 20 items."""
        model = self.guide.model
        return model.fold_in(dict.fromkeys(model.items_.ids[:20].tolist(), model.scale_.highest))
