"""Snapshots: one model as it was in its file at one time, and how requests ask it."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any, NamedTuple, TypeVar

from matinee.data.vocabulary import Id
from matinee.errors import OutOfScaleError, UnsupportedError
from matinee.models.base import UserState
from matinee.recommendation.guide import Guide
from matinee.web.http.problems import Problem
from matinee.web.serving.film_search import FilmIndex
from matinee.web.serving.work_queue import Lane

QUICK_SECONDS = 0.01
"""What is expected to take less than this is done at once, and otherwise in a lane. Python
lets one thread run for 5 ms before it is another's turn, so with a thread everybody would wait
as long, and the answer longer."""

Result = TypeVar("Result")


class Folded(NamedTuple):
    """A person as a model sees them by their ratings."""

    profile: UserState
    unknown: list[str]
    """Items that the model does not know; they do not count."""


class Snapshot:
    """One model as it was in its file at one time; `films` finds its films by title. Its
    attributes never change."""

    def __init__(self, name: str, guide: Guide, version: str) -> None:
        self.name, self.guide, self.version = name, guide, version
        self.loaded_at = time.time()
        self.films = FilmIndex(guide)
        self._index = {
            str(item_id): index for index, item_id in enumerate(guide.model.items_.ids.tolist())
        }
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

    async def ask(
        self, work: Callable[..., Result], *arguments: Any, ratings: int = 0, explained: int = 0
    ) -> Result:
        """`run` from an async function: at once if that is quick, and otherwise in a lane,
        where 503 is possible.

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
        """The index of an item, None if the model does not know it; faster than to search the
        vocabulary."""
        return self._index.get(str(item_id))

    def index_of(self, item_id: Id) -> int:
        """The index of an item; raises Problem, 404, if the model does not know it."""
        index = self.find(item_id)
        if index is None:
            hint = "Find films by title with /api/v1/films?q=..."
            raise Problem(
                404,
                "unknown-film",
                f"The model {self.name} knows no film with the id '{item_id}'. {hint}",
            )
        return index

    def fold_in(self, stars: Mapping[Id, float] | Mapping[str, float], *, strict: bool) -> Folded:
        """A person from {item id: stars}; with no known item, the average person.

        Args:
            strict: raise OutOfScaleError where stars are outside the scale, as a request must
                be told. Otherwise they
                are taken to its nearer end: ratings that were kept may be older than the
                    model.
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
                raise OutOfScaleError(
                    f"{given:g} stars for film '{item_id}' are outside the scale {model.scale_}."
                )
            else:
                known[model.items_.id(index)] = min(max(given, lowest), highest)
        return Folded(model.fold_in(known), unknown)

    def item_id(self, item_id: Id) -> Id:
        """An id as the model writes it, such as 7 for the text "7"; raises Problem, 404, if it
        is unknown."""
        return self.guide.model.items_.id(self.index_of(item_id))

    def known_ids(self, item_ids: Iterable[Id]) -> list[Id]:
        """The ids of those items that the model knows, as it writes them."""
        return [
            self.guide.model.items_.id(index)
            for index in self.indices(dict.fromkeys(item_ids, 0.0))
        ]

    def indices(self, stars: Mapping[Id, float] | Mapping[str, float]) -> dict[int, float]:
        """Item index -> stars, of the items that the model knows, in the same order."""
        known = {}
        for item_id, given in stars.items():
            index = self.find(item_id)
            if index is not None:
                known[index] = given
        return known

    def _tried(self) -> float:
        """Asks for a list, which compiles what is to be compiled and shows that the model
        works; the seconds."""
        started = time.perf_counter()
        self.guide.recommend(self._somebody(), 10)
        return time.perf_counter() - started

    def _explained(self) -> float:
        """The seconds to explain one film of a list; 0 for a model that cannot, and says so at
        once."""
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
