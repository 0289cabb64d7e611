"""Ratings and counts in any form: numbers, stars as signs, 4/5, 80%, words such as like and
dislike.

A column has one form: the one that reads most of its rows. Words that nothing here knows get
their values from `--map`.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.reading.cells import (
    MISSING_WORDS,
    Flaws,
    ValueRules,
    distinct_texts,
    in_one_piece,
    shown,
    text_column,
)
from matinee.data.reading.number_forms import (
    comma_advice,
    decimal_mark,
    listed_words,
    number,
    numbers,
)
from matinee.data.reading.sniff import plain_number
from matinee.data.reading.word_order import map_example
from matinee.errors import DataError

#: Words for a positive and for a negative opinion, as `_plain_word` writes them.
OPINIONS = (
    (("true", "t"), ("false", "f")),
    (("yes", "y"), ("no", "n")),
    (("like", "likes", "liked"), ("dislike", "dislikes", "disliked")),
    (("love", "loved"), ("hate", "hated")),
    (("thumbsup", "thumbup", "up", "👍"), ("thumbsdown", "thumbdown", "down", "👎")),
    (("upvote", "upvoted"), ("downvote", "downvoted")),
    (("positive", "pos"), ("negative", "neg")),
    (("recommended", "recommend"), ("notrecommended", "notrecommend", "dontrecommend")),
    (("good",), ("bad",)),
    (("+",), ("-",)),
)

_LARGEST = float(np.finfo(np.float32).max)
_FULL, _HALF, _EMPTY = "★⭐✭✮✯⭑🌟*", "½⯨⯪", "☆✩✰"
_SIGNS = re.compile(rf"^[{_FULL}]*(?:[{_HALF}]|1/2)?[{_EMPTY}]*$")
_FRACTION = re.compile(
    r"^([+-]?[0-9.,]{1,20}) ?(?:/|out of|of) ?([0-9]{1,9})(?:[.,]0)?(?: stars?)?$", re.IGNORECASE
)
_WITH_UNIT = re.compile(
    rf"^([+-]?[0-9.,]{{1,20}}) ?(½)? ?(?:stars?|points?|pts|[{_FULL}])?$", re.IGNORECASE
)
_SKIN_TONES_AND_SELECTORS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_FEW_WORDS = 50


class ValueColumn(NamedTuple):
    """A column of ratings or counts.

    Attributes:
        value: (N,) float32; NaN where it is bad or left out.
        left_out: (N,) bool, the cells that `--missing` names; None if there are none.
        flaws: the bad cells.
        notes: sentences about what was taken for what.
    """

    value: NDArray[np.float32]
    left_out: NDArray[np.bool_] | None
    flaws: Flaws
    notes: list[str]


def read_values(column: pl.Series, rules: ValueRules) -> ValueColumn:
    """The ratings or counts of a column of any type.

    Raises:
        DataError: the column as a whole can be read in two ways, or holds unknown words.
    """
    is_number = column.dtype.is_numeric() and not column.dtype.is_decimal()
    if is_number and not rules.options.value_map:
        return _typed(column, rules)
    return _texts(text_column(column), rules)


def _typed(column: pl.Series, rules: ValueRules) -> ValueColumn:
    column = in_one_piece(column.cast(pl.Float32))
    value = column.to_numpy()
    lowest, highest = float(value.min()), float(value.max())  # both are NaN if any value is
    low, high = rules.limits or (-_LARGEST, _LARGEST)
    is_clean = low <= lowest <= highest <= high
    if is_clean and not rules.options.missing and not column.null_count():
        return ValueColumn(value, None, Flaws.none(), [])
    left_out = np.isin(value, _missing_numbers(rules))
    is_bad = ~((low <= value) & (value <= high)) & ~left_out
    texts = column.is_null().to_numpy()

    def reason(row: int) -> str:
        if texts[row]:
            return f"the {rules.kind} is missing"
        return _out_of_range(float(value[row]), f"{value[row]:g}", rules)

    value = np.where(is_bad | left_out, np.float32(np.nan), value)
    return ValueColumn(value, left_out, Flaws(np.flatnonzero(is_bad), reason), [])


def _missing_numbers(rules: ValueRules) -> NDArray[np.float32]:
    numbers_ = [word for word in rules.options.missing if not isinstance(word, str)]
    return np.array(numbers_, np.float32)


def _out_of_range(value: float, text: str, rules: ValueRules) -> str:
    if not abs(value) <= _LARGEST:
        return f"the {rules.kind} {shown(text)} is not a finite number"
    if rules.kind == "count":
        return f"the count {shown(text)} is not above 0"
    low, high = rules.limits or (-_LARGEST, _LARGEST)
    return f"the {rules.kind} {shown(text)} is outside the scale {low:g} to {high:g}"


# -- text: one form per column -----------------------------------------------------------


class _Form(NamedTuple):
    """A way to write ratings.

    Attributes:
        name: for the note; empty for plain numbers.
        read: text -> weight to text -> value, for the texts of this form.
    """

    name: str
    read: Callable[[Mapping[str, int], ValueRules], dict[str, float]]


def _texts(column: pl.Series, rules: ValueRules) -> ValueColumn:
    found = distinct_texts(column)
    texts = found.texts.to_list()
    weights = dict(zip(texts, found.counts().tolist(), strict=True))
    values = _mapped(weights, rules)
    rest = {text: weight for text, weight in weights.items() if text not in values}
    left_out = _left_out(rest, rules)
    rest = {text: weight for text, weight in rest.items() if text not in left_out}
    read, notes = _read_texts(rest, rules)
    left_out |= {text for text, value in read.items() if value in rules.options.missing}
    values |= read
    reasons = dict[int, str]()
    value_of_text = np.full(len(texts) + 1, np.nan, np.float32)  # the last one is no text
    is_left_out = np.zeros(len(texts) + 1, bool)
    low, high = rules.limits or (-_LARGEST, _LARGEST)
    for number_, text in enumerate(texts):
        value = values.get(text)
        if text in left_out:
            is_left_out[number_] = True
        elif value is None:
            reasons[number_] = _no_value(text, rules)
        elif not low <= value <= high:
            reasons[number_] = _out_of_range(value, text, rules)
        else:
            value_of_text[number_] = value
    flaws = found.flaws(reasons, f"the {rules.kind} is missing")
    return ValueColumn(value_of_text[found.code], is_left_out[found.code], flaws, notes)


def _mapped(weights: Mapping[str, int], rules: ValueRules) -> dict[str, float]:
    given = rules.options.value_map or {}
    folded = {text.casefold(): value for text, value in given.items()}
    return {
        text: given.get(text, folded.get(text.casefold(), math.nan))
        for text in weights
        if text.casefold() in folded
    }


def _left_out(weights: Mapping[str, int], rules: ValueRules) -> set[str]:
    words = {word.casefold() for word in rules.options.missing if isinstance(word, str)}
    return {text for text in weights if text.casefold() in words}


def _read_texts(
    weights: Mapping[str, int], rules: ValueRules
) -> tuple[dict[str, float], list[str]]:
    """The values of the texts in the form that reads most rows, and what was taken for what."""
    best: dict[str, float] = {}
    best_form, n_best = _FORMS[0], -1
    n_rows = sum(weights.values())
    for form in _FORMS:
        values = form.read(weights, rules)
        n_read = sum(weights[text] for text in values)
        if n_read > n_best:
            best, best_form, n_best = values, form, n_read
        if n_read == n_rows:
            break
    known = {text: weight for text, weight in weights.items() if text not in MISSING_WORDS}
    unread = {text: weight for text, weight in known.items() if text not in best}
    if best_form.read is _opinions and unread:
        unread = known  # two of several words, such as good, ok and bad
    if 2 * sum(unread.values()) > sum(known.values()) and not rules.options.skip_bad_rows:
        _refuse_words(unread, rules)
    return best, _about(best_form, best, weights, rules)


def _refuse_words(unread: Mapping[str, int], rules: ValueRules) -> None:
    if len(unread) > _FEW_WORDS or rules.options.value_map:
        return
    rows = sum(unread.values())
    if rows == 1:
        return  # the row is named
    raise DataError(
        f"{rules.label}: the {rules.kind}s in the column '{rules.column('rating')}' are words: "
        f"{listed_words(unread)}. Say what each is worth, as in "
        f'--map "{map_example(sorted(unread))}", or give --pairs if all rows count the same.'
    )


def _about(
    form: _Form, values: Mapping[str, float], weights: Mapping[str, int], rules: ValueRules
) -> list[str]:
    if not values:
        return []
    column = rules.column("rating")
    if form.name:
        ordered = sorted(values, key=lambda text: (-values[text], text))
        shown_ = [ordered[0], ordered[-1]] if len(ordered) > 1 else ordered
        pairs = " and ".join(f"{shown(text)} as {values[text]:g}" for text in shown_)
        return [f"{form.name} in '{column}' were read as numbers: {pairs}."]
    texts = [text for text in values if not plain_number(text) or float(text) != values[text]]
    if not texts:
        return []
    text = max(texts, key=lambda cell: weights[cell])
    other = {".": ",", ",": "."}[decimal_mark(weights, rules)]
    note = f"{shown(text)} in '{column}' was read as {values[text]:,g}"
    if number(text, other) not in (None, values[text]):
        note += f"; --decimal {other} reads it as {number(text, other):,g}"
    return [f"{note}."]


def _no_value(text: str, rules: ValueRules) -> str:
    advice = comma_advice(text, rules.kind)
    if advice:
        return advice
    if rules.options.value_map:
        return f"the {rules.kind} {shown(text)} is neither a number nor in --map"
    is_infinite = text.lstrip("+-").lower() in {"nan", "inf", "infinity"}
    expected = "a finite number" if is_infinite else "a number"
    return f"the {rules.kind} {shown(text)} is not {expected}"


def _signs(weights: Mapping[str, int], _: ValueRules) -> dict[str, float]:
    values = {}
    for text in weights:
        signs = _SKIN_TONES_AND_SELECTORS.sub("", text).replace(" ", "")
        if signs and _SIGNS.match(signs):
            n_full = sum(signs.count(sign) for sign in _FULL)
            has_half = any(sign in signs for sign in (*_HALF, "1/2"))
            values[text] = n_full + 0.5 * has_half
    return values


def _fractions(weights: Mapping[str, int], _: ValueRules) -> dict[str, float]:
    """Numerators; with several denominators all are brought to the largest."""
    parts = {}
    for text in weights:
        match = _FRACTION.match(text)
        if match and plain_number(match[1].replace(",", ".")) and int(match[2]):
            parts[text] = (float(match[1].replace(",", ".")), int(match[2]))
    largest = max((below for _, below in parts.values()), default=1)
    return {text: above * largest / below for text, (above, below) in parts.items()}


def _percentages(weights: Mapping[str, int], rules: ValueRules) -> dict[str, float]:
    bare = {text: text.removesuffix("%").strip() for text in weights if text.endswith("%")}
    values = numbers({bare[text]: weights[text] for text in bare}, rules)
    return {text: values[digits] for text, digits in bare.items() if digits in values}


def _with_units(weights: Mapping[str, int], rules: ValueRules) -> dict[str, float]:
    """Numbers with a unit, such as 4 stars or 3½."""
    matches = {text: match for text in weights if (match := _WITH_UNIT.match(text))}
    values = numbers({match[1]: weights[text] for text, match in matches.items()}, rules)
    return {
        text: values[match[1]] + 0.5 * bool(match[2])
        for text, match in matches.items()
        if match[1] in values
    }


def _opinions(weights: Mapping[str, int], _: ValueRules) -> dict[str, float]:
    return _known_opinions(weights)


def _known_opinions(weights: Mapping[str, int]) -> dict[str, float]:
    best: dict[str, float] = {}
    for positive, negative in OPINIONS:
        value_of = dict.fromkeys(positive, 1.0) | dict.fromkeys(negative, 0.0)
        words = {text: _plain_word(text) for text in weights}
        values = {text: value_of[word] for text, word in words.items() if word in value_of}
        if sum(weights[text] for text in values) > sum(weights[text] for text in best):
            best = values
    return best


def _plain_word(text: str) -> str:
    text = _SKIN_TONES_AND_SELECTORS.sub("", text).casefold()
    return "".join(letter for letter in text if letter.isalnum() or letter in "👍👎+-") or text


_FORMS = (
    _Form("", numbers),
    _Form("Words", _opinions),
    _Form("Stars", _signs),
    _Form("Fractions", _fractions),
    _Form("Percentages", _percentages),
    _Form("Numbers with a unit", _with_units),
)


def opinions_of(weights: Mapping[str, int]) -> dict[str, float] | None:
    """1 and 0 for words that `OPINIONS` has; None if any word is not there."""
    values = _known_opinions(weights)
    return values if len(values) == len(weights) else None
