"""No table decides memory or time beyond its size: odd ones are read or refused within limits, measured in a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import matinee
from matinee.data.features import Features
from matinee.data.reading import item_table
from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

N = 4_000
GOOD = [{"user": row % 100, "item": row % 300, "rating": row % 5 + 1} for row in range(N)]

#: Name -> a table of at most 1 MB and what becomes of it: a number of ratings, or part of the message.
TABLES: dict[str, tuple[Callable[[], str], int | str]] = {
    "keys.jsonl": (
        lambda: "\n".join(json.dumps(row | {f"k{n}": 1}) for n, row in enumerate(GOOD)),
        300,
    ),
    "keys.json": (
        lambda: json.dumps([row | {f"k{n}": 1} for n, row in enumerate(GOOD)]),
        300,
    ),
    "objects.jsonl": (
        lambda: "\n".join(json.dumps(row | {"x": {f"k{n}": 1}}) for n, row in enumerate(GOOD)),
        300,
    ),
    "columns.json": (
        lambda: json.dumps(
            {
                role: {str(n): row[role] for n, row in enumerate(GOOD)}
                for role in ("user", "item", "rating")
            }
            | {f"k{n}": {str(n): 1} for n in range(N)}
        ),
        300,
    ),
    "nested.jsonl": (
        lambda: "\n".join(f'{{"user":{n},"item":{n % 7},"rating":{n % 5},"x":{"[" * 900}{"]" * 900}}}' for n in range(300)),
        300,
    ),
    "genres.csv": (
        lambda: (
            "user,item,rating,title,genres\n"
            + "".join(
                f"{n % 100},{n},{n % 5},T{n},{'|'.join(f'{n}g{m}' for m in range(9))}\n"
                for n in range(9_000)
            )
        ),
        9_000,
    ),
    "one item.csv": (
        lambda: (
            "user,item,rating,title,genres\n"
            + "".join(f"{n},{n % 2},{n % 5},T{n % 2},g{n // 20}\n" for n in range(N))
        ),
        N,
    ),
    "wide.csv": (
        lambda: (
            f"user,item,rating,{','.join(f'c{n}' for n in range(20_000))}\n"
            + "".join(f"{n},{n % 7},{n % 5}{',' * 20_000}\n" for n in range(5))
        ),
        5,
    ),
    "one line.csv": (lambda: "x" * 1_000_000, "its first line is 1 MB long. A table has a line for each row."),
    "separators.csv": (lambda: "," * 1_000_000, "its first line is 1 MB long"),
    "blank.csv": (lambda: "\n" * 1_000_000, "is empty: it has no ratings."),
    "quotation marks.csv": (lambda: 'user,item,rating\n' + '"\n' * 300_000, "line 2: it has 1 field instead of 3"),
    "ragged.csv": (lambda: "user,item,rating\n" + "".join(f"1,2,3{',1' * (n % 900)}\n" for n in range(2_000)), "line 3: it has 4 fields"),
}  # fmt: skip

CODE = """
import sys, time
from pathlib import Path
from matinee.data.reading.read import read
from matinee.errors import MatineeError
from matinee.system import peak_memory_mb

folder = Path(sys.argv[1])
read(folder / "small.csv")  # what the libraries take anyway
for path in sorted(folder.iterdir()):
    before, start = peak_memory_mb(), time.process_time()
    try:
        found = len(read(path).ratings)
    except MatineeError as error:
        found = str(error)
    print(path.name, found, f"{time.process_time() - start:.2f}", f"{peak_memory_mb() - before:.1f}", sep="|")
"""


def test_odd_tables_take_no_more_memory_and_time_than_their_size_explains(tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text("user,item,rating\n1,2,3\n2,3,4\n")
    for name, (content, _) in TABLES.items():
        (tmp_path / name).write_text(content())
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(matinee.__file__).parent.parent)},
    )
    found = {line.split("|")[0]: line.split("|")[1:] for line in done.stdout.splitlines()}
    for name, (_, expected) in TABLES.items():
        result, seconds, megabytes = found[name]
        if isinstance(expected, int):
            assert result == str(expected), name
        else:
            assert expected in result, name
        assert float(seconds) < 5, (name, seconds)
        assert float(megabytes) < 80, (name, megabytes)


def test_json_lines_of_mixed_types_read_and_rare_keys_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(
        "".join(
            json.dumps({"user": n % 5, "item": f"i{n}" if n % 2 else n, "rating": 1 + n % 5 / 2, f"k{n}": [n]}) + "\n"
            for n in range(300)
        )
    )  # fmt: skip
    found = read(path)
    assert [row[:3] for row in rows_of(found)][:2] == [(0, "0", 1.0), (1, "i1", 1.5)]
    assert found.summary is not None
    assert (
        "The first 200 rows have 203 different keys, 200 of them in less than half of the rows, such "
        "as 'k0', 'k1' and 'k2'; they are not read." in found.summary.notes
    )


def test_a_later_row_of_another_type_is_read_as_before(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    rows = [{"user": n % 7, "item": n, "rating": n % 5} for n in range(250)]
    path.write_text("\n".join(map(json.dumps, [*rows, rows[3] | {"rating": 2.5, "user": 8}])))
    assert rows_of(read(path))[-1] == (8, 3, 2.5, None)
    path.write_text("\n".join(map(json.dumps, [*rows, rows[3] | {"rating": "x"}])))
    assert reading_error(path).startswith(f"{path}, line 251: the rating 'x' is not a number")


def test_of_very_many_genres_the_most_frequent_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_table, "MOST_GENRES", 2)
    monkeypatch.setattr(item_table, "MOST_OF_ONE_ITEM", 3)
    path = tmp_path / "ratings.csv"
    pl.DataFrame({"user": [1, 2, 2], "item": [1, 2, 3], "rating": [1, 2, 3]}).write_csv(path)
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n1,A,x|y|z|w\n2,B,x|y|u\n3,C,v|y\n"
    )  # w is beyond the third
    found = read(path)
    assert found.catalog.genres == ["x", "y"]
    assert "movies.csv has 5 different genres; the 2 most frequent are used." in found.note


def test_of_very_many_labels_the_most_frequent_have_a_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = [["g: a", "g: b", "y: 1"], ["g: a", "y: 2"], ["g: c", "g: a"], ["y: 2"]]
    every = Features.of(labels)
    monkeypatch.setattr("matinee.data.features.MOST_CELLS", 0)
    monkeypatch.setattr("matinee.data.features.LABELS_KEPT", 2)
    few = Features.of(labels)
    assert every is not None
    assert few is not None
    assert few.names == ("g: a", "y: 2")
    assert few.table.tolist() == every.table[:, [0, 4]].tolist()
