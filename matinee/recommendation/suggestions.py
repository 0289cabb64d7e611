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
        score: what the list is sorted by, unless dials re-rank it: a lower bound of the stars, a
            unitless score or a cosine.
        stars: the predicted rating; None for a model that only ranks.
        n_ratings: training ratings of the item.
        mean: the mean of these; None if there are none, and for implicit feedback.
        deviation: the standard deviation of the rating around the prediction, in stars; None
            for models that have no such estimate.
        members: in a list for a group, the stars of each person, or their standardized score
            if the model only ranks (`GroupScores.members`), in the given order.
    """

    item_id: Id
    film: Film
    score: float
    stars: float | None
    n_ratings: int
    mean: float | None
    deviation: float | None = None
    members: tuple[float, ...] = ()

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
        `genres` in place of `film`; `members` only in a list for a group.
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
        types |= dict.fromkeys(("score", "stars", "mean", "deviation"), pl.Float64)
        return pl.DataFrame(columns, schema_overrides=types)

    def _repr_html_(self) -> str:
        """The list as notebooks show it."""
        has_stars = any(line.stars is not None for line in self.items)
        heading = "stars" if has_stars else "score"
        rows = []
        for rank, line in enumerate(self.items, 1):
            value = f"{line.score:.4f}"
            if line.stars is not None:
                value = f"{line.stars:.2f}"
            rows.append((rank, line.film.title, value, f"{line.n_ratings:,}"))
        return html_table(("", "title", heading, "ratings"), rows, [self.note])
