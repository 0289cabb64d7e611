"""Dates in text: ISO with zones and fractions, slashes and dots, names of months."""

from typing import NamedTuple

import polars as pl

from matinee.data.reading.cells import ValueRules, shown
from matinee.errors import DataError, SettingError

_ZONE = r"(?: ?(?:Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?"
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    rf"(?:[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:[.,][0-9]+)?)?{_ZONE})?$"
)
_ISO_PARTS = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:[.,][0-9]+)?"
    r" ?(Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$"
)
_REST = rf"^(?:[.,][0-9]+)?{_ZONE}$"
_WHOLE_SECONDS = 19  # characters of 2001-12-31 23:59:59
_PARTS = (
    r"^([0-9]{1,4})([/.-])([0-9]{1,2})[/.-]([0-9]{1,4})"
    r"(?:[T ,]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:[.,][0-9]+)?\s*([AaPp])?\.?[Mm]?\.?"
    r"\s*(Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_DAYS = (
    "%d %B %Y",
    "%B %d, %Y",
    "%B %d %Y",
    "%d-%B-%Y",
    "%d-%B-%y",
    "%d. %B %Y",
    "%m %d, %Y",  # Amazon writes "09 13, 2009"
    "%a, %d %B %Y",
    "%a %B %d %Y",
    "%Y %B %d",
)
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S %z", " %H:%M:%S %Z")
_FORMATS = (
    *(day + clock for day in _DAYS for clock in _CLOCKS),
    *(day + "," + clock for day in _DAYS for clock in _CLOCKS[1:]),
    "%a %B %d %H:%M:%S %z %Y",
    "%a %B %d %H:%M:%S %Y",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%dT%H%M%S",
)
_SAMPLED = 500


class DateReading(NamedTuple):
    """Dates as seconds.

    Attributes:
        seconds: (N,) int64, null where the text is none of the form.
        words: how the summary calls the form.
    """

    seconds: pl.Series
    words: str


def read_date_texts(text: pl.Series, rules: ValueRules) -> DateReading:
    """The dates of a column of text.

    Raises:
        DataError: day and month cannot be told apart.
    """
    given = rules.options.time_format
    if given is not None and given not in ("dmy", "mdy"):
        return DateReading(_formatted(text, given), f"dates as {given}")
    n_present = len(text) - text.null_count()
    if given is None:
        n_iso = int(text.str.contains(_ISO).sum() or 0)
        if 2 * n_iso >= n_present:
            return DateReading(_iso(text, n_iso == n_present), "dates")
    reading = _with_marks(text, n_present, rules)
    if reading is not None:
        return reading
    return _with_names(text)


def _iso(text: pl.Series, is_pure: bool) -> pl.Series:
    """Seconds of ISO dates; fractions of a second are cut off."""
    if is_pure and _shortest(text) >= _WHOLE_SECONDS:
        head, rest = text.str.slice(0, _WHOLE_SECONDS), text.str.slice(_WHOLE_SECONDS)
        if rest.str.contains(_REST).all():
            mark = "T" if str(text.drop_nulls()[0])[10] == "T" else " "
            seconds = _parsed(head, f"%Y-%m-%d{mark}%H:%M:%S")
            if seconds.null_count() > text.null_count():
                seconds = _parsed(head.str.replace("T", " ", literal=True), "%Y-%m-%d %H:%M:%S")
            return _shifted(seconds, rest)
    parts = text.str.extract_groups(_ISO_PARTS).struct.unnest()
    day, clock, second, zone = (parts.to_series(number) for number in range(4))
    full = day + " " + clock.fill_null("00:00") + second.fill_null(":00")
    return _shifted(_parsed(full, "%Y-%m-%d %H:%M:%S"), zone.fill_null(""))


def _shortest(text: pl.Series) -> int:
    """The number of characters of the shortest text."""
    return int(text.drop_nulls().str.len_bytes().to_numpy().min())


def _parsed(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, time_unit="us", strict=False).dt.epoch("s")


def _shifted(seconds: pl.Series, rest: pl.Series) -> pl.Series:
    """Seconds less the distance of the zone that `rest` ends in."""
    if not bool(rest.str.contains(r"[+-]").any()):
        return seconds
    zone = rest.str.extract_groups(r"([+-])([0-9]{2}):?([0-9]{2})?$").struct.unnest()
    sign, hours, minutes = (zone.to_series(number) for number in range(3))
    distance = hours.cast(pl.Int64) * 3600 + minutes.cast(pl.Int64).fill_null(0) * 60
    signed = distance * sign.replace_strict({"+": 1, "-": -1}, default=None, return_dtype=pl.Int64)
    return seconds - signed.fill_null(0)


# -- 30/08/2005, 30.8.2005, 8/30/05 3:45 PM, 2005/08/30 ----------------------------------


def _with_marks(text: pl.Series, n_present: int, rules: ValueRules) -> DateReading | None:
    """Dates of three numbers; None if most texts are none."""
    frame = text.str.extract_groups(_PARTS).struct.unnest()
    if 2 * frame.to_series(0).count() < n_present:
        return None
    names = ["a", "mark", "b", "c", "hour", "minute", "second", "half", "zone"]
    frame.columns = names
    first, second, third = (frame[name].cast(pl.Int64) for name in "abc")
    is_year_first = frame["a"].str.len_bytes() == 4
    if 2 * int(is_year_first.sum() or 0) >= n_present:
        words = "dates as year/month/day"
        year, month, day = first, second, third
    else:
        words, month, day = _day_and_month(text, frame, rules)
        year = third
        short = frame["c"].str.len_bytes() <= 2
        year = pl.select(
            pl.when(short)
            .then(year + pl.when(year < 70).then(2000).otherwise(1900))
            .otherwise(year)
        ).to_series()
    half = frame["half"].str.to_lowercase()
    hour = frame["hour"].cast(pl.Int64).fill_null(0)
    hour = pl.select(
        pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)
    ).to_series()
    parts = [year, month, day, hour]
    texts = [part.cast(pl.String) for part in parts]
    minute, seconds = frame["minute"].fill_null("00"), frame["second"].fill_null("00")
    full = (
        texts[0] + "-" + texts[1] + "-" + texts[2] + " " + texts[3] + ":" + minute + ":" + seconds
    )
    parsed = _parsed(full, "%Y-%m-%d %H:%M:%S")
    return DateReading(_shifted(parsed, frame["zone"].fill_null("")), words)


def _day_and_month(
    text: pl.Series, frame: pl.DataFrame, rules: ValueRules
) -> tuple[str, pl.Series, pl.Series]:
    """How the dates are written, and the columns of months and days."""
    first, second = frame["a"].cast(pl.Int64), frame["b"].cast(pl.Int64)
    day_first = ("dates as day/month/year", second, first)
    month_first = ("dates as month/day/year", first, second)
    given = rules.options.time_format
    if given is not None:
        return day_first if given == "dmy" else month_first
    n_day_first, n_month_first = int((first > 12).sum() or 0), int((second > 12).sum() or 0)
    if n_day_first != n_month_first:
        return day_first if n_day_first > n_month_first else month_first
    if bool((frame["mark"] == ".").any()) and not n_day_first:
        return day_first  # with dots, the day comes first
    differs = (first != second).fill_null(False)
    if not n_day_first and not differs.any():
        return day_first
    example = text.filter(differs)[0]
    a, b = first.filter(differs)[0], second.filter(differs)[0]
    raise DataError(
        f"{rules.label}: {shown(str(example))} in the column '{rules.column('timestamp')}' may be "
        f"day {a} of month {b} or day {b} of month {a}. Give --time-format dmy for day, month, "
        "year; --time-format mdy for month, day, year; or --timestamp-column none."
    )


# -- names of months ---------------------------------------------------------------------


def _with_names(text: pl.Series) -> DateReading:
    sample = text.drop_nulls().head(_SAMPLED)
    best, n_best = "%Y-%m-%d", 0
    for form in _FORMATS:
        n_read = _formatted(sample, form).count()
        if n_read > n_best:
            best, n_best = form, n_read
        if n_read == len(sample):
            break
    return DateReading(_formatted(text, best), f"dates as {best}")


def _formatted(text: pl.Series, form: str) -> pl.Series:
    """Seconds of dates in the format of `strptime`."""
    form = form.replace("%b", "%B")  # %B takes short names as well
    if "%Z" in form:  # Polars does not read names of zones
        text, form = text.str.replace(r" (?:UTC|GMT|Z)$", ""), form.replace(" %Z", "")
    try:
        return text.str.to_datetime(form, time_unit="us", strict=False).dt.epoch("s")
    except pl.exceptions.PolarsError:
        raise SettingError(
            f"--time-format {form} does not describe a date; give a format such as %d/%m/%Y."
        ) from None
