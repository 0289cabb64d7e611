"""What item ids mean: the films that a server's database keeps, compared with those of other data.

The same id can be one film in one data set and another film in the next: id 50 is Star Wars in
MovieLens-100k and The Usual Suspects in MovieLens-1M. Ratings must not move from one to the other.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from matinee.data.catalog import Catalog, Film
from matinee.data.titles import names_of, split_year, title_key
from matinee.data.vocabulary import Id, Vocabulary
from matinee.text import counted

MAX_EXAMPLES = 3
"""Number of contradictions that a message names."""
_YEARS_APART = 1
"""Years of the same film may differ by this much: catalogs count from different first nights."""
_LIKE_TITLES = 0.6
_LONGEST = 200  # letters of a title that are compared; the time grows with their square
"""The similarity from which two titles of the same id and year are spellings of one film."""
_MIN_SHARED = 0.9
"""Without titles to compare, catalogs are taken for the same if the smaller one shares this part
of its ids with the other."""


class KeptFilm(NamedTuple):
    """What an id means."""

    item_id: str
    title: str
    """As the file writes it; empty if the data has none."""
    year: int | None
    imdb: str
    tmdb: int | None


class Contradiction(NamedTuple):
    """An id that means different films."""

    kept: KeptFilm
    other: KeptFilm


def kept_films(items: Vocabulary, catalog: Catalog) -> list[KeptFilm]:
    """What the ids of a model mean, with those that only its catalog knows."""
    ids = dict.fromkeys([*items.ids.tolist(), *catalog.films])
    films = (_kept(item_id, catalog.films.get(item_id)) for item_id in ids)
    return [film for film in films if film.item_id == _storable(film.item_id)]


def _kept(item_id: Id, film: Film | None) -> KeptFilm:
    if film is None:
        return KeptFilm(str(item_id), "", None, "", None)
    tmdb = film.tmdb if film.tmdb is not None and 0 < film.tmdb < 2**63 else None
    return KeptFilm(str(item_id), _storable(film.title), film.year, film.imdb, tmdb)


def _storable(text: str) -> str:
    """The text without what databases refuse: NUL and invalid Unicode."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def fingerprint(films: Iterable[KeptFilm]) -> str:
    """A hash of all ids and what they mean, in any order."""
    digest = hashlib.sha256()
    for film in sorted(films):
        digest.update(repr(tuple(film)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def is_same_film(one: KeptFilm, other: KeptFilm) -> bool:
    """Whether two entries of the same id mean the same film: the same id on IMDb or TMDB, or the
    same or a similar title of about the same year. A film without a title can be any."""
    if one.imdb and one.imdb == other.imdb:
        return True
    if one.tmdb and one.tmdb == other.tmdb:
        return True
    if not one.title or not other.title:
        return not (one.imdb and other.imdb)
    if one.year and other.year and abs(one.year - other.year) > _YEARS_APART:
        return False
    keys, other_keys = _keys(one.title), _keys(other.title)
    if keys & other_keys:
        return True
    if not one.year or not other.year:
        return False
    return any(_are_alike(key, another) for key in keys for another in other_keys)


def _keys(title: str) -> set[str]:
    return {title_key(name) for name in names_of(title)}


def _are_alike(key: str, other: str) -> bool:
    if f" {key} " in f" {other} " or f" {other} " in f" {key} ":
        return True
    first, second = key[:_LONGEST], other[:_LONGEST]
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _LIKE_TITLES


def contradictions(kept: Mapping[str, KeptFilm], others: Iterable[KeptFilm]) -> list[Contradiction]:
    """The ids that mean other films than those that are kept.

    Args:
        kept: by item id.
    """
    found = []
    for other in others:
        known = kept.get(other.item_id)
        if known is not None and known != other and not is_same_film(known, other):
            found.append(Contradiction(known, other))
    return found


def is_other_catalog(kept: Mapping[str, KeptFilm], others: Sequence[KeptFilm]) -> bool:
    """Whether two catalogs without comparable titles have too few ids in common to be one."""
    comparable = any(
        film.title and film.item_id in kept and kept[film.item_id].title for film in others
    )
    smaller = min(len(kept), len(others))
    if comparable or not smaller:
        return False
    return sum(film.item_id in kept for film in others) < _MIN_SHARED * smaller


def describe_contradictions(found: Sequence[Contradiction]) -> str:
    """Examples, such as "id 50 is 'Star Wars (1977)' in the database and 'The Usual Suspects
    (1995)' here"."""
    texts = [
        f"id {kept.item_id} is {shown_title(kept)} in the database and {shown_title(other)} here"
        for kept, other in found[:MAX_EXAMPLES]
    ]
    text = "; ".join(texts)
    if len(found) > MAX_EXAMPLES:
        text += f"; {counted(len(found) - MAX_EXAMPLES, 'more id')}"
    return text


def shown_title(film: KeptFilm) -> str:
    """The title in quotes, with its year; "a film without a title" if it has none."""
    if not film.title:
        return "a film without a title"
    title, year = split_year(film.title)
    shown_year = f" ({year or film.year})" if year or film.year else ""
    return f"'{title[:80]}{shown_year}'"


def _has_same_title(one: KeptFilm, other: KeptFilm) -> bool:
    if not one.title or not other.title:
        return False
    return bool(_keys(one.title) & _keys(other.title)) or is_same_film(one, other)


class FilmMatcher:
    """Finds the films of a data set by what ids meant elsewhere."""

    def __init__(self, films: Iterable[KeptFilm]) -> None:
        self._by_id = {film.item_id: film for film in films}
        self._by_imdb: dict[str, list[str]] = {}
        self._by_tmdb: dict[int, list[str]] = {}
        self._by_title: dict[str, list[str]] = {}
        for film in self._by_id.values():
            if film.imdb:
                self._by_imdb.setdefault(film.imdb, []).append(film.item_id)
            if film.tmdb:
                self._by_tmdb.setdefault(film.tmdb, []).append(film.item_id)
            for key in _keys(film.title) if film.title else ():
                self._by_title.setdefault(key, []).append(film.item_id)

    def find(self, kept: KeptFilm) -> str | None:
        """The id of the film here: by its id on IMDb or TMDB, else under the same id, else by
        title and year. None if it is not here, or if several fit."""
        for found in (
            self._by_imdb.get(kept.imdb, []) if kept.imdb else [],
            self._by_tmdb.get(kept.tmdb, []) if kept.tmdb else [],
        ):
            if len(found) == 1:
                return found[0]
        same = self._by_id.get(kept.item_id)
        if same is not None and _has_same_title(kept, same):
            return same.item_id
        for years_apart in range(_YEARS_APART + 1):
            found = self._of_title(kept, years_apart)
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def _of_title(self, kept: KeptFilm, years_apart: int) -> list[str]:
        """The films of the same title whose years are so far apart, both unknown counting as 0."""
        if not kept.title:
            return []
        candidates = {one for key in _keys(kept.title) for one in self._by_title.get(key, [])}
        return sorted(
            one
            for one in candidates
            if abs((self._by_id[one].year or 0) - (kept.year or 0)) == years_apart
        )
