"""Fixtures of the tests of served models."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def model_copy(model_file: Path, tmp_path: Path) -> Path:
    """A model file that may be changed."""
    return Path(shutil.copy(model_file, tmp_path / "films.matinee"))
