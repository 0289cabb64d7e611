"""Fixtures of the tests of HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, serving


@pytest.fixture(scope="module")
def strict_url(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with low limits on the size and duration of requests."""
    limits = replace(UNLIMITED, body_bytes=2_000, seconds=0.3)
    database = str(tmp_path_factory.mktemp("strict_url") / "people.db")
    with serving(Settings((model_file,), database, limits=limits, log_requests=False)) as url:
        yield url
