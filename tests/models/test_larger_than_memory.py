"""A training walks a table on a disk: under a limit of memory smaller than the ratings, with the same numbers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings, Scale
from matinee.data.stored.conversion import write_dataset
from matinee.data.stored.folder import open_folder
from matinee.data.vocabulary import Vocabulary
from matinee.models import model_named
from matinee.models.declarations import state_of
from tests.cli.conftest import environment

N_USERS, N_ITEMS, N_RATINGS = 1_000, 600, 400_000
BYTES = 12 * N_RATINGS
"""Of the ratings: a user, an item and a value each, without times and without an order."""
SETTINGS = {
    "mf": {"factors": 4, "epochs": 4, "adapt": False},
    "ials": {"factors": 4, "epochs": 2},
    "bayes": {"factors": 3, "samples": 2, "burn_in": 1, "kept": 2, "set_rank": 2, "side": False},
}
_CODE = """
import resource, sys
import matinee.block_sums, matinee.scratch
matinee.block_sums.BLOCK = matinee.scratch.BLOCK = 1 << 12  # before others take the numbers
from matinee.models import matrix_factorization
matrix_factorization.MOST_PRIORS = 1 << 12  # in larger tables, strong tastes need no other plans
from dataclasses import replace
from pathlib import Path
from matinee.data.stored.folder import open_folder
from matinee.models import model_named

tasks, small, large, limit = eval(sys.argv[1])
for name, settings in tasks.items():
    make = lambda: model_named(name).from_settings(settings)
    make().fit(open_folder(Path(small)).ratings, n_threads=1)  # loads and compiles all it needs
    status = Path("/proc/self/status").read_text()
    used = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    ratings = open_folder(Path(large)).ratings
    resource.setrlimit(resource.RLIMIT_DATA, (1024 * used + limit, resource.RLIM_INFINITY))
    make().fit(ratings, n_threads=1)
    try:
        make().fit(replace(ratings, stored=None), n_threads=1)
    except MemoryError:
        print(name)
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
"""Prints the models that can be trained from the disk, but not in memory."""


def folder(path: Path, n_users: int, n_items: int, n_ratings: int) -> Path:
    """A ratings folder with tastes that can be learned."""
    rng = np.random.default_rng(0)
    pair = rng.choice(n_users * n_items, n_ratings, replace=False)
    user, item = (pair // n_items).astype(np.int32), (pair % n_items).astype(np.int32)
    users, items = rng.normal(size=n_users), rng.normal(size=n_items)
    value = 3 + users[user] * items[item] + rng.normal(0, 0.5, n_ratings)
    stars = np.clip(np.round(value), 1, 5).astype(np.float32)
    ratings = Ratings(
        Vocabulary(np.arange(n_users), "user"),
        Vocabulary(np.arange(n_items), "item"),
        user,
        item,
        stars,
        None,
        Scale(1, 5, 1),
    )
    write_dataset(Dataset("tastes", ratings, Catalog()), path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("small") / "t.ratings", 60, 40, 1_200)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("large") / "t.ratings", N_USERS, N_ITEMS, N_RATINGS)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit private memory")
def test_a_training_needs_less_memory_than_the_ratings(
    small: Path, large: Path, tmp_path: Path
) -> None:
    task = (SETTINGS, str(small), str(large), BYTES // 2)
    done = subprocess.run(
        [sys.executable, "-c", _CODE, repr(task)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(TMPDIR=str(tmp_path)),
    )
    assert done.stdout.split() == list(SETTINGS), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", SETTINGS)
def test_the_numbers_are_those_of_a_training_in_memory(name: str, small: Path) -> None:
    assert_same_numbers(name, small)


def test_the_numbers_are_the_same_with_several_groups_of_users(large: Path) -> None:
    assert_same_numbers("mf", large)


def assert_same_numbers(name: str, path: Path) -> None:
    ratings = open_folder(path).ratings
    settings: dict[str, int | str] = dict(SETTINGS[name])
    on_disk = model_named(name).from_settings(settings).fit(ratings)
    in_memory = model_named(name).from_settings(settings).fit(replace(ratings, stored=None))
    for learned, array in state_of(on_disk).items():
        assert np.array_equal(array, state_of(in_memory)[learned], equal_nan=True), learned
