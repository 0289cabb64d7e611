"""The film that a title of about the same year means, though it is written in another way: found
by the search of the pages, and strictly judged, because nobody has typed it here."""

import time
from difflib import SequenceMatcher

from matinee.data.catalog import Catalog
from matinee.data.titles import fold, names_of, split_year, title_key
from matinee.data.vocabulary import Id, Vocabulary

_YEARS_APART = 1
_LIKE = 0.88
_LONGEST_TITLE = 120
_FEWEST_WORDS = 2
"""A title of one word is part of too many others."""
_MOST_LOOKED_AT = 12


class NearTitles:
    """Searches among the films of a model, for a limited time in all."""

    def __init__(self, items: Vocabulary, catalog: Catalog, seconds: float) -> None:
        """
        Args:
            seconds: after so many, nothing is found any more.
        """
        self._items, self._catalog, self._seconds = items, catalog, seconds

    def find(self, title: str, year: int | None) -> Id | None:
        """The film, whose year is known to be the same or the next; None if none is near."""
        name = (split_year(title)[0] or title)[: _LONGEST_TITLE + 1]
        if year is None or self._seconds <= 0 or len(name) > _LONGEST_TITLE:
            return None
        started = time.monotonic()
        found = self._find(name, year)
        self._seconds -= time.monotonic() - started
        return found

    def _find(self, name: str, year: int) -> Id | None:
        search = self._catalog.title_search(self._items)
        for place in search.exact(name).tolist():
            if self._years_apart(place, year) <= _YEARS_APART:
                return self._items.id(place)
        found = search.search(name)
        n_words = len(title_key(name).split())
        for rank, place in enumerate(found.places[:_MOST_LOOKED_AT].tolist()):
            is_hit = rank < found.n_hits and n_words >= _FEWEST_WORDS
            apart = self._years_apart(place, year)
            if (is_hit and apart <= _YEARS_APART) or (apart == 0 and self._is_like(place, name)):
                return self._items.id(place)
        return None

    def _years_apart(self, place: int, year: int) -> int:
        film = self._catalog[self._items.id(place)]
        return abs(film.year - year) if film.year else 9999

    def _is_like(self, place: int, name: str) -> bool:
        key = fold(name)
        names = names_of(self._catalog[self._items.id(place)].title)
        return any(
            SequenceMatcher(None, key, fold(other), autojunk=False).ratio() >= _LIKE
            for other in names
        )
