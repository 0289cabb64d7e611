"""Posters made of type: there are no pictures, so a film's colour comes from its genre and its layout from its time.

Only names of classes come out of here; the stylesheet says what they look like.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

from matinee.data.titles import spoken

GENRES = (
    "western", "musical", "film-noir", "documentary", "war", "animation", "horror", "sci-fi", "fantasy", "mystery",
    "children", "family", "crime", "romance", "thriller", "adventure", "action", "comedy", "drama",
)  # fmt: skip
"""Those that have a colour; the first that a film has decides, for the rare ones say most."""
_SAME = {"children-s": "children", "sci-fi-fantasy": "sci-fi", "science-fiction": "sci-fi", "noir": "film-noir"}
N_OTHER = 6
"""Colours for films of other genres or none, by their title."""


class Poster(NamedTuple):
    """How a film is drawn."""

    classes: str
    name: str
    """The title as people say it, without the year."""
    year: str


def poster(film: dict[str, Any]) -> Poster:
    """The poster of a film.

    Args:
        film: with title, year and genres, as in `answers`.
    """
    name = spoken(film["title"])[0] or film["title"]
    colour = colour_of(film["genres"], film["title"])
    longest = max((len(word) for word in name.split()), default=0)
    size = "xs" if len(name) > 48 or longest > 13 else "s" if len(name) > 30 or longest > 10 else "m"
    if len(name) <= 9 and longest <= 7:
        size = "l"
    year = film["year"]
    era = "x" if not year else "a" if year < 1950 else "b" if year < 1970 else "c" if year < 1990 else "d"
    return Poster(f"hue-{colour} size-{size} era-{era}", name, str(year or ""))


def colour_of(genres: Sequence[str], title: str) -> str:
    """The name of a colour: that of the rarest genre that has one, otherwise one by the title."""
    names = {"-".join("".join(c if c.isalnum() else " " for c in genre.casefold()).split()) for genre in genres}
    names = {_SAME.get(name, name) for name in names}
    known = next((genre for genre in GENRES if genre in names), None)
    return known or f"other-{crc32(title.encode('utf-8', 'replace')) % N_OTHER}"
