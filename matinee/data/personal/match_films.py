"""The films of a model that a site's export is about: rows of `site_exports` become ratings.

Films are found by title and year. Likely matches are kept apart from certain ones, and each
row that gives no rating has a reason, so that a person can check before anything is stored.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from matinee.data.catalog import Catalog, Film
from matinee.data.personal.site_exports import Row, read_rows
from matinee.data.ratings import Scale
from matinee.data.titles import names_of, split_year, title_key
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError

#: For one file; less than the server allows a request.
MOST_SECONDS = 8.0

_NUMBER = re.compile(r"[0-9]{1,3}([.,][0-9]{1,3})?")


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
    """

    row: int
    title: str
    given: float
    item_id: Id
    film: Film
    stars: float
    doubt: str = ""


class Unmatched(NamedTuple):
    """A row of the file that gives no rating, and why.

    Attributes:
        row: its number as in a spreadsheet; the header is row 1.
        title: as the file writes it.
        reason: the end of a sentence.
        is_repeated: whether a later row is about the same film.
    """

    row: int
    title: str
    reason: str
    is_repeated: bool = False


@dataclass(frozen=True)
class Import:
    """What a file says, before any of it is stored. Of two rows about one film the later
    counts.

    Attributes:
        source: the site.
        scale_note: how its ratings became those of the model, as a sentence.
        matched, doubtful: ratings of certain and of likely films, in the order of the rows.
        unmatched: rows without a rating, in order.
    """

    source: str
    scale_note: str
    matched: list[Match] = field(default_factory=list)
    doubtful: list[Match] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)

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
) -> Import:
    """What a site's export says about the films of a model.

    Args:
        content: of the file, which may be a zip with a `ratings.csv` in it.
        items: that the model knows.
        catalog: their titles.
        scale: of the model.
        seconds: the longest time to spend.

    Raises:
        DataError: the file is too large, not a table, not of a known site, holds the ratings
            of several people, or takes too long.
    """
    deadline = time.monotonic() + seconds
    form, rows = read_rows(content)
    file_scale = form.scale or scale
    found = Import(form.source, _scale_note(form.source, file_scale, scale))
    known = _Known(items, catalog)
    match_of: dict[Id, Match] = {}
    for row in rows:
        if time.monotonic() > deadline:
            raise DataError(
                f"Reading the file took longer than {seconds:g} seconds; give a part of it."
            )
        try:
            match = _match(row, known, file_scale, scale)
        except _NoMatchError as error:
            found.unmatched.append(Unmatched(row.row, row.shown, str(error)))
            continue
        if match.item_id in match_of:
            earlier = match_of.pop(match.item_id)
            reason = f"row {match.row} is about the same film, and the later one counts"
            found.unmatched.append(Unmatched(earlier.row, earlier.title, reason, True))
        match_of[match.item_id] = match
    found.matched.extend(match for match in match_of.values() if not match.doubt)
    found.doubtful.extend(match for match in match_of.values() if match.doubt)
    found.unmatched.sort()
    return found


# -- scales ------------------------------------------------------------------------------


def on_scale(given: float, given_on: Scale, model_scale: Scale) -> float:
    """A rating converted to another scale.

    It is in proportion to the highest rating or, if a scale goes below zero, to the distance
    from the lowest one. The result is rounded to the steps of the model's scale, halves up; it
    is 1 if the model has no stars.
    """
    lowest, highest, step = model_scale
    if not model_scale.has_stars:
        return lowest
    if min(lowest, given_on.lowest) >= 0:
        stars = given * highest / given_on.highest
    else:
        share = (given - given_on.lowest) / (given_on.highest - given_on.lowest)
        stars = lowest + share * (highest - lowest)
    if step:
        stars = lowest + int((stars - lowest) / step + 0.5 + 1e-9) * step
    return round(min(max(stars, lowest), highest), 6)


def _scale_note(source: str, scale: Scale, model_scale: Scale) -> str:
    if not model_scale.has_stars:
        return (
            "This model does not use stars, only what people have seen: "
            "every film of the file counts as seen."
        )
    if (scale.lowest, scale.highest) == (model_scale.lowest, model_scale.highest):
        return "The stars are taken as they are."
    examples = ", ".join(
        f"{given:g} becomes {on_scale(given, scale, model_scale):g}"
        for given in (scale.lowest, scale.highest - 3 * scale.step, scale.highest)
    )
    return (
        f"{source} rates from {scale.lowest:g} to {scale.highest:g}; "
        f"the scale here is {model_scale}: {examples}."
    )


def _given(text: str, scale: Scale) -> float:
    if not text:
        raise _NoMatchError("it has no rating")
    given = float("nan")
    if _NUMBER.fullmatch(text.removeprefix("-")):
        given = float(text.replace(",", "."))
    if not scale.allows(given):
        limits = f"{scale.lowest:g} to {scale.highest:g}"
        raise _NoMatchError(f"the rating '{text[:20]}' is not a number from {limits}")
    return given


# -- films -------------------------------------------------------------------------------


class _NoMatchError(Exception):
    """A row gives no rating; the text says why."""


class _Known:
    """The films of a model by all their names."""

    def __init__(self, items: Vocabulary, catalog: Catalog) -> None:
        self._items = items
        self._catalog = catalog

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

    def film(self, item_id: Id) -> Film:
        """The film of an item."""
        return self._catalog[item_id]

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

    def resembling(self, title: str) -> list[Id]:
        """The films whose title up to a colon or dash is this one, and the other way round."""
        keys = [title_key(name) for name in names_of(title)]
        longer = [item_id for key in keys for item_id in self._ids_by_part.get(key, ())]
        shorter = [item_id for part in _parts(title) for item_id in self.named(part)]
        return longer + shorter

    def _of_model(self, item_ids: Iterable[Id]) -> list[Id]:
        return [item_id for item_id in item_ids if self._items.find(item_id) is not None]


def _parts(title: str) -> list[str]:
    """What stands before a colon or a dash in a film's title."""
    name = names_of(title)[0]
    parts = [name.partition(sign)[0].strip() for sign in (":", " - ") if sign in name]
    return [part for part in parts if part]


def _match(row: Row, known: _Known, file_scale: Scale, scale: Scale) -> Match:
    given = _given(row.rating, file_scale)
    item_id, doubt = _film(row, known)
    kind = row.kind.lower()
    if not doubt and ("series" in kind or "episode" in kind):
        doubt = f"the file calls it a {row.kind}"
    return Match(
        row=row.row,
        title=row.shown,
        given=given,
        item_id=item_id,
        film=known.film(item_id),
        stars=on_scale(given, file_scale, scale),
        doubt=doubt,
    )


def _film(row: Row, known: _Known) -> tuple[Id, str]:
    """The film of a row, and why it may be another."""
    by_id = None
    if row.item:
        by_id = known.by_id(row.item)
    if by_id is not None and row.titles and known.film(by_id).title == row.titles[0]:
        return by_id, ""
    for search in (known.titled, known.named):  # the second takes longer, and is seldom needed
        for title in row.titles:
            same = {item_id for item_id in search(title) if known.film(item_id).year == row.year}
            if len(same) == 1:
                return same.pop(), "" if row.year else "the file gives no year"
    if row.titles:
        return _likely(row, known)
    if by_id is not None:
        return by_id, "the file gives its number and no title"
    if row.item:
        raise _NoMatchError("no film here has this number")
    raise _NoMatchError("it names no film")


def _likely(row: Row, known: _Known) -> tuple[Id, str]:
    """The film whose title and year are nearly those of a row, and why it may be another."""
    candidates: list[Id] = []
    for title in row.titles:
        candidates += known.titled(title) + known.named(title)
    if not candidates:
        for title in row.titles:
            candidates += known.resembling(title)
    if not candidates:
        raise _NoMatchError("no film here has this title")
    distance = {item_id: _years_apart(known.film(item_id).year, row.year) for item_id in candidates}
    nearest = min(distance.values())
    if nearest > 1:
        years = sorted({str(known.film(item_id).year) for item_id in distance})
        raise _NoMatchError(f"the film of this title here is from {', '.join(years[:4])}")
    best = [item_id for item_id in distance if distance[item_id] == nearest]
    if len(best) > 1:
        listed = "; ".join(known.film(item_id).title for item_id in best[:3])
        raise _NoMatchError(f"{len(best)} films here may be meant: {listed}")
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
