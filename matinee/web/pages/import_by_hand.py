"""Rows of an import whose film a person says: a search box per row, and the films that it finds.

Everything is in the form, as in the review: the rows that were left out with their ratings, what
was typed for each, and the film that was chosen.
"""

from typing import NamedTuple

import orjson

from matinee.data.personal.match_films import Unmatched
from matinee.data.titles import fold
from matinee.recommendation.filters import Filters
from matinee.web.http.problems import Problem
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot
from matinee.web.settings import MAX_TEXT_LENGTH

MAX_ROWS = 500
N_CHOICES = 8
_NO_FILTERS = Filters()


class LeftOut(NamedTuple):
    """A row with a rating whose film is not known.

    Attributes:
        row: its number in the file.
        title: as the file writes it.
        typed: what the person searched for; at first the title without its year.
        choices: the films found for it.
        chosen: id of the film that is selected, as text; empty for none.
        reason: why its film is not known.
    """

    row: int
    title: str
    stars: float
    rated_at: int | None
    typed: str = ""
    choices: tuple[FilmSummary, ...] = ()
    chosen: str = ""
    reason: str = ""


def rows_to_match(unmatched: list[Unmatched]) -> list[LeftOut]:
    """The rows that can be matched by hand."""
    return [
        LeftOut(one.row, one.title, one.stars, one.rated_at, reason=one.reason)
        for one in unmatched
        if one.stars is not None and not one.is_repeated
    ][:MAX_ROWS]


def rows_to_json(rows: list[LeftOut]) -> str:
    """The rows as a value of the form."""
    return orjson.dumps([[one.row, one.title, one.stars, one.rated_at] for one in rows]).decode()


def rows_from_form(text: str, fields: dict[str, str]) -> list[LeftOut]:
    """The rows in a form with what was typed and chosen for them.

    Raises:
        Problem: 422, the text is invalid, which is possible because browsers send it.
    """
    try:
        return [_row(fields, *one) for one in orjson.loads(text or "[]")[:MAX_ROWS]]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        detail = "The form was damaged in transit. Upload the file again."
        raise Problem(422, "damaged-form", detail) from None


def _row(
    fields: dict[str, str], row: object, title: object, stars: object, rated_at: object
) -> LeftOut:
    if not isinstance(row, int) or not isinstance(title, str) or not isinstance(stars, int | float):
        raise TypeError
    if not isinstance(rated_at, int | None):
        raise TypeError
    typed = fields.get(f"q-{row}", "").strip()[:MAX_TEXT_LENGTH]
    chosen = fields.get(f"film-{row}", "")
    # A film that was chosen for other words counts no more
    if typed and fields.get(f"found-{row}", typed) != typed:
        chosen = ""
    return LeftOut(row, title[:200], float(stars), rated_at, typed, (), chosen)


def is_open(one: LeftOut, fields: dict[str, str]) -> bool:
    """Whether words were typed for a row for which no films have been shown yet."""
    return bool(one.typed) and not one.chosen and fields.get(f"found-{one.row}") != one.typed


def with_choices(snapshot: ModelSnapshot, rows: list[LeftOut]) -> list[LeftOut]:
    """The rows with the films that the search of all pages finds for what was typed."""
    found = []
    for one in rows:
        choices: tuple[FilmSummary, ...] = ()
        if fold(one.typed):  # letters or digits
            places = snapshot.films.search(one.typed, _NO_FILTERS, "relevance").indices
            choices = tuple(snapshot.films.summary(index) for index in places[:N_CHOICES].tolist())
        ids = [str(film["item_id"]) for film in choices]
        chosen = one.chosen if one.chosen in ids else ""
        if choices and not chosen:
            chosen = ids[0]
        found.append(one._replace(choices=choices, chosen=chosen))
    return found
