"""Times of any form as seconds since 1970.

The form is one per column and judged by all rows: the unit of numbers by which most times lie
between 1990 and next year, the order of day and month by days after the twelfth.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.ratings import NO_TIME
from matinee.data.reading.cells import (
    MISSING_WORDS,
    Flaws,
    ValueRules,
    decoded,
    in_one_piece,
    shown,
)
from matinee.data.reading.date_texts import DateReading, read_date_texts
from matinee.errors import DataError, SettingError

# The years 1 and 9999, in seconds since 1970
EARLIEST, LATEST = -62_135_596_800, 253_402_300_799
FIRST_PLAUSIBLE_YEAR = 1990
_DAY = 86_400
_SPREADSHEET_EPOCH = 25_569  # 1970-01-01 as the day number of a spreadsheet
_LARGE = 10**11  # as seconds this is the year 5138, as milliseconds 1973
_SINCE_1970 = ("s", "ms", "us", "ns")
_PERIODS = {"Y": "Y", "M": "M", "D": "D", "h": "h", "H": "h", "min": "m", "T": "m", "s": "s"}
_NUMERIC = r"^[+-]?[0-9]+(?:[.,][0-9]*)?(?:[eE][+-]?[0-9]+)?$"
_NO_DATES = ("0000-00-00", "0000-00-00 00:00:00")  # so MySQL writes a missing date

Numbers = NDArray[np.int64]


class Unit(NamedTuple):
    """A unit of times that are numbers.

    Attributes:
        words: how the summary calls it.
        seconds: numbers to seconds since 1970.
        lowest, highest: the plausible numbers.
        is_valid: which numbers within them are valid; None for all.
    """

    words: str
    seconds: Callable[[Numbers], Numbers]
    lowest: int
    highest: int
    is_valid: Callable[[Numbers], NDArray[np.bool_]] | None = None


@dataclass(frozen=True, eq=False)
class TimeColumn:
    """A column of times.

    Attributes:
        seconds: (N,) int64 seconds since 1970, `NO_TIME` where there is no time or a bad one;
            None if no row has one.
        flaws: the bad cells.
        unit: how the times were read, such as "milliseconds"; empty without times.
        notes: sentences about what is implausible.
    """

    seconds: NDArray[np.int64] | None
    flaws: Flaws = field(default_factory=Flaws.none)
    unit: str = ""
    notes: list[str] = field(default_factory=list)


def read_times(column: pl.Series, rules: ValueRules) -> TimeColumn:
    """The times of a column of any type.

    Raises:
        DataError: the form is ambiguous or unknown.
    """
    if column.null_count() == len(column):
        return TimeColumn(None)
    column = decoded(column)
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return _texts(column.cast(pl.String), rules)
    if column.dtype in (pl.Date, pl.Datetime):
        seconds = column.cast(pl.Datetime("us")).dt.epoch("s")
        return _finished(seconds, column, "dates", rules)
    if column.dtype.is_extension():
        return _periods(column, rules)
    if column.dtype.is_float() or column.dtype.is_decimal():
        column = column.cast(pl.Float64).fill_nan(None)
        return _numbers(column, column, rules)
    if column.dtype.is_integer():
        column = in_one_piece(column)
        return _numbers(column, column, rules)
    raise _unknown_form(str(column.dtype), rules)


# -- numbers: the unit by plausibility ---------------------------------------------------


def units() -> dict[str, Unit]:
    """The units by their names in `--time-format`, the most usual first."""
    return _units(datetime.now(UTC).year + 1)


@cache
def _units(next_year: int) -> dict[str, Unit]:
    start = int(datetime(FIRST_PLAUSIBLE_YEAR, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(next_year + 1, 1, 1, tzinfo=UTC).timestamp())
    first, last = FIRST_PLAUSIBLE_YEAR, next_year
    found = {
        name: Unit(words, _divided(divisor), start * divisor, end * divisor)
        for name, words, divisor in (
            ("s", "seconds", 1),
            ("ms", "milliseconds", 10**3),
            ("us", "microseconds", 10**6),
            ("ns", "nanoseconds", 10**9),
        )
    }
    found["YYYYMMDD"] = Unit(
        "YYYYMMDD", _calendar(1), first * 10_000 + 101, last * 10_000 + 1231, _is_date(1)
    )
    clock = 10**6
    found["YYYYMMDDhhmmss"] = Unit(
        "YYYYMMDDhhmmss",
        _calendar(clock),
        (first * 10_000 + 101) * clock,
        (last * 10_000 + 1231) * clock + clock - 1,
        _is_date(clock),
    )
    found["YYYYMM"] = Unit("YYYYMM", _months, first * 100 + 1, last * 100 + 12, _is_month)
    found["years"] = Unit("years", _years, 1950, last)
    low, high = start // _DAY + _SPREADSHEET_EPOCH, end // _DAY + _SPREADSHEET_EPOCH
    found["days"] = Unit("day numbers of a spreadsheet", _spreadsheet_days, low, high)
    return found


def _divided(divisor: int) -> Callable[[Numbers], Numbers]:
    if divisor == 1:
        return _unchanged
    return lambda numbers: numbers // divisor


def _unchanged(numbers: Numbers) -> Numbers:
    return numbers


def _from_months(months: Numbers, days: Numbers) -> Numbers:
    """Seconds of a day by its month since 1970, from 0, and its day of the month, from 1."""
    start = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return (start + days - 1) * _DAY


def _calendar(clock: int) -> Callable[[Numbers], Numbers]:
    def seconds(numbers: Numbers) -> Numbers:
        date, time = numbers // clock, numbers % clock
        months = (date // 10_000 - 1970) * 12 + date // 100 % 100 - 1
        in_day = time // 10_000 * 3600 + time // 100 % 100 * 60 + time % 100
        return _from_months(months, date % 100) + in_day

    return seconds


def _is_date(clock: int) -> Callable[[Numbers], NDArray[np.bool_]]:
    def is_date(numbers: Numbers) -> NDArray[np.bool_]:
        date, time = numbers // clock, numbers % clock
        month, day = date // 100 % 100, date % 100
        has_month = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
        months = (date // 10_000 - 1970) * 12 + np.clip(month, 1, 12) - 1
        next_month = _from_months(months + 1, np.ones_like(months))
        exists = _from_months(months, day) < next_month
        has_clock = (time // 10_000 < 24) & (time // 100 % 100 < 60) & (time % 100 < 61)
        return has_month & exists & has_clock

    return is_date


def _is_month(numbers: Numbers) -> NDArray[np.bool_]:
    return (numbers % 100 >= 1) & (numbers % 100 <= 12)


def _months(numbers: Numbers) -> Numbers:
    months = (numbers // 100 - 1970) * 12 + numbers % 100 - 1
    return _from_months(months, np.ones_like(months))


def _years(numbers: Numbers) -> Numbers:
    return _from_months((numbers - 1970) * 12, np.ones_like(numbers))


def _spreadsheet_days(numbers: Numbers) -> Numbers:
    return (numbers - _SPREADSHEET_EPOCH) * _DAY


def _numbers(column: pl.Series, original: pl.Series, rules: ValueRules) -> TimeColumn:
    """Times from numbers, which may be whole or not."""
    known = units()
    in_range = column
    if column.dtype.is_float():
        is_finite = column.is_finite().fill_null(False) & (column.abs() < 2.0**62).fill_null(False)
        in_range = column.set(~is_finite, None)
    else:
        in_range = column.cast(pl.Int64, strict=False)
    present = in_range.drop_nulls()
    if len(present) == 0:
        return _finished(in_range.cast(pl.Int64), original, "seconds", rules)
    low, high = float(present.min()), float(present.max())  # type: ignore[arg-type]
    are_usual = known["s"].lowest <= low <= high <= known["s"].highest
    name = _unit_name(present, are_usual, known, rules)
    unit, notes = known[name], list[str]()
    if name == "days" and in_range.dtype.is_float():
        seconds = ((in_range - _SPREADSHEET_EPOCH) * _DAY).round().cast(pl.Int64)
    else:
        whole = in_range.cast(pl.Int64)
        seconds = _converted(whole, unit)
        if not are_usual and rules.options.time_format is None and name in _SINCE_1970:
            seconds, notes = _with_other_units(seconds, whole, name, rules)
    times = _finished(seconds, original, unit.words, rules)
    times.notes.extend(notes)
    return times


def _converted(whole: pl.Series, unit: Unit) -> pl.Series:
    """Seconds from whole numbers; null where a number is not a valid date."""
    if unit.seconds is _unchanged:
        return whole
    filled = whole.fill_null(0).to_numpy()
    converted = unit.seconds(filled)
    is_gap = whole.is_null()
    if unit.is_valid is not None:
        is_gap = is_gap | pl.Series(~unit.is_valid(filled))
    seconds = pl.Series(converted)
    return seconds.set(is_gap, None) if is_gap.any() else seconds


def _unit_name(
    present: pl.Series, are_usual: bool, known: dict[str, Unit], rules: ValueRules
) -> str:
    given = rules.options.time_format
    if given is not None:
        if given not in known:
            raise SettingError(
                f"--time-format {given} is for dates in text, and the column "
                f"'{rules.column('timestamp')}' holds numbers; give one of {', '.join(known)}."
            )
        return given
    if are_usual:
        return "s"
    numbers = present.cast(pl.Int64).to_numpy()
    shares = {name: _plausible_share(numbers, unit) for name, unit in known.items()}
    best = max(shares, key=shares.__getitem__)
    if shares[best] <= 0.5:
        return _by_size(numbers)
    return best


def _with_other_units(
    seconds: pl.Series, numbers: pl.Series, best: str, rules: ValueRules
) -> tuple[pl.Series, list[str]]:
    """Single times that are plausible only in another unit since 1970 are read in that one."""
    known, notes = units(), list[str]()
    window = known["s"]
    if seconds.is_between(window.lowest, window.highest).all():
        return seconds, notes
    for name in _SINCE_1970:
        unit = known[name]
        is_other = numbers.is_between(unit.lowest, unit.highest).fill_null(False)
        if name == best or not is_other.any():
            continue
        converted = pl.Series(unit.seconds(numbers.fill_null(0).to_numpy()))
        seconds = converted.zip_with(is_other, seconds)
        notes.append(
            f"In '{rules.column('timestamp')}', {int(is_other.sum()):,} of {len(numbers):,} times "
            f"look like {unit.words} among {known[best].words} and were read as such."
        )
    return seconds, notes


def _plausible_share(numbers: Numbers, unit: Unit) -> float:
    """The share of numbers that are plausible times in a unit."""
    is_plausible = (numbers >= unit.lowest) & (numbers <= unit.highest)
    if unit.is_valid is not None and is_plausible.any():
        is_plausible[is_plausible] = unit.is_valid(numbers[is_plausible])
    return float(np.count_nonzero(is_plausible) / len(numbers))


def _by_size(numbers: Numbers) -> str:
    """Seconds to nanoseconds, where no unit makes most times plausible, by the median."""
    median = float(np.median(np.abs(numbers.astype(np.float64))))
    for name in ("s", "ms", "us"):
        if median < _LARGE:
            return name
        median /= 1000
    return "ns"


# -- other types -------------------------------------------------------------------------


def _periods(column: pl.Series, rules: ValueRules) -> TimeColumn:
    """Periods of pandas, by their starts."""
    dtype = column.dtype
    name, metadata = dtype.ext_name(), dtype.ext_metadata()  # type: ignore[attr-defined]
    frequency = ""
    if name == "pandas.period" and metadata:
        frequency = str(json.loads(metadata).get("freq", "")).split("-")[0]
    unit = _PERIODS.get(frequency)
    if unit is None:
        raise _unknown_form(f"{name} {frequency}".strip(), rules)
    numbers = column.ext.storage()
    starts = numbers.fill_null(0).to_numpy().astype(f"datetime64[{unit}]")
    seconds = pl.Series(starts.astype("datetime64[s]").astype(np.int64))
    if numbers.null_count():
        seconds = seconds.set(numbers.is_null(), None)
    return _finished(seconds, numbers, "periods, each by its first day", rules)


def _texts(column: pl.Series, rules: ValueRules) -> TimeColumn:
    text = column.str.strip_chars()
    is_missing = (text == "") | text.is_in(sorted({*MISSING_WORDS, *_words(rules), *_NO_DATES}))
    if is_missing.fill_null(False).any():
        text = text.set(is_missing.fill_null(False), None)
    n_present = len(text) - text.null_count()
    if n_present == 0:
        return TimeColumn(None)
    given = rules.options.time_format
    n_numeric = int(text.str.contains(_NUMERIC).sum() or 0)
    if given in units() or (2 * n_numeric > n_present and given is None):
        integers = text.cast(pl.Int64, strict=False)
        if integers.null_count() > text.null_count():
            pointed = text.str.extract(f"({_NUMERIC})").str.replace(",", ".")
            floats = pointed.cast(pl.Float64, strict=False)
            return _numbers(floats, text, rules)
        return _numbers(integers, text, rules)
    reading: DateReading = read_date_texts(text, rules)
    n_read = len(text) - reading.seconds.null_count()
    if 2 * n_read < n_present and not rules.options.skip_bad_rows:
        unread = text.filter(reading.seconds.is_null() & text.is_not_null())
        raise _unknown_form(shown(str(unread[0])), rules)
    return _finished(reading.seconds, text, reading.words, rules)


def _words(rules: ValueRules) -> list[str]:
    return [word for word in rules.options.missing if isinstance(word, str)]


def _unknown_form(example: str, rules: ValueRules) -> DataError:
    return DataError(
        f"{rules.label}: the times in the column '{rules.column('timestamp')}', such as {example}, "
        'have an unknown format. Describe it, as in --time-format "%d/%m/%Y", or '
        "give --timestamp-column none to leave the times out."
    )


# -- the end: range, flaws, plausibility -------------------------------------------------


def _finished(seconds: pl.Series, original: pl.Series, unit: str, rules: ValueRules) -> TimeColumn:
    """Seconds with gaps for times that are missing or, with a flaw, bad."""
    lowest, highest = seconds.min(), seconds.max()
    if lowest is not None and not EARLIEST <= int(lowest) <= int(highest) <= LATEST:  # type: ignore[arg-type]
        seconds = seconds.set(~seconds.is_between(EARLIEST, LATEST).fill_null(True), None)
    flaws = Flaws.none()
    if seconds.null_count() > original.null_count():
        bad = (seconds.is_null() & original.is_not_null()).to_numpy()

        def reason(row: int) -> str:
            return (
                f"the timestamp {shown(_number_text(original[row]))} is neither a date such as "
                "2001-12-31 nor seconds since 1970"
            )

        flaws = Flaws(np.flatnonzero(bad), reason)
    if seconds.null_count() == len(seconds):
        return TimeColumn(None, flaws)
    window = units()["s"]
    notes = list[str]()
    if not window.lowest <= int(lowest) <= int(highest) <= window.highest:  # type: ignore[arg-type]
        notes = _implausible(seconds, unit, rules)
    filled = seconds.fill_null(NO_TIME) if seconds.null_count() else seconds
    return TimeColumn(filled.to_numpy(), flaws, unit, notes)


def _number_text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def _implausible(seconds: pl.Series, unit: str, rules: ValueRules) -> list[str]:
    """A note on times outside 1990 to next year."""
    window = units()["s"]
    first, last = int(seconds.min()), int(seconds.max())  # type: ignore[arg-type]
    if window.lowest <= first and last <= window.highest:
        return []
    column = rules.column("timestamp")
    way_out = (
        "If they are not times, give --timestamp-column none; if they have another format, give "
        "--time-format."
    )
    year_1970 = (0, 365 * _DAY - 1)
    if year_1970[0] <= first and last <= year_1970[1]:
        return [
            f"The times in '{column}', read as {unit}, all lie within 1970, so only their order "
            f"is useful. {way_out}"
        ]
    outside = ~seconds.is_between(window.lowest, window.highest).fill_null(True)
    n_outside = int(outside.sum())
    n_times = len(seconds) - seconds.null_count()
    row = int(outside.arg_max() or 0)
    next_year = datetime.now(UTC).year + 1
    return [
        f"{n_outside:,} of {n_times:,} times in '{column}', read as {unit}, lie outside "
        f"{FIRST_PLAUSIBLE_YEAR} to {next_year}, such as {day_of(int(seconds[row]))} in data row "
        f"{row + 1:,}. {way_out}"
    ]


def day_of(seconds: int) -> str:
    """The day of a time, as in 2001-12-31."""
    return str(np.datetime64(seconds, "s").astype("datetime64[D]"))
