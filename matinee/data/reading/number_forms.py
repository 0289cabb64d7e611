"""Numbers as people and spreadsheets write them: 3.5, 3,5, 1.234,5, 2,468, 1 234.

One column has one notation: which of point and comma separates the decimals is decided by all
cells together.
"""

import re
from collections.abc import Mapping, Sequence

from matinee.data.reading.cells import ValueRules, shown
from matinee.data.reading.sniff import plain_number
from matinee.errors import DataError

_GROUP_SPACE = "[ \u00a0\u202f\u2009'\u2019]"
_SPACED = re.compile(rf"^[+\u2212-]?[0-9]{{1,3}}(?:{_GROUP_SPACE}[0-9]{{3}})+(?:[.,][0-9]+)?$")
_MINUS = "\u2212"
_SPACES = re.compile(_GROUP_SPACE)
_MARKED = re.compile(r"^[+-]?(?:[0-9][0-9.,]*|[.,][0-9]+)$")
_EITHER = {mark: re.compile(rf"^[+-]?[1-9][0-9]{{0,2}}\{mark}[0-9]{{3}}$") for mark in ",."}
_GROUPS = {mark: re.compile(rf"^[+-]?[1-9][0-9]{{0,2}}(?:\{mark}[0-9]{{3}})+$") for mark in ",."}
_OTHER = {",": ".", ".": ","}


def without_group_spaces(text: str) -> str:
    """1 234 as 1234, with the minus sign of a keyboard; other texts are returned unchanged."""
    if _SPACED.match(text):
        text = _SPACES.sub("", text)
    return text.replace(_MINUS, "-")


def number(text: str, decimal: str) -> float | None:
    """The value of a number with the given decimal mark; the other mark may separate
    thousands. None for anything else."""
    text = without_group_spaces(text)
    if decimal == "." and plain_number(text):
        return float(text)
    whole, mark, fraction = text.partition(decimal)
    other = _OTHER[decimal]
    if other in whole:
        if not _GROUPS[other].match(whole):
            return None
        whole = whole.replace(other, "")
    plain = f"{whole}.{fraction}" if mark else whole
    if not plain_number(plain):
        return None
    return float(plain)


def decimal_mark(weights: Mapping[str, int], rules: ValueRules) -> str:
    """The decimal mark of a column, "." or ",".

    Args:
        weights: text -> how many rows hold it; texts that are not numbers do not matter.

    Raises:
        DataError: both readings are possible.
    """
    if rules.options.decimal is not None:
        return rules.options.decimal
    cells = {without_group_spaces(text): weight for text, weight in weights.items()}
    cells = {text: weight for text, weight in cells.items() if _MARKED.match(text)}
    votes = {",": 0, ".": 0}
    for text, weight in cells.items():
        mark = _evidence(text)
        if mark:
            votes[mark] += weight
    if votes[","] or votes["."]:
        return max(".,", key=votes.__getitem__)  # the point if both occur as often
    comma = [text for text in cells if _EITHER[","].match(text)]
    point = [text for text in cells if _EITHER["."].match(text)]
    whole = [text for text in cells if text.isdecimal()]
    is_count = rules.kind == "count"
    if not comma and not (point and is_count):
        return "."
    if is_count and not (comma and point):
        if comma:
            return "."  # three digits after a comma in a count are thousands
        if whole and all(len(text) < 4 for text in whole):
            return ","  # counts up to 999 beside 1.234
    raise _ambiguous((comma or point)[0], rules)


def _evidence(text: str) -> str | None:
    """The decimal mark that a number in itself shows; None if it may be either."""
    last = max(text.rfind(","), text.rfind("."))
    if last < 0:
        return None
    mark = text[last]
    if _OTHER[mark] in text:
        return mark  # 1.234,5
    if text.count(mark) > 1:
        return _OTHER[mark]  # 1,234,567
    if _EITHER[mark].match(text):
        return None
    return mark


def _ambiguous(text: str, rules: ValueRules) -> DataError:
    mark = "," if "," in text else "."
    as_decimal = number(text, mark) or 0.0
    as_group = number(text, _OTHER[mark]) or 0.0
    return DataError(
        f"{rules.label}: {shown(text)} in the column '{rules.column('rating')}' may be "
        f"{as_decimal:g} or {as_group:,.0f}. Give --decimal {mark} for {as_decimal:g}, or "
        f"--decimal {_OTHER[mark]} for {as_group:,.0f}."
    )


def numbers(weights: Mapping[str, int], rules: ValueRules) -> dict[str, float]:
    """The values of those texts that are numbers in the column's notation."""
    mark = decimal_mark(weights, rules)
    values = {text: number(text, mark) for text in weights}
    return {text: value for text, value in values.items() if value is not None}


def comma_advice(text: str, kind: str) -> str | None:
    """What to write instead of a number with a decimal comma; None for other texts."""
    swapped = text.replace(",", ".")
    if text.count(",") != 1 or not plain_number(swapped):
        return None
    if _EITHER[","].match(text):
        return None  # it may be thousands, so no advice is right
    shown_ = text[:60]
    return (
        f"the {kind} '{shown_}' has a decimal comma; "
        f"write {shown_.replace(',', '.')} instead of {shown_}"
    )


def listed_words(weights: Mapping[str, int], limit: int = 6) -> str:
    """The most frequent texts and how often they occur, for a message."""
    ordered: Sequence[str] = sorted(weights, key=lambda text: (-weights[text], text))
    parts = [f"{shown(text)} ({weights[text]:,})" for text in ordered[:limit]]
    if len(ordered) > limit:
        parts.append(f"{len(ordered) - limit:,} more")
    return ", ".join(parts)
