"""Catalogue: what people know of an item (title, year, genres). Models never import it.

A title can be given wherever an item id can. `data.titles` says how titles are compared: "the godfather" finds
"Godfather, The (1972)", and "amelie" finds "Amélie (2001)".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.features import Features
from matinee.data.titles import names_of, title_key, year_of
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import UnknownNameError
from matinee.text import joined, nearest


@dataclass(frozen=True)
class Film:
    """One item for people: its title as the file writes it, its year (None if unknown) and its genres."""

    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()

    @property
    def decade(self) -> str:
        """Such as "1990s"; empty if the year is unknown."""
        if not self.year:
            return ""
        return f"{self.year // 10 * 10}s"


class Labels(NamedTuple):
    """Years and genres of some items, by index."""

    items: Vocabulary
    years: NDArray[np.int64]
    """(I,), 0 where it is unknown."""
    of_genre: dict[str, NDArray[np.bool_]]
    """Which items have a genre, (I,) each."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Item id -> Film, for the items whose titles are known; may be empty."""

    films: Mapping[Id, Film] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, item_id: Id) -> Film:
        """The film of an item id; an item without a title gets its id as title."""
        return self.films.get(item_id) or Film(str(item_id))

    @cached_property
    def _ids_by_key(self) -> dict[str, list[Id]]:
        ids: dict[str, list[Id]] = {}
        for item_id, film in self.films.items():
            ids.setdefault(title_key(film.title), []).append(item_id)
        return ids

    @cached_property
    def _ids_by_name(self) -> dict[str, list[Id]]:
        ids: dict[str, list[Id]] = {}
        for item_id, film in self.films.items():
            for key in dict.fromkeys(title_key(name) for name in names_of(film.title)):
                ids.setdefault(key, []).append(item_id)
        return ids

    @cached_property
    def genres(self) -> list[str]:
        """All genres that occur, sorted."""
        return sorted({genre for film in self.films.values() for genre in film.genres})

    def labels(self, items: Vocabulary) -> Labels:
        """Years and genres of some items; every genre of the catalogue is there."""
        films = [self[item_id] for item_id in items.ids.tolist()]
        genres = [set(film.genres) for film in films]
        of_genre = {name: np.array([name in of for of in genres], bool) for name in self.genres}
        return Labels(items, np.array([film.year or 0 for film in films], np.int64), of_genre)

    def features(self, items: Vocabulary) -> Features | None:
        """Genres, years and decades of all items; None if nothing is known that tells them apart."""
        labels = []
        for item_id in items.ids.tolist():
            film = self.films.get(item_id)
            of_film = [f"genre: {genre}" for genre in film.genres] if film else []
            if film and film.year:
                of_film += [f"year: {film.year}", f"decade: {film.decade.removesuffix('s')}"]
            labels.append(of_film)
        return Features.of(labels) if self.films else None

    def ids_of_title(self, text: str) -> list[Id]:
        """The ids of all items with this title or, if there are none, with this as one of their names.

        A year in brackets narrows them down; those whose title is exactly the text come alone.
        """
        year = year_of(text)
        for found in (self._ids_by_key.get(title_key(text), []), self.ids_of_name(text)):
            if year is not None:
                found = [item_id for item_id in found if self[item_id].year == year]
            if found:
                break
        typed = text.strip().casefold()
        exact = [item_id for item_id in found if self[item_id].title.casefold() == typed]
        return exact or found

    def ids_of_name(self, text: str) -> list[Id]:
        """The ids of all items that share a name with this title, whatever their years.

        The names of "Seven (a.k.a. Se7en) (1995)" are "Seven" and "Se7en".
        """
        keys = [title_key(name) for name in names_of(text)]
        found = [item_id for key in keys for item_id in self._ids_by_name.get(key, [])]
        return list(dict.fromkeys(found))

    def genre_named(self, text: str) -> str:
        """The genre as the file writes it.

        Raises:
            UnknownNameError: no item has this genre; the message lists those there are.
        """
        by_key = {genre.casefold(): genre for genre in self.genres}
        if text.casefold() not in by_key:
            known = f"The genres are: {', '.join(self.genres)}." if self.genres else "The data has no genres."
            raise UnknownNameError(f"no genre '{text}'. {known}")
        return by_key[text.casefold()]

    def restrict(self, item_ids: Iterable[Id]) -> "Catalogue":
        """The same catalogue with only the given items."""
        return Catalogue({item_id: self.films[item_id] for item_id in item_ids if item_id in self.films})


def find_item(text: Id, items: Vocabulary, catalogue: Catalogue) -> int:
    """The index of an item given by id or by title; "id:300" and "title:300" say which of the two is meant.

    Raises:
        UnknownNameError: nothing fits, or several titles do; the message suggests what to type.
    """
    kind, _, rest = str(text).partition(":")
    index = items.find(text)  # an id that itself begins with "id:" or "title:" is found as it is
    if index is None and kind == "id":
        index = items.find(rest)
    titled = catalogue.ids_of_title(str(text).removeprefix("title:"))
    if index is not None and isinstance(text, str) and kind != "id" and any(one != items.id(index) for one in titled):
        raise UnknownNameError(
            f"'{text}' is the id of {catalogue[items.id(index)].title} and the title of {catalogue[titled[0]].title}. "
            f"Give 'id:{text}' or 'title:{text}'."
        )
    if index is not None:
        return index
    known = [item_id for item_id in titled if items.find(item_id) is not None]
    if len(known) == 1:
        return items.index(known[0])
    text = str(text).removeprefix("title:").removeprefix("id:")
    if known:
        listed = "; ".join(f"{item_id} = {catalogue[item_id].title}" for item_id in known[:5])
        raise UnknownNameError(
            f"'{text}' is the title of {len(known)} items: {listed}. Give the id or the year in brackets."
        )
    if not catalogue:
        return items.index(text)
    keys = {
        title_key(film.title): item_id for item_id, film in catalogue.films.items() if items.find(item_id) is not None
    }
    ids = [keys[key] for key in nearest(title_key(text), keys)]
    close = joined([f"'{catalogue[item_id].title}' (id {item_id})" for item_id in ids], "or")
    hint = ""
    if close:
        hint = f" Did you mean {close}?"
    raise UnknownNameError(f"no item or title '{text}' among the {len(items):,} items.{hint}")
