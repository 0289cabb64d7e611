"""Typographic posters: without pictures, the genre determines the color and the decade the
layout.

These functions return names of CSS classes; the stylesheet defines their appearance.
"""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from matinee.data.titles import display_title, spoken

GENRES = (
    "western", "musical", "film-noir", "documentary", "war", "animation", "horror", "sci-fi",
    "fantasy", "mystery", "children", "family", "crime", "romance", "thriller", "adventure",
    "action", "comedy", "drama",
)  # fmt: skip
"""Genres with a color, rarest first. A film gets the color of the first one that it has, because
a rare genre says more about it than a common one."""
_SYNONYMS = {
    "children-s": "children",
    "sci-fi-fantasy": "sci-fi",
    "science-fiction": "sci-fi",
    "noir": "film-noir",
}
N_OTHER = 6
"""Number of colors for films without any of these genres; the title determines which."""


class Poster(NamedTuple):
    """A poster's CSS classes and words."""

    classes: str
    name: str
    """The title as people say it, without year; see `film_name`."""
    year: str


def film_name(title: str) -> str:
    """The title as people say it, such as "The Matrix" for "Matrix, The (1999)"."""
    return spoken(title)[0] or title


def film_label(title: str, year: int | None) -> str:
    """Name and year, such as "The Matrix (1999)", for labels that must tell remakes apart."""
    return display_title(title, year)


def poster(title: str, year: int | None, genres: Sequence[str]) -> Poster:
    """The poster of a film."""
    name = film_name(title)
    classes = f"hue-{color_of(genres, title)} size-{_size_of(name)} era-{_era_of(year)}"
    return Poster(classes, name, str(year or ""))


def color_of(genres: Sequence[str], title: str) -> str:
    """The name of a color: that of the rarest genre, or else one chosen by the title."""
    names = set()
    for genre in genres:
        letters = "".join(c if c.isalnum() else " " for c in genre.casefold())
        name = "-".join(letters.split())
        names.add(_SYNONYMS.get(name, name))
    for genre in GENRES:
        if genre in names:
            return genre
    return f"other-{crc32(title.encode('utf-8', 'replace')) % N_OTHER}"


def _size_of(name: str) -> str:
    """Font size at which the name and its longest word fit."""
    longest_word = max((len(word) for word in name.split()), default=0)
    if len(name) > 48 or longest_word > 13:
        return "xs"
    if len(name) > 30 or longest_word > 10:
        return "s"
    if len(name) <= 9 and longest_word <= 7:
        return "l"
    return "m"


def _era_of(year: int | None) -> str:
    """Layout of the period; "x" if the year is unknown."""
    if not year:
        return "x"
    if year < 1950:
        return "a"
    if year < 1970:
        return "b"
    if year < 1990:
        return "c"
    return "d"
