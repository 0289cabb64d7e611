"""The catalog: title, year and genres of items. Models never import it.

A title can be given wherever an item id can. `data.titles` says how titles are compared: "the
godfather" finds "Godfather, The (1972)", and "amelie" finds "Amélie (2001)".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from matinee.data.features import Features
from matinee.data.title_search import TitleSearch
from matinee.data.titles import joined_key, names_of, title_key, year_of
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import UnknownNameError
from matinee.text import joined

_MOST_SUGGESTED = 3


@dataclass(frozen=True)
class Film:
    """One item as people know it.

    Attributes:
        title: as the file writes it.
        year: None if unknown.
        genres: as the file writes them.
        imdb: its id on IMDb, such as "tt0114709"; empty if unknown.
        tmdb: its id on TMDB; None if unknown.
        tags: the tags that most people gave it, the most frequent first.

    Example:
        >>> film = matinee.Film("Alien (1979)", 1979, ("Horror", "Sci-Fi"))
        >>> film.decade
        '1970s'
    """

    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    imdb: str = ""
    tmdb: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def decade(self) -> str:
        """Such as "1990s"; empty if the year is unknown."""
        if not self.year:
            return ""
        return f"{self.year // 10 * 10}s"


class Labels(NamedTuple):
    """Years and genres of I items.

    Attributes:
        items: the items; the arrays are in their order.
        years: (I,), 0 where unknown.
        of_genre: genre -> the indices of the items that have it.
    """

    items: Vocabulary
    years: NDArray[np.int64]
    of_genre: dict[str, list[int]]

    def has_one_of(self, genres: Iterable[str]) -> NDArray[np.bool_]:
        """Which items have at least one of some genres, (I,)."""
        has_one = np.zeros(len(self.items), bool)
        for genre in genres:
            has_one[self.of_genre[genre]] = True
        return has_one


class _Made(NamedTuple):
    """A search, and what it was made of."""

    items: Vocabulary
    counts: NDArray[np.generic] | None
    search: TitleSearch


@dataclass(frozen=True, eq=False)
class Catalog:
    """Item id -> `Film`, for all items whose titles are known, rated or not; may be empty.

    Attributes:
        films: item id -> film.

    Example:
        >>> data.catalog.ids_of_title("the godfather")
        [88]
        >>> data.catalog[107].title
        'Alien (1979)'
    """

    films: Mapping[Id, Film] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, item_id: Id) -> Film:
        """The film with an item id; the title of an item that has none is its id.

        A text id such as "Alien (1979)" gives the year too.
        """
        return self.films.get(item_id) or film_of_id(item_id)

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
    def _id_by_imdb(self) -> dict[str, Id]:
        return {film.imdb: item_id for item_id, film in self.films.items() if film.imdb}

    @cached_property
    def _id_by_tmdb(self) -> dict[int, Id]:
        return {film.tmdb: item_id for item_id, film in self.films.items() if film.tmdb}

    def id_of_imdb(self, imdb: str) -> Id | None:
        """The item with an IMDb id such as "tt0114709"; None if there is none.

        Args:
            imdb: such as "tt0114709".
        """
        return self._id_by_imdb.get(imdb)

    def id_of_tmdb(self, tmdb: int) -> Id | None:
        """The item with a TMDB id; None if there is none.

        Args:
            tmdb: such as 862.
        """
        return self._id_by_tmdb.get(tmdb)

    @cached_property
    def genres(self) -> list[str]:
        """All genres that occur, sorted."""
        return sorted({genre for film in self.films.values() for genre in film.genres})

    def labels(self, items: Vocabulary) -> Labels:
        """The years, (I,), and genres of some items, with every genre of the catalog.

        Args:
            items: the vocabulary whose order the arrays have.
        """
        films = [self[item_id] for item_id in items.ids.tolist()]
        of_genre: dict[str, list[int]] = {genre: [] for genre in self.genres}
        for place, film in enumerate(films):
            for genre in film.genres:
                of_genre.setdefault(genre, []).append(place)
        years = np.array([film.year or 0 for film in films], np.int64)
        return Labels(items, years, of_genre)

    def features(self, items: Vocabulary) -> Features | None:
        """The genres, years and decades as features of items; None if all items have the same.

        Args:
            items: the vocabulary whose order the rows have.
        """
        if not self.films:
            return None
        return Features.of([self.feature_names(item_id) for item_id in items.ids.tolist()])

    def feature_names(self, item_id: Id) -> list[str]:
        """The labels of an item: "genre: Comedy", "year: 1995", "decade: 1990".

        Args:
            item_id: one that the catalog does not have has no labels.
        """
        film = self.films.get(item_id)
        if film is None:
            return []
        names = [f"genre: {genre}" for genre in film.genres]
        if film.year:
            names += [f"year: {film.year}", f"decade: {film.decade.removesuffix('s')}"]
        return names

    def id_of_text(self, text: Id) -> Id | None:
        """The id of an item, which may be given as text; None if the catalog does not have
        it.

        Args:
            text: such as 50 or "50".
        """
        if text in self.films:
            return text
        digits = str(text)
        if digits.isdecimal() and len(digits) < 20 and int(digits) in self.films:
            return int(digits)
        return None

    def ids_of_title(self, text: str, *, other_names: bool = True) -> list[Id]:
        """The ids of all items with this title.

        A year in brackets restricts them to that year. If some have exactly this title, only
        those are returned.

        Args:
            text: a title, in any case and with or without the year, accents and article.
            other_names: if no title matches, find items by their other names (see
                `ids_of_name`).
        """
        found = self._narrowed(self._ids_by_key.get(title_key(text), []), text)
        if found or not other_names:
            return found
        return self._narrowed(self.ids_of_name(text), text)

    def _narrowed(self, item_ids: list[Id], text: str) -> list[Id]:
        """The items of the year in a text; if some have exactly this title, only those."""
        year = year_of(text)
        if year is not None:
            item_ids = [item_id for item_id in item_ids if self[item_id].year == year]
        typed = text.strip().casefold()
        exact = [item_id for item_id in item_ids if self[item_id].title.casefold() == typed]
        return exact or item_ids

    def ids_of_name(self, text: str) -> list[Id]:
        """The ids of all items that share a name with this title, of any year.

        The names of "Seven (a.k.a. Se7en) (1995)" are "Seven" and "Se7en".

        Args:
            text: a title or another name of a film.
        """
        ids: dict[Id, None] = {}
        for name in names_of(text):
            ids |= dict.fromkeys(self._ids_by_name.get(title_key(name), []))
        return list(ids)

    def ids_written_alike(self, text: str) -> list[Id]:
        """The ids of all items with a name that differs from this title only in spaces and the
        way numbers are written, such as "Old Boy" and "Oldboy"; none for a title with a year.

        Args:
            text: a title.
        """
        if year_of(text) is not None:
            return []
        return self._ids_by_joined.get(joined_key(text), [])

    @cached_property
    def _ids_by_joined(self) -> dict[str, list[Id]]:
        ids: dict[str, list[Id]] = {}
        for item_id, film in self.films.items():
            keys = map(joined_key, names_of(film.title))
            for key in dict.fromkeys(keys):
                ids.setdefault(key, []).append(item_id)
        return ids

    def genre_named(self, text: str) -> str:
        """The genre as the file writes it, from a text in any case.

        Args:
            text: such as "sci-fi".

        Raises:
            UnknownNameError: no item has this genre; the message lists all genres.
        """
        for genre in self.genres:
            if genre.casefold() == text.casefold():
                return genre
        known = "The data has no genres."
        if self.genres:
            known = f"The genres are: {', '.join(self.genres)}."
        raise UnknownNameError(f"No genre '{text}'. {known}")

    def title_search(
        self, items: Vocabulary, counts: NDArray[np.generic] | None = None
    ) -> TitleSearch:
        """The search by title over some items; made once for the same items.

        Args:
            items: those to search.
            counts: (I,) ratings of each item; None: unknown.
        """
        with self._search_lock:
            made = self._searches.get(id(items))
            is_better = made is not None and made.counts is None and counts is not None
            if made is None or made.items is not items or is_better:
                films = [self[item_id] for item_id in items.ids.tolist()]
                known = np.zeros(len(films)) if counts is None else counts
                search = TitleSearch(
                    [film.title for film in films], [film.year for film in films], known
                )
                made = _Made(items, counts, search)
                self._searches.clear()  # models that share a catalog do not occur
                self._searches[id(items)] = made
            return made.search

    @cached_property
    def _searches(self) -> dict[int, "_Made"]:
        return {}

    @cached_property
    def _search_lock(self) -> Lock:
        return Lock()

    def restrict(self, item_ids: Iterable[Id]) -> "Catalog":
        """The same catalog with only the given items.

        Args:
            item_ids: ids that the catalog does not have are ignored.
        """
        return Catalog({key: self.films[key] for key in item_ids if key in self.films})


Catalogue = Catalog  # the former spelling


def film_of_id(item_id: Id) -> Film:
    """The film of an item without a title: its id, with the year if a text id ends in one."""
    title = str(item_id)
    if isinstance(item_id, str):
        return Film(title, year_of(title))
    return Film(title)


class AmbiguousNameError(UnknownNameError):
    """A text is the id of one item and the title of another."""


class NotRatedError(UnknownNameError):
    """An item is in the catalog, but nobody has rated it."""


def find_item(
    text: Id, items: Vocabulary, catalog: Catalog, counts: NDArray[np.generic] | None = None
) -> int:
    """The index of an item, by id or by title; the prefixes "id:" and "title:" say which is
    meant.

    Args:
        counts: (I,) ratings of each item, by which suggestions are ordered; None: unknown.

    Raises:
        UnknownNameError: no item matches, or several titles do; the message says what to type.
    """
    kind, _, rest = str(text).partition(":")
    # An id that itself begins with "id:" or "title:" is found as it is
    index = items.find(text)
    if index is None and kind == "id":
        index = items.find(rest)
    title = str(text).removeprefix("title:")
    if index is not None:
        is_own_title = catalog[items.id(index)].title == str(text)
        if isinstance(text, str) and kind != "id" and not is_own_title:
            titled = catalog.ids_of_title(title, other_names=False)
            _refuse_ambiguous(text, items.id(index), titled, catalog)
        return index
    titled = catalog.ids_of_title(title)
    ids = [key for key in titled if items.find(key) is not None]
    name = title.removeprefix("id:")
    if len(ids) == 1 and catalog[ids[0]].title.casefold() != title.strip().casefold():
        alike = [key for key in catalog.ids_written_alike(title) if items.find(key) is not None]
        ids = list(dict.fromkeys([*ids, *alike]))
    if len(ids) == 1:
        return items.index(ids[0])
    if ids:
        _refuse_several(name, ids, catalog)
    if not catalog:
        return items.index(name)
    if titled or (kind != "title" and catalog.id_of_text(name) is not None):
        raise NotRatedError(f"'{name}' is in the catalog, but nobody has rated it.")
    search = catalog.title_search(items, counts)
    same = search.exact(name).tolist()
    if len(same) == 1:
        return int(same[0])
    if same:
        _refuse_several(name, [items.id(place) for place in same], catalog)
    close = [items.id(place) for place in search.search(name).places[:_MOST_SUGGESTED].tolist()]
    hint = _suggestions(close, catalog)
    raise UnknownNameError(f"No item or title '{name}' among the {len(items):,} items.{hint}")


def find_unrated(text: Id, items: Vocabulary, catalog: Catalog) -> Id | None:
    """The id of an item of the catalog that is not among the items, by id or by title.

    None if there is none or more than one, or if an item has this id or title.
    """
    kind, _, rest = str(text).partition(":")
    if items.find(text) is not None or (kind == "id" and items.find(rest) is not None):
        return None
    found = catalog.id_of_text(rest if kind == "id" else text)
    if found is None and kind != "id":
        ids = catalog.ids_of_title(str(text).removeprefix("title:"))
        if len(ids) == 1:
            found = ids[0]
    if found is None or items.find(found) is not None:
        return None
    return found


def _refuse_ambiguous(text: str, item_id: Id, titled: list[Id], catalog: Catalog) -> None:
    """Raises AmbiguousNameError if a text is the id of one item and the title of another."""
    for other in titled:
        if other != item_id:
            raise AmbiguousNameError(
                f"'{text}' is the id of {catalog[item_id].title} and the title of "
                f"{catalog[other].title}. Give 'id:{text}' or 'title:{text}'."
            )


def _refuse_several(name: str, item_ids: list[Id], catalog: Catalog) -> NoReturn:
    """Raises UnknownNameError for the title of several items."""
    listed = "; ".join(f"{item_id} = {catalog[item_id].title}" for item_id in item_ids[:5])
    raise UnknownNameError(
        f"'{name}' is the title of {len(item_ids)} items: {listed}. "
        "Give the id or the year in brackets."
    )


def _suggestions(item_ids: list[Id], catalog: Catalog) -> str:
    """ " Did you mean 'Heat (1995)' (id 6)?", or an empty string without any item."""
    if not item_ids:
        return ""
    quoted = [f"'{catalog[item_id].title}' (id {item_id})" for item_id in item_ids]
    return f" Did you mean {joined(quoted, 'or')}?"
