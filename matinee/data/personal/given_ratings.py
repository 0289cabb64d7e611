"""Ratings as people and sites write them: numbers, decimal commas, 4/5, 80%, stars; and dates."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

_NUMBER = re.compile(r"-?[0-9]{1,3}([.,][0-9]{1,6})?")
_FRACTION = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,3})?)\s*(?:/|of|out of)\s*([0-9]{1,3})")
_UNIT = re.compile(r"(?<=[0-9])\s*stars?$", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,3})?)\s*%")
_STARS = re.compile(r"([\u2605\u2b50*]{0,10})\ufe0f?([\u00bd]|1/2)?[\u2606]{0,10}")
_HIGHEST_IN_NAME = re.compile(r"(?<![0-9])(5|10|20|100)\s*[)\]]?\s*$")
_DATE_PARTS = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_FIRST_YEAR, _LAST_YEAR = 1970, 9999
_MILLISECONDS_FROM = 10**11


#: Ratings that mean "none", in lower case.
_NO_RATING = frozenset(
    ("", "-", "\u2013", "\u2014", "n/a", "na", "nan", "null", "none", "not rated", "unrated", "?")
)


def is_no_rating(text: str) -> bool:
    """Whether a cell says that there is no rating."""
    return text.strip().casefold() in _NO_RATING


class Given(NamedTuple):
    """A rating in a cell.

    Attributes:
        value: the number.
        highest: the end of its scale, if the cell says it, as "4/5" does; otherwise None.
    """

    value: float
    highest: float | None = None


def rating_in(text: str) -> Given | None:
    """The rating that a cell holds; None if it is none."""
    text = _UNIT.sub("", text.strip())
    if _NUMBER.fullmatch(text):
        return Given(_number(text))
    match = _FRACTION.fullmatch(text)
    if match is not None and float(match[2]) > 0:
        return Given(_number(match[1]), float(match[2]))
    match = _PERCENT.fullmatch(text)
    if match is not None:
        return Given(_number(match[1]), 100.0)
    match = _STARS.fullmatch(text)
    if match is not None and (match[1] or match[2]):
        return Given(len(match[1]) + (0.5 if match[2] else 0.0), 5.0)
    return None


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def highest_in_name(name: str) -> float | None:
    """The end of the scale that the name of a column says: 10 for "Rating10", "Score (1-10)"."""
    match = _HIGHEST_IN_NAME.search(name)
    if match is None:
        return None
    return float(match[1])


def time_in(text: str) -> int | None:
    """Seconds since 1970 of a date or a time; None if the text is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 13:
        number = int(text)
        if number >= _MILLISECONDS_FROM:
            number //= 1000
        return number if number > _LAST_YEAR else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        match = _DATE_PARTS.match(text)
        if match is None:
            return None
        try:
            moment = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC)
        except ValueError:
            return None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())
