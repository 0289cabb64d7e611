"""Splits of a table on a cluster into a training and a test part.

What is drawn at random follows from a hash of user, item and seed: the same rows are drawn whatever
the number of partitions, and when a lost part is computed again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matinee.data.split import TO_FIND
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.spark.encoding import ClusterRatings, partitions_for

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

TRAIN, TEST, FOLDED_IN = 0, 1, 2
BUCKETS = 1_000_000
SPECS = "random:0.2, kfold:5, leave-last-out, time:0.1 or users:0.1"


@dataclass(frozen=True, eq=False)
class ClusterSplit:
    """A training part, and the rows of all parts.

    Attributes:
        train: the training part.
        frame: `user`, `item`, `value` and `part`, in partitions by user.
        protocol, note: as in `data.split.Split`.
        n_test, n_folded_in: the rows of these parts.
    """

    train: ClusterRatings
    frame: "DataFrame"
    protocol: str
    n_test: int
    n_folded_in: int = 0
    note: str = ""


def cluster_splits(table: ClusterRatings, spec: str, seed: int) -> Iterator[ClusterSplit]:
    """The split or splits that a text names.

    Raises:
        SettingError: it names none.
        UnsupportedError: the rows of a table have no numbers on Spark.
        DataError: the split is impossible with this table.
    """
    from pyspark.sql import functions as f

    kind, _, argument = spec.partition(":")
    drawn = f.pmod(f.xxhash64("user", "item", f.lit(seed)), f.lit(BUCKETS))
    if kind == "random":
        yield _parted(table, _choice(drawn < _limit(argument, spec)), spec)
    elif kind == "kfold" and argument.isdecimal() and int(argument) > 1:
        for fold in range(int(argument)):
            yield _parted(table, _choice(drawn % int(argument) == fold), spec)
    elif kind == "users":
        person = f.pmod(f.xxhash64("user", f.lit(seed)), f.lit(BUCKETS))
        to_find = f.when(drawn < int(TO_FIND * BUCKETS), TEST).otherwise(FOLDED_IN)
        part = f.when(person < _limit(argument, spec), to_find).otherwise(TRAIN)
        yield _parted(table, part, spec)
    elif kind == "time":
        share = _limit(argument, spec) / BUCKETS
        _require_times(table, spec)
        (last,) = table.frame.approxQuantile("time", [1 - share], 1e-4)
        yield _parted(table, _choice(f.col("time") > last), spec)
    elif spec == "leave-last-out":
        yield _parted(_with_last(table), _choice(f.col("is_last")), spec)
    elif kind == "rows":
        raise UnsupportedError(
            f"The rows of a table have no numbers on Spark, so there is no {spec}. Give the test "
            f"part as another table with --test, or {SPECS}."
        )
    else:
        raise SettingError(f"No split '{spec}' on Spark. Give one of {SPECS}.")


def given_tables(train: ClusterRatings, test: ClusterRatings) -> ClusterSplit:
    """Two tables of `read_parts`; test rows of pairs in the training part are left out."""
    from pyspark.sql import functions as f

    rest = test.frame.join(train.frame.select("user", "item"), ["user", "item"], "left_anti")
    n_test = rest.count()
    if n_test == 0:
        raise DataError(
            f"All {test.n_ratings:,} test {test.unit}s are in the training part as well, so "
            "nothing is left to test on; give others, or use a split such as random:0.2."
        )
    note = ""
    if n_test < test.n_ratings:
        note = (
            f"{test.n_ratings - n_test:,} of the {test.n_ratings:,} test {test.unit}s are in the "
            "training part as well; they are left out."
        )
    columns = ["user", "item", "value"]
    known = train.frame.select(*columns, f.lit(TRAIN).alias("part"))
    both = known.unionByName(rest.select(*columns, f.lit(TEST).alias("part")))
    n_parts = partitions_for(train.cluster, train.n_ratings + n_test)
    frame = both.repartition(n_parts, "user").persist()
    return ClusterSplit(train, frame, "given files", n_test, note=note)


def _choice(is_test: "Column") -> "Column":
    from pyspark.sql import functions as f

    return f.when(is_test, TEST).otherwise(TRAIN)


def _limit(argument: str, spec: str) -> int:
    try:
        share = float(argument)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise SettingError(f"The split {spec} is impossible. Give one of {SPECS}.")
    return round(share * BUCKETS)


def _require_times(table: ClusterRatings, spec: str) -> None:
    if not table.has_times:
        raise DataError(f"The split {spec} needs timestamps, and this table has none.")


def _with_last(table: ClusterRatings) -> ClusterRatings:
    """The table with `is_last`: whether a rating is the latest of a user who has others."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    _require_times(table, "leave-last-out")
    own = Window.partitionBy("user")
    place = f.row_number().over(own.orderBy(f.desc("time"), f.desc("item")))
    is_last = (place == 1) & (f.count("*").over(own) > 1)
    return replace(table, frame=table.frame.withColumn("is_last", is_last))


def _parted(table: ClusterRatings, part: "Column", protocol: str) -> ClusterSplit:
    from pyspark.sql import functions as f

    frame = table.frame.withColumn("part", part.cast("int"))
    counts = {row["part"]: int(row["count"]) for row in frame.groupBy("part").count().collect()}
    for number, name in ((TRAIN, "train"), (TEST, "test")):
        if not counts.get(number):
            raise DataError(f"The split {protocol} leaves no ratings in the {name} part.")
    train = replace(
        table,
        frame=frame.filter(f.col("part") == TRAIN).drop("part", "is_last"),
        n_ratings=counts[TRAIN],
    )
    rows = frame.select("user", "item", "value", "part")
    return ClusterSplit(train, rows, protocol, counts[TEST], counts.get(FOLDED_IN, 0))
