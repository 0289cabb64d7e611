"""One Spark for all tests of a worker, and small tables as a data lake has them."""

import csv
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matinee.data.ratings import Ratings
from matinee.errors import EngineError
from matinee.spark.session import Cluster, SparkOptions, check_installed, cluster
from tests.conftest import simulated

if TYPE_CHECKING:
    from collections.abc import Sequence

CONF = (
    "spark.driver.memory=900m",
    "spark.sql.shuffle.partitions=2",
    "spark.default.parallelism=2",
    "spark.ui.enabled=false",
    "spark.sql.adaptive.enabled=false",
    "spark.sql.codegen.wholeStage=false",
    "spark.sql.codegen.factoryMode=NO_CODEGEN",
    "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.bindAddress=127.0.0.1",
    "spark.driver.host=127.0.0.1",
)
"""For tables of some thousand rows on one machine, where compiling takes longer than the work."""


def require_spark() -> None:
    """Skips the test, with what to install, where PySpark or Java is missing."""
    try:
        check_installed()
    except EngineError as error:
        if os.environ.get("MATINEE_REQUIRE_ALL"):
            pytest.fail(f"MATINEE_REQUIRE_ALL is set; {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def spark() -> Iterator[Cluster]:
    """A real Spark of two cores."""
    require_spark()
    with cluster(SparkOptions("local[2]", CONF)) as found:
        yield found


def write_csv(path: Path, rows: "Sequence[Sequence[object]]") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def columns_of(ratings: Ratings) -> list[tuple[object, object, float]]:
    users = ratings.users.ids[ratings.user_index].tolist()
    items = ratings.items.ids[ratings.item_index].tolist()
    return list(zip(users, items, ratings.value.tolist(), strict=True))


@pytest.fixture(scope="session")
def small() -> Ratings:
    """2,000 ratings by 60 users of 40 items."""
    return simulated(60, 40, 2_000, seed=4)


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory, small: Ratings) -> Path:
    """The small table: `parts`, a folder of two CSV files; `titled/ratings.csv`, with titles beside
    it."""
    folder = tmp_path_factory.mktemp("lake")
    rows = columns_of(small)
    (folder / "parts").mkdir()
    (folder / "titled").mkdir()
    header = ("user", "item", "rating")
    for number, part in enumerate((rows[:1_200], rows[1_200:])):
        write_csv(folder / "parts" / f"part-{number}.csv", [header, *part])
    write_csv(folder / "titled" / "ratings.csv", [header, *rows])
    genres = {7: "Drama", 17: "Comedy"}  # by the last digits of the ids, 7, 17, 27, ...
    titles = "".join(
        f"{item},Film {item} (1999),{genres[item % 20]}\n" for item in small.items.ids.tolist()
    )
    (folder / "titled" / "items.csv").write_text(f"item,title,genres\n{titles}")
    return folder


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def java() -> str:
    found = shutil.which("java")
    assert found is not None
    return found
