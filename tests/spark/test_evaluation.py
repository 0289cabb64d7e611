"""Measures from Spark are those of `evaluation` on the same split."""

from pathlib import Path

import numpy as np
import pytest

from matinee.data.ratings import Ratings
from matinee.data.reading.options import ReadOptions
from matinee.data.split import given_parts
from matinee.errors import SettingError, UnsupportedError
from matinee.evaluation import evaluate as measure
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.spark.encoding import ClusterRatings, read_ratings
from matinee.spark.evaluation import Judge, measure_users
from matinee.spark.people import UserBlock
from matinee.spark.session import Cluster
from matinee.spark.splits import BUCKETS, cluster_splits
from tests.helpers import as_json, error_message
from tests.spark.trained import columns_of, write_csv

pytestmark = pytest.mark.xdist_group("spark")


@pytest.fixture(scope="module")
def timed(
    spark: Cluster, small: Ratings, tmp_path_factory: pytest.TempPathFactory
) -> ClusterRatings:
    """The small table with times: the rows of each user are in order."""
    rows = [(*row, 10**9 + number) for number, row in enumerate(columns_of(small))]
    path = tmp_path_factory.mktemp("timed") / "ratings.csv"
    write_csv(path, [("user", "item", "rating", "timestamp"), *rows])
    return read_ratings(spark, [str(path)], ReadOptions())


def test_two_tables_are_measured_as_on_one_machine(
    spark: Cluster, small: Ratings, tmp_path: Path
) -> None:
    del spark
    rng, rows = np.random.default_rng(0), columns_of(small)
    is_test = rng.random(len(rows)) < 0.2
    header = ("user", "item", "rating")
    for name, wanted in (("train", ~is_test), ("test", is_test)):
        part = [row for row, is_in in zip(rows, wanted.tolist(), strict=True) if is_in]
        write_csv(tmp_path / f"{name}.csv", [header, *part])
    words = ("evaluate", tmp_path / "train.csv", "--test", tmp_path / "test.csv", "--model", "mf")
    settings = ("--set", "factors=4", "--set", "epochs=2")
    found = as_json(*words, *settings, "--engine", "spark")
    assert (found["n_train"], found["n_test"]) == (int((~is_test).sum()), int(is_test.sum()))
    here = as_json(*words, "--set", "factors=4")
    assert found["rmse"] == pytest.approx(here["rmse"], abs=0.06)
    assert found["ndcg_at_10"] == pytest.approx(here["ndcg_at_10"], abs=0.05)
    assert found["n_ranked_users"] == here["n_ranked_users"]
    assert found["intervals"]["rmse"][0] < found["rmse"] < found["intervals"]["rmse"][1]


def test_the_measures_of_a_model_are_those_of_this_machine(small: Ratings) -> None:
    is_test = np.arange(len(small)) % 5 == 0
    part = given_parts(small.subset(~is_test), small.subset(is_test))
    one = MatrixFactorization(factors=4, adapt=False).fit(part.train, n_threads=1)
    report = measure(lambda: MatrixFactorization(factors=4, adapt=False), part, "x", n_threads=1)
    order = np.lexsort((small.item_index, small.user_index))
    counts = np.append(0, np.cumsum(small.user_counts))
    block = UserBlock(
        np.arange(small.n_users, dtype=np.int32),
        counts,
        small.item_index[order],
        small.value[order],
        is_test[order].astype(np.int32),
    )
    tables = list(measure_users(block, Judge(one, BUCKETS, 0, np.zeros(small.n_items))))
    squares = sum(float(np.sum(table.column("squares").to_numpy())) for table in tables)
    assert np.sqrt(squares / is_test.sum()) == pytest.approx(report.rmse, abs=1e-4)
    judged = [row for table in tables for row in table.column("measures").to_pylist() if row]
    assert len(judged) == report.n_ranked_users
    assert np.mean([row[1] for row in judged]) == pytest.approx(report.ndcg_at_10, abs=1e-6)


def test_splits_draw_the_wanted_rows(timed: ClusterRatings) -> None:
    n = timed.n_ratings
    (part,) = cluster_splits(timed, "random:0.25", 3)
    assert part.n_test == pytest.approx(n / 4, rel=0.15)
    assert part.n_test + part.train.n_ratings == n
    (again,) = cluster_splits(timed, "random:0.25", 3)
    assert sorted(map(tuple, part.frame.collect())) == sorted(map(tuple, again.frame.collect()))
    (last,) = cluster_splits(timed, "leave-last-out", 0)
    rows = last.frame.filter("part = 1").collect()
    assert len(rows) == len({row.user for row in rows}) == timed.n_users
    (late,) = cluster_splits(timed, "time:0.1", 0)
    assert late.n_test == pytest.approx(n / 10, rel=0.05)
    (people,) = cluster_splits(timed, "users:0.2", 1)
    held_out = {row.user for row in people.frame.filter("part > 0").collect()}
    assert not held_out & {row.user for row in people.train.frame.collect()}
    assert 0 < people.n_test < people.n_folded_in


def test_a_split_that_spark_cannot_make_is_refused(timed: ClusterRatings) -> None:
    told = error_message(UnsupportedError, lambda: list(cluster_splits(timed, "rows:x.npy", 0)))
    assert "Give the test part as another table with --test" in told
    for spec in ("random:2", "half", "users:x"):
        assert spec in error_message(SettingError, next, cluster_splits(timed, spec, 0))
