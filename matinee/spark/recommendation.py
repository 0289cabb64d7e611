"""Lists for everybody, made by the workers and written as Parquet, a folder of parts.

The model goes to each worker once. The people are those in the model file, or those whose ratings a
table holds, who are folded in: a model without users serves everybody. The lists are those that
`Guide.recommend_everybody` makes on one machine.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError, SettingError
from matinee.models.top_lists import USERS_PER_BLOCK
from matinee.recommendation.everybody import (
    PeopleToList,
    Wanted,
    known_people,
    lists_of_people,
)
from matinee.recommendation.guide import Guide
from matinee.spark.encoding import ClusterRatings
from matinee.spark.people import UserBlock, over_users
from matinee.spark.session import Cluster

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

USERS_PER_PARTITION = 20_000
SUFFIXES = (".csv", ".tsv", ".jsonl", ".json")


class ListTask(NamedTuple):
    """What the workers need to make lists."""

    guide: Guide
    wanted: Wanted


def lists_of_users(cluster: Cluster, task: ListTask) -> "DataFrame":
    """The lists of all users of the model file.

    Raises:
        DataError: it holds none.
    """
    users = task.guide.model.users_
    if len(users) == 0:
        raise DataError(
            "This model file holds no users. Give their ratings, a table as that of the training:  "
            "--histories DATA"
        )
    shared = cluster.session.sparkContext.broadcast(task)
    n_parts = max(cluster.n_cores, -(-len(users) // USERS_PER_PARTITION))

    def lists(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        now: ListTask = shared.value
        for batch in batches:
            index = batch.column(0).to_numpy()
            for first in range(0, len(index), USERS_PER_BLOCK):
                people = known_people(now.guide.model, index[first : first + USERS_PER_BLOCK])
                yield from _lists(now, people).to_batches()

    numbers = cluster.session.range(0, len(users), 1, n_parts)
    return numbers.mapInArrow(lists, _schema(task, _sql_type(users)))


def lists_of_histories(table: ClusterRatings, task: ListTask) -> "DataFrame":
    """The lists of all users of a table, from their ratings there.

    Raises:
        DataError: the ratings lie outside the scale of the model, or the model knows no item.
    """
    from pyspark.sql import functions as f

    model = task.guide.model
    scale = model.scale_
    if not (scale.allows(table.scale.lowest) and scale.allows(table.scale.highest)):
        raise DataError(
            f"The ratings in {table.name} are {table.scale}, and those of the model are {scale}; "
            "convert one of them first."
        )
    place = table.items.indices_in(model.items_)
    if not (place >= 0).any():
        raise DataError(f"The model knows none of the {len(place):,} items in {table.name}.")
    shared = table.cluster.session.sparkContext.broadcast((task, place))

    def lists(block: UserBlock) -> Iterator[pa.Table]:
        now, known = shared.value
        for first in range(0, len(block.users), USERS_PER_BLOCK):
            yield _lists(now, _people(now, block, known, first))

    frame = over_users(table.frame.select("user", "item", "value"), lists, _schema(task, "bigint"))
    ids = table.user_ids.select(f.col("index").cast("bigint").alias("user_id"), f.col("id"))
    named = [f.col(name) for name in frame.columns[1:]]
    return frame.join(ids, "user_id").select(f.col("id").alias("user_id"), *named)


def _people(task: ListTask, block: UserBlock, known: NDArray[np.int32], first: int) -> PeopleToList:
    """Some users of a block, from their ratings of items that the model knows."""
    places = range(first, min(first + USERS_PER_BLOCK, len(block.users)))
    rated = []
    for place in places:
        own = block.of_user(place)
        item = known[block.item[own]]
        rated.append((item[item >= 0], block.value[own][item >= 0]))

    def vectors(rows: slice) -> Floats:
        return np.stack([task.guide.model.vector_of(*one) for one in rated[rows]])

    return PeopleToList(block.users[places.start : places.stop], vectors, lambda row: rated[row][0])


def _lists(task: ListTask, people: PeopleToList) -> pa.Table:
    guide = task.guide
    table: pa.Table = lists_of_people(guide.model, guide.catalog, people, task.wanted, 1).to_arrow()
    # Spark reads neither large texts nor views of texts
    is_number = [
        pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in table.schema.types
    ]
    kinds = zip(table.schema, is_number, strict=True)
    fields = [one if number else pa.field(one.name, pa.string()) for one, number in kinds]
    return table.cast(pa.schema(fields))


def _schema(task: ListTask, user: str) -> str:
    model = task.guide.model
    name = "stars" if model.has_stars else "score"
    item = _sql_type(model.items_)
    return f"user_id {user}, rank int, item_id {item}, title string, {name} float"


def _sql_type(ids: Vocabulary) -> str:
    return "bigint" if ids.is_integer else "string"


def write_lists(frame: "DataFrame", out: str) -> tuple[int, int]:
    """Writes lists as a folder of Parquet files, which a marker of Spark completes; returns the
    numbers of lists and of rows.

    Raises:
        SettingError: something is there already, or the name says another format.
    """
    from pyspark.errors import AnalysisException
    from pyspark.sql import functions as f

    check_folder(out)
    try:
        frame.write.mode("errorifexists").parquet(out)
    except AnalysisException as error:
        if "PATH_ALREADY_EXISTS" not in str(error):
            raise
        raise SettingError(
            f"'{out}' exists already; remove it, or give another name with --out."
        ) from None
    told = frame.sparkSession.read.parquet(out).agg(f.countDistinct("user_id"), f.count("*"))
    row = told.first()
    assert row is not None
    return int(row[0]), int(row[1])


def check_folder(out: str) -> None:
    """Refuses, before the work starts, a name that says another format."""
    if out.lower().endswith(SUFFIXES):
        raise SettingError(
            f"On Spark, lists are written as a folder of Parquet files, not as '{out}'; give a "
            "name such as lists.parquet."
        )
