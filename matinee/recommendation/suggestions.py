"""A list of recommended or similar items, as people see it."""

from dataclasses import dataclass
from typing import Any

from matinee.data.catalog import Film
from matinee.data.vocabulary import Id


@dataclass(frozen=True)
class Suggestion:
    """One line of a list.

    Attributes:
        score: what the list is sorted by, unless dials re-rank it: stars, a unitless score or
            a cosine.
        stars: the prediction; None for a model that only ranks.
        n_ratings: training ratings of the item.
        mean: the mean of these; None if there are none, and for implicit feedback.
        deviation: the standard deviation of the rating around the prediction, in stars; None
            for models that have no such estimate.
        members: in a list for a group, the score of each person (`GroupScores.members`), in
            the given order.
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
    """A list, best first, with a note if it is shorter than requested or needs an
    explanation."""

    items: list[Suggestion]
    note: str = ""
