"""Typographic posters, where there are no pictures: the title determines the color and the decade
the layout.

These functions return names of CSS classes; the stylesheet defines their appearance.
"""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from matinee.data.titles import display_title, spoken

N_HUES = 24
"""Number of hues; the title determines which."""
N_TONES = 3
"""Number of tones: dark, middle and light."""
_DARK = {"horror", "film-noir", "war"}
_LIGHT = {"animation", "children", "children's", "family", "musical"}


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


def poster(title: str, year: int | None, genres: Sequence[str] = ()) -> Poster:
    """The poster of a film: its title gives the hue, its genres the tone, its time the layout."""
    name = film_name(title)
    hue, tone = look_of(title, genres)
    classes = f"h{hue} t{tone} size-{_size_of(name)} era-{_era_of(year)}"
    return Poster(classes, name, str(year or ""))


def look_of(title: str, genres: Sequence[str] = ()) -> tuple[int, int]:
    """The numbers of the hue and the tone; the title determines both if the genres say nothing."""
    hue, tone = divmod(crc32(title.encode("utf-8", "replace")) % (N_HUES * N_TONES), N_TONES)
    names = {genre.casefold() for genre in genres}
    if names & _DARK:
        tone = 0
    elif names & _LIGHT:
        tone = 2
    return hue, tone


def _size_of(name: str) -> str:
    """Font size at which the name and its longest word fit."""
    longest_word = max((len(word) for word in name.split()), default=0)
    if len(name) > 48 or longest_word > 13:
        return "xs"
    if len(name) > 30 or longest_word > 10:
        return "s"
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
