"""A list of recommended or similar items, as people see it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from matinee.data.catalog import Film
from matinee.data.vocabulary import Id
from matinee.text import html_table

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Suggestion:
    """One line of a list.

    Attributes:
        score: what the list is sorted by, unless popularity or diversity re-rank it: a number
            without a unit, in some models a lower bound of the stars; in a list of similar items
            the cosine.
        stars: the predicted rating; None for a model that only ranks.
        n_ratings: training ratings of the item.
        mean: the mean of these; None if there are none, and for implicit feedback.
        deviation: the standard deviation of the rating around the prediction, in stars; None
            for models that have no such estimate.
        members: in a list for a group, the stars of each person, or their standardized score
            if the model only ranks (`GroupScores.members`), in the given order.
        percentile: the share of all items with a lower score, 0 to 1; None in a list of similar
            items, and for items that nobody has rated.
        shown: the stars as tables and pages show them: shrunk near the top of the scale (see
            `models.list_scores.shrunk`), so that equal stars are rare; None in a list for a
            group or of similar items, and without stars.
    """

    item_id: Id
    film: Film
    score: float
    stars: float | None
    n_ratings: int
    mean: float | None
    deviation: float | None = None
    members: tuple[float, ...] = ()
    percentile: float | None = None
    shown: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON.

        `deviation` is left out if there is none, and `members` in a list for one person.
        """
        line: dict[str, Any] = {
            "item_id": self.item_id,
            "title": self.film.title,
            "year": self.film.year,
            "genres": list(self.film.genres),
            "score": round(self.score, 4),
            "stars": _rounded(self.stars),
            "n_ratings": self.n_ratings,
            "mean": _rounded(self.mean),
            "percentile": None if self.percentile is None else round(self.percentile, 6),
        }
        if self.deviation is not None:
            line["deviation"] = _rounded(self.deviation)
        if self.members:
            line["members"] = [round(score, 3) for score in self.members]
        return line


def _rounded(stars: float | None) -> float | None:
    if stars is None:
        return None
    return round(stars, 3)


@dataclass(frozen=True)
class Suggestions:
    """A list, best first, with a note if it is shorter than requested or needs an explanation.

    It has a length, can be iterated and indexed, and shows as a table in a notebook.
    """

    items: list[Suggestion]
    note: str = ""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.items)

    @overload
    def __getitem__(self, position: int) -> Suggestion: ...

    @overload
    def __getitem__(self, position: slice) -> list[Suggestion]: ...

    def __getitem__(self, position: int | slice) -> Suggestion | list[Suggestion]:
        return self.items[position]

    def to_frame(self) -> "pl.DataFrame":
        """The list as a Polars frame, a row for each item.

        The columns are `rank`, from 1, and the fields of `Suggestion` with `title`, `year` and
        `genres` in place of `film` and without `shown`; `members` only in a list for a group.
        """
        import polars as pl  # slow to import

        columns: dict[str, Sequence[object]] = {
            "rank": list(range(1, len(self.items) + 1)),
            "item_id": [line.item_id for line in self.items],
            "title": [line.film.title for line in self.items],
            "year": [line.film.year for line in self.items],
            "genres": [list(line.film.genres) for line in self.items],
            "score": [line.score for line in self.items],
            "stars": [line.stars for line in self.items],
            "n_ratings": [line.n_ratings for line in self.items],
            "mean": [line.mean for line in self.items],
            "deviation": [line.deviation for line in self.items],
            "percentile": [line.percentile for line in self.items],
        }
        if any(line.members for line in self.items):
            columns["members"] = [list(line.members) for line in self.items]
        types: dict[str, pl.DataType | type[pl.DataType]] = {
            "rank": pl.Int32,
            "title": pl.String,
            "year": pl.Int32,
            "genres": pl.List(pl.String),
            "n_ratings": pl.Int64,
        }
        numbers = ("score", "stars", "mean", "deviation", "percentile")
        types |= dict.fromkeys(numbers, pl.Float64)
        return pl.DataFrame(columns, schema_overrides=types)

    def numbers(self, digits: int) -> list[str]:
        """The number beside each item: its stars as shown, with two decimals, or its score.

        Args:
            digits: decimals of a score.
        """
        texts = []
        for line in self.items:
            if line.stars is None:
                texts.append(f"{line.score:.{digits}f}")
            else:
                texts.append(f"{line.stars if line.shown is None else line.shown:.2f}")
        return texts

    def tops(self, digits: int) -> list[str]:
        """The share of all items with at least the score of each, such as "0.21%".

        Empty if the `numbers` alone tell the items apart.
        """
        numbers = self.numbers(digits)
        if len(set(numbers)) == len(numbers):
            return []
        if any(line.percentile is None for line in self.items):
            return []
        shares = [100 * (1 - (line.percentile or 0)) for line in self.items]
        return [f"{share:.0f}%" if share >= 10 else f"{share:.2g}%" for share in shares]

    def _repr_html_(self) -> str:
        """The list as notebooks show it."""
        has_stars = any(line.stars is not None for line in self.items)
        headings = ["", "title", "stars" if has_stars else "score", "ratings"]
        columns: list[Sequence[object]] = [
            range(1, len(self.items) + 1),
            [line.film.title for line in self.items],
            self.numbers(4),
            [f"{line.n_ratings:,}" for line in self.items],
        ]
        tops = self.tops(4)
        if tops:
            headings.insert(3, "top")
            columns.insert(3, tops)
        return html_table(headings, list(zip(*columns, strict=True)), [self.note])
