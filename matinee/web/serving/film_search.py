"""Search for films by title, genre and year among the items of one model, and their order."""

from collections import Counter
from functools import cached_property
from threading import Thread
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from matinee.data.title_search import TitleSearch
from matinee.data.titles import article_first, display_title, fold, split_year
from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide

_PRIOR_RATINGS = 20
"""When films are sorted by their means, each mean is shrunken towards the mean of all ratings as
if the film had this many additional average ratings."""


_MOST_TAGS = 60
_FEWEST_FILMS_OF_TAG = 3
_COMMON_GENRE = 0.2


class SearchResult(NamedTuple):
    """Item indices of the films found, in order.

    The last `n_guesses` are only similar in title to the search text.
    """

    indices: NDArray[np.int64]
    n_guesses: int

    @property
    def is_guess(self) -> bool:
        """Whether no film matches the search text."""
        return 0 < self.n_guesses == len(self.indices)


class FilmSummary(TypedDict):
    """The data of a film that the API and the pages show everywhere."""

    item_id: Id
    title: str
    display_title: str
    """The title as people say it, with its year."""
    year: int | None
    genres: list[str]
    n_ratings: int
    mean: float | None
    """None without ratings."""
    imdb: str
    """Its id on IMDb; empty if unknown."""
    tmdb: int | None
    tags: list[str]
    """Most frequent first."""


class FilmIndex:
    """The films of a model in several orders, and the search by title and by filters."""

    def __init__(self, guide: Guide) -> None:
        self._guide, model = guide, guide.model
        self._ids: list[Id] = model.items_.ids.tolist()
        films = [guide.catalog[item_id] for item_id in self._ids]
        folded_titles = [fold(article_first(split_year(film.title)[0])) for film in films]
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
        # The first search need not wait for the index of titles
        Thread(target=self._title_search, daemon=True).start()

    def _title_search(self) -> TitleSearch:
        model = self._guide.model
        return self._guide.catalog.title_search(model.items_, model.item_counts_)

    def search(self, text: str, filters: Filters, order: str, tag: str = "") -> SearchResult:
        """Finds the films that match the filters and, if it has letters or digits, the text; see
        `data.title_search`.

        Args:
            order: "relevance", "popular", "best", "title", "newest" or "oldest". Films that only
                resemble the text come last in any order.
            tag: only films with this tag.
        """
        allowed = self._guide.allowed(filters) & self.with_tag(tag)
        ranked = self._orders.get(order, self._orders["popular"])
        if not fold(text):
            return SearchResult(ranked[allowed[ranked]], 0)
        found = self._title_search().search(text, allowed)
        hits, guesses = found.places[: found.n_hits], found.places[found.n_hits :]
        if order in self._orders:
            is_hit = np.zeros(len(ranked), bool)
            is_hit[hits] = True
            hits = ranked[is_hit[ranked]]
        return SearchResult(np.concatenate([hits, guesses]), len(guesses))

    def with_tag(self, tag: str) -> NDArray[np.bool_]:
        """Which films have a tag, (I,), in any case; all for an empty one."""
        if not tag:
            return np.ones(len(self._ids), bool)
        has_tag = np.zeros(len(self._ids), bool)
        has_tag[self._films_of_tag.get(tag.casefold(), [])] = True
        return has_tag

    @cached_property
    def _films_of_tag(self) -> dict[str, list[int]]:
        films: dict[str, list[int]] = {}
        for index, item_id in enumerate(self._ids):
            for tag in {tag.casefold() for tag in self._guide.catalog[item_id].tags}:
                films.setdefault(tag, []).append(index)
        return films

    @cached_property
    def top_tags(self) -> list[str]:
        """The tags that most films have, in alphabetical order."""
        n_films = {tag: len(films) for tag, films in self._films_of_tag.items()}
        several = [tag for tag in n_films if n_films[tag] >= _FEWEST_FILMS_OF_TAG]
        return sorted(sorted(several, key=lambda tag: (-n_films[tag], tag))[:_MOST_TAGS])

    @cached_property
    def common_genres(self) -> set[str]:
        """The genres that so many films have that they say little about one."""
        n_films = Counter(g for item_id in self._ids for g in self._guide.catalog[item_id].genres)
        return {genre for genre, n in n_films.items() if n > _COMMON_GENRE * len(self._ids)}

    @cached_property
    def decades(self) -> list[int]:
        """The decades with films, latest first, such as 1990."""
        years = (self._guide.catalog[item_id].year for item_id in self._ids)
        return sorted({year // 10 * 10 for year in years if year}, reverse=True)

    def summary(self, index: int) -> FilmSummary:
        """The summary of the film with an item index."""
        item_id = self._ids[index]
        film, count = self._guide.catalog[item_id], int(self._counts[index])
        mean = round(float(self._guide.model.item_means_[index]), 3) if count else None
        return {
            "item_id": item_id,
            "title": film.title,
            "display_title": display_title(film.title, film.year),
            "year": film.year,
            "genres": list(film.genres),
            "n_ratings": count,
            "mean": mean,
            "imdb": film.imdb,
            "tmdb": film.tmdb,
            "tags": list(film.tags),
        }
