"""A list of items as people get it."""

from dataclasses import dataclass
from typing import Any

from matinee.data.catalog import Film
from matinee.data.vocabulary import Id


@dataclass(frozen=True)
class Suggestion:
    """One line of a list for people; `score` is what it is sorted by (stars, a rank score, or a cosine), but for dials.

    Attributes:
        members: in a list for a group, the score of each person (`GroupScores.members`), in the order given.
    """

    item_id: Id
    film: Film
    score: float
    stars: float | None
    n_ratings: int
    mean: float | None
    """The mean of the item's training ratings; None without any, and where there are no ratings but who has what."""
    deviation: float | None = None
    """How far, in stars, the rating would be from it (a standard deviation); None for models that cannot tell."""
    members: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON; with `members` only in a list for a group."""
        of_group = {"members": [round(score, 3) for score in self.members]} if self.members else {}
        return {
            "item_id": self.item_id,
            "title": self.film.title,
            "year": self.film.year,
            "genres": list(self.film.genres),
            "score": round(self.score, 4),
            "stars": None if self.stars is None else round(self.stars, 3),
            "n_ratings": self.n_ratings,
            "mean": None if self.mean is None else round(self.mean, 3),
            **({} if self.deviation is None else {"deviation": round(self.deviation, 3)}),
            **of_group,
        }


@dataclass(frozen=True)
class Suggestions:
    """A list, best first, and a sentence if it is shorter than asked for or something else must be said."""

    items: list[Suggestion]
    note: str = ""
