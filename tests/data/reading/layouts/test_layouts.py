"""The examples of the layouts with a name are what they are called."""

from pathlib import Path

import pytest

from matinee.data.reading.layouts import LINES, NamedLayout
from matinee.data.reading.read import read


@pytest.mark.parametrize("layout", LINES, ids=lambda layout: layout.name)
def test_the_example_of_a_layout_is_of_it_alone_and_reads(
    layout: NamedLayout, tmp_path: Path
) -> None:
    lines = layout.example.splitlines()
    assert [one.name for one in LINES if one.fits(lines)] == [layout.name]
    path = tmp_path / "table"
    path.write_text(layout.example)
    summary = read(path).summary
    assert summary is not None
    assert summary.layout == layout.name
    assert summary.lines()[0] == f"Read as {layout.name}."
    assert summary.notes[0].startswith("Layout ")


PLAIN = [
    "user,item,rating\n1,10,4\n1,11,3\n",
    "1 10 4\n1 11 3\n2 10 5\n",
    "1\t2\t3\t97\n1\t3\t4\t98\n",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_table_is_of_no_layout(text: str) -> None:
    assert not any(layout.fits(text.splitlines()) for layout in LINES)
