"""Tables of ratings: those of the grammar, with odd cells or damaged bytes, in every format."""

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import zstandard

from matinee.data.dataset import Dataset
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.data.reading.grammar import make
from tests.fuzz.damage import ODD_TEXTS, damaged, with_odd_cells

NAMES = {
    "user": ("userId", "user_id", "user", "reviewerID", "u"),
    "item": ("movieId", "item_id", "title", "asin", "i"),
    "rating": ("rating", "stars", "score", "plays", "r"),
    "timestamp": ("timestamp", "date", "time", "unixReviewTime", "t"),
}
FILMS = (
    ("movieId", "title", "genres"),
    ("1", "Toy Story (1995)", "Animation|Comedy"),
    ("2", "Heat (1995)", "Crime|Thriller"),
    ("3", "Seven, The (1995)", "(no genres listed)"),
    ("4", "Cité des enfants perdus, La (1995)", "Drama"),
)
LINKS = (("movieId", "imdbId", "tmdbId"), ("1", "0114709", "862"), ("2", "0113277", "949"))
TAGS = (
    ("userId", "movieId", "tag", "timestamp"),
    ("1", "1", "pixar", "1139045764"),
    ("2", "1", "fun", "1139045764"),
    ("2", "2", "bank heist", ""),
)
OPTIONS: tuple[Mapping[str, Any], ...] = (
    *({},) * 8,
    {"skip_bad_rows": True},
    {"skip_bad_rows": True},
    {"text_ids": True},
    {"pairs": True},
    {"header": False},
    {"header": True},
    {"separator": ";"},
    {"encoding": "cp1252"},
    {"scale": (1, 5)},
    {"missing": (0, -1, "unknown")},
    {"decimal": ","},
    {"time_format": "dmy"},
    {"rating": "3", "user": "1", "item": "2"},
    {"timestamp": "none"},
    {"value_map": {"like": 1, "dislike": 0}},
)


def _rows(rng: random.Random) -> list[list[str]]:
    """A header and ratings."""
    header = [rng.choice(NAMES[role]) for role in ("user", "item", "rating", "timestamp")]
    rows = [header]
    has_dates = rng.random() < 0.3
    for _ in range(rng.choice((3, 40, 80, 80))):
        user, item = rng.randrange(1, 9), rng.randrange(1, 6)
        time = "2015-03-09 14:52:03" if has_dates else str(10**9 + rng.randrange(10**8))
        rows.append([str(user), str(item), rng.choice(("1", "2.5", "3", "4", "5")), time])
    return rows


def _text(rng: random.Random, rows: list[list[str]]) -> bytes:
    """The rows as text, as CSV or with another separator."""
    if rng.random() < 0.2:
        text = "\n".join("::".join(row) for row in rows)
    else:
        output = io.StringIO()
        csv.writer(output, delimiter=rng.choice(",,;\t|"), lineterminator="\n").writerows(rows)
        text = output.getvalue()
    return text.encode(rng.choice(("utf-8", "utf-8", "utf-16", "utf-8-sig")), errors="replace")


def _value(rng: random.Random, text: str) -> Any:
    """A value of JSON."""
    if rng.random() < 0.01:
        odd: tuple[Any, ...] = (None, True, [], {}, [1], {"a": [{}]}, 1e308, 10**25, -1, "x")
        return rng.choice((*odd, rng.choice(ODD_TEXTS)))
    try:
        return float(text) if rng.random() < 0.5 else int(text)
    except ValueError:
        return text


def _objects(rng: random.Random, rows: list[list[str]]) -> list[dict[str, Any]]:
    objects = []
    for row in rows[1:]:
        one = {name: _value(rng, text) for name, text in zip(rows[0], row, strict=False)}
        if rng.random() < 0.1:
            one[rng.choice(("votes", "", "a.b", f"k{rng.randrange(10**6)}"))] = {"x": [1, {"y": 2}]}
        objects.append(one)
    return objects


def _json(rng: random.Random, rows: list[list[str]]) -> bytes:
    """The rows as JSON lines or as a document."""
    objects = _objects(rng, rows)
    if rng.random() < 0.6:
        return "\n".join(map(json.dumps, objects)).encode()
    columns = {name: [one.get(name) for one in objects] for name in rows[0]}
    document: tuple[Any, ...] = (objects, {"ratings": objects}, columns, {"data": [objects]})
    return json.dumps(rng.choice(document)).encode()


def _columnar(rng: random.Random, rows: list[list[str]]) -> bytes:
    """The rows as Parquet or Arrow, with columns of any type."""
    columns: dict[str, pl.Series] = {}
    for place, name in enumerate(rows[0]):
        texts = [row[place] if place < len(row) else None for row in rows[1:]]
        column = pl.Series(name, texts, pl.String)
        kinds = (
            pl.Int32,
            pl.Float64,
            pl.Float32,
            pl.UInt8,
            pl.Boolean,
            pl.Datetime,
            pl.Decimal(9, 2),
        )
        kind = rng.choice(
            (*kinds, pl.String, pl.Binary, pl.Categorical, pl.Int64, pl.Int64, pl.Int64)
        )
        if kind in (pl.Binary, pl.Categorical):
            column = column.cast(kind, strict=False)
        elif kind != pl.String:
            number = column.cast(pl.Float64, strict=False)
            column = number.cast(pl.Int64, strict=False).cast(kind, strict=False)
        if rng.random() < 0.04:
            column = column.implode().new_from_index(0, len(column))
        columns[f"{name}{place}" if name in columns else name] = column
    frame, output = pl.DataFrame(columns), io.BytesIO()
    match rng.randrange(3):
        case 0:
            frame.write_parquet(output, compression=rng.choice(("zstd", "snappy", "uncompressed")))
        case 1:
            frame.write_ipc(output)
        case _:
            frame.write_ipc_stream(output)
    return output.getvalue()


def _zipped(content: bytes) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ml/ratings.csv", content)
        archive.writestr("ml/movies.csv", _text(random.Random(0), [list(row) for row in FILMS]))
    return output.getvalue()


def _tarred(content: bytes) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        entry = tarfile.TarInfo("ml/ratings.csv")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return output.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
    "zip": _zipped,
    "tar.gz": _tarred,
}


def _of_rows(rng: random.Random, folder: Path, say: Callable[[str], None]) -> Path:
    """A file of odd rows in any format."""
    write = rng.choice((_text, _text, _json, _columnar))
    content = write(rng, with_odd_cells(rng, _rows(rng)))
    path, is_damaged = folder / f"ratings.{rng.choice(('csv', 'dat', 'json', 'tsv'))}", False
    if rng.random() < 0.3:
        content, is_damaged = damaged(rng, content), True
    packing = rng.choice(("", "", "", *PACKINGS))
    if packing:
        content, path = PACKINGS[packing](content), path.with_name(f"{path.name}.{packing}")
        if rng.random() < 0.4:
            content, is_damaged = damaged(rng, content), True
    path.write_bytes(content)
    say(f"{write.__name__} {path.name}{' damaged' if is_damaged else ''}")
    return path


def _of_grammar(rng: random.Random, folder: Path, say: Callable[[str], None]) -> Path:
    """A damaged table of the grammar."""
    case = make(rng.randrange(10**9), folder)
    case.path.write_bytes(damaged(rng, case.path.read_bytes()))
    say(f"damaged: {'; '.join(case.words)}")
    return case.path


def _of_folder(rng: random.Random, folder: Path, say: Callable[[str], None]) -> Path:
    """A folder with odd or damaged files beside the ratings."""
    say("a folder")
    ratings = folder / "ratings.csv"
    output = io.StringIO()
    csv.writer(output, lineterminator="\n").writerows(
        [["userId", "movieId", "rating", "timestamp"], *_rows(rng)[1:]]
    )
    ratings.write_text(output.getvalue(), "utf-8")
    for name, table in (("movies.csv", FILMS), ("links.csv", LINKS), ("tags.csv", TAGS)):
        rows = with_odd_cells(rng, [list(row) for row in table] * rng.choice((1, 1, 20)))
        content = _text(rng, rows)
        if rng.random() < 0.5:
            content = damaged(rng, content)
        (folder / name).write_bytes(content)
    return rng.choice((folder, ratings))


def check(dataset: Dataset) -> None:
    """Raises AssertionError if a data set is not what it must be."""
    ratings = dataset.ratings
    assert len(ratings) > 0
    assert np.isfinite(ratings.value).all()
    for index, ids in ((ratings.user_index, ratings.users), (ratings.item_index, ratings.items)):
        assert index.min() >= 0
        assert index.max() < len(ids)
    for film in dataset.catalog.films.values():
        assert isinstance(film.title, str)
    assert str(ratings)


def case(rng: random.Random, folder: Path, say: Callable[[str], None]) -> str:
    """Reads a table with some options."""
    path = rng.choice((_of_rows, _of_rows, _of_grammar, _of_folder))(rng, folder, say)
    check(read(path, ReadOptions(**rng.choice(OPTIONS))))
    return "answered"


def prepare() -> Callable[..., str]:
    """There is nothing to compile."""
    return case
