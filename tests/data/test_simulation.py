"""Simulated tables: sizes, shapes, stars, the error that nobody avoids, files and what is refused."""

import math
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

import matinee
from matinee.data.ratings import Ratings
from matinee.data.simulation import files
from matinee.data.simulation.limits import star_variance
from matinee.data.simulation.population import ratings_of_items, ratings_of_users
from matinee.data.simulation.shapes import FEWEST, SHAPES, shape
from matinee.data.simulation.simulation import SimulatedBlock, Simulation, simulate
from matinee.data.split import random_split
from matinee.errors import SettingError, UnknownNameError, UnsupportedError
from matinee.evaluation.metrics import rmse
from matinee.models.baseline import Baseline
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.progress import Step
from tests.conftest import real_data


def small(seed: int = 0) -> Simulation:
    return simulate("ml-25m", n_ratings=10_000, n_users=100, n_items=1_000, seed=seed)


def joined(blocks: Iterator[SimulatedBlock]) -> dict[str, list[float]]:
    """The columns of all blocks."""
    parts = list(blocks)
    return {
        name: np.concatenate([getattr(part, name) for part in parts]).tolist()
        for name in ("user_id", "item_id", "rating", "timestamp")
    }


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    """A hundred thousand in the shape of ml-1m."""
    return simulate("ml-1m", n_ratings=100_000).dataset().ratings


@pytest.mark.parametrize("sizes", [(30_000, 300, 1_000), (2_000, 100, 2_000), (400, 20, 20)])
def test_a_table_has_exactly_the_sizes_asked_for(sizes: tuple[int, ...]) -> None:
    """The last one is full: everybody has rated everything."""
    n_ratings, n_users, n_items = sizes
    simulation = simulate("ml-25m", n_ratings=n_ratings, n_users=n_users, n_items=n_items)
    rows = joined(simulation.blocks())
    pairs = set(zip(rows["user_id"], rows["item_id"], strict=True))
    assert len(rows["rating"]) == len(pairs) == n_ratings
    users, counts = np.unique(rows["user_id"], return_counts=True)
    assert users.tolist() == list(range(1, n_users + 1))
    assert counts.min() >= FEWEST
    assert sorted(set(rows["item_id"])) == list(range(1, n_items + 1))
    keys = list(zip(rows["user_id"], rows["timestamp"], strict=True))
    assert keys == sorted(keys)
    assert set(rows["rating"]) <= set(np.arange(0.5, 5.1, 0.5))


def test_rows_depend_on_the_seed_alone() -> None:
    wanted = joined(small().blocks(1))
    assert joined(small().blocks(3, block_rows=1_000)) == wanted
    edges = small().edges_of_parts(7)
    parts = [joined(small().blocks(first_user=a, end_user=b)) for a, b in pairwise(edges)]
    assert [value for part in parts for value in part["rating"]] == wanted["rating"]
    assert joined(small(seed=1).blocks()) != wanted


def test_each_part_has_a_user() -> None:
    simulation = simulate("ml-25m", n_ratings=2_500, n_users=100, n_items=1_500)
    for n_parts in (1, 3, 99, 100):
        edges = simulation.edges_of_parts(n_parts)
        assert (edges[0], edges[-1], len(edges)) == (0, 100, n_parts + 1)
        assert min(np.diff(edges)) >= 1


def test_what_is_not_given_follows_from_the_rest() -> None:
    def sizes(**given: int) -> tuple[int, ...]:
        made = simulate("ml-25m", **given)
        return made.n_ratings, made.n_users, made.n_items

    assert sizes() == (25_000_095, 162_541, 59_047)
    assert sizes(n_ratings=100_000_380) == (100_000_380, 650_164, 2 * 59_047)
    assert sizes(n_users=325_082)[0] == 50_000_190
    assert sizes(n_ratings=10**9, n_users=10**7, n_items=10**6) == (10**9, 10**7, 10**6)


class Known(NamedTuple):
    """Published figures: quantiles of the ratings of users and items, and the Gini coefficient of items."""

    name: str
    users: tuple[int, int, int]
    items: tuple[int, int, int]
    gini: float


@pytest.mark.parametrize(
    "known",
    [
        Known("ml-100k", (33, 65, 148), (6, 27, 80), 0.629),
        Known("ml-1m", (44, 96, 208), (33, 124, 350), 0.634),
        Known("ml-20m", (35, 68, 155), (3, 18, 205), 0.903),
        Known("ml-25m", (36, 71, 162), (2, 6, 36), 0.942),
    ],
    ids=lambda known: known.name,
)
def test_the_shapes_are_those_of_movielens(known: Known) -> None:
    """Within a quarter for users, and within a factor of two for items, whose tails are long."""
    chosen, rng = shape(known.name), np.random.default_rng(0)
    sizes = (chosen.n_ratings, chosen.n_users, chosen.n_items)
    users = np.quantile(ratings_of_users(chosen, *sizes, rng), (0.25, 0.5, 0.75))
    assert np.abs(np.log(users / known.users)).max() < math.log(1.35)
    items = np.sort(ratings_of_items(chosen, *sizes, rng))
    assert np.abs(np.log(np.quantile(items, (0.25, 0.5, 0.75)) / known.items)).max() < math.log(2.2)
    ranks = np.arange(1, len(items) + 1)
    gini = 2 * (ranks * items).sum() / (len(items) * items.sum()) - (len(items) + 1) / len(items)
    assert gini == pytest.approx(known.gini, abs=0.03)


@pytest.mark.parametrize("name", [one.name for one in SHAPES])
def test_the_stars_have_the_shares_of_the_shape(name: str) -> None:
    simulation = simulate(name, n_ratings=60_000, n_items=2_000)
    value = np.array(joined(simulation.blocks())["rating"])
    found = [(value == star).mean() for star in np.arange(*_range(simulation))]
    wanted = np.array(simulation.shape.shares) / sum(simulation.shape.shares)
    assert found == pytest.approx(wanted, abs=0.002)


def _range(simulation: Simulation) -> tuple[float, float, float]:
    lowest, highest, step = simulation.shape.scale
    return lowest, highest + step / 2, step


def test_items_are_as_popular_as_planned() -> None:
    """Users who run out of popular items leave no trace on the popularities, except that taste decides, too."""
    simulation = simulate("ml-1m", n_ratings=100_000)
    rng = np.random.default_rng([simulation.seed, 1])
    sizes = (simulation.n_ratings, simulation.n_users, simulation.n_items)
    planned = ratings_of_items(simulation.shape, *sizes, rng)
    found = np.bincount(np.array(joined(simulation.blocks())["item_id"]) - 1)
    busy = planned > 30
    ratio = np.log(found[busy] / planned[busy])
    assert abs(np.median(ratio)) < 0.15
    assert ratio.std() < 0.4


def test_the_variance_of_stars_is_that_of_draws() -> None:
    limits, stars = np.array([-1.0, 0.0, 0.4]), np.array([1.0, 2, 3, 4])
    expected = np.array([-2.0, 0, 0.3, 5])
    noise = np.random.default_rng(0).normal(0, 0.7, 100_000)
    drawn = [stars[np.searchsorted(limits, mean + noise)].var() for mean in expected]
    assert star_variance(expected, limits, stars, 0.7) == pytest.approx(drawn, abs=0.01)


def test_taste_can_be_learned_and_the_floor_is_below_every_model(ratings: Ratings) -> None:
    floor = simulate("ml-1m", n_ratings=100_000).summary().floor
    part = random_split(ratings, 0.1)
    errors = [
        rmse(part.test.value, model.fit(part.train).predict_ratings(part.test))
        for model in (Baseline(), MatrixFactorization(factors=16, adapt=False))
    ]
    assert errors[0] < 0.95 < part.test.value.std()
    assert errors[1] < errors[0] - 0.01
    assert floor < errors[1] - 0.02


def test_people_who_rate_much_are_stricter_and_popular_items_better(ratings: Ratings) -> None:
    n_users, n_items = np.bincount(ratings.user_index), np.bincount(ratings.item_index)
    users = np.bincount(ratings.user_index, ratings.value) / n_users
    items = np.bincount(ratings.item_index, ratings.value) / n_items
    assert np.corrcoef(users, np.log(n_users))[0, 1] < -0.1
    busy = n_items >= 20
    assert np.corrcoef(items[busy], np.log(n_items[busy]))[0, 1] > 0.2


def test_it_resembles_the_real_table() -> None:
    """The standard deviation of all ratings and the means of users, next to ml-100k."""
    real = matinee.read(real_data("ml-100k") / "u.data").ratings
    made = simulate("ml-100k").dataset().ratings
    assert made.value.std() == pytest.approx(real.value.std(), abs=0.01)
    assert made.value.mean() == pytest.approx(real.value.mean(), abs=0.01)
    for index in ("user_index", "item_index"):
        counts = [np.bincount(getattr(table, index)) for table in (real, made)]
        quantiles = [np.quantile(count, (0.25, 0.5, 0.75, 0.9, 0.99)) for count in counts]
        assert np.abs(np.log(quantiles[0] / quantiles[1])).max() < 0.3


# -- files ---------------------------------------------------------------------------------------------------------


def test_all_files_hold_the_same_rows_and_say_that_they_are_simulated(tmp_path: Path) -> None:
    simulation = small()
    csv, parquet, folder = tmp_path / "a.csv", tmp_path / "a.parquet", tmp_path / "parts"
    summaries = [
        simulation.write(csv, n_threads=1),
        simulation.write(parquet),
        simulation.write(folder, n_parts=3),
        simulation.summary(),
    ]
    assert all(summary == pytest.approx(summaries[0]) for summary in summaries)
    whole = pl.read_parquet(parquet)
    assert whole.columns == ["userId", "movieId", "rating", "timestamp"]
    assert whole.equals(pl.read_csv(csv, schema=whole.schema))
    parts = sorted(folder.glob("*.parquet"))
    assert [path.name for path in parts] == [f"ratings-{number}.parquet" for number in range(3)]
    assert pl.concat([pl.read_parquet(path) for path in parts]).equals(whole)
    for path in (parquet, *parts):
        assert pl.read_parquet_metadata(path)["note"] == simulation.note
    told = (folder / "README.txt").read_text("utf-8")
    assert told.startswith("Simulated by matinee, like ml-25m (seed 0): these are not the ratings")
    assert f"{summaries[0].floor:.4f}" in told
    dataset = simulation.dataset()
    assert (dataset.name, dataset.note) == ("simulated-ml-25m", simulation.note)
    assert dataset.ratings.value.tolist() == whole["rating"].to_list()


@pytest.mark.parametrize("n_parts", [1, 2])
def test_a_folder_of_parts_is_read_as_one_table(n_parts: int, tmp_path: Path) -> None:
    small().write(tmp_path / "parts", n_parts=n_parts)
    assert len(matinee.read(tmp_path / "parts").ratings) == 10_000


def test_progress_counts_the_rows(tmp_path: Path) -> None:
    steps: list[Step] = []
    small().write(tmp_path / "a.csv", progress=steps.append)
    assert steps[-1] == Step(10_000, 10_000, "10,000 of 10,000 ratings")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "parts"])
def test_the_estimated_size_is_enough_and_not_double(name: str, tmp_path: Path) -> None:
    simulation = simulate("ml-25m", n_ratings=100_000, n_items=10_000)
    n_parts = 2 if name == "parts" else None
    simulation.write(tmp_path / name, n_parts=n_parts)
    needed = sum(path.stat().st_size for path in (tmp_path).rglob("*") if path.is_file())
    assert needed <= files.bytes_of(simulation, tmp_path / name, n_parts) < 2 * needed


class Disk(NamedTuple):
    """A disk with little room."""

    total: int
    used: int
    free: int


def test_a_disk_without_the_room_is_refused_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(10**10, 10**10, 5_000_000))
    with pytest.raises(UnsupportedError) as caught:
        simulate("ml-25m").write(tmp_path / "a.csv")
    assert str(caught.value) == (
        f"Cannot write '{tmp_path / 'a.csv'}': 25,000,095 ratings need about 700 MB, but only "
        "5 MB are free there. Use fewer ratings, another disk, or Parquet instead of CSV."
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "parts"])
def test_a_stop_while_rows_are_written_leaves_nothing(name: str, tmp_path: Path) -> None:
    def stop(_: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small().write(tmp_path / name, n_parts=2 if name == "parts" else None, progress=stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        (
            {"n_ratings": 100, "n_users": 10, "n_items": 30},
            "100 ratings are too few for 10 users: each has at least 20. "
            "Use --users 5 or less, or --ratings 200 or more.",
        ),
        (
            {"n_ratings": 1_000, "n_users": 10, "n_items": 50},
            "1,000 ratings are too many for 10 users and 50 items, which have 500 pairs. "
            "Use fewer ratings, or more users or items.",
        ),
        (
            {"n_ratings": 300, "n_users": 10, "n_items": 301},
            "300 ratings are too few for 301 items: each has at least one. Use --items 300 or less.",
        ),
        (
            {"n_ratings": 9},
            "9 ratings are too few for 1 user: each has at least 20. Use --ratings 20 or more.",
        ),
        ({"n_items": 19}, "Each user rates at least 20 items, but there are only 19 items."),
        ({"n_users": 0}, "The number of users must be at least 1, not 0."),
        ({"n_users": -1, "n_ratings": 9}, "The number of users must be at least 1, not -1."),
        ({"seed": -1}, "The seed must be at least 0, not -1."),
        (
            {"n_ratings": 2**40, "n_users": 2**31},
            "There can be at most 2,147,483,647 users and as many items.",
        ),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes: dict[str, int], told: str) -> None:
    with pytest.raises(SettingError) as caught:
        simulate("ml-1m", **sizes)
    assert str(caught.value) == told


def test_unknown_shapes_and_bad_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError) as unknown:
        simulate("ml-2m")
    assert "ml-20m" in str(unknown.value)
    with pytest.raises(SettingError) as setting:
        small().write(tmp_path / "a.tsv")
    assert str(setting.value) == (
        f"'{tmp_path / 'a.tsv'}' must end in .csv or .parquet, which chooses the format; "
        "for a folder, say how many parts it has (--parts)."
    )
    with pytest.raises(SettingError) as setting:
        small().write(tmp_path / "parts", n_parts=101)
    assert str(setting.value) == (
        "The number of parts must be from 1 to the number of users, 100, not 101."
    )
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(SettingError, match="exists already; remove it or give another path"):
        small().write(tmp_path / "a.csv")
    with pytest.raises(SettingError, match="exists already"):
        small().write(tmp_path, n_parts=2)
    with pytest.raises(UnsupportedError, match="does not exist; create it first"):
        small().write(tmp_path / "none" / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "mine"
