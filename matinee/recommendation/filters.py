"""Filters: which items may appear in a list."""

from dataclasses import dataclass

from matinee.data.vocabulary import Id


@dataclass(frozen=True)
class Filters:
    """Which items may be recommended.

    Attributes:
        genres: an item needs at least one of these; empty: any genre, or none.
        not_genres: an item must have none of these.
        years: first and last year, both included; None is open. With a limit, items of unknown
            year are left out.
        min_ratings: items with fewer training ratings are left out.
        items: ids of the only items to choose from; None: all items. Ids that the model does
            not know are ignored, and the note of a list counts them.
        not_items: ids of items to leave out, whether the model knows them or not.

    Example:
        >>> filters = matinee.Filters(genres=("Horror",), years=(1970, 1989), min_ratings=100)
        >>> [line.film.title for line in guide.recommend(1, k=2, filters=filters)]
        ['Predator (1987)', 'The Thing (1982)']
    """

    genres: tuple[str, ...] = ()
    not_genres: tuple[str, ...] = ()
    years: tuple[int | None, int | None] = (None, None)
    min_ratings: int = 0
    items: tuple[Id, ...] | None = None
    not_items: tuple[Id, ...] = ()

    def __str__(self) -> str:
        parts = []
        if self.genres:
            parts.append(f"of genre {' or '.join(self.genres)}")
        if self.not_genres:
            parts.append(f"not of genre {' or '.join(self.not_genres)}")
        first, last = self.years
        if first and last:
            parts.append(f"from {first} to {last}")
        elif first:
            parts.append(f"from {first} on")
        elif last:
            parts.append(f"up to {last}")
        if self.min_ratings:
            parts.append(f"with at least {self.min_ratings} ratings")
        if self.items is not None:
            parts.append("in the given list")
        if self.not_items:
            parts.append("not in the list of items to leave out")
        return ", ".join(parts)


def seldom(floor: int, has_ratings: bool) -> str:
    """A phrase for items below a number of ratings or, for implicit feedback, of people."""
    if floor == 1 and has_ratings:
        return "without ratings"
    if floor == 1:
        return "that nobody has"
    if has_ratings:
        return f"with fewer than {floor} ratings"
    return f"that fewer than {floor} people have"
