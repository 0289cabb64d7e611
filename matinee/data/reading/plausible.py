"""What looks implausible in a column of ratings, and the option that mends it.

Each check compares the most extreme values with all others: a value for "not rated" (0, -1, 99),
a slip of the finger (50 among 1 to 5), counts in the place of ratings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.data.reading.cells import ValueRules
from matinee.data.reading.schema import plain_name
from matinee.errors import DataError
from matinee.text import counted

#: Values that people write for "not rated".
SENTINELS = (-999.0, -99.0, -9.0, -1.0, 0.0, 99.0, 999.0, 9999.0)
#: Part of the scale from which a rating counts as liked.
LIKED_PART = 0.75

_COMMON = 0.05  # of the rows: a value for "not rated" is no rarity
_OVER_NEIGHBOR = 3.0  # times as often as the next value and as the others, without a gap
_RARE = 0.002  # of the rows: a slip of the finger
_FEW_LIKED = 0.01
_LONG_TAIL = 10.0  # times the median
_BLOCK = 1 << 16  # ratings that stay in the processor's cache
_ENOUGH_ROWS = 20
_MOST_STEPS = 101  # 0 to 100
_MANY_FRACTIONS = 30
#: Names of columns in which sites write 0 for "not rated".
_ZERO_IS_NONE = ("myrating", "bookrating", "myscore")


@dataclass(frozen=True, eq=False)
class Tally:
    """The distinct ratings, ascending, and how many rows have each."""

    values: NDArray[np.float32]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, value: NDArray[np.float32]) -> "Tally":
        """Usually the values are few, and counting them beats sorting."""
        sample = np.unique(value[:: max(1, len(value) // 2**16)])
        if len(sample) <= 64:
            counts = np.zeros(len(sample), np.int64)
            for start in range(0, len(value), _BLOCK):
                block = value[start : start + _BLOCK]
                counts += [np.count_nonzero(block == sampled) for sampled in sample]
            if counts.sum() == len(value):
                return cls(sample, counts)
        values, counts = np.unique(value, return_counts=True)
        return cls(values, counts)

    @property
    def n_rows(self) -> int:
        """Number of ratings."""
        return int(self.counts.sum())

    def count_of(self, value: float) -> int:
        """How many rows have a value."""
        return int(self.counts[self.values == np.float32(value)].sum())

    def part(self, is_kept: NDArray[np.bool_]) -> "Tally":
        """Some of the values."""
        return Tally(self.values[is_kept], self.counts[is_kept])

    def median(self) -> float:
        """The median of all rows."""
        return float(self.values[np.searchsorted(np.cumsum(self.counts), self.n_rows / 2)])


def rating_notes(tally: Tally, value: NDArray[np.float32], rules: ValueRules) -> list[str]:
    """Sentences about implausible ratings; none if the person gave a scale.

    Args:
        tally: of `value`.
        value: (N,) the ratings of all rows.
        rules: for messages.

    Raises:
        DataError: the ratings seem to be counts.
    """
    if rules.options.scale is not None or len(tally.values) < 3:
        return []
    outlier = _outlier(tally, value)
    if outlier:
        return [outlier]
    _refuse_counts(tally, rules)
    note = _sentinel(tally, plain_name(rules.column("rating")) in _ZERO_IS_NONE)
    return [note] if note else []


def few_liked_note(tally: Tally, n_liked: int, liked_from: float) -> str:
    """A sentence if next to no rating counts as liked; empty otherwise."""
    n_rows = tally.n_rows
    if n_rows < _ENOUGH_ROWS or n_liked >= max(2, _FEW_LIKED * n_rows):
        return ""
    return (
        f"Only {n_liked:,} of {counted(n_rows, 'rating')} count as liked ({liked_from:g} or more), "
        "so ials, ease and the ranking metrics have hardly any data. If the scale is wrong, give "
        f"--scale; if it is right, a lower threshold, as in --set threshold={tally.median():g}."
    )


def _sentinel(tally: Tally, zero_is_none: bool) -> str:
    """A note on a value that may stand for "not rated".

    Args:
        zero_is_none: whether the name of the column says that 0 does.
    """
    for at_end in (0, -1):
        extreme = float(tally.values[at_end])
        if extreme not in SENTINELS:
            continue
        others = np.ones(len(tally.values), bool)
        others[at_end] = False
        rest = tally.part(others)
        is_known = zero_is_none and extreme == 0
        if len(rest.values) < 3 or not (
            is_known or _stands_apart(extreme, int(tally.counts[at_end]), rest)
        ):
            continue
        n_rows = tally.n_rows
        return (
            f"{int(tally.counts[at_end]):,} of {n_rows:,} ratings are {extreme:g}, apart from the "
            f"others ({rest.values[0]:g} to {rest.values[-1]:g}). If {extreme:g} means not rated, "
            f"give --missing {extreme:g}; if it is a rating, give "
            f"--scale {tally.values[0]:g}:{tally.values[-1]:g}."
        )
    return ""


def _stands_apart(extreme: float, count: int, rest: Tally) -> bool:
    """Whether a value at one end is none of the scale that the others show."""
    low, high = float(rest.values[0]), float(rest.values[-1])
    if extreme < 0 <= low:
        return True  # no scale of ratings has one negative value alone
    gap = low - extreme if extreme < low else extreme - high
    if gap > max(high - low, 1):
        return True
    if count < _COMMON * (count + rest.n_rows):
        return False
    neighbor = float(rest.counts[0] if extreme < low else rest.counts[-1])
    usual = float(np.median(rest.counts))
    step = float(np.median(np.diff(rest.values)))
    return gap > 1.5 * step or count > _OVER_NEIGHBOR * max(neighbor, usual)


def _outlier(tally: Tally, value: NDArray[np.float32]) -> str:
    """A note on few values far outside a scale that fits all others."""
    if tally.n_rows < _ENOUGH_ROWS:
        return ""
    limit = max(2.0, _RARE * tally.n_rows)
    for at_end in (-1, 0):
        ordered = tally.values if at_end else tally.values[::-1]
        counts = tally.counts if at_end else tally.counts[::-1]
        is_far = _far_end(ordered.astype(np.float64), counts, limit)
        if not is_far or float(ordered[-1]) in SENTINELS:
            continue
        is_near = np.isin(tally.values, ordered[:-is_far])
        if _look_like_counts(tally.part(is_near)):
            continue
        rest = tally.values[is_near]
        far = ordered[-is_far:]
        row = int(np.flatnonzero(value == far[-1])[0])
        n_far = int(counts[-is_far:].sum())
        what = f"The rating {far[-1]:g} in data row {row + 1:,} lies"
        if n_far > 1:
            what = f"{n_far:,} ratings, such as {far[-1]:g} in data row {row + 1:,}, lie"
        return (
            f"{what} far outside the others ({rest[0]:g} to {rest[-1]:g}) and stretches the scale. "
            f"To leave out such rows, give --scale {rest[0]:g}:{rest[-1]:g} --skip-bad-rows; if it "
            f"is right, give --scale {tally.values[0]:g}:{tally.values[-1]:g}."
        )
    return ""


def _far_end(ordered: NDArray[np.float64], counts: NDArray[np.int64], limit: float) -> int:
    """How many of the last values lie beyond a gap wider than all values before it span."""
    n_tail = 0
    for number in range(len(ordered) - 1, 1, -1):
        n_tail += int(counts[number])
        if n_tail > limit:
            return 0
        span = abs(ordered[number - 1] - ordered[0])
        if abs(ordered[number] - ordered[number - 1]) > max(1.0, span) and span > 0:
            return len(ordered) - number
    return 0


def _look_like_counts(tally: Tally) -> bool:
    """Whether ratings are numbers without an end: more steps than a scale has, or a long tail."""
    if tally.values[0] == 0:  # zeros may be a value for "not rated"
        tally = tally.part(tally.values > 0)
    top, n_top = float(tally.values[-1]), int(tally.counts[-1])
    if top in SENTINELS and n_top >= _COMMON * tally.n_rows:  # as may a common 99
        tally = tally.part(tally.values < top)
    values = tally.values
    if len(values) < 4 or values[0] < 0:
        return False
    is_whole = _are_whole(values)
    if is_whole and len(values) > _MOST_STEPS:
        return True
    if not is_whole and len(values) < _MANY_FRACTIONS:
        return False
    median = max(1.0, tally.median())
    n_tail = int(tally.counts[values > median * _LONG_TAIL / 2].sum())
    return n_tail > 1 and bool(values[-1] > max(20.0, _LONG_TAIL * median))


def _are_whole(values: NDArray[np.float32]) -> bool:
    return not (values != np.round(values)).any()


def _refuse_counts(tally: Tally, rules: ValueRules) -> None:
    options = rules.options
    if options.rating is not None or options.value_map or tally.n_rows < _ENOUGH_ROWS:
        return
    if not _look_like_counts(tally):
        return
    column = rules.column("rating")
    low, high = tally.values[0], tally.values[-1]
    numbers = "whole numbers" if _are_whole(tally.values) else "numbers"
    raise DataError(
        f"{rules.label}: the column '{column}' looks like counts: {numbers} from {low:g} to "
        f"{high:,.0f}, half of them at most {tally.median():g}. Give --count-column {column} if "
        f"they are counts, or --rating-column {column} if they are ratings."
    )
