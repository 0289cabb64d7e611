"""Blocks of lines give the columns of the whole file, or none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.reading import heads, parse, source, tables
from matinee.data.reading.columnar import HasComments, NotClean, frames_of_text
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.data.reading.row_sources import rows_of_text
from matinee.data.reading.sniff import layout_of

ROWS = [(user, 3 * user % 11, 1 + user % 9 / 2, 956_703_932 + user) for user in range(200, 1, -1)]


def text_of(separator: str, end: str, rows: Sequence[Sequence[object]] = ROWS) -> str:
    return end.join(separator.join(map(str, row)) for row in rows)


def head_of(path: Path) -> str:
    return "".join(path.read_text().splitlines(keepends=True)[:20])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LARGE", 0)
    monkeypatch.setattr(parse, "_BLOCK", 100)


def parsed(path: Path, separator: str) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    """The columns from blocks, None if one is not clean, and those of the whole."""
    layout = layout_of(head_of(path), ReadOptions(), "a table", separator)
    short: parse.Types = {**layout.types, "user": pl.Int32, "item": pl.Int32}
    frames = [block.frame for block in parse.blocks_of_lines(path, layout, short)]
    clean = [frame for frame in frames if frame is not None]
    blocks = None
    if len(clean) == len(frames):
        blocks = pl.concat([frame for frame in clean if frame.width])
    return blocks, parse.parse_whole(path, layout, layout.types)


@pytest.mark.parametrize("separator", [",", "\t", "::"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_blocks_give_the_same_columns(
    tmp_path: Path, separator: str, end: str, header: bool, last: bool
) -> None:
    text = text_of(separator, end) + end * last
    if header:
        text = separator.join(("userId", "movieId", "rating", "timestamp")) + end + text
    (tmp_path / "r.csv").write_bytes(text.encode())
    blocks, whole = parsed(tmp_path / "r.csv", separator)
    assert blocks is not None
    assert whole is not None
    assert len(blocks) > 100
    short = whole.with_columns(pl.col("user", "item").cast(pl.Int32))
    assert blocks.equals(short)


@pytest.mark.parametrize(
    "row",
    ['"7",3,4.5,956703932', "7,3,,956703932", "3000000000,3,4.5,956703932", "7,x,4.5,956703932"],
    ids=["quotes", "gap", "large id", "text"],
)
def test_other_tables_are_left_to_the_parser_of_whole_files(tmp_path: Path, row: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"{text_of(',', chr(10))}\n{row}\n")
    blocks, _ = parsed(path, ",")
    assert blocks is None or any(column.has_nulls() for column in blocks)


def test_ids_of_more_than_32_bits_are_read_truly(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"{text_of(',', chr(10))}\n3000000000,3,4.5,956703932\n")
    ratings = read(path).ratings
    assert ratings.users.ids[-1] == 3_000_000_000
    assert len(ratings) == len(ROWS) + 1


def test_a_line_may_be_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    rows = [(user, item, 4, "x" * 300) for user, item, _, _ in ROWS]
    path.write_text("user,item,rating,comment\n" + text_of(",", "\n", rows))
    layout = layout_of(head_of(path), ReadOptions(), "a table", ",")
    frame = next(frames_of_text(path, layout, None))
    np.testing.assert_array_equal(frame["user"].to_numpy(), [row[0] for row in ROWS])


@pytest.mark.parametrize("line", ["# struck out", "%", "#7,3,4.5,956703932"])
def test_comments_far_down_in_a_large_table_are_left_out(
    tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_LARGE", 0)
    path = tmp_path / "r.csv"
    above, below = text_of(",", "\n"), text_of(",", "\n", [(500, 1, 4, 956_703_932)])
    path.write_text(f"{above}\n{line}\n{below}\n")
    monkeypatch.setattr(heads, "_HEAD_BYTES", 1000)
    data = read(path)
    assert len(data.ratings) == len(ROWS) + 1
    assert data.summary is not None
    assert "1 comment line" in " ".join(data.summary.lines())


@pytest.mark.parametrize("id_", ["007", "0"])
def test_leading_zeros_far_down_in_a_large_table_make_texts(
    tmp_path: Path, id_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_LARGE", 0)
    path = tmp_path / "r.csv"
    path.write_text(f"{text_of(',', chr(10))}\n{id_},3,4.5,956703932\n")
    ids = read(path).ratings.users.ids.tolist()
    assert (id_ if id_ == "007" else 0) in ids
    assert len(ids) == len(ROWS) + 1


FLAWS = {
    "too few fields": "7,3,4.5",
    "one too many": "7,3,4.5,956703932,1",
    "an empty one too many": "7,3,4.5,956703932,",
    "a comment": "# 7,3,4.5,956703932",
    "an empty line": "",
    "a leading zero": "07,3,4.5,956703932",
    "a leading zero of an item": "7,03,4.5,956703932",
}


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize("place", [0, 1, 3, 60, len(ROWS) - 1])
def test_no_flaw_of_a_line_is_overlooked_in_blocks(tmp_path: Path, flaw: str, place: int) -> None:
    lines = ["userId,movieId,rating,timestamp", *text_of(",", "\n").split("\n")]
    lines.insert(place + 1, FLAWS[flaw])
    path = tmp_path / "r.csv"
    path.write_text("\n".join(lines))
    layout = layout_of("\n".join(lines[:1] + lines[-20:-1]), ReadOptions(), "a table", ",")
    for rows in rows_of_text(path, layout, None):
        try:
            frames = list(rows.frames)
        except (NotClean, HasComments):
            continue
        assert flaw.startswith("a leading zero"), "only texts show them"
        assert frames[0]["user"].dtype == pl.String
