"""The columns of a table whose header has none of the usual names: which one holds films, and
which one ratings, by words in the names and by what is in the columns.

What is guessed is said, and people see the films before anything is stored.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from matinee.data.personal.given_ratings import highest_in_name, is_no_rating, rating_in, time_in
from matinee.text import printable

_TITLE = ("title", "film", "movie", "titel", "titre", "titulo", "título", "titolo", "tytuł", "name")
_RATING = (
    "rating", "score", "star", "grade", "vote", "mark", "bewertung", "wertung", "punkte", "note",
    "nota", "sterne", "étoile", "puntua", "valutazione", "ocena", "cijfer", "betyg", "my",
)  # fmt: skip
_OF_OTHERS = (
    "average", "avg", "mean", "count", "num", "public", "critic", "imdb", "tmdb", "trakt", "users",
    "people", "community", "metacritic", "tomato", "votes",
)  # fmt: skip
"""Words in the names of ratings that are not the person's own."""
_YEAR = ("year", "jahr", "année", "annee", "año", "ano", "anno", "rok", "jaar")
_DATE = ("date", "datum", "fecha", "data", "watched", "seen", "gesehen", "rated on", "when")
_YEARS = range(1870, 2101)
_ENDS = (5, 10, 20, 100)
_SCALE = re.compile(r"\b(?:of|to|von|sur|de|bis)\s*(5|10|20|100)\b", re.IGNORECASE)
_MOST_SAMPLED = 500
_MOST_FILLED = 0.5


class Guessed(NamedTuple):
    """A table with usual names in its header, and a sentence on what was guessed."""

    rows: list[list[str]]
    note: str


class _Column(NamedTuple):
    number: int
    name: str
    cells: list[str]
    """Those that are not blank, of the first rows."""

    def is_called(self, words: Sequence[str]) -> bool:
        name = self.name.casefold()
        return any(word in name for word in words)

    def share_of(self, test: Callable[[str], object]) -> float:
        return sum(bool(test(cell)) for cell in self.cells) / max(1, len(self.cells))


def with_usual_names(rows: Sequence[Sequence[str]]) -> Guessed | None:
    """The table with "title", "rating", "year" and "date" in its header; None if the first row is
    no header, or it is not clear which column holds films or ratings."""
    place = next((n for n, row in enumerate(rows) if any(cell.strip() for cell in row)), None)
    if place is None:
        return None
    header = [cell.strip() for cell in rows[place]]
    if len(header) < 2 or any(_is_number(cell) for cell in header):
        return None
    sampled = rows[place + 1 : place + 1 + _MOST_SAMPLED]
    columns = [
        _Column(number, name, [c for row in sampled for c in row[number : number + 1] if c.strip()])
        for number, name in enumerate(header)
    ]
    columns = [column for column in columns if column.cells]
    rating = _rating_column(columns)
    if rating is None:
        return None
    title = _title_column([column for column in columns if column is not rating])
    if title is None:
        return None
    renamed = [f"unused {number}" for number in range(len(header))]
    rest = [column for column in columns if column not in (rating, title)]
    for column in rest:
        if column.is_called(_YEAR) and "year" not in renamed and column.share_of(_is_year) > 0.9:
            renamed[column.number] = "year"
        elif column.is_called(_DATE) and "date" not in renamed and column.share_of(_is_date) > 0.9:
            renamed[column.number] = "date"
    renamed[title.number], renamed[rating.number] = "title", f"rating{_end_of_scale(rating)}"
    note = (
        f"Read \u201c{printable(title.name[:40])}\u201d as the films and "
        f"\u201c{printable(rating.name[:40])}\u201d as the ratings."
    )
    return Guessed([*map(list, rows[:place]), renamed, *map(list, rows[place + 1 :])], note)


def _rating_column(columns: Sequence[_Column]) -> _Column | None:
    numeric = [column for column in columns if column.share_of(_is_rating) > 0.9]
    numeric = [column for column in numeric if not column.share_of(_is_year) > 0.9]
    named = [
        column
        for column in numeric
        if column.is_called(_RATING) and not column.is_called(_OF_OTHERS)
    ]
    return named[0] if named else None


def _title_column(columns: Sequence[_Column]) -> _Column | None:
    texts = [column for column in columns if column.share_of(_has_letters) > _MOST_FILLED]
    texts = [column for column in texts if column.share_of(_is_date) < _MOST_FILLED]
    for word in _TITLE:
        named = [column for column in texts if column.is_called((word,))]
        if named:
            return named[0]
    return texts[0] if len(texts) == 1 else None


def _end_of_scale(column: _Column) -> str:
    """The end of the scale as a part of the column's name; empty for the model's own scale."""
    named = _SCALE.search(column.name)
    if named is not None:
        return named[1]
    end = highest_in_name(column.name)
    ratings = [one for cell in column.cells if (one := rating_in(cell))]
    if end is not None or any(one.highest for one in ratings):
        return "" if end is None else f"{end:g}"
    highest = max((one.value for one in ratings), default=0)
    return next((str(end) for end in _ENDS if highest <= end), "") if highest > _ENDS[0] else ""


def _is_number(cell: str) -> bool:
    return rating_in(cell) is not None


def _is_rating(cell: str) -> bool:
    return is_no_rating(cell) or rating_in(cell) is not None


def _is_year(cell: str) -> bool:
    return cell.strip().isdecimal() and int(cell.strip()[:9]) in _YEARS


def _is_date(cell: str) -> bool:
    return not _is_rating(cell) and time_in(cell) is not None


def _has_letters(cell: str) -> bool:
    return any(letter.isalpha() for letter in cell)
