"""The films of a model that a person's file is about: its rows become ratings.

Films are found by their ids on other sites, then by title and year. Likely matches are kept
apart from certain ones, and each row that gives no rating has a reason, so that a person can
check before anything is stored.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from matinee.data.catalog import AmbiguousNameError, Catalog, Film, NotRatedError, find_item
from matinee.data.personal.given_ratings import rating_in
from matinee.data.personal.given_scales import file_scale, on_scale, scale_note
from matinee.data.personal.near_titles import NearTitles
from matinee.data.personal.own_files import WEB_LIMITS, FileLimits
from matinee.data.personal.rows import Row
from matinee.data.personal.site_exports import Format, read_export
from matinee.data.ratings import Scale
from matinee.data.reading.options import ValueRange
from matinee.data.titles import names_of, numeral_key, split_year, title_key
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError, UnknownNameError

#: For one file; less than the server allows a request.
MOST_SECONDS = 8.0

_MOST_SUGGESTIONS = 10
_UNRATED = "it is in the catalog, but nobody has rated it"
_SHARE_OF_SEARCHES = 0.3
"""The part of the time that searches for titles written in another way may take."""
_NOT_A_FILM = ("series", "episode", "show", "season")
_NO_FILM = "no film here has this title"


@dataclass(frozen=True)
class ImportRules:
    """How to read a person's file.

    Attributes:
        scale: lowest and highest rating of the file, if it does not say them.
        is_strict: whether a bad row of a table that a person wrote stops the reading; in the
            files of sites, bad rows are always left out and reported.
        skips_outside: whether ratings outside the scale of such a table are left out; if not,
            they stop the reading, since the table may be on another scale.
        prefers_typed: see `read_export`.
        limits: the largest file.
        seconds: the longest time to spend.
    """

    scale: ValueRange | None = None
    is_strict: bool = False
    skips_outside: bool = False
    prefers_typed: bool = False
    limits: FileLimits = WEB_LIMITS
    seconds: float = MOST_SECONDS


class Match(NamedTuple):
    """A row of the file whose film is known, or probably known.

    Attributes:
        row: its number as in a spreadsheet; the header is row 1.
        title: as the file writes it, with its year if it gives one.
        given: the rating on the file's scale.
        item_id: of the film.
        film: in the model's catalog.
        stars: the rating on the model's scale; 1 for a model without stars, which knows only
            who has seen what.
        doubt: why it may be another film; empty if it is certain.
        rated_at: seconds since 1970, None if the file gives no date.
    """

    row: int
    title: str
    given: float
    item_id: Id
    film: Film
    stars: float
    doubt: str = ""
    rated_at: int | None = None


class Unmatched(NamedTuple):
    """A row of the file that gives no rating, and why.

    Attributes:
        row: its number as in a spreadsheet; the header is row 1.
        title: as the file writes it.
        reason: the end of a sentence.
        is_repeated: whether another row about the same film counts.
        is_unrated: whether it has no rating.
        stars: the rating on the model's scale, so that a person can say which film it is of;
            None if there is none, or another row counts.
        rated_at: as in a match.
    """

    row: int
    title: str
    reason: str
    is_repeated: bool = False
    is_unrated: bool = False
    stars: float | None = None
    rated_at: int | None = None


@dataclass(frozen=True)
class Import:
    """What a file says, before any of it is stored. Of two rows about one film the later
    counts, by their dates if both have one.

    Attributes:
        source: the site.
        scale_note: how its ratings became those of the model, as a sentence.
        matched, doubtful: ratings of certain and of likely films, in the order of the rows.
        unmatched: rows without a rating, in order.
        notes: sentences on what was guessed or not used.
        is_typed: whether a person wrote the table, rather than a site.
        is_converted: whether its ratings were on another scale.
    """

    source: str
    scale_note: str
    matched: list[Match] = field(default_factory=list)
    doubtful: list[Match] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_typed: bool = False
    is_converted: bool = False

    @property
    def n_rows(self) -> int:
        """Number of rows, without the header and blank ones."""
        return len(self.matched) + len(self.doubtful) + len(self.unmatched)


def match_films(
    content: bytes,
    items: Vocabulary,
    catalog: Catalog,
    scale: Scale,
    *,
    seconds: float = MOST_SECONDS,
    rules: ImportRules = ImportRules(),
) -> Import:
    """What a person's file says about the films of a model.

    Args:
        content: of the file, which may be a zip file with the ratings in it.
        items: that the model knows.
        catalog: their titles.
        scale: of the model.
        seconds: the longest time to spend, if `rules` do not say.
        rules: how to read it.

    Raises:
        DataError: the file is too large, not a table, holds the ratings of several people or
            ratings on an unknown scale, or takes too long.
    """
    if rules.seconds != MOST_SECONDS:
        seconds = rules.seconds
    deadline = time.monotonic() + seconds
    export = read_export(
        content,
        has_stars=scale.has_stars,
        prefers_typed=rules.prefers_typed,
        limits=rules.limits,
    )
    rows = list(export.rows)
    given_on = file_scale(export, rows, scale, rules.scale, skips_outside=rules.skips_outside)
    has_unused = any(row.rating for row in rows)
    found = Import(
        source=export.form.source,
        scale_note=scale_note(export.form, given_on, scale, has_unused),
        notes=list(export.notes),
        is_typed=export.form.is_typed,
        is_converted=given_on[:2] != scale[:2],
    )
    near = NearTitles(items, catalog, seconds * _SHARE_OF_SEARCHES)
    matcher = _Matcher(KnownFilms(items, catalog, near), export.form, given_on, scale)
    match_of: dict[Id, Match] = {}
    for row in rows:
        if time.monotonic() > deadline:
            raise DataError(
                f"Reading the file took longer than {seconds:g} seconds; give a part of it."
            )
        if row.problem and export.form.is_typed and rules.is_strict:
            raise BadRowError(row.row, row.problem)
        try:
            match = matcher.match(row)
        except NoMatchError as error:
            reason = str(error)
            found.unmatched.append(
                Unmatched(
                    row.row,
                    row.shown,
                    reason,
                    is_unrated=reason == _NO_RATING,
                    stars=matcher.stars(row) if row.titles and not row.problem else None,
                    rated_at=row.rated_at,
                )
            )
            continue
        _add(match, match_of, found.unmatched)
    found.matched.extend(match for match in match_of.values() if not match.doubt)
    found.doubtful.extend(match for match in match_of.values() if match.doubt)
    found.unmatched.sort()
    return found


class BadRowError(DataError):
    """A row of a table that a person wrote is bad; `row` is its number."""

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(f"row {row}: {problem}")
        self.row, self.problem = row, problem


def _add(match: Match, match_of: dict[Id, Match], unmatched: list[Unmatched]) -> None:
    """Adds a match in place of an earlier one of the same film, unless that has a later date."""
    other = match_of.get(match.item_id)
    if other is not None:
        counts, out = match, other
        reason = f"row {match.row} is about the same film, and the later one counts"
        has_dates = match.rated_at is not None and other.rated_at is not None
        if has_dates and (other.rated_at or 0) > (match.rated_at or 0):
            counts, out = other, match
            reason = f"row {other.row} is about the same film, and its rating is newer"
        unmatched.append(Unmatched(out.row, out.title, reason, is_repeated=True))
        del match_of[match.item_id]
        match = counts
    match_of[match.item_id] = match


# -- films -------------------------------------------------------------------------------


_NO_RATING = "it has no rating"


class NoMatchError(Exception):
    """A row gives no rating; the text says why."""


class KnownFilms:
    """The films of a model by all their names."""

    def __init__(self, items: Vocabulary, catalog: Catalog, near: NearTitles) -> None:
        self._items, self._catalog, self._near = items, catalog, near

    @cached_property
    def _ids_by_part(self) -> dict[str, list[Id]]:
        ids: dict[str, list[Id]] = {}
        for item_id in self._items.ids.tolist():
            film = self._catalog.films.get(item_id)
            if film is None:
                continue
            for part in _parts(film.title):
                ids.setdefault(title_key(part), []).append(item_id)
        return ids

    @cached_property
    def _ids_by_numeral(self) -> dict[str, list[Id]]:
        ids: dict[str, list[Id]] = {}
        for item_id in self._items.ids.tolist():
            film = self._catalog.films.get(item_id)
            if film is not None:
                for key in {numeral_key(name) for name in (film.title, *names_of(film.title))}:
                    ids.setdefault(key, []).append(item_id)
        return ids

    def film(self, item_id: Id) -> Film:
        """The film of an item."""
        return self._catalog[item_id]

    def typed(self, text: str) -> Id:
        """The item of an id or a title that a person wrote.

        Raises:
            UnknownNameError: there is none, or more than one.
        """
        return self._items.id(find_item(text, self._items, self._catalog))

    def on_other_site(self, imdb: str, tmdb: int | None) -> Id | None:
        """The item with an id on IMDb or TMDB.

        Raises:
            NoMatchError: nobody has rated it.
        """
        item_id = self._catalog.id_of_imdb(imdb) if imdb else None
        if item_id is None and tmdb is not None:
            item_id = self._catalog.id_of_tmdb(tmdb)
        if item_id is not None and self._items.find(item_id) is None:
            raise NoMatchError(_UNRATED)
        return item_id

    def is_unrated(self, title: str, year: int | None) -> bool:
        """Whether nobody has rated the film of a title and a year that the catalog holds."""
        bare = split_year(title)[0] or title
        films = [self.film(item_id) for item_id in self._catalog.ids_of_title(bare)]
        return any(year in (None, film.year) for film in films)

    def by_id(self, text: str) -> Id | None:
        """The item of an id, None if there is none."""
        index = self._items.find(text)
        if index is None:
            return None
        return self._items.id(index)

    def titled(self, title: str) -> list[Id]:
        """The films of this title, of any year."""
        bare, year = split_year(title)
        if year is None:
            bare = title
        return self._of_model(self._catalog.ids_of_title(bare, other_names=False))

    def named(self, title: str) -> list[Id]:
        """The films that share a name with this title, of any year."""
        return self._of_model(self._catalog.ids_of_name(title))

    def numbered(self, title: str) -> list[Id]:
        """The films of this title if "II", "Two" and "2" are the same, of any year."""
        return self._ids_by_numeral.get(numeral_key(title), [])

    def resembling(self, title: str) -> list[Id]:
        """The films whose title up to a colon or dash is this one, and the other way round."""
        keys = [title_key(name) for name in names_of(title)]
        longer = [item_id for key in keys for item_id in self._ids_by_part.get(key, ())]
        shorter = [item_id for part in _parts(title) for item_id in self.named(part)]
        return longer + shorter

    def near(self, titles: Iterable[str], year: int | None) -> Id | None:
        """The film of one of these titles written in another way; see `NearTitles`."""
        found = (self._near.find(title, year) for title in titles)
        return next((item_id for item_id in found if item_id is not None), None)

    def _of_model(self, item_ids: Iterable[Id]) -> list[Id]:
        return [item_id for item_id in item_ids if self._items.find(item_id) is not None]


def _parts(title: str) -> list[str]:
    """What stands before a colon or a dash in a film's title."""
    name = names_of(title)[0]
    parts = [name.partition(sign)[0].strip() for sign in (":", " - ") if sign in name]
    return [part for part in parts if part]


def known_films(items: Vocabulary, catalog: Catalog) -> KnownFilms:
    """The films of a model by all their names, without those that are only similar."""
    return KnownFilms(items, catalog, NearTitles(items, catalog, 0.0))


def film_of_row(row: Row, known: KnownFilms) -> tuple[Id, str]:
    """The film of a row without a rating, and why it may be another; empty if it is certain.

    Raises:
        NoMatchError: there is none.
    """
    found = known.on_other_site(row.imdb, row.tmdb)
    if found is not None:
        return found, ""
    return _film(row, known)


class _Matcher:
    """Rows of one file -> matches.

    Args:
        known: the films of the model.
        form: of the file.
        given_on: the scale of the file.
        scale: of the model.
    """

    def __init__(self, known: KnownFilms, form: Format, given_on: Scale, scale: Scale) -> None:
        self._known, self._form = known, form
        self._given_on, self._scale = given_on, scale
        self._n_suggestions = 0

    def match(self, row: Row) -> Match:
        """The film and the rating of a row.

        Raises:
            NoMatchError: it gives none.
        """
        if row.problem:
            raise NoMatchError(row.problem)
        given = self._given(row)
        item_id, doubt = self._film(row)
        if not doubt and _is_series(row.kind):
            doubt = f"the file calls it a {row.kind}"
        stars = self._on_scale(given)
        return Match(
            row=row.row,
            title=row.shown,
            given=given,
            item_id=item_id,
            film=self._known.film(item_id),
            stars=stars,
            doubt=doubt,
            rated_at=row.rated_at,
        )

    def stars(self, row: Row) -> float | None:
        """The rating of a row on the model's scale; None if it has none."""
        try:
            return self._on_scale(self._given(row))
        except NoMatchError:
            return None

    def _on_scale(self, given: float) -> float:
        if self._form.is_typed and self._given_on[:2] == self._scale[:2]:
            return given
        return on_scale(given, self._given_on, self._scale)

    def _given(self, row: Row) -> float:
        """The rating of a row on the scale of the file; how often, for a model without stars."""
        if not self._scale.has_stars:
            if self._form.is_typed:
                return float(row.rating) if self._form.has_counts and row.rating else 1.0
            if not row.rating and self._form.has_seen:
                return 1.0
        if not row.rating:
            raise NoMatchError(_NO_RATING)
        given = rating_in(row.rating)
        value = float("nan") if given is None else given.value
        if not self._given_on.allows(value):
            limits = f"{self._given_on.lowest:g} to {self._given_on.highest:g}"
            raise NoMatchError(f"the rating '{row.rating[:20]}' is not a number from {limits}")
        return value

    def _film(self, row: Row) -> tuple[Id, str]:
        """The film of a row, and why it may be another."""
        is_film = not _is_series(row.kind)
        # A series and a film may have the same number on TMDB
        found = self._known.on_other_site(row.imdb, row.tmdb if is_film else None)
        if found is not None:
            return found, ""
        if not row.typed:
            return _film(row, self._known)
        try:
            return self._known.typed(row.typed), ""
        except NotRatedError:
            raise NoMatchError(_UNRATED) from None
        except AmbiguousNameError as error:
            raise NoMatchError(str(error)) from None
        except UnknownNameError as error:
            reason = str(error).removesuffix(".")
        try:
            if row.titles:
                return _film(row._replace(item=""), self._known)
        except NoMatchError as error:
            self._n_suggestions += 1
            if self._n_suggestions > _MOST_SUGGESTIONS:
                reason = str(error)
        raise NoMatchError(reason)


def _is_series(kind: str) -> bool:
    """Whether a file calls something other than a film: "TV Series", "tvEpisode", "show", "tv"."""
    kind = kind.lower()
    return kind == "tv" or any(word in kind for word in _NOT_A_FILM)


def _film(row: Row, known: KnownFilms) -> tuple[Id, str]:
    """The film of a row by its titles and its item id, and why it may be another."""
    by_id = None
    if row.item:
        by_id = known.by_id(row.item)
    if by_id is not None and row.titles and known.film(by_id).title == row.titles[0]:
        return by_id, ""
    # The second and the third take longer, and are seldom needed
    searches: tuple[Callable[[str], list[Id]], ...] = (known.titled, known.named, known.numbered)
    for search in searches:
        for title in row.titles:
            same = {item_id for item_id in search(title) if known.film(item_id).year == row.year}
            if len(same) == 1:
                return same.pop(), "" if row.year else "the file gives no year"
    if row.titles:
        return _likely(row, known)
    if by_id is not None:
        return by_id, "the file gives its number and no title"
    if row.item or row.imdb or row.tmdb:
        raise NoMatchError("no film here has this number")
    raise NoMatchError("it names no film")


def _likely(row: Row, known: KnownFilms) -> tuple[Id, str]:
    """The film whose title and year are nearly those of a row, and why it may be another."""
    candidates: list[Id] = []
    for title in row.titles:
        candidates += known.titled(title) + known.named(title) + known.numbered(title)
    if not candidates and any(known.is_unrated(title, row.year) for title in row.titles):
        raise NoMatchError(_UNRATED)
    if not candidates:
        for title in row.titles:
            candidates += known.resembling(title)
    if not candidates:
        near = known.near(row.titles, row.year)
        if near is None:
            raise NoMatchError(_NO_FILM)
        candidates = [near]
    distance = {item_id: _years_apart(known.film(item_id).year, row.year) for item_id in candidates}
    nearest = min(distance.values())
    if nearest > 1:
        near = known.near(row.titles, row.year)
        if near is not None:
            return near, _doubt(known.film(near).year, row.year)
        years = sorted({str(known.film(item_id).year) for item_id in distance})
        raise NoMatchError(f"the film of this title here is from {', '.join(years[:4])}")
    best = [item_id for item_id in distance if distance[item_id] == nearest]
    if len(best) > 1:
        listed = "; ".join(known.film(item_id).title for item_id in best[:3])
        raise NoMatchError(f"{len(best)} films here match: {listed}")
    return best[0], _doubt(known.film(best[0]).year, row.year)


def _doubt(year: int | None, year_in_file: int | None) -> str:
    if year_in_file is None:
        return "the file gives no year"
    if year is None:
        return "there is no year here"
    if year != year_in_file:
        return f"it is from {year} here, and from {year_in_file} in the file"
    return "the title differs slightly"


def _years_apart(year: int | None, other: int | None) -> int:
    """Years between two; 0 if one is unknown, which may be any."""
    if year is None or other is None:
        return 0
    return abs(year - other)
