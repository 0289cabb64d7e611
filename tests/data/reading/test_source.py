"""Whatever a table is packed in, it is read; several files are one table."""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import zstandard

from matinee.cli.reading import parse_size
from matinee.data.reading import compression
from matinee.data.reading.compression import Allowance, copy_bounded
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.errors import DataError, SettingError
from tests.helpers import reading_error, rows_of

TABLE = b"user,item,rating\n1,10,4\n1,11,2\n2,10,5\n"
ROWS = [(1, 10, 4.0, None), (1, 11, 2.0, None), (2, 10, 5.0, None)]


def tarred(mode: str) -> bytes:
    """A tar archive of the table in a folder, beside a text."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in (("films/README", b"x"), ("films/ratings.csv", TABLE)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


PACKED: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(TABLE),
    "bzip2": lambda: bz2.compress(TABLE),
    "xz": lambda: lzma.compress(TABLE),
    "lzma": lambda: lzma.compress(TABLE, lzma.FORMAT_ALONE),
    "zstandard": lambda: zstandard.compress(TABLE),
    "zstandard in two frames": lambda: (
        zstandard.compress(TABLE[:30]) + zstandard.compress(TABLE[30:])
    ),
    "tar": lambda: tarred("w"),
    "tar.gz": lambda: tarred("w:gz"),
    "tar.bz2": lambda: tarred("w:bz2"),
    "tar.xz": lambda: tarred("w:xz"),
    "tar.zst": lambda: zstandard.compress(tarred("w")),
}


@pytest.mark.parametrize("name", ["table", "table.csv"])
@pytest.mark.parametrize("kind", PACKED)
def test_compression_is_recognized_by_content(kind: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(PACKED[kind]())
    assert rows_of(read(path)) == ROWS


@pytest.mark.parametrize("kind", PACKED)
def test_a_truncated_file_is_damaged(kind: str, tmp_path: Path) -> None:
    whole = PACKED[kind]()
    path = tmp_path / "table.csv"
    path.write_bytes(whole[: 1_550 if kind == "tar" else len(whole) * 2 // 3])
    assert reading_error(path).endswith(" is damaged or truncated; download or copy it again.")


def test_an_archive_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1cxxxx")
    assert reading_error(path) == f"{path} is a 7z archive; unpack it, and give the file in it."


def test_unpacking_stops_before_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.gz"
    path.write_bytes(gzip.compress(b"user,item,rating\n" * 200_000))
    monkeypatch.setattr("matinee.data.reading.compression._RESERVE", 1 << 62)
    assert "unpacks to more than the free disk space" in reading_error(path)
    assert "TMPDIR" in reading_error(path)


# -- several files ----------------------------------------------------------------------


def write_parts(folder: Path, *parts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(parts):
        (folder / f"part-{number:04}.csv").write_text(text)
    (folder / "_SUCCESS").write_text("")
    return folder


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    folder = write_parts(
        tmp_path / "ratings", TABLE.decode(), "user,item,rating\n3,12,1\n", "4,10,3\n"
    )
    found = read(folder)
    assert rows_of(found) == [*ROWS, (3, 12, 1.0, None), (4, 10, 3.0, None)]
    assert found.name == "ratings"
    assert found.summary is not None
    assert "Read 3 files as one table." in found.summary.notes


def test_parts_without_a_header_keep_all_their_rows(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "parts", "1,10,4\n2,11,3\n", "1,10,4\n3,11,5")
    assert [row[0] for row in rows_of(read(folder))] == [2, 1, 3]
    assert read(folder).n_duplicates == 1


def test_parts_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        path = tmp_path / "parts" / f"ratings_{number}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"user,item,rating\n1,1,{number % 4 + 1}\n{number + 1},2,3\n")
    assert read(tmp_path / "parts").ratings.value.tolist() == [3.0, 3.0, 3.0, 3.0]


def test_several_paths_are_one_table(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, TABLE.decode(), "user,item,rating\n3,12,1\n")
    paths = [folder / "part-0000.csv", folder / "part-0001.csv"]
    assert rows_of(read(paths)) == [*ROWS, (3, 12, 1.0, None)]
    assert rows_of(read([str(path) for path in paths])) == [*ROWS, (3, 12, 1.0, None)]


def test_a_zip_of_parts_is_one_table(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("out/part-0.csv", TABLE)
        archive.writestr("out/part-1.csv", "user,item,rating\n3,12,1\n")
    assert rows_of(read(path)) == [*ROWS, (3, 12, 1.0, None)]


def test_parts_in_parquet_are_one_table(tmp_path: Path) -> None:
    table = pl.read_csv(TABLE)
    table.write_parquet(tmp_path / "part-0.parquet")
    table.with_columns(pl.col("user") + 2).write_parquet(tmp_path / "part-1.parquet")
    found = rows_of(read(tmp_path))
    assert found == [*ROWS, *((user + 2, item, value, time) for user, item, value, time in ROWS)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["file", "compressed file", "stream"])
def test_arrow_files_and_streams_read(kind: str, packed: bool, tmp_path: Path) -> None:
    table, buffer = pl.read_csv(TABLE), io.BytesIO()
    if kind == "stream":
        table.write_ipc_stream(buffer)
    else:
        table.write_ipc(buffer, compression="lz4" if kind == "compressed file" else "uncompressed")
    path = tmp_path / "ratings.feather"
    path.write_bytes(gzip.compress(buffer.getvalue()) if packed else buffer.getvalue())
    found = read(path)
    assert rows_of(found) == ROWS
    assert found.summary is not None
    assert found.summary.layout == "Arrow"
    assert rows_of(read(tmp_path)) == ROWS
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    assert reading_error(path) == (
        f"{path} is not a valid Arrow file, or it is damaged; write it again."
    )


def test_a_bad_row_of_an_arrow_file_is_named_and_the_first_version_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.arrow"
    pl.DataFrame({"user": [1, 2, None], "item": [1, 1, 2], "rating": [1, 2, 3]}).write_ipc(path)
    assert reading_error(path).startswith(f"{path}, row 2: the user is missing")
    path.write_bytes(b"FEA1" + bytes(50))
    assert reading_error(path).startswith(f"{path} is a Feather file of version 1, which is not")


def test_a_bad_row_of_a_part_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "p", TABLE.decode(), "user,item,rating\n3,12,1\n3,13,x\n")
    part = folder / "part-0001.csv"
    assert reading_error(folder) == (
        f"{part}, line 3: the rating 'x' is not a number. Use --skip-bad-rows to leave out such rows."
    )
    found = read(folder, ReadOptions(skip_bad_rows=True))
    assert found.bad_rows_file is not None
    assert found.bad_rows_file.read_text().splitlines()[1] == (
        f"3,{part}: the rating 'x' is not a number,\"3,13,x\""
    )


def test_parts_with_other_columns_are_refused(tmp_path: Path) -> None:
    folder = write_parts(tmp_path, TABLE.decode(), "item,user,rating\n3,12,1\n")
    assert reading_error(folder).startswith(f"{folder / 'part-0001.csv'} has other columns than ")


def test_text_and_parquet_are_not_one_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TABLE)
    pl.read_csv(TABLE).write_parquet(tmp_path / "b.parquet")
    assert "are not of one kind" in reading_error([tmp_path / "a.csv", tmp_path / "b.parquet"])


def test_well_known_files_are_found_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "BX-Book-Ratings.csv").write_text(
        '"User-ID";"ISBN";"Book-Rating"\n"1";"034545104X";"5"\n"2";"034545104X";"7"\n"2";"01";"9"\n'
    )
    (tmp_path / "BX-Books.csv").write_text('"ISBN";"Book-Title"\n"034545104X";"A Book"\n')
    found = read(tmp_path)
    assert rows_of(found)[0] == (1, "034545104X", 5.0, None)


def test_several_tables_that_are_no_parts_are_not_guessed_between(tmp_path: Path) -> None:
    (tmp_path / "small.inter").write_bytes(TABLE)
    (tmp_path / "large.inter").write_bytes(TABLE)
    assert "Give the file itself" in reading_error(tmp_path)


# -- encodings ---------------------------------------------------------------------------

NAMED = "user,title,rating\nJosé,Amélie,4\nZoë,Les Misérables,5\nZoë,Amélie,3\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"],
)
def test_encodings_are_recognized_and_said(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(NAMED.encode(encoding))
    found = read(path)
    assert rows_of(found)[0] == ("José", "Amélie", 4.0, None)
    assert found.summary is not None
    notes = [note for note in found.summary.notes if "--encoding" in note]
    assert len(notes) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("cp1251", "Сталкер и Солярис, Зеркало, Андрей Рублёв"),
        ("cp932", "千と千尋の神隠し 七人の侍 東京物語 羅生門"),
        ("gb18030", "霸王别姬 活着 卧虎藏龙 英雄 花样年华"),
    ],
)
def test_encodings_of_other_scripts_are_recognized(
    encoding: str, title: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    rows = [f'{user},"{title} {user % 3}",{user % 5 + 1}' for user in range(9)]
    path.write_bytes("\n".join(["user,title,rating", *rows]).encode(encoding))
    assert rows_of(read(path))[0][1] == f"{title} 0"


def test_an_encoding_that_shows_only_further_down_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = [f"user{number},item{number % 40},{number % 5}" for number in range(9_000)]
    path.write_bytes("\n".join(["user,item,rating", *rows, "José,item1,4\n"]).encode("cp1252"))
    found = read(path)
    assert "José" in found.ratings.users.ids.tolist()
    assert found.summary is not None
    assert any("cp1252" in note for note in found.summary.notes)


def test_a_given_encoding_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(NAMED.replace("é", "ł").encode("cp1250"))
    assert rows_of(read(path, ReadOptions(encoding="cp1250")))[0][1] == "Amłlie"
    assert "is not text in ascii; name its encoding" in reading_error(
        path, ReadOptions(encoding="ascii")
    )
    assert reading_error(path, ReadOptions(encoding="nonsense")).startswith(
        "There is no encoding 'nonsense'."
    )


def test_one_odd_byte_is_damage_not_an_encoding(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("user,item,rating\né1,10,4\né2,11,3\n\xff3,10,5\n".encode("latin-1"))
    whole = "user,item,rating\né1,10,4\né2,11,3\n".encode() + b"\xff3,10,5\n"
    path.write_bytes(whole)
    assert "line 4: " in reading_error(path)


# -- how much is unpacked ------------------------------------------------------------------

ROW_OF_A_BOMB = b"1,10,4\n"
BOMB = TABLE + ROW_OF_A_BOMB * 3_000


def zipped(*contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"part-{number}.csv", content)
    return buffer.getvalue()


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(BOMB),
    "bzip2": lambda: bz2.compress(BOMB),
    "xz": lambda: lzma.compress(BOMB),
    "zstandard": lambda: zstandard.compress(BOMB),
    "zip": lambda: zipped(BOMB),
    "zip of parts": lambda: zipped(*[TABLE + ROW_OF_A_BOMB * 1_000] * 3),
    "zip of compressed parts": lambda: zipped(
        *[gzip.compress(TABLE + ROW_OF_A_BOMB * 1_000) for _ in range(3)]
    ),
    "gzip in zip": lambda: zipped(gzip.compress(BOMB)),
    "zip in zip": lambda: zipped(zipped(BOMB)),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "ALWAYS_UNPACKED", 20_000)
    monkeypatch.setattr(compression, "MOST_UNPACKED_TIMES", 2)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    path = tmp_path / "table.csv"
    path.write_bytes(BOMBS[kind]())
    told = reading_error(path)
    assert "unpacks to more than 20 kB, though it has only " in told
    assert told.endswith("If that is right, raise the limit, as in --max-unpacked 80kB.")
    assert not list(work.iterdir())
    assert rows_of(read(path, ReadOptions(max_unpacked=100_000)))[-1] == (1, 10, 4.0, None)
    assert "more than 2 kB, the limit given by --max-unpacked" in reading_error(
        path, ReadOptions(max_unpacked=2_000)
    )


def test_large_files_may_unpack_to_a_multiple_of_their_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "ALWAYS_UNPACKED", 10)
    monkeypatch.setattr(compression, "MOST_UNPACKED_TIMES", 2)
    path = tmp_path / "table.gz"
    path.write_bytes(gzip.compress(BOMB))
    packed = path.stat().st_size
    assert f"more than {2 * packed} bytes, 2 times its size" in reading_error(path)


def test_blocks_of_a_bomb_are_not_written_beyond_the_limit(tmp_path: Path) -> None:
    allowance = Allowance(2_500_000, True, 100)
    blocks = iter([bytes(1 << 20)] * 1_000)
    with pytest.raises(DataError, match=r"more than 2\.5 MB"):
        copy_bounded(blocks, tmp_path / "x", "x.gz", allowance, 0)
    assert (tmp_path / "x").stat().st_size <= 2_500_000
    assert len(list(blocks)) == 997


def test_the_limit_must_be_a_size() -> None:
    with pytest.raises(SettingError, match="at least 1 byte but is 0"):
        ReadOptions(max_unpacked=0)
    assert parse_size("2GB") == parse_size("2 gb") == parse_size("2000m") == 2_000_000_000
    assert parse_size("1.5k") == 1_500
    for text in ("", "x", "-1", "0", "1e9", "GB", "9" * 400, "1 0"):
        with pytest.raises(SettingError, match="is not a size, such as 500MB or 2GB"):
            parse_size(text)
