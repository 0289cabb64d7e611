"""What several test files need: the real data where it is, and a small table that any model can be fitted on."""

import gc
import os
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

# One thread for BLAS and PyTorch, also in processes that tests start: theirs wait by spinning, and each worker
# of pytest-xdist has about one core. The libraries read this when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from matinee.data.ratings import Ratings
from matinee.models import adaptation

ENOUGH_HELD_OUT = adaptation.ENOUGH_HELD_OUT

if TYPE_CHECKING:
    from matinee.spark.session import Cluster
    from tests.spark.trained import SparkFiles


def real_data(name: str) -> Path:
    """A folder or file below MATINEE_DATA; skips the test, with a sentence, where it is not there."""
    root = os.environ.get("MATINEE_DATA")
    required = os.environ.get("MATINEE_REQUIRE_ALL") and root
    if root and (Path(root) / name).exists():
        return Path(root) / name
    if required:
        pytest.fail(f"MATINEE_REQUIRE_ALL is set and '{name}' is not below MATINEE_DATA={root}.")
    pytest.skip(
        f"needs real ratings: set MATINEE_DATA to a folder that holds '{name}' (see CONTRIBUTING.md)"
    )


def simulated(
    n_users: int = 300,
    n_items: int = 120,
    n_ratings: int = 9_000,
    *,
    signal: float = 0.7,
    seed: int = 0,
) -> Ratings:
    """Ratings from known biases and, times `signal`, three known tastes; noise of deviation 0.5, scale 1 to 5."""
    rng = np.random.default_rng(seed)
    pairs = rng.choice(n_users * n_items, n_ratings, replace=False)
    user, item = pairs // n_items, pairs % n_items
    bias = rng.normal(0, 0.4, n_users)[user] + rng.normal(0, 0.5, n_items)[item]
    taste = np.einsum(
        "nf,nf->n", rng.normal(size=(n_users, 3))[user], rng.normal(size=(n_items, 3))[item]
    )
    value = 3.2 + bias + signal * taste / np.sqrt(3) + rng.normal(0, 0.5, n_ratings)
    stars = np.clip(np.round(value * 2) / 2, 1, 5)
    times = rng.integers(1_000_000_000, 1_100_000_000, n_ratings)
    return Ratings.from_ids((user + 1).tolist(), (item * 10 + 7).tolist(), stars, times)


@pytest.fixture(scope="session")
def ratings() -> Ratings:
    """9,000 simulated ratings by 300 users (ids 1..300) of 120 items (ids 7, 17, 27, ...), scale 1 to 5."""
    return simulated()


@pytest.fixture(scope="module")
def one_torch_thread() -> Iterator[None]:
    """PyTorch on one core: with more, its threads wait for each other where other processes want the cores too."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def one_part_is_held_out() -> Iterator[None]:
    """`mf` on a small table tries its plans on a fifth of the ratings, instead of on one fifth after the other.

    Most of the time of its training goes there, and nearly all models train it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adaptation, "ENOUGH_HELD_OUT", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """Each client of httpx reads them, and the servers of the tests do not use TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="module")
def all_parts_are_held_out() -> Iterator[None]:
    """For tests of how good `mf` is on small tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adaptation, "ENOUGH_HELD_OUT", ENOUGH_HELD_OUT)
        yield


# -- Spark: one session, and models trained there --------------------------------------------------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests of a group first, so that one worker of pytest-xdist runs all of them.

    Each worker begins with a part of the list, and has tests taken from the end of its part where another worker has
    none left: what comes first stays together. Those that need a Spark of their own come before the others of
    the group, because a process has one Spark at a time.
    """
    ranks = {None: 2, "spark": 1, "cluster": 0}

    def rank(item: pytest.Item) -> int:
        mark = item.get_closest_marker("xdist_group")
        return ranks[mark.args[0] if mark else None]

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Lets the collection of garbage pass over what is there for the whole run: half a million objects of modules
    and tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tables; see `write_lake`."""
    from tests.spark.trained import write_lake

    return write_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="session")
def spark() -> "Iterator[Cluster]":
    """A real Spark of two cores, for tests that are marked with xdist_group("spark")."""
    from tests.spark.trained import session

    with session() as found:
        yield found


@pytest.fixture(scope="session")
def spark_files(
    spark: "Cluster", lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> "SparkFiles":
    """Model files that Spark trains."""
    from tests.spark.trained import SparkFiles

    del spark  # the session that the commands find
    return SparkFiles(lake, tmp_path_factory.mktemp("spark-files"))
