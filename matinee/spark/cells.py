"""What the cells of a table mean, by the rules of `data.reading`, and which rows are bad.

What depends on a whole column, such as the form of its ids or words for ratings, is found out from
its distinct texts or from a sample, by the code that reads tables on one machine. The rest are
expressions of Spark, so that clean tables never leave it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from matinee.data.ratings import NO_TIME
from matinee.data.reading.cells import MISSING_WORDS, ValueRules, missing_words
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.rating_forms import read_values
from matinee.data.reading.sniff import INTEGER
from matinee.data.reading.times import EARLIEST, LATEST, read_times, units
from matinee.data.reading.values import read_columns
from matinee.errors import DataError
from matinee.spark.session import Cluster
from matinee.spark.source import RawTable, polars_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PLACE = ("file", "block", "number")
"""What orders the rows."""
SAMPLE = 5_000
MOST_TEXTS = 20_000
"""Distinct texts of ratings, which may be words."""
MOST_IDS = 100_000
"""Distinct ids that are looked at to tell words for "missing" from ids."""
REPEATS = 10_000
WHOLE, POINT_ZERO, WITH_POINT = (
    r"^-?(?:0|[1-9][0-9]{0,17})(?:\.0*)?$",
    r"^-?[0-9]+(?:\.0*)?$",
    r"^-?[0-9]+\.0+$",
)
_SPACE = " \t\r\n"
_LARGEST = float(np.finfo(np.float32).max)
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_AS = "dates as "
_DATES = {"dates as day/month/year": "dmy", "dates as month/day/year": "mdy"}
"""How the reader calls forms of dates, and their names in `--time-format`."""
_DIVISORS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, eq=False)
class CheckedTable:
    """A table whose cells are read.

    Attributes:
        frame: of each row that `--missing` does not leave out, `user` and `item` (bigint or
            string), `value` (float), `time` (bigint) if there are times, `is_bad`, and what
            `RawTable` says of it; the cells of the source are `raw_user` and so on.
        rows: the same in memory, without the content and the cells of the source.
        raw, rules: what was read, and how.
        notes: what was guessed, in sentences.
        sample: some rows of the source.
    """

    frame: "DataFrame"
    rows: "DataFrame"
    raw: RawTable
    rules: ValueRules
    notes: tuple[str, ...]
    sample: pl.DataFrame


def checked_table(cluster: Cluster, raw: RawTable, options: ReadOptions) -> CheckedTable:
    """The table with its cells read and its bad rows marked.

    Raises:
        DataError: a column as a whole cannot be read, or in two ways.
    """
    from pyspark.sql import functions as f

    columns = raw.columns
    names = {role: columns.name(role) for role in columns.positions}
    limits = options.limits(columns.kind)
    rules = ValueRules(raw.label, raw.unit, columns.kind, limits, options, names)
    sample = polars_of(raw.frame.filter("is_split").select(*columns.positions).limit(SAMPLE))
    if sample.height == 0:
        raise DataError(f"{raw.label} holds no ratings.")
    lenient = replace(rules, options=replace(options, skip_bad_rows=True))
    read = read_columns(sample, lenient)
    frame, left_out, flaws = raw.frame, [f.lit(False)], [~f.col("is_split")]
    for role in columns.positions:
        frame = frame.withColumnRenamed(role, f"raw_{role}")
    ids = _ids(frame, rules)
    value = _values(cluster, frame, rules)
    frame = value.frame.withColumns(ids)
    named = [str(word) for word in options.missing]
    for role in ids:
        is_named = f.col(role).cast("string").isin(named)
        left_out.append(f.coalesce(is_named, f.lit(False)))
        flaws.append(f.col(role).isNull())
    left_out.append(f.col("is_left_out"))
    flaws.append(f.col("value").isNull())
    if "timestamp" in columns.positions and read.time_unit:
        frame = frame.withColumn("time", _seconds(frame, rules, read.time_unit))
        flaws.append(f.col("time").isNull())
    frame = frame.filter(~reduce(or_, left_out)).withColumn("is_bad", reduce(or_, flaws))
    notes = [*raw.notes, *value.notes, *read.notes]
    times = ["time"] if "time" in frame.columns else []
    rows = frame.select("user", "item", "value", *times, "is_bad", *PLACE).persist()
    return CheckedTable(frame, rows, raw, rules, tuple(dict.fromkeys(notes)), sample)


# -- ids ---------------------------------------------------------------------------------


def _ids(frame: "DataFrame", rules: ValueRules) -> dict[str, "Column"]:
    """The columns of the users and items: integers if all ids are whole numbers, else texts.

    All questions about columns of texts or decimals are asked in one pass.
    """
    from pyspark.sql import functions as f

    types = dict(frame.dtypes)
    columns: dict[str, Column] = {}
    texts: dict[str, Column] = {}
    asked = []
    for role in ("user", "item"):
        if types[f"raw_{role}"] in _INTEGERS and not rules.options.text_ids:
            columns[role] = f.col(f"raw_{role}").cast("bigint")  # nothing to find out
        else:
            texts[role] = _id_text(role, types[f"raw_{role}"])
    if not texts:
        return columns
    for role, text in texts.items():
        is_id = text.isNotNull() & ~text.isin(sorted(MISSING_WORDS))
        for name, form in (("integer", INTEGER), ("whole", WHOLE), ("zero", POINT_ZERO)):
            is_other = (is_id & ~text.rlike(form)).cast("bigint")
            asked.append(f.sum(is_other).alias(f"{role}_{name}"))
        asked.append(f.sum((is_id & text.rlike(WITH_POINT)).cast("bigint")).alias(f"{role}_point"))
        word = f.when(text.isin(sorted(MISSING_WORDS)), text)
        asked.append(f.collect_set(word).alias(f"{role}_words"))
    told = frame.filter("is_split").agg(*asked).first()
    assert told is not None
    counts = told.asDict()
    found = {role: _id_column(frame, role, text, counts, rules) for role, text in texts.items()}
    return columns | found


def _id_text(role: str, kind: str) -> "Column":
    """The ids as texts without spaces at their ends; null where there is none."""
    from pyspark.sql import functions as f

    cell = f.col(f"raw_{role}")
    if kind in ("float", "double"):
        cell = f.when(~f.isnan(cell), cell)
        is_whole = (cell == f.round(cell)) & (f.abs(cell) < 2.0**63)
        text = f.when(is_whole, cell.cast("bigint").cast("string")).otherwise(cell.cast("string"))
    else:
        text = f.btrim(cell.cast("string"), f.lit(_SPACE))
    return f.when(text != "", text)


def _id_column(
    frame: "DataFrame", role: str, text: "Column", counts: Mapping[str, int], rules: ValueRules
) -> "Column":
    from pyspark.sql import functions as f

    words: list[str] = list(counts[f"{role}_words"])  # type: ignore[call-overload]
    if rules.options.text_ids:
        return text
    if words:
        rows = frame.filter("is_split").select(text.alias("id")).distinct().limit(MOST_IDS)
        ids = [row.id for row in rows.collect() if row.id is not None]
        text = f.when(~text.isin(sorted(missing_words([*ids, *words]))), text)
        if set(words) - missing_words([*ids, *words]):
            return text  # a word for "missing" is an id here, so ids are texts
    if not counts[f"{role}_integer"]:
        return text.cast("bigint")
    if not counts[f"{role}_whole"]:
        return f.regexp_replace(text, r"\.0*$", "").cast("bigint")
    if not counts[f"{role}_zero"]:
        return f.regexp_replace(text, r"\.0*$", "")
    if counts[f"{role}_point"]:
        return _merged(frame, role, text, rules)
    return text


def _merged(frame: "DataFrame", role: str, text: "Column", rules: ValueRules) -> "Column":
    """Texts, with 4.0 taken for 4 where both occur."""
    from pyspark.sql import functions as f

    ids = frame.filter("is_split").select(text.alias("id")).distinct()
    short = f.regexp_replace("id", r"\.0+$", "")
    pointed = ids.filter(f.col("id").rlike(WITH_POINT)).select(short.alias("id"), "id")
    pointed = pointed.toDF("id", "long").join(ids, "id").limit(MOST_TEXTS + 1)
    both = [row.long for row in pointed.collect()]
    if len(both) > MOST_TEXTS:
        raise DataError(
            f"{rules.label}: more than {MOST_TEXTS:,} {role} ids in '{rules.column(role)}' have "
            f"two forms, such as '{both[0]}'. Give --text-ids to keep them apart."
        )
    return f.when(text.isin(both), f.regexp_replace(text, r"\.0+$", "")).otherwise(text)


# -- ratings and counts ------------------------------------------------------------------


class _Values(NamedTuple):
    """The frame with the columns `value`, null where it is bad, and `is_left_out`."""

    frame: "DataFrame"
    notes: list[str]


def _values(cluster: Cluster, frame: "DataFrame", rules: ValueRules) -> _Values:
    from pyspark.sql import functions as f

    if rules.kind == "pair":
        ones = {"value": f.lit(1.0).cast("float"), "is_left_out": f.lit(False)}
        return _Values(frame.withColumns(ones), [])
    kind = dict(frame.dtypes)["raw_rating"]
    if kind in (*_INTEGERS, "float", "double") and not rules.options.value_map:
        return _Values(_numbers(frame, f.col("raw_rating"), rules), [])
    text = f.btrim(f.col("raw_rating").cast("string"), f.lit(_SPACE))
    frame = frame.withColumn("rating_text", text)
    given = frame.filter("is_split and rating_text != ''")
    counts = given.groupBy("rating_text").count().orderBy(f.desc("count")).limit(MOST_TEXTS + 1)
    found = [(row[0], row[1]) for row in counts.collect()]
    if len(found) > MOST_TEXTS:  # too many different ones to be anything but numbers
        number = f.expr("try_cast(rating_text as double)")
        return _Values(_numbers(frame, number, rules), [])
    if not found:
        raise DataError(f"{rules.label}: the column '{rules.column('rating')}' is empty.")
    total = sum(count for _, count in found)
    repeats = [max(1, round(REPEATS * count / total)) for _, count in found]
    texts = [text for text, _ in found]
    column = pl.Series("rating", np.repeat(np.array(texts, object), repeats).tolist(), pl.String)
    read = read_values(column, rules)
    first = np.cumsum(repeats) - repeats
    value = read.value[first].astype(np.float64)
    left_out = np.zeros(len(texts), bool)
    if read.left_out is not None:
        left_out = read.left_out[first]
    arrays = [pa.array(texts), pa.array(value, from_pandas=True), pa.array(left_out)]
    table = pa.table(arrays, names=["rating_text", "meaning", "is_left_out"])
    meaning = cluster.session.createDataFrame(table)
    joined = frame.join(f.broadcast(meaning), "rating_text", "left")
    columns = {
        "value": f.col("meaning").cast("float"),
        "is_left_out": f.coalesce("is_left_out", f.lit(False)),
    }
    return _Values(joined.withColumns(columns), read.notes)


def _numbers(frame: "DataFrame", number: "Column", rules: ValueRules) -> "DataFrame":
    from pyspark.sql import functions as f

    low, high = rules.limits or (-_LARGEST, _LARGEST)
    value = f.when(~f.isnan(number), number).cast("float")
    missing = [float(word) for word in rules.options.missing if not isinstance(word, str)]
    is_left_out = f.coalesce(value.isin(missing), f.lit(False))
    in_range = f.when(value.between(low, high), value)
    return frame.withColumns({"value": in_range, "is_left_out": is_left_out})


# -- times -------------------------------------------------------------------------------


def _seconds(frame: "DataFrame", rules: ValueRules, unit: str) -> "Column":
    """Seconds since 1970, `NO_TIME` where there is no time; null where it is bad."""
    from pyspark.sql import functions as f

    kind, cell = dict(frame.dtypes)["raw_timestamp"], f.col("raw_timestamp")
    names = {known.words: name for name, known in units().items()}
    divisor = _DIVISORS.get(names.get(unit, ""))
    if kind.startswith(("timestamp", "date")):
        seconds = f.unix_seconds(cell.cast("timestamp"))
    elif divisor is not None:
        number = cell
        if kind == "string":
            number = f.expr("try_cast(trim(raw_timestamp) as double)")
        seconds = f.floor(number / f.lit(divisor)).cast("bigint")
    else:
        form = names.get(unit) or _DATES.get(unit)
        if form is None and unit.startswith(f"{_AS}%"):
            form = unit.removeprefix(_AS)
        return _read_by_rules(cell.cast("string"), rules, form)
    empty = cell.isNull()
    if kind == "string":
        empty = empty | (f.trim(cell) == "") | f.trim(cell).isin(sorted(MISSING_WORDS))
    valid = f.when(seconds.between(EARLIEST, LATEST), seconds)
    return f.when(empty, f.lit(NO_TIME)).otherwise(valid)


def _read_by_rules(cell: "Column", rules: ValueRules, form: str | None) -> "Column":
    """Times in a form that Spark has no expression for, by the code for one machine."""
    import pandas as pd
    from pyspark.sql.pandas.functions import pandas_udf

    options = replace(rules.options, skip_bad_rows=True)
    if options.time_format is None:
        options = replace(options, time_format=form)
    fixed = replace(rules, options=options, place_of=None)

    def seconds_of(column: pd.Series) -> pd.Series:
        cells = [cell if isinstance(cell, str) else None for cell in column.tolist()]
        return pd.Series(_times_of(cells, fixed), dtype="Int64")

    make: Any = pandas_udf  # its overloads know only its own names of types
    read: Callable[[Column], Column] = make(seconds_of, "bigint")
    return read(cell)


def _times_of(cells: list[str | None], rules: ValueRules) -> list[int | None]:
    times = read_times(pl.Series("timestamp", cells, dtype=pl.String), rules)
    seconds: list[int | None] = [NO_TIME] * len(cells)
    if times.seconds is not None:
        seconds = list(times.seconds.tolist())
    for row in times.flaws.rows.tolist():
        seconds[row] = None
    return seconds
