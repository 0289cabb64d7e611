"""A person's ratings from the file that another site gave them, as ratings of a model's films.

Films are found by title and year. What is likely but not certain is told apart from what is certain, and what is not
found is told with its row and the reason, so that a person can look before anything is kept. Which files there are is
told in `export_files`.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from matinee.data.catalog import Film
from matinee.data.personal.site_exports import Row, read_rows
from matinee.data.ratings import Scale
from matinee.data.titles import names_of, split_year, title_key
from matinee.data.vocabulary import Id
from matinee.errors import DataError
from matinee.recommendation.guide import Guide

MOST_SECONDS = 8.0
"""To read one file; less than the server gives a request."""

_NUMBER = re.compile(r"[0-9]{1,3}([.,][0-9]{1,3})?")


class Match(NamedTuple):
    """A row of the file whose film is known, or probably known."""

    row: int
    """As a spreadsheet counts: the header is row 1."""
    title: str
    """As the file writes it, with its year if it gives one."""
    given: float
    """On the file's scale."""
    item_id: Id
    film: Film
    stars: float
    """On the model's scale; 1 for a model without stars, which only knows who has seen what."""
    doubt: str = ""
    """Why it may be another film; empty if it is certain."""


class Unmatched(NamedTuple):
    """A row of the file that gives no rating."""

    row: int
    title: str
    reason: str


@dataclass(frozen=True)
class Import:
    """What a file says, before anything of it is kept. Of two rows about one film the later counts.

    Attributes:
        source: whose file it is.
        scale_note: how its ratings became those of the model, as a sentence.
    """

    source: str
    scale_note: str
    matched: list[Match] = field(default_factory=list)
    doubtful: list[Match] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        """All rows but the header and blank ones."""
        return len(self.matched) + len(self.doubtful) + len(self.unmatched)


def read_export(content: bytes, guide: Guide) -> Import:
    """What an export says of the films of a model; a zip with a `ratings.csv` in it will do.

    Raises:
        DataError: it is too large, no table, or no table of these sites, or holds the ratings of several people, or
            takes longer than `MOST_SECONDS`.
    """
    deadline = time.monotonic() + MOST_SECONDS
    form, rows = read_rows(content)
    scale = form.scale or guide.model.scale_
    found = Import(form.source, _scale_note(form.source, scale, guide))
    known = _Known(guide)
    kept: dict[Id, Match] = {}
    for row in rows:
        if time.monotonic() > deadline:
            raise DataError(f"Reading the file took longer than {MOST_SECONDS:g} seconds; give a part of it.")
        try:
            match = _match(row, known, scale)
        except _NoMatchError as error:
            found.unmatched.append(Unmatched(row.row, row.shown, str(error)))
            continue
        if match.item_id in kept:
            earlier = kept.pop(match.item_id)
            reason = f"row {match.row} is about the same film, and the later one counts"
            found.unmatched.append(Unmatched(earlier.row, earlier.title, reason))
        kept[match.item_id] = match
    found.matched.extend(one for one in kept.values() if not one.doubt)
    found.doubtful.extend(one for one in kept.values() if one.doubt)
    found.unmatched.sort()
    return found


def on_scale(given: float, given_on: Scale, model_scale: Scale) -> float:
    """A rating on another scale: in proportion to the highest, or from end to end where a scale goes below zero.

    Rounded to the steps of the model's scale, halves up; 1 where there are no stars.
    """
    lowest, highest, step = model_scale
    if not model_scale.has_stars:
        return lowest
    if min(lowest, given_on.lowest) >= 0:
        stars = given * highest / given_on.highest
    else:
        stars = lowest + (given - given_on.lowest) / (given_on.highest - given_on.lowest) * (highest - lowest)
    if step:
        stars = lowest + int((stars - lowest) / step + 0.5 + 1e-9) * step
    return round(min(max(stars, lowest), highest), 6)


# -- films ---------------------------------------------------------------------------------------------------------


class _NoMatchError(Exception):
    """A row gives no rating; the text says why."""


class _Known:
    """The films of a model by all their names."""

    def __init__(self, guide: Guide) -> None:
        self.guide, self.scale = guide, guide.model.scale_

    @cached_property
    def _ids_by_part(self) -> dict[str, list[Id]]:
        ids: dict[str, list[Id]] = {}
        for item_id in self.guide.model.items_.ids.tolist():
            film = self.guide.catalogue.films.get(item_id)
            if film is None:
                continue
            for part in _parts(film.title):
                ids.setdefault(title_key(part), []).append(item_id)
        return ids

    def titled(self, title: str) -> list[Id]:
        """The films of this title, of any year."""
        bare, year = split_year(title)
        if year is None:
            bare = title
        return self._of_model(self.guide.catalogue.ids_of_title(bare, other_names=False))

    def named(self, title: str) -> list[Id]:
        """The films that share a name with this title, of any year."""
        return self._of_model(self.guide.catalogue.ids_of_name(title))

    def resembling(self, title: str) -> list[Id]:
        """The films whose title up to a colon or dash is this one, and the other way round."""
        keys = [title_key(name) for name in names_of(title)]
        longer = [item_id for key in keys for item_id in self._ids_by_part.get(key, ())]
        shorter = [item_id for part in _parts(title) for item_id in self.named(part)]
        return longer + shorter

    def _of_model(self, item_ids: Iterable[Id]) -> list[Id]:
        items = self.guide.model.items_
        return [item_id for item_id in item_ids if items.find(item_id) is not None]

    def by_id(self, text: str) -> Id | None:
        """The film of an id, None if there is none."""
        items = self.guide.model.items_
        index = items.find(text)
        return None if index is None else items.id(index)


def _parts(title: str) -> list[str]:
    """What stands before a colon or a dash in a film's title."""
    name = names_of(title)[0]
    parts = [name.partition(sign)[0].strip() for sign in (":", " - ") if sign in name]
    return [part for part in parts if part]


def _match(row: Row, known: _Known, scale: Scale) -> Match:
    given = _rating(row.rating, scale)
    item_id, doubt = _film(row, known)
    if row.kind and not doubt and ("series" in row.kind.lower() or "episode" in row.kind.lower()):
        doubt = f"the file calls it a {row.kind}"
    stars = on_scale(given, scale, known.scale)
    return Match(row.row, row.shown, given, item_id, known.guide.catalogue[item_id], stars, doubt)


def _rating(text: str, scale: Scale) -> float:
    if not text:
        raise _NoMatchError("it has no rating")
    given = float(text.replace(",", ".")) if _NUMBER.fullmatch(text.removeprefix("-")) else float("nan")
    given = -given if text.startswith("-") else given
    if not scale.allows(given):
        raise _NoMatchError(f"the rating '{text[:20]}' is not a number from {scale.lowest:g} to {scale.highest:g}")
    return given


def _film(row: Row, known: _Known) -> tuple[Id, str]:
    """The film of a row, and why it may be another."""
    by_id = known.by_id(row.item) if row.item else None
    if by_id is not None and row.titles and known.guide.catalogue[by_id].title == row.titles[0]:
        return by_id, ""
    for known_by in (known.titled, known.named):  # the second takes longer, and is seldom needed
        for title in row.titles:
            same = {one for one in known_by(title) if _year(known, one) == row.year}
            if len(same) == 1:
                return same.pop(), "" if row.year else "the file gives no year"
    if not row.titles:
        if by_id is not None:
            return by_id, "the file gives its number and no title"
        raise _NoMatchError("no film here has this number" if row.item else "it names no film")
    return _likely(row, known)


def _likely(row: Row, known: _Known) -> tuple[Id, str]:
    """The film whose title and year are nearly those of a row."""
    titled = [one for title in row.titles for one in (*known.titled(title), *known.named(title))]
    found = list(dict.fromkeys(titled or (one for title in row.titles for one in known.resembling(title))))
    if not found:
        raise _NoMatchError("no film here has this title")
    close = [one for one in found if _apart(_year(known, one), row.year) <= 1]
    if not close:
        years = ", ".join(sorted({str(_year(known, one)) for one in found})[:4])
        raise _NoMatchError(f"the film of this title here is from {years}")
    nearest = min(_apart(_year(known, one), row.year) for one in close)
    best = [one for one in close if _apart(_year(known, one), row.year) == nearest]
    if len(best) > 1:
        listed = "; ".join(known.guide.catalogue[one].title for one in best[:3])
        raise _NoMatchError(f"{len(best)} films here may be meant: {listed}")
    return best[0], _doubt(best[0], row, known)


def _doubt(item_id: Id, row: Row, known: _Known) -> str:
    year = _year(known, item_id)
    if row.year is None or year is None:
        return f"{'the file gives' if row.year is None else 'there is'} no year{'' if row.year is None else ' here'}"
    if year != row.year:
        return f"it is from {year} here, and from {row.year} in the file"
    return "its title here is longer or shorter"


def _year(known: _Known, item_id: Id) -> int | None:
    return known.guide.catalogue[item_id].year


def _apart(one: int | None, other: int | None) -> int:
    """Years between two; one that is not known may be any."""
    return 0 if one is None or other is None else abs(one - other)


def _scale_note(source: str, scale: Scale, guide: Guide) -> str:
    model_scale = guide.model.scale_
    if not model_scale.has_stars:
        return "This model knows no stars, only what people have seen: every film of the file counts as seen."
    if (scale.lowest, scale.highest) == (model_scale.lowest, model_scale.highest):
        return "The stars are taken as they are."
    examples = [scale.lowest, scale.highest - 3 * scale.step, scale.highest]
    told = ", ".join(f"{given:g} becomes {on_scale(given, scale, model_scale):g}" for given in examples)
    return f"{source} rates from {scale.lowest:g} to {scale.highest:g}, this site {model_scale}: {told}."
