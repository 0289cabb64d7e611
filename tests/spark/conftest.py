"""What the tests of Spark share: a small table, and a folder to work in. The rest, which tests of
models need, too, is in `tests/conftest.py`."""

from pathlib import Path

import pytest

from matinee.data.ratings import Ratings
from tests.conftest import simulated


@pytest.fixture(scope="session")
def small() -> Ratings:
    """2,000 ratings by 60 users of 40 items."""
    return simulated(60, 40, 2_000, seed=4)


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
