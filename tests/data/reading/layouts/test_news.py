"""The visits of MIND."""

from pathlib import Path

import pytest

from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

VISITS = (
    "1\tU13\t11/11/2019 9:05:58 AM\tN55 N42\tN10-0 N35-1 N36-1\n"
    "2\tU91\t11/12/2019 6:11:30 PM\t\tN47-1\n"
    "3\tU13\t11/13/2019 6:11:30 PM\tN60\tN10-0 N47-0\n"
)
ROWS = [
    ("U13", "N35", 1.0, 1573463158),
    ("U13", "N36", 1.0, 1573463158),
    ("U91", "N47", 1.0, 1573582290),
]


@pytest.mark.parametrize("drop", [0, 1])
def test_each_click_is_a_pair(drop: int, tmp_path: Path) -> None:
    path = tmp_path / "behaviors.tsv"
    lines = ["\t".join(line.split("\t")[drop:]) for line in VISITS.splitlines()]
    path.write_text("\n".join(lines) + "\n")
    found = read(path)
    assert rows_of(found) == ROWS
    assert found.summary is not None
    assert "news shown without a click (N2-0)" in found.summary.notes[0]


def test_visits_without_a_click_are_no_ratings(tmp_path: Path) -> None:
    path = tmp_path / "behaviors.tsv"
    path.write_text("1\tU13\t11/11/2019 9:05:58 AM\tN55\tN10-0 N35-0\n")
    assert reading_error(path).startswith(f"{path} has no ratings. Layout of MIND")
