"""A ratings folder holds what reading the table gives, whatever its size, or is refused in a sentence."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from matinee.data.catalog import Catalog, Film
from matinee.data.dataset import Dataset
from matinee.data.datasets.load import load, load_to_folder
from matinee.data.reading import row_sources, streaming
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.data.stored import grouping, writing
from matinee.data.stored.conversion import write_dataset
from matinee.data.stored.folder import open_folder
from matinee.data.vocabulary import Id
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.progress import Step
from matinee.scratch import Scratch
from tests.conftest import simulated
from tests.helpers import error_message, good, run


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of some thousand rows take several blocks and buckets."""
    monkeypatch.setattr(grouping, "BUCKET", 400)
    monkeypatch.setattr(grouping, "BLOCK", 150)
    monkeypatch.setattr(streaming, "BLOCK", 150)
    monkeypatch.setattr(row_sources, "_ROWS", 300)


def table(ids: str = "int", kind: str = "rating", *, times: bool = True) -> pl.DataFrame:
    """1,500 rows in any order, in which some 200 pairs occur again."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 60, 1500), rng.integers(0, 90, 1500)
    columns: dict[str, object] = {
        "user": {"int": users * 3, "long": users * 10**11 + 7, "text": [f"u{u}" for u in users]}[
            ids
        ],
        "item": items,
    }
    if kind != "pair":
        columns[kind] = rng.integers(1, 6, 1500)
    if times:
        columns["timestamp"] = rng.integers(1_000_000_000, 1_000_000_020, 1500)
    return pl.DataFrame(columns)


def written(frame: pl.DataFrame, form: str, folder: Path) -> str | Path:
    """The table as a file, as parts, or in a database."""
    path = folder / f"table.{form}"
    match form:
        case "csv":
            frame.write_csv(path)
        case "parquet":
            frame.write_parquet(path)
        case "parts":
            path.mkdir()
            for number, part in enumerate(frame.iter_slices(500)):
                part.write_parquet(path / f"part-{number}.parquet")
        case _:
            frame.write_database("ratings", f"sqlite:///{path}")
            return f"sqlite:///{path}"
    return path


def check_same(stored: Dataset, whole: Dataset) -> None:
    """The folder has the rows of the data set, sorted, with the same groups."""
    ours, theirs = stored.ratings, whole.ratings
    assert (ours.users, ours.items, ours.scale) == (theirs.users, theirs.items, theirs.scale)
    group, by_item = theirs.by_user, theirs.by_item
    place = np.empty(len(theirs), np.int64)
    place[group.row] = np.arange(len(theirs))
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = [
        (ours.user_index, theirs.user_index[group.row]),
        (ours.item_index, group.indices),
        (ours.value, group.value),
        (ours.by_user.indptr, group.indptr),
        (ours.by_item.indptr, by_item.indptr),
        (ours.by_item.indices, by_item.indices),
        (ours.by_item.value, by_item.value),
        (ours.by_item.row, place[by_item.row]),
        (ours.user_counts, theirs.user_counts),
    ]
    assert (ours.timestamp is None) == (theirs.timestamp is None)
    if ours.timestamp is not None and theirs.timestamp is not None:
        pairs.append((ours.timestamp, theirs.timestamp[group.row]))
    assert all(np.array_equal(one, other) and one.dtype == other.dtype for one, other in pairs[:3])
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert stored.n_duplicates == whole.n_duplicates
    ours.check_indices()
    if stored.summary is None or whole.summary is None:
        assert stored.summary is whole.summary
        return
    told, expected = stored.summary.to_dict(), whole.summary.to_dict()
    for name in ("n_rows", "scale", "times", "n_liked", "liked_from"):
        assert told[name] == expected[name]


@pytest.mark.parametrize(
    ("form", "ids", "kind", "times"),
    [
        ("csv", "int", "rating", True),
        ("csv", "text", "count", False),
        ("parquet", "long", "rating", True),
        ("parquet", "text", "rating", False),
        ("parts", "int", "pair", False),
        ("parts", "long", "count", True),
        ("db", "int", "rating", True),
        ("db", "text", "rating", True),
    ],
)
def test_a_folder_holds_what_reading_the_table_gives(
    form: str, ids: str, kind: str, *, times: bool, tmp_path: Path
) -> None:
    source = written(table(ids, kind, times=times), form, tmp_path)
    steps: list[Step] = []
    stored = load_to_folder(source, ReadOptions(), tmp_path / "t.ratings", steps.append)
    assert stored.ratings.stored is not None
    assert stored.n_duplicates > 100
    check_same(stored, load(source))
    assert steps[-1].done == steps[-1].total == 1500 + len(stored.ratings)
    assert any("rows read" in step.text for step in steps)


def test_a_table_that_is_not_clean_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('user,item,rating\n"1",a,3\n1,b,4\n2,a,five\n2,b,1\n')
    assert "line 4: " in error_message(
        DataError, load_to_folder, path, ReadOptions(), tmp_path / "t.ratings"
    )
    assert not (tmp_path / "t.ratings").exists()
    options = ReadOptions(skip_bad_rows=True)
    stored = load_to_folder(path, options, tmp_path / "t.ratings")
    assert (len(stored.ratings), stored.n_bad_rows) == (3, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small ratings folder with titles."""
    films: dict[Id, Film] = {
        7: Film("Amélie (2001)", 2001, ("Comedy", "Romance")),
        17: Film("Heat"),
    }
    data = Dataset("small", simulated(40, 30, 500), Catalog(films))
    write_dataset(data, tmp_path / "small.ratings")
    return tmp_path / "small.ratings"


def test_titles_and_features_come_back(tmp_path: Path) -> None:
    text = "user,item,rating\n" + "".join(
        f"{u},{i},{1 + u % 5}\n" for u in range(9) for i in (1, 2)
    )
    (tmp_path / "ratings.csv").write_text(text)
    (tmp_path / "items.csv").write_text(
        "item_id,title,year,genres\n1,Heat,1995,Crime\n2,Up,2009,\n"
    )
    stored = load_to_folder(tmp_path, ReadOptions(), tmp_path / "t.ratings")
    whole = read(tmp_path)
    assert stored.catalog.films == whole.catalog.films
    assert stored.ratings.item_features is not None
    assert whole.ratings.item_features is not None
    assert stored.ratings.item_features.names == whole.ratings.item_features.names


def test_commands_take_a_folder(folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.matinee"
    assert "500 ratings by 40 users of 30 items" in good("data", "describe", folder).stdout
    trained = good("train", folder, "--model", "baseline", "--out", model)
    assert f"Titles from {folder} for 2 of 30 items." in trained.stderr
    assert "Amélie" in good("recommend", model, "--user", 1, "-k", 30, "--include-seen").stdout
    again = good("data", "convert", folder, tmp_path / "again.ratings")
    assert again.stdout == f"Wrote 500 ratings and 2 titles to {tmp_path / 'again.ratings'}.\n"
    check_same(open_folder(tmp_path / "again.ratings"), open_folder(folder))
    merged = good("data", "merge", folder, folder, tmp_path / "both.ratings")
    assert "500 rows" in merged.stderr
    both = open_folder(tmp_path / "both.ratings").ratings
    assert np.array_equal(both.by_item.indices, open_folder(folder).ratings.by_item.indices)
    refused = run("data", "describe", folder, "--user-column", "x")
    assert "whose columns are known" in refused.stderr
    assert "exists already" in run("data", "convert", folder, folder).stderr


def test_a_scale_must_hold_the_ratings_of_a_folder(folder: Path) -> None:
    assert len(read(folder, ReadOptions(scale=(0, 10))).ratings) == 500
    told = error_message(DataError, read, folder, ReadOptions(scale=(2, 5)))
    assert "which is not within the scale 2 to 5" in told


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def foreign(path: Path) -> None:
    np.save(path, np.load(path).astype(np.float64))


def text(path: Path) -> None:
    path.write_text("user,item\n")


@pytest.mark.parametrize(
    "name", ["user_items", "user_indptr", "item_order", "users", "films.title.text"]
)
@pytest.mark.parametrize("damage", [cut, foreign, text, Path.unlink])
def test_a_damaged_file_is_one_sentence(
    name: str, damage: Callable[[Path], None], folder: Path
) -> None:
    damage(folder / f"{name}.npy")
    told = error_message(DataError, open_folder, folder)
    assert told.startswith(f"The ratings folder {folder} cannot be used: {name}.npy is ")
    assert told.endswith("Convert the ratings again.")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("version", 2, "newer than this one"),
        ("version", "x", "ratings.json is damaged"),
        ("n_ratings", 499, "than 499 ratings need"),
        ("n_users", 41, "does not fit the number of ids"),
        ("scale", [5, 1, 1], "ratings.json is damaged"),
        ("arrays", {"../users": ["<i8", 3]}, "../users.npy is missing"),
        ("summary", {}, "ratings.json is damaged"),
    ],
)
def test_a_damaged_header_is_one_sentence(
    name: str, value: object, reason: str, folder: Path
) -> None:
    header = json.loads((folder / "ratings.json").read_text())
    (folder / "ratings.json").write_text(json.dumps(header | {name: value}))
    assert reason in error_message(DataError, read, folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_items", 30),
        ("user_index", -1),
        ("item_users", 40),
        ("item_order", 500),
        ("user_values", np.nan),
        ("item_values", 9.0),
    ],
)
def test_no_training_begins_with_indices_that_cannot_be(
    name: str, value: float, folder: Path
) -> None:
    array = np.lib.format.open_memmap(folder / f"{name}.npy", mode="r+")
    array[77] = value
    del array
    told = error_message(DataError, MatrixFactorization().fit, open_folder(folder))
    assert told.startswith(f"The ratings folder {folder} is damaged: ")


def test_indptr_that_descends_is_refused(folder: Path) -> None:
    array = np.lib.format.open_memmap(folder / "user_indptr.npy", mode="r+")
    array[3] = 400
    del array
    assert "does not ascend from 0 to 500" in error_message(DataError, read, folder)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")]
)
def test_a_writing_that_ends_early_leaves_nothing(
    error: BaseException, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(writing, "group_by_item", broken)
    before = sorted(tmp_path.iterdir())
    with pytest.raises((KeyboardInterrupt, UnsupportedError)) as caught:
        write_dataset(open_folder(folder), tmp_path / "new.ratings")
    if isinstance(error, OSError):
        assert str(caught.value).endswith("the disk is full; free some space on it.")
    assert sorted(tmp_path.iterdir()) == before


def test_a_disk_without_room_is_refused_before_a_map_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    told = error_message(UnsupportedError, Scratch(tmp_path).empty, 10, np.float32)
    assert told == (
        f"Cannot write a temporary file in '{tmp_path}': No space left on device. "
        "Set TMPDIR to a folder with more room."
    )


def test_scratch_files_have_no_name(tmp_path: Path) -> None:
    array = Scratch(tmp_path).empty(1000, np.int32)
    array[:] = 3
    assert array.sum() == 3000
    assert list(tmp_path.iterdir()) == []
    assert len(Scratch(tmp_path).empty(0, np.int32)) == 0


def test_a_folder_cannot_be_written_over_something(tmp_path: Path) -> None:
    (tmp_path / "a.ratings").mkdir()
    options = ReadOptions()
    assert "exists already" in error_message(
        SettingError, load_to_folder, "sample", options, tmp_path / "a.ratings"
    )
    assert "create it first" in error_message(
        UnsupportedError, load_to_folder, "sample", options, tmp_path / "no" / "a.ratings"
    )
    shutil.rmtree(tmp_path / "a.ratings")
    assert len(load_to_folder("sample", options, tmp_path / "a.ratings").ratings) == len(
        load("sample").ratings
    )


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_parts_that_do_not_fit_are_one_sentence(form: str, tmp_path: Path) -> None:
    frame = table()
    for number, part in enumerate([frame[:500], frame[500:1000].rename({"rating": "stars"})]):
        getattr(part, f"write_{form}")(tmp_path / f"part-{number}.{form}")
    told = error_message(DataError, load_to_folder, tmp_path, ReadOptions(), tmp_path / "t.ratings")
    first, second = tmp_path / f"part-0.{form}", tmp_path / f"part-1.{form}"
    assert told.startswith(f"{second} has other columns than {first}: ")
    second.write_bytes(first.read_bytes()[:200] if form == "parquet" else b"\0\1")
    told = error_message(DataError, load_to_folder, tmp_path, ReadOptions(), tmp_path / "t.ratings")
    assert told.startswith(str(second))
    second.unlink()
    frame[1000:].write_csv(second) if form == "csv" else frame[1000:].write_parquet(second)
    second.rename(tmp_path / f"part-2.{form}")
    summary = read(tmp_path).summary
    assert summary is not None
    assert any("there is no part 1: if a file is missing" in note for note in summary.notes)
