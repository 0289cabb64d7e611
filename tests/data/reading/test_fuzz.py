"""Whatever a file holds, `read` gives a `Dataset` or raises a `MatineeError`; nothing else comes out."""

import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.data.dataset import Dataset
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.errors import MatineeError

GOOD = "userId,movieId,rating,timestamp\n" + "".join(
    f"{user},{item},{(user * item) % 5 + 1},{978300000 + user}\n"
    for user in range(1, 6)
    for item in range(1, 5)
)
SPOILERS = [
    "",
    ",",
    "::",
    "\n",
    "\r",
    '"',
    "\0",
    "nan",
    "-",
    "1e999",
    "007",
    "é",
    "\ufeff",
    "2001-01-01",
    "{",
    " ",
    "\t",
]

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["1", "5", "007", "2001-01-01", "1.0", "x"]),
    st.datetimes(),
    st.lists(st.integers(0, 3), max_size=2),
)


def check(source: object) -> None:
    """Read with and without bad rows; what can be read is whole and consistent."""
    for skip_bad_rows in (False, True):
        try:
            dataset = read(source, ReadOptions(skip_bad_rows=skip_bad_rows))
        except MatineeError as error:
            assert "\n" not in str(error)  # noqa: PT017  any error will do
            continue
        assert isinstance(dataset, Dataset)
        ratings = dataset.ratings
        assert np.isfinite(ratings.value).all()
        assert len(ratings) >= 2
        assert (np.bincount(ratings.user_index) >= 0).all()
        assert dataset.source_rows is None or bool((np.diff(dataset.source_rows) > 0).all())


def check_bytes(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        check(path)


def packed(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ml/ratings.csv", text)
    return file.getvalue()


def parquet(text: str) -> bytes:
    file = io.BytesIO()
    pl.read_csv(text.encode()).write_parquet(file)
    return file.getvalue()


def json_lines(text: str) -> bytes:
    return pl.read_csv(text.encode()).write_ndjson().encode()


FORMS: list[tuple[str, Callable[[str], bytes]]] = [
    ("ratings.csv", str.encode),
    ("ratings.dat", lambda text: text.partition("\n")[2].replace(",", "::").encode()),
    ("u.data", lambda text: text.partition("\n")[2].replace(",", "\t").encode()),
    ("ratings.csv.gz", lambda text: gzip.compress(text.encode())),
    ("ratings.zip", packed),
    ("ratings.parquet", parquet),
    ("ratings.jsonl", json_lines),
]


@given(st.binary(max_size=200), st.sampled_from([name for name, _ in FORMS]))
@settings(max_examples=80, deadline=None)
def test_random_bytes_never_break_the_reader(content: bytes, name: str) -> None:
    check_bytes(content, name)


@given(st.data(), st.sampled_from(FORMS))
@settings(max_examples=120, deadline=None)
def test_a_good_file_with_bytes_changed_never_breaks_the_reader(
    data: st.DataObject, form: tuple[str, Callable[[str], bytes]]
) -> None:
    name, make = form
    content = bytearray(make(GOOD))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, max(0, len(content) - 1)))
        content[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    check_bytes(bytes(content), name)


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD)), st.sampled_from(SPOILERS)), max_size=4),
    st.sampled_from(FORMS[:3]),
)
@settings(max_examples=120, deadline=None)
def test_a_good_table_with_odd_text_put_in_never_breaks_the_reader(
    insertions: list[tuple[int, str]], form: tuple[str, Callable[[str], bytes]]
) -> None:
    text = GOOD
    for place, spoiler in insertions:
        text = text[:place] + spoiler + text[place:]
    check_bytes(form[1](text), form[0])


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_odd_frames_and_json_lines_never_break_the_reader(rows: list[tuple[object, ...]]) -> None:
    names = ["user", "item", "rating", "time"]
    check_bytes(
        "\n".join(
            json.dumps(dict(zip(names, row, strict=True)), default=str) for row in rows
        ).encode(),
        "r.jsonl",
    )
    columns = {}
    for number, name in enumerate(names):
        cells = [row[number] for row in rows]
        try:
            columns[name] = pl.Series(name, cells, strict=True)
        except (TypeError, pl.exceptions.PolarsError):
            columns[name] = pl.Series(name, [str(cell) for cell in cells])
    check(pl.DataFrame(columns))
