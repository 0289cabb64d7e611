"""A person's own ratings from a file: a site's export, or a CSV of films and stars.

What a file looks like decides how it is read. An export of Letterboxd, IMDb, MovieLens or
matinee, a zip included, has columns that no other table has: its films are matched by title
and year, and its stars are converted to the model's scale. Any other file is read as it is
(`ratings_csv`).
"""

from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from matinee.data.catalog import Catalog, find_item
from matinee.data.personal.match_films import Match, Unmatched, match_films
from matinee.data.personal.ratings_csv import EXAMPLE, PersonalRating, read_own_ratings
from matinee.data.personal.site_exports import format_of, is_zip
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError, UnknownNameError
from matinee.text import counted


@dataclass(frozen=True)
class PersonalRatings:
    """A person's ratings of items that a model knows.

    Attributes:
        stars: item id -> rating on the model's scale, in the order in which they were given.
        notes: sentences on how the file was read and what was left out of it.
    """

    stars: dict[Id, float]
    notes: list[str] = field(default_factory=list)


def read_personal_ratings(
    path: Path, items: Vocabulary, catalog: Catalog, scale: Scale
) -> PersonalRatings:
    """The ratings in a file, of a site or typed by hand.

    Args:
        path: of the file.
        items: that the model knows.
        catalog: their titles.
        scale: of the model.

    Raises:
        DataError: the file cannot be read, or has no rating of a known item.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"Cannot read the ratings in '{path}': {error.strerror}. {EXAMPLE}"
        ) from error
    try:
        if is_zip(content) or format_of(content, needs_ratings=scale.has_stars) is not None:
            return _from_export(content, path, items, catalog, scale)
    except DataError as error:
        raise DataError(f"In {path}: {error}") from None
    return _from_csv(content, path, items, catalog, scale)


# -- an export of a site -----------------------------------------------------------------


def _from_export(
    content: bytes, path: Path, items: Vocabulary, catalog: Catalog, scale: Scale
) -> PersonalRatings:
    found = match_films(content, items, catalog, scale, seconds=inf)
    matches = sorted(found.matched + found.doubtful)
    unmatched = [row for row in found.unmatched if not row.is_repeated]
    if not matches:
        raise DataError(_nothing_found(found.source, unmatched))
    n_films = len(matches) + len(unmatched)
    notes = [
        f"Read {path} as ratings from {found.source}: found {len(matches):,} of "
        f"{counted(n_films, 'film')}. {found.scale_note}"
    ]
    if found.doubtful:
        notes.append(_doubt_note(found.doubtful))
    if unmatched:
        first = unmatched[0]
        notes.append(
            f"Skipped {counted(len(unmatched), 'row')} in {path}. "
            f"The first, in row {first.row}, '{first.title}': {first.reason}."
        )
    n_repeated = len(found.unmatched) - len(unmatched)
    if n_repeated:
        notes.append(_repeated_note(path, n_repeated, scale))
    return PersonalRatings({match.item_id: match.stars for match in matches}, notes)


def _nothing_found(source: str, unmatched: list[Unmatched]) -> str:
    if not unmatched:
        return f"this {source} file holds no ratings."
    first = unmatched[0]
    return (
        f"this {source} file has no rating of a film that this model knows. "
        f"The first, in row {first.row}, '{first.title}': {first.reason}."
    )


def _doubt_note(doubtful: list[Match]) -> str:
    first = doubtful[0]
    return (
        f"Likely but not certain: {counted(len(doubtful), 'film')}. The first, in row {first.row}, "
        f"'{first.title}', is taken for {first.film.title}: {first.doubt}."
    )


# -- a CSV file of films and stars -------------------------------------------------------


def _from_csv(
    content: bytes, path: Path, items: Vocabulary, catalog: Catalog, scale: Scale
) -> PersonalRatings:
    rows = read_own_ratings(content, str(path), has_stars=scale.has_stars)
    _refuse_outside(rows, path, scale)
    stars: dict[Id, float] = {}
    unknown: dict[str, tuple[int, str]] = {}  # item -> its first row, and why
    for row in rows:
        try:
            item_id = items.id(find_item(row.item, items, catalog))
        except UnknownNameError as error:
            unknown.setdefault(row.item, (row.row, str(error)))
            continue
        stars.pop(item_id, None)  # to the end: the last rating counts
        stars[item_id] = row.stars
    if not stars:
        raise DataError(_none_known(rows, [reason for _, reason in unknown.values()], path))
    notes: list[str] = []
    if any(row.unused for row in rows):
        notes.append(
            f"This model does not use stars: every film in {path} counts as one "
            "that the person has."
        )
    if unknown:
        row_number, reason = next(iter(unknown.values()))
        notes.append(
            f"Skipped {counted(len(unknown), 'unknown film')} in {path}. "
            f"The first, in row {row_number}: {reason}"
        )
    n_repeated = len(rows) - len(unknown) - len(stars)
    if n_repeated:
        notes.append(_repeated_note(path, n_repeated, scale))
    return PersonalRatings(stars, notes)


def _refuse_outside(rows: list[PersonalRating], path: Path, scale: Scale) -> None:
    for row in rows:
        if not scale.allows(row.stars):
            raise DataError(
                f"In {path}, row {row.row}: the rating {row.stars:g} for '{row.film}' is outside "
                f"the scale {scale}. Convert ratings on another scale first."
            )


def _none_known(rows: list[PersonalRating], reasons: list[str], path: Path) -> str:
    first, last = rows[0].row, rows[-1].row
    where = f"In {path}, rows {first} to {last}"
    if first == last:
        where = f"In {path}, row {first}"
    if len(reasons) == 1:
        return f"{where}: The model does not know the only rated item: {reasons[0]}"
    none = f"The model knows none of the {len(reasons)} rated items."
    return f"{where}: {none} The first: {reasons[0]}"


def _repeated_note(path: Path, n_repeated: int, scale: Scale) -> str:
    rows = counted(n_repeated, "row")
    if scale.has_stars:
        return f"Repeated ratings in {path}: {rows}; the last rating counts."
    return f"Repeated films in {path}: {rows}; each film counts once."
