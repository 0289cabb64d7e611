"""Spark for tests: the session that all of them share, its tables, and model files trained there."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from matinee.data.ratings import Ratings
from matinee.data.reading.options import ReadOptions
from matinee.errors import EngineError
from matinee.models.base import Recommender
from matinee.recommendation.guide import Guide
from matinee.spark import encoding, factors, lists, stars
from matinee.spark.encoding import ClusterRatings, read_ratings
from matinee.spark.session import Cluster, SparkOptions, check_installed, cluster
from tests.helpers import good, table

CONF = (
    "spark.driver.memory=600m",
    "spark.sql.shuffle.partitions=2",
    "spark.default.parallelism=2",
    "spark.ui.enabled=false",
    "spark.sql.adaptive.enabled=false",
    "spark.sql.codegen.wholeStage=false",
    "spark.sql.codegen.factoryMode=NO_CODEGEN",
    "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
    "spark.driver.bindAddress=127.0.0.1",
    "spark.driver.host=127.0.0.1",
)
"""For tables of some thousand rows on one machine, where compiling takes longer than the work."""
ON_SPARK = ("--engine", "spark")
SETTINGS = {
    "mf": ("factors=4", "epochs=2"),
    "ials": ("factors=4", "epochs=2"),
    "hybrid": ("mf.factors=4", "mf.epochs=1", "ials.factors=4", "ials.epochs=1", "lists=ials,ease"),
}


def require_spark() -> None:
    """Skips the test, with what to install, where PySpark or Java is missing."""
    try:
        check_installed()
    except EngineError as error:
        if os.environ.get("MATINEE_REQUIRE_ALL"):
            pytest.fail(f"MATINEE_REQUIRE_ALL is set; {error}")
        pytest.skip(str(error))


@contextmanager
def session() -> Iterator[Cluster]:
    """A real Spark of two cores."""
    require_spark()
    with cluster(SparkOptions("local[2]", CONF)) as found:
        yield found


def write_csv(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def columns_of(ratings: Ratings) -> list[tuple[object, object, float]]:
    users = ratings.users.ids[ratings.user_index].tolist()
    items = ratings.items.ids[ratings.item_index].tolist()
    return list(zip(users, items, ratings.value.tolist(), strict=True))


def write_lake(folder: Path) -> Path:
    """`table()` as a data lake has it: `parts`, a folder of two CSV files; `titled/ratings.csv`,
    with titles beside it."""
    rows = columns_of(table())
    (folder / "parts").mkdir()
    (folder / "titled").mkdir()
    header = ("user", "item", "rating")
    for number, part in enumerate((rows[:5_000], rows[5_000:])):
        write_csv(folder / "parts" / f"part-{number}.csv", [header, *part])
    write_csv(folder / "titled" / "ratings.csv", [header, *rows])
    genres = {7: "Drama", 17: "Comedy"}  # by the last digits of the ids, 7, 17, 27, ...
    titles = "".join(
        f"{item},Film {item} (1999),{genres[item % 20]}\n" for item in table().items.ids.tolist()
    )
    (folder / "titled" / "items.csv").write_text(f"item,title,genres\n{titles}")
    return folder


def train(lake: Path, name: str, out: Path, *words: object) -> Path:
    """A model of `table()`, trained quickly by the command line on Spark."""
    settings = [word for one in SETTINGS[name] for word in ("--set", one)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stars, "BIAS_EPOCHS", 2)
        patch.setattr(stars, "ROUNDS", 2)
        patch.setattr(lists, "ROUNDS", 1)
        patch.setattr(factors, "LEAST_BLOCKS", 2)
        data = lake / "titled" / "ratings.csv"
        good("train", data, "--model", name, *settings, *ON_SPARK, *words, "--out", out)
    return out


class SparkFiles:
    """Model files of `table()`, each trained when it is first asked for, in the session of all."""

    def __init__(self, lake: Path, folder: Path) -> None:
        self.lake, self.folder = lake, folder
        self.tables: dict[str, ClusterRatings] = {}

    @contextmanager
    def reading_once(self) -> Iterator[None]:
        """Commands in the block get the table that the first of them has read, which is cached
        in Spark; reading has tests of its own."""

        def read(here: Cluster, source: Sequence[str], options: ReadOptions) -> ClusterRatings:
            key = "|".join([*source, repr(options)])
            if key not in self.tables:
                self.tables[key] = read_ratings(here, source, options)
            return self.tables[key]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encoding, "read_ratings", read)
            yield

    def path(self, name: str) -> Path:
        """The file of a model; "no users" is one of `ials` without users."""
        out = self.folder / f"{name}.matinee"
        if not out.exists():
            with self.reading_once():
                if name == "no users":
                    train(self.lake, "ials", out, "--no-users")
                else:
                    train(self.lake, name, out)
        return out

    def model(self, name: str) -> Recommender:
        """The model of a file, which no test may change."""
        return _loaded(self.path(name))


@cache
def _loaded(path: Path) -> Recommender:
    return Guide.load(path).model
