"""A person's own ratings from a file, for the commands: of a site, or a table of films and stars.

The pages and the commands read files with the same reader (`match_films`). The commands take a
table such as movieId,rating for one that the person wrote, and stop at its first bad row.
"""

from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from matinee.data.catalog import Catalog
from matinee.data.personal.match_films import (
    BadRowError,
    Import,
    ImportRules,
    Match,
    Unmatched,
    match_films,
)
from matinee.data.personal.own_files import FileLimits
from matinee.data.personal.typed_tables import EXAMPLE, EXAMPLE_OF_FILMS
from matinee.data.ratings import Scale
from matinee.data.reading.options import ValueRange
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError
from matinee.text import counted

#: Rows of each kind that a note lists; further ones are only counted.
MOST_LISTED = 20

_RULES = ImportRules(
    is_strict=True,
    prefers_typed=True,
    limits=FileLimits(n_bytes=64 * 1024 * 1024, n_rows=500_000),
    seconds=inf,
)


@dataclass(frozen=True)
class PersonalRatings:
    """A person's ratings of items that a model knows.

    Attributes:
        stars: item id -> rating on the model's scale, in the order in which they were given.
        notes: sentences on how the file was read and what was left out of it.
        times: item id -> seconds since 1970, for the ratings whose dates the file gives.
    """

    stars: dict[Id, float]
    notes: list[str] = field(default_factory=list)
    times: dict[Id, int] = field(default_factory=dict)


def read_personal_ratings(
    path: Path,
    items: Vocabulary,
    catalog: Catalog,
    scale: Scale,
    *,
    file_scale: ValueRange | None = None,
    skip_bad_rows: bool = False,
) -> PersonalRatings:
    """The ratings in a file, of a site or typed by hand.

    Args:
        path: of the file.
        items: that the model knows.
        catalog: their titles.
        scale: of the model.
        file_scale: lowest and highest rating of the file, if it does not say them.
        skip_bad_rows: leave out bad rows of a typed table, instead of raising at the first.

    Raises:
        DataError: the file cannot be read, or has no rating of a known item.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"Cannot read the ratings in '{path}': {error.strerror}. {EXAMPLE}"
        ) from error
    if scale.has_stars and path.stem.lower().startswith("watchlist"):
        raise DataError(
            f"In {path}: a watchlist holds films that the person has not seen, and no ratings."
        )
    rules = replace(
        _RULES, scale=file_scale, is_strict=not skip_bad_rows, skips_outside=skip_bad_rows
    )
    try:
        found = match_films(content, items, catalog, scale, rules=rules)
    except BadRowError as error:
        raise DataError(
            f"{path}, row {error.row}: {error.problem.rstrip('.')}. "
            "--skip-bad-rows leaves out such rows."
        ) from None
    except DataError as error:
        told = str(error)
        if told.startswith("Row "):
            raise DataError(f"In {path}, row {told.removeprefix('Row ')}") from None
        raise DataError(f"In {path}: {told}") from None
    return _ratings(found, path, scale)


def _ratings(found: Import, path: Path, scale: Scale) -> PersonalRatings:
    """The ratings that were found, with notes; raises DataError if there are none."""
    matches = sorted(found.matched + found.doubtful)
    unrated = [row for row in found.unmatched if row.is_unrated]
    unmatched = [row for row in found.unmatched if not (row.is_repeated or row.is_unrated)]
    if not matches:
        raise DataError(_nothing_found(found, path, unmatched, unrated, scale))
    notes = [f"{path}: {note}" for note in found.notes]
    if not found.is_typed or found.is_converted:
        n_films = len(matches) + len(unmatched)
        source = "" if found.is_typed else f" as ratings from {found.source}"
        notes.append(
            f"Read {path}{source}: found {len(matches):,} of "
            f"{counted(n_films, 'film')}. {found.scale_note}"
        )
    elif not scale.has_stars and found.scale_note:
        notes.append(f"{path}: {found.scale_note}")
    if found.doubtful:
        notes.append(_doubt_note(found.doubtful))
    if unrated:
        rows = counted(len(unrated), "film")
        notes.append(f"Left out {rows} without a rating in {path}: {_titles(unrated)}.")
    if unmatched:
        notes.append(f"Skipped {counted(len(unmatched), 'row')} in {path}{_listed(unmatched)}")
    n_repeated = sum(row.is_repeated for row in found.unmatched)
    if n_repeated:
        notes.append(_repeated_note(path, n_repeated, scale))
    times = {one.item_id: one.rated_at for one in matches if one.rated_at is not None}
    return PersonalRatings({match.item_id: match.stars for match in matches}, notes, times)


def _nothing_found(
    found: Import, path: Path, unmatched: list[Unmatched], unrated: list[Unmatched], scale: Scale
) -> str:
    if unmatched:
        what = "no rating of a film" if scale.has_stars else "no film"
        return f"{path} has {what} that this model knows{_listed(unmatched)}"
    if unrated:
        films = counted(len(unrated), "film")
        return f"{path} has no ratings, only {films} without one: {_titles(unrated)}."
    if found.is_typed:
        example = EXAMPLE if scale.has_stars else EXAMPLE_OF_FILMS
        return f"'{path}' holds no ratings. {example}"
    return f"In {path}: this {found.source} file holds no ratings."


# -- lists in notes ----------------------------------------------------------------------


def _listed(rows: list[Unmatched]) -> str:
    """Every row and its reason, up to `MOST_LISTED`: on the same line if there is only one."""
    lines = [f"row {row.row}, '{row.title}': {_sentence(row.reason)}" for row in rows]
    return _lines(lines)


def _lines(lines: list[str]) -> str:
    if len(lines) == 1:
        return f": {lines[0]}"
    shown = lines[:MOST_LISTED]
    if len(lines) > len(shown):
        shown.append(f"and {len(lines) - len(shown):,} more.")
    return ":" + "".join(f"\n  {line}" for line in shown)


def _titles(rows: list[Unmatched]) -> str:
    shown = ", ".join(f"'{row.title}'" for row in rows[:MOST_LISTED])
    if len(rows) > MOST_LISTED:
        return f"{shown} and {len(rows) - MOST_LISTED:,} more"
    return shown


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _doubt_note(doubtful: list[Match]) -> str:
    lines = [
        f"row {one.row}, '{one.title}', is read as {one.film.title}: {_sentence(one.doubt)}"
        for one in doubtful
    ]
    return f"Likely but not certain: {counted(len(doubtful), 'film')}{_lines(lines)}"


def _repeated_note(path: Path, n_repeated: int, scale: Scale) -> str:
    rows = counted(n_repeated, "row")
    if scale.has_stars:
        return f"Repeated ratings in {path}: {rows}; the last rating counts."
    return f"Repeated films in {path}: {rows}; each film counts once."
