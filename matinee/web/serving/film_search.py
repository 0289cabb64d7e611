"""Finding films by a few letters of their titles, genre and years, over one model's items."""

from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from matinee.data.titles import article_first, fold, split_year, title_key
from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.text import nearest

_CAUTION = 20
"""So many ratings of an average film are added to each film's before films are sorted by their
mean."""


class Found(NamedTuple):
    """Films in their order, by index, and whether their titles only resemble what was searched
    for."""

    indices: NDArray[np.int64]
    is_guess: bool


class FilmLine(TypedDict):
    """What the API and the pages say about any film."""

    item_id: Id
    title: str
    year: int | None
    genres: list[str]
    n_ratings: int
    mean: float | None
    """None without ratings."""


class FilmIndex:
    """The titles of a model's films, compared without accents, case and punctuation."""

    def __init__(self, guide: Guide) -> None:
        self._guide, model = guide, guide.model
        self._ids: list[Id] = model.items_.ids.tolist()
        films = [guide.catalog[item_id] for item_id in self._ids]
        self._keys = [title_key(film.title) for film in films]
        self._titles = [_as_typed(film.title) for film in films]
        by_title = [fold(film.title) for film in films]
        self._counts, years = model.item_counts_, np.array([film.year or 0 for film in films])
        sums, n = np.nan_to_num(model.item_means_.astype(np.float64)) * self._counts, self._counts
        shrunken = (sums + _CAUTION * sums.sum() / max(1, n.sum())) / (n + _CAUTION)
        self._orders = {
            "popular": np.argsort(-self._counts, kind="stable"),
            "best": np.argsort(-shrunken, kind="stable"),
            "title": np.array(sorted(range(len(films)), key=by_title.__getitem__), np.int64),
            "newest": np.argsort(-years, kind="stable"),
            "oldest": np.argsort(np.where(years > 0, years, 9999), kind="stable"),
        }

    def search(self, text: str, filters: Filters, order: str) -> Found:
        """All films that pass the filters and have a word for each word of the text, or a
        longer one that begins so.

        Titles that begin with the text come first. If no title has all words, the nearest
        titles are taken.
        """
        allowed = self._guide.allowed(filters)
        ranked = self._orders[order]
        words = fold(text)
        if not words:
            return Found(ranked[allowed[ranked]], False)
        key = title_key(text)
        first, others = [], []
        for index in ranked[allowed[ranked]].tolist():
            begins = self._titles[index].startswith(words) or self._keys[index].startswith(words)
            if begins or self._keys[index] == key:
                first.append(index)
            elif _holds(self._titles[index], words):
                others.append(index)
        if first or others:
            return Found(np.array(first + others, np.int64), False)
        if len(words) < 3:
            return Found(np.empty(0, np.int64), False)
        by_title = {self._titles[index]: index for index in np.flatnonzero(allowed).tolist()}
        return Found(
            np.array([by_title[title] for title in nearest(words, by_title, 8)], np.int64), True
        )

    def line(self, index: int) -> FilmLine:
        """What is said of a film, for JSON."""
        item_id = self._ids[index]
        film, count = self._guide.catalog[item_id], int(self._counts[index])
        mean = round(float(self._guide.model.item_means_[index]), 3) if count else None
        return {
            "item_id": item_id,
            "title": film.title,
            "year": film.year,
            "genres": list(film.genres),
            "n_ratings": count,
            "mean": mean,
        }


def _as_typed(title: str) -> str:
    """A title with its article in front and its year behind: "the matrix 1999" for "Matrix,
    The (1999)"."""
    name, _ = split_year(title)
    year = title.strip().removeprefix(name)
    return fold(f"{article_first(name)} {year}")


def _holds(title: str, words: str) -> bool:
    """Whether some word of the title begins with each of the words."""
    padded = f" {title}"
    return all(f" {word}" in padded for word in words.split())
