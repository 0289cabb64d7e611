"""Search for films by title, genre and year among the items of one model."""

from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from matinee.data.titles import article_first, fold, split_year, title_key
from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.text import nearest

_PRIOR_RATINGS = 20
"""When films are sorted by their means, each mean is shrunken towards the mean of all ratings as
if the film had this many additional average ratings."""


class SearchResult(NamedTuple):
    """Item indices of the films found, in order, and whether they are only similar in title to
    the search text."""

    indices: NDArray[np.int64]
    is_guess: bool


class FilmSummary(TypedDict):
    """The data of a film that the API and the pages show everywhere."""

    item_id: Id
    title: str
    year: int | None
    genres: list[str]
    n_ratings: int
    mean: float | None
    """None without ratings."""


class FilmIndex:
    """An index of the titles of a model's films that ignores accents, case and punctuation."""

    def __init__(self, guide: Guide) -> None:
        self._guide, model = guide, guide.model
        self._ids: list[Id] = model.items_.ids.tolist()
        films = [guide.catalog[item_id] for item_id in self._ids]
        self._keys = [title_key(film.title) for film in films]
        self._titles = [_spoken_title(film.title) for film in films]
        folded_titles = [fold(film.title) for film in films]
        self._counts, years = model.item_counts_, np.array([film.year or 0 for film in films])
        sums, n = np.nan_to_num(model.item_means_.astype(np.float64)) * self._counts, self._counts
        shrunken = (sums + _PRIOR_RATINGS * sums.sum() / max(1, n.sum())) / (n + _PRIOR_RATINGS)
        self._orders = {
            "popular": np.argsort(-self._counts, kind="stable"),
            "best": np.argsort(-shrunken, kind="stable"),
            "title": np.array(sorted(range(len(films)), key=folded_titles.__getitem__), np.int64),
            "newest": np.argsort(-years, kind="stable"),
            "oldest": np.argsort(np.where(years > 0, years, 9999), kind="stable"),
        }

    def search(self, text: str, filters: Filters, order: str) -> SearchResult:
        """Finds the films that match the filters and whose title contains, for each word of the
        text, a word that starts with it.

        Titles that start with the text come first. If no title contains all words, the result
        holds the most similar titles.

        Args:
            order: "popular", "best", "title", "newest" or "oldest".
        """
        allowed = self._guide.allowed(filters)
        ranked = self._orders[order]
        words = fold(text)
        if not words:
            return SearchResult(ranked[allowed[ranked]], False)
        key = title_key(text)
        first, others = [], []
        for index in ranked[allowed[ranked]].tolist():
            is_start = self._titles[index].startswith(words) or self._keys[index].startswith(words)
            if is_start or self._keys[index] == key:
                first.append(index)
            elif _has_words(self._titles[index], words):
                others.append(index)
        if first or others:
            return SearchResult(np.array(first + others, np.int64), False)
        if len(words) < 3:
            return SearchResult(np.empty(0, np.int64), False)
        index_of = {self._titles[index]: index for index in np.flatnonzero(allowed).tolist()}
        similar = [index_of[title] for title in nearest(words, index_of, 8)]
        return SearchResult(np.array(similar, np.int64), True)

    def summary(self, index: int) -> FilmSummary:
        """The summary of the film with an item index."""
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


def _spoken_title(title: str) -> str:
    """A folded title with its article in front and its year at the end: "the matrix 1999" for
    "Matrix, The (1999)"."""
    name, _ = split_year(title)
    year = title.strip().removeprefix(name)
    return fold(f"{article_first(name)} {year}")


def _has_words(title: str, words: str) -> bool:
    """Whether the title has, for each of the words, a word that starts with it."""
    padded = f" {title}"
    return all(f" {word}" in padded for word in words.split())
