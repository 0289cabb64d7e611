"""Which items may appear in a list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Filters:
    """Which items may be recommended.

    Attributes:
        genres, not_genres: an item has at least one of the former (if any are given) and none of the latter.
        years: first and last year, ends included; None is open. Items of unknown year never pass a limit.
        min_ratings: items with fewer training ratings are left out.
    """

    genres: tuple[str, ...] = ()
    not_genres: tuple[str, ...] = ()
    years: tuple[int | None, int | None] = (None, None)
    min_ratings: int = 0

    def __str__(self) -> str:
        first, last = self.years
        parts = [
            f"of genre {' or '.join(self.genres)}" if self.genres else "",
            f"not of genre {' or '.join(self.not_genres)}" if self.not_genres else "",
            f"from {first} on" if first and not last else "",
            f"up to {last}" if last and not first else "",
            f"from {first} to {last}" if first and last else "",
            f"with at least {self.min_ratings} ratings" if self.min_ratings else "",
        ]
        return ", ".join(part for part in parts if part)


def seldom(floor: int, has_ratings: bool) -> str:
    """What is said of items below a number of ratings, or of people where there are no ratings."""
    if floor == 1:
        return "without ratings" if has_ratings else "that nobody has"
    return f"with fewer than {floor} ratings" if has_ratings else f"that fewer than {floor} people have"
