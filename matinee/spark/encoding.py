"""The ratings as numbers: ids of any type become indices, and each pair occurs once.

The index of an id is its place among the sorted ids, as in `data.vocabulary`. Spark sorts the ids
of the users, which may be too many for one machine; those of the items come to the driver.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from matinee._types import Doubles, Longs
from matinee.data.catalog import Catalog
from matinee.data.features import Features
from matinee.data.ratings import PAIRS, Scale
from matinee.data.reading.item_metadata import titles_beside
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.titles_in_table import catalog_of_ids
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError, UnsupportedError
from matinee.spark.bad_rows import NO_BAD_ROWS, BadRows, bad_rows
from matinee.spark.cells import PLACE, CheckedTable, checked_table
from matinee.spark.session import Cluster
from matinee.spark.source import raw_table
from matinee.text import counted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MOST_INDICES = 2**31 - 1
"""MLlib numbers users and items by 32-bit integers."""
ROWS_PER_PARTITION = 1_000_000
MOST_PARTITIONS = 10_000
MOST_VALUES = 100_000


@dataclass(frozen=True, eq=False)
class ClusterRatings:
    """Ratings on a cluster, as `data.ratings.Ratings` are in memory.

    Attributes:
        cluster: where they are.
        frame: `user` and `item`, int; `value`, float; `time`, bigint, if the table has times. All
            rows of a user are in one partition.
        user_ids: `index`, int, and `id`, of all users.
        n_users, n_ratings: their numbers.
        items: the ids of the items.
        scale: of the ratings.
        catalog, item_features: what files beside the ratings say about the items.
        name: of the table.
        notes: what was taken for what, in sentences.
        n_duplicates: rows that a later rating of the same user and item replaced.
        bad: the rows that were left out.
    """

    cluster: Cluster
    frame: "DataFrame"
    user_ids: "DataFrame"
    n_users: int
    n_ratings: int
    items: Vocabulary
    scale: Scale
    catalog: Catalog
    item_features: Features | None
    name: str
    notes: tuple[str, ...] = ()
    n_duplicates: int = 0
    bad: BadRows = NO_BAD_ROWS

    @property
    def has_times(self) -> bool:
        """Whether the table has times."""
        return "time" in self.frame.columns

    @property
    def unit(self) -> str:
        """What a row is: a rating, or a pair of a user and an item."""
        return "rating" if self.scale.has_stars else "pair"

    def part(self, condition: "Column") -> "ClusterRatings":
        """Some rows, with the same users, items and scale."""
        frame = self.frame.filter(condition)
        return replace(self, frame=frame, n_ratings=frame.count())

    def user_vocabulary(self) -> Vocabulary:
        """The ids of all users, on the driver."""
        return Vocabulary(_ids_of(self.user_ids.orderBy("index").select("id").toArrow()), "user")


def read_ratings(cluster: Cluster, source: Sequence[str], options: ReadOptions) -> ClusterRatings:
    """The ratings in a table that Spark reads, checked and numbered.

    Raises:
        DataError: there is no such table, it is not one of ratings, or a row is bad and the
            options do not skip it.
        UnsupportedError: it has more users or items than MLlib can number.
    """
    return read_parts(cluster, [source], options)[0]


def read_parts(
    cluster: Cluster, sources: Sequence[Sequence[str]], options: ReadOptions
) -> list[ClusterRatings]:
    """Several tables, such as a training and a test part, with the same users and items.

    Raises: as `read_ratings`.
    """
    from pyspark.sql import functions as f

    tables, bads, goods = [], [], []
    for source in sources:
        checked = checked_table(cluster, raw_table(cluster, source, options), options)
        tables.append(checked)
        bads.append(bad_rows(checked))
        goods.append(checked.rows.filter(~f.col("is_bad")))
    for side in ("user", "item"):
        if len({dict(good.dtypes)[side] for good in goods}) > 1:
            goods = [good.withColumn(side, f.col(side).cast("string")) for good in goods]
    both = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), goods)
    items = _item_vocabulary(both)
    user_ids, n_users = _user_ids(both)
    _refuse_nothing_to_learn(tables[0], user_ids, n_users, items)
    found = []
    for checked, bad, good in zip(tables, bads, goods, strict=True):
        scale = _scale(good, checked, options)
        numbered = _numbered(cluster, good, user_ids, items)
        frame, n_ratings, n_duplicates = _unrepeated(cluster, numbered, bad.n_good, checked)
        checked.rows.unpersist()
        catalog, features, notes = _titles(checked.raw.folder, items, checked)
        table = ClusterRatings(
            cluster=cluster,
            frame=frame,
            user_ids=user_ids,
            n_users=n_users,
            n_ratings=n_ratings,
            items=items,
            scale=scale,
            catalog=catalog,
            item_features=features,
            name=checked.raw.name,
            notes=(*_about(checked), *checked.notes, *notes),
            n_duplicates=n_duplicates,
            bad=bad,
        )
        found.append(table)
    return found


def _refuse_nothing_to_learn(
    checked: CheckedTable, user_ids: "DataFrame", n_users: int, items: Vocabulary
) -> None:
    for kind, n in (("user", n_users), ("item", len(items))):
        if n == 1:
            one = items.ids[0] if kind == "item" else user_ids.collect()[0]["id"]
            raise DataError(
                f"{checked.rules.label} has {checked.rules.kind}s of only one {kind}, '{one}'; at "
                f"least two are needed to learn from. It was read as {checked.raw.layout}; if that "
                f"is wrong, give --{kind}-column or --separator."
            )


# -- ids ---------------------------------------------------------------------------------


def _item_vocabulary(good: "DataFrame") -> Vocabulary:
    ids = _ids_of(good.select("item").distinct().toArrow())
    if len(ids) > MOST_INDICES:
        raise _too_many(len(ids), "item")
    return Vocabulary(np.sort(ids), "item")


def _ids_of(table: pa.Table) -> Any:
    """The ids in a table of one column: int64, or texts as objects."""
    column = table.column(0)
    if pa.types.is_integer(column.type):
        return column.to_numpy().astype(np.int64)
    return np.array(column.to_pylist(), object)


def _user_ids(good: "DataFrame") -> tuple["DataFrame", int]:
    """The sorted ids with their places, and how many there are.

    The places are numbered by Spark: those within a partition, after the sizes of all partitions
    before.
    """
    from pyspark.sql import functions as f

    ids = good.select(f.col("user").alias("id")).distinct().persist()  # sorting reads it twice
    parted = ids.orderBy("id").select("id", f.monotonically_increasing_id().alias("number"))
    parted = parted.withColumn("part", f.shiftright("number", 33).cast("int")).persist()
    sizes = {
        int(row["part"]): int(row["count"]) for row in parted.groupBy("part").count().collect()
    }
    ids.unpersist()
    n_users = sum(sizes.values())
    if n_users > MOST_INDICES:
        raise _too_many(n_users, "user")
    n_parts = max(sizes, default=0) + 1
    counts = np.array([sizes.get(part, 0) for part in range(n_parts)])
    before = (np.cumsum(counts) - counts).tolist()
    offsets = f.array(*(f.lit(offset) for offset in before))
    within = f.col("number") - f.shiftleft(f.col("part").cast("bigint"), 33)
    index = (f.get(offsets, f.col("part")) + within).cast("int")
    return parted.select(index.alias("index"), "id"), n_users


def _too_many(n: int, kind: str) -> UnsupportedError:
    return UnsupportedError(
        f"The table has {n:,} {kind}s, and MLlib numbers at most {MOST_INDICES:,}. Train on a part "
        "of the users; the others are served by their ratings."
    )


def _numbered(
    cluster: Cluster, good: "DataFrame", user_ids: "DataFrame", items: Vocabulary
) -> "DataFrame":
    """The rows with indices in the place of ids."""
    from pyspark.sql import functions as f

    numbers = pa.array(np.arange(len(items), dtype=np.int32))
    table = pa.table({"item": pa.array(items.ids.tolist()), "item_index": numbers})
    item_ids = cluster.session.createDataFrame(table)
    users = user_ids.select(f.col("id").alias("user"), f.col("index").alias("user_index"))
    joined = good.join(users, "user").join(f.broadcast(item_ids), "item")
    times = ["time"] if "time" in good.columns else []
    return joined.select(
        f.col("user_index").alias("user"),
        f.col("item_index").alias("item"),
        "value",
        *times,
        *PLACE,
    )


# -- rows --------------------------------------------------------------------------------


def _unrepeated(
    cluster: Cluster, numbered: "DataFrame", n_rows: int, checked: CheckedTable
) -> tuple["DataFrame", int, int]:
    """The rows with each pair once, in partitions by user; their number, and that of the rest."""
    from pyspark.sql import functions as f

    n_parts = partitions_for(cluster, n_rows)
    times = [name for name in ("time",) if name in numbered.columns]
    columns = ["user", "item", "value", *times]
    frame = numbered.select(columns).repartition(n_parts, "user")
    frame = frame.sortWithinPartitions("user", "item").persist()
    n_repeated = _n_repeated(frame)
    if n_repeated == 0:
        return frame, n_rows, 0
    frame.unpersist()
    rows = numbered.repartition(n_parts, "user").groupBy("user", "item")
    if checked.rules.kind == "rating":
        last = f.struct(*times, *PLACE)
        kept = rows.agg(f.max_by(f.struct("value", *times), last).alias("kept"))
        distinct = kept.select("user", "item", *(f"kept.{name}" for name in ("value", *times)))
    else:
        latest = [f.max(name).alias(name) for name in times]
        distinct = rows.agg(f.sum("value").cast("float").alias("value"), *latest)
    distinct = distinct.sortWithinPartitions("user", "item").persist()
    return distinct, n_rows - n_repeated, n_repeated


def _n_repeated(frame: "DataFrame") -> int:
    """The rows whose user and item another row of the sorted partition has, too."""

    def counts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        last, n = (-1, -1), 0
        for batch in batches:
            user, item = (np.asarray(column) for column in batch.columns)
            if len(user):
                n += int(np.count_nonzero((user[1:] == user[:-1]) & (item[1:] == item[:-1])))
                n += last == (user[0], item[0])
                last = user[-1], item[-1]
        yield pa.RecordBatch.from_pydict({"n": np.array([n], np.int64)})

    told = frame.select("user", "item").mapInArrow(counts, "n bigint").toArrow()
    return int(np.sum(told.column("n").to_numpy()))


def partitions_for(cluster: Cluster, n_rows: int) -> int:
    """The number of partitions: a million rows in each, and work for every core."""
    wanted = max(-(-n_rows // ROWS_PER_PARTITION), cluster.n_cores)
    return min(wanted, MOST_PARTITIONS)


def _scale(frame: "DataFrame", checked: CheckedTable, options: ReadOptions) -> Scale:
    if checked.rules.kind != "rating":
        return PAIRS
    rows = frame.select("value").distinct().limit(MOST_VALUES).toArrow()
    value: Doubles = rows.column(0).to_numpy().astype(np.float64)
    ends = frame.selectExpr("min(value)", "max(value)").first()
    assert ends is not None
    value = np.append(value, [float(ends[0]), float(ends[1])])
    if options.scale is not None:
        value = np.append(value, options.scale)
    scale = Scale.of(value.astype(np.float32))
    if not scale.has_stars:
        raise DataError(
            f"{checked.rules.label}: every rating is {scale.lowest:g}; at least two values are "
            "needed to learn from. If a row only means that a user has an item, give --pairs."
        )
    return scale


def _titles(
    folder: "Any", items: Vocabulary, checked: CheckedTable
) -> tuple[Catalog, Features | None, tuple[str, ...]]:
    """The catalog beside the ratings, if they lie on this machine, and the items' features."""
    column = checked.rules.names.get("item")
    if folder is None:
        return catalog_of_ids(items, column), None, ()
    titles = titles_beside(folder, items, column, checked.raw.name)
    if not titles.catalog:
        return catalog_of_ids(items, column), None, tuple(titles.notes)
    return titles.catalog, titles.catalog.features(items), tuple(titles.notes)


def _about(checked: CheckedTable) -> list[str]:
    columns = checked.raw.columns
    uses = []
    for role in columns.positions:
        word = columns.kind if role == "rating" else role
        name = columns.name(role)
        uses.append(f"{word} from {f'column {name}' if name.isdecimal() else repr(name)}")
    return [f"Read as {checked.raw.layout}: {', '.join(uses)}."]


def item_counts(table: ClusterRatings, frame: "DataFrame | None" = None) -> tuple[Longs, Doubles]:
    """The number of ratings of each item and their sum, (I,) each."""
    from pyspark.sql import functions as f

    rows = (table.frame if frame is None else frame).groupBy("item")
    told = rows.agg(f.count("*").alias("n"), f.sum("value").alias("total")).toArrow()
    counts, sums = np.zeros(len(table.items), np.int64), np.zeros(len(table.items))
    index = told.column("item").to_numpy()
    counts[index], sums[index] = told.column("n").to_numpy(), told.column("total").to_numpy()
    return counts, sums


def notes_on(table: ClusterRatings) -> list[str]:
    """Sentences on how a table was read, for people."""
    notes = list(table.notes)
    repeated = counted(table.n_duplicates, "row")
    if table.n_duplicates and table.scale.has_stars:
        notes.append(f"Repeated ratings by the same user: {repeated}; the last rating counts.")
    elif table.n_duplicates:
        notes.append(f"Repeated pairs: {repeated}; their counts are added.")
    if table.bad.total:
        notes.append(table.bad.note())
    return notes
