"""Guide: a model and its catalogue, for people: titles in, titles out, filters, and a sentence where one is needed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matinee.catalogue import Catalogue, Film, find_item
from matinee.errors import DataError, NotFittedError, SettingError, UnknownNameError
from matinee.models.base import Person, Profile, Recommender, Scored
from matinee.ratings import Id
from matinee.storage import Origin, load_model, save_model


@dataclass(frozen=True)
class Filters:
    """Which items may be recommended.

    Attributes:
        genres, not_genres: an item has at least one of the former (if any are given) and none of the latter.
        years: first and last year, ends included; None is open. Items of unknown year never pass a limit.
        min_ratings: items with fewer training ratings are left out.
    """

    genres: tuple[str, ...] = ()
    not_genres: tuple[str, ...] = ()
    years: tuple[int | None, int | None] = (None, None)
    min_ratings: int = 0

    def __str__(self) -> str:
        first, last = self.years
        parts = [
            f"of genre {' or '.join(self.genres)}" if self.genres else "",
            f"not of genre {' or '.join(self.not_genres)}" if self.not_genres else "",
            f"from {first} on" if first and not last else "",
            f"up to {last}" if last and not first else "",
            f"from {first} to {last}" if first and last else "",
            f"with at least {self.min_ratings} ratings" if self.min_ratings else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Suggestion:
    """One line of a list for people; `score` is what it is sorted by (stars, a rank score, or a cosine)."""

    item_id: Id
    film: Film
    score: float
    stars: float | None
    n_ratings: int
    mean: float | None
    """The mean of the item's training ratings; None without any."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "item_id": self.item_id,
            "title": self.film.title,
            "year": self.film.year,
            "genres": list(self.film.genres),
            "score": round(self.score, 4),
            "stars": None if self.stars is None else round(self.stars, 3),
            "n_ratings": self.n_ratings,
            "mean": None if self.mean is None else round(self.mean, 3),
        }


@dataclass(frozen=True)
class Suggestions:
    """A list, best first, and a sentence if it is shorter than asked for or something else must be said."""

    items: list[Suggestion]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Guide:
    """A fitted model, what its items are called, and where it comes from."""

    model: Recommender
    catalogue: Catalogue = field(default_factory=Catalogue)
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        if not self.model.is_fitted:
            raise NotFittedError(f"This {self.model.name} model has learnt nothing yet: call fit(ratings) first.")

    @classmethod
    def load(cls, path: str | Path, module: Any = None) -> Self:
        """From a `.matinee` file; raises ModelFileError if it is not a good one.

        Args:
            module: the PyTorch module, for a file with a network of your own.
        """
        return cls(*load_model(path, module))

    def save(self, path: str | Path) -> None:
        """Into a `.matinee` file."""
        save_model(path, self.model, self.catalogue, self.origin)

    def item_id(self, text: Id) -> Id:
        """The id of an item given by id or by title; raises UnknownNameError with suggestions."""
        return self.model.items_.id(find_item(text, self.model.items_, self.catalogue))

    def newcomer(self, ratings: Mapping[Any, float]) -> tuple[Profile, list[str]]:
        """A new person's profile from {id or title: stars}, and the items among them that nobody knows.

        Raises:
            DataError: none of the items is known, or a rating is outside the scale.
        """
        known: dict[Id, float] = {}
        unknown: list[str] = []
        for text, stars in ratings.items():
            try:
                known[self.item_id(text)] = stars
            except UnknownNameError as error:
                unknown.append(str(error))
        if ratings and not known:
            raise DataError(f"None of the {len(ratings)} items rated is known to this model. The first: {unknown[0]}")
        return self.model.fold_in(known), unknown

    def predict(self, person: Person, item: Id) -> float:
        """Stars for an item given by id or title."""
        return self.model.predict(person, self.item_id(item))

    def recommend(
        self,
        person: Person,
        k: int = 10,
        filters: Filters = Filters(),
        *,
        include_seen: bool = False,
    ) -> Suggestions:
        """The k best items for somebody that pass the filters; a sentence says why there are fewer, if so."""
        if k < 1:
            raise SettingError(f"k must be at least 1, not {k}.")
        allowed = self._allowed(filters)
        profile = self.model.profile(person)
        scored = self.model.recommend(profile, k, allowed=allowed, include_seen=include_seen)
        if len(scored) == k:
            return Suggestions(self._lines(scored))
        n_seen = 0 if include_seen else int(allowed[profile.item_index].sum())
        what = f"{int(allowed.sum()):,} of the {len(allowed):,} items are {filters}" if str(filters) else ""
        what = what or f"there are {len(allowed):,} items"
        seen = f", and {n_seen:,} of them are rated already" if n_seen else ""
        return Suggestions(self._lines(scored), f"{len(scored)} instead of {k}: {what}{seen}.")

    def similar(self, item: Id, k: int = 10, *, min_ratings: int | None = None) -> Suggestions:
        """The k items most alike, by cosine; a cosine shrinks where there are few ratings (see `Recommender.similar`).

        Few means one in five thousand of all ratings, but at least 5 and at most 50.

        Args:
            min_ratings: leave out items with fewer ratings; None: with few.
        """
        if k < 1:
            raise SettingError(f"k must be at least 1, not {k}.")
        few = int(np.clip(self.model.item_counts_.sum() // 5_000, 5, 50))
        if min_ratings is None:
            min_ratings = few
        allowed = self._allowed(Filters(min_ratings=min_ratings))
        scored = self.model.similar(self.item_id(item), k, allowed=allowed, shrinkage=few)
        short = f"{len(scored)} instead of {k}: " if len(scored) < k else ""
        left_out = int((~allowed).sum())
        note = f"{short}there are {len(allowed):,} items." if short else ""
        if left_out:
            note = f"{short}{left_out:,} items with fewer than {min_ratings} ratings are left out."
        return Suggestions(self._lines(scored), note)

    def _allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """(I,) mask of the items that pass."""
        allowed = self.model.item_counts_ >= filters.min_ratings
        wanted = {self.catalogue.genre_named(genre) for genre in filters.genres}
        unwanted = {self.catalogue.genre_named(genre) for genre in filters.not_genres}
        first, last = filters.years
        if not (wanted or unwanted or first or last):
            return allowed
        for index, item_id in enumerate(self.model.items_.ids.tolist()):
            film = self.catalogue[item_id]
            genres = set(film.genres)
            in_years = film.year is not None and (first or film.year) <= film.year <= (last or film.year)
            fits = (not wanted or wanted & genres) and not unwanted & genres and (in_years or not (first or last))
            allowed[index] &= bool(fits)
        return allowed

    def _lines(self, scored: list[Scored]) -> list[Suggestion]:
        lines = []
        for item_id, score, stars in scored:
            index = self.model.items_.index(item_id)
            count, mean = int(self.model.item_counts_[index]), float(self.model.item_means_[index])
            film = self.catalogue[item_id]
            lines.append(Suggestion(item_id, film, score, stars, count, mean if count else None))
        return lines
