"""Data sets by name: what is known, where they are looked for, downloads from a server that misbehaves."""

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.datasets import registry
from matinee.data.datasets.fetch import cache_folder, fetch, fetch_entry, local_copy
from matinee.data.datasets.load import load
from matinee.data.datasets.registry import ENTRIES, Entry
from matinee.data.datasets.sample import sample_ratings
from matinee.data.reading.options import ReadOptions
from matinee.errors import DataError, DownloadError, MatineeError, SettingError, UnknownNameError

DATA = os.environ.get("MATINEE_DATA", "")

RATINGS = "1::10::5::978300760\n1::20::3::978300761\n2::10::4::978300762\n3::20::1::978300763\n"
MOVIES = "10::Heat (1995)::Action|Crime\n20::Clueless (1995)::Comedy\n"


def archive_of(ratings: str = RATINGS) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ml-1m/ratings.dat", ratings)
        archive.writestr("ml-1m/movies.dat", MOVIES)
    return packed.getvalue()


GOOD = archive_of()
GOOD_MD5 = hashlib.md5(GOOD).hexdigest()


@dataclass
class Server:
    """A local web server: path -> its answers (status, body, length) in their order; the last one repeats."""

    url: str = ""
    answers: dict[str, list[tuple[int, bytes, int]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def will_give(
        self, name: str, body: bytes, status: int = 200, length: int | None = None
    ) -> None:
        self.answers.setdefault(f"/{name}", []).append(
            (status, body, len(body) if length is None else length)
        )

    def entry(self, name: str = "ml-1m", md5: str | None = GOOD_MD5) -> Entry:
        return replace(registry.entry(name), url=f"{self.url}/{name}.zip", md5=md5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            waiting = state.answers.get(self.path, [(404, b"not here", 8)])
            status, body, length = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def no_local_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MATINEE_DATA", raising=False)
    monkeypatch.delenv("MATINEE_MIRROR", raising=False)
    monkeypatch.setenv("MATINEE_CACHE", str(tmp_path / "cache"))


def message(error: pytest.ExceptionInfo[MatineeError]) -> str:
    return str(error.value)


# What is known


def test_the_names_are_the_sample_and_movielens() -> None:
    assert registry.names() == (
        [
            "sample",
            "ml-100k",
            "ml-1m",
            "ml-10m",
            "ml-20m",
            "ml-25m",
            "ml-32m",
            "ml-latest-small",
            "ml-latest",
        ]
    )


def test_every_archive_has_an_address_counts_a_license_and_a_citation() -> None:
    for entry in ENTRIES[1:]:
        assert entry.url == f"https://files.grouplens.org/datasets/movielens/{entry.name}.zip"
        assert entry.md5 is None or (len(entry.md5) == 32 and int(entry.md5, 16))
        assert entry.n_ratings > entry.n_users > 0
        assert entry.n_items > 0 < entry.megabytes
        assert "Research use" in entry.license
        assert "Harper and Joseph A. Konstan. 2015" in entry.citation


def test_the_counts_of_the_sample_are_those_of_the_sample() -> None:
    ratings, _ = sample_ratings()
    entry = registry.entry("sample")
    assert (entry.n_ratings, entry.n_users, entry.n_items) == (
        len(ratings),
        ratings.n_users,
        ratings.n_items,
    )
    assert entry.scale == str(ratings.scale)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as error:
        fetch("ml1m")
    assert message(error) == (
        "There is no data set 'ml1m'. Did you mean 'ml-1m', 'ml-10m' or 'ml-20m'? Type 'matinee data list' to see them all."
    )


# Downloads


def test_a_good_archive_is_downloaded_once_and_read(server: Server, tmp_path: Path) -> None:
    server.will_give("ml-1m.zip", GOOD)
    path = fetch_entry(server.entry(), progress=False)
    assert path == tmp_path / "cache" / "ml-1m.zip"
    assert path.read_bytes() == GOOD
    assert fetch_entry(server.entry(), progress=False) == path
    assert server.asked == ["/ml-1m.zip"]
    dataset = load("ml-1m")
    assert dataset.name == "ml-1m"
    assert len(dataset.ratings) == 4
    assert dataset.catalog[10].title == "Heat (1995)"


def test_an_archive_is_on_the_disk_before_it_has_its_name(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process or machine that stops meanwhile leaves nothing that counts as the archive later."""
    server.will_give("ml-1m.zip", GOOD)
    seen, folder = list[list[str]](), tmp_path / "cache"

    def fsync(number: int) -> None:
        del number
        seen.append([path.suffix for path in folder.iterdir()])

    monkeypatch.setattr(os, "fsync", fsync)
    fetch_entry(server.entry(), progress=False)
    assert seen == [[""]]
    assert [path.name for path in folder.iterdir()] == ["ml-1m.zip"]


def test_progress_goes_to_standard_error_and_is_silent_when_not_wanted(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.will_give("ml-1m.zip", GOOD)
    fetch_entry(server.entry(), cache=tmp_path / "a", progress=False)
    assert capfd.readouterr() == ("", "")
    fetch_entry(server.entry(), cache=tmp_path / "b", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "100%" in err


def test_a_checksum_that_is_not_known_comes_from_the_file_beside_the_archive(
    server: Server,
) -> None:
    server.will_give("ml-latest-small.zip", GOOD)
    server.will_give(
        "ml-latest-small.zip.md5", f"MD5 (ml-latest-small.zip) = {GOOD_MD5.upper()}\n".encode()
    )
    path = fetch_entry(server.entry("ml-latest-small", md5=None), progress=False)
    assert path.read_bytes() == GOOD
    assert server.asked == ["/ml-latest-small.zip.md5", "/ml-latest-small.zip"]


def test_a_file_beside_the_archive_that_holds_no_checksum_is_an_error(server: Server) -> None:
    server.will_give("ml-latest.zip", GOOD)
    server.will_give("ml-latest.zip.md5", b"<html>soon</html>")
    with pytest.raises(DownloadError, match="does not match the published checksum"):
        fetch_entry(server.entry("ml-latest", md5=None), progress=False, pause=0)


BY_HAND = (
    "Check the connection and try again, or download it by hand "
    "and set MATINEE_DATA to the folder that holds ml-1m.zip."
)


@pytest.mark.parametrize(
    ("body", "status", "length", "reason", "asked"),
    [
        (GOOD[:-50], 200, len(GOOD), "the transfer broke off", 3),
        (GOOD[:-50], 200, None, "what arrived does not match the published checksum", 3),
        (
            archive_of("tampered"),
            200,
            None,
            "what arrived does not match the published checksum",
            3,
        ),
        (b"", 404, None, "the server answered 404 (Not Found)", 1),
        (b"", 503, None, "the server answered 503 (Service Unavailable)", 3),
    ],
    ids=["cut short", "cut short unnoticed", "corrupted", "not found", "busy"],
)
def test_a_failed_download_raises_a_clear_error_and_leaves_no_file(
    server: Server,
    tmp_path: Path,
    body: bytes,
    status: int,
    length: int | None,
    reason: str,
    asked: int,
) -> None:
    server.will_give("ml-1m.zip", body, status, length)
    with pytest.raises(DownloadError) as error:
        fetch_entry(server.entry(), progress=False, pause=0)
    assert (
        message(error)
        == f"Could not download 'ml-1m' from {server.url}/ml-1m.zip: {reason}. {BY_HAND}"
    )
    assert len(server.asked) == asked
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_a_server_the_error_gives_advice(server: Server) -> None:
    nobody = replace(server.entry(), url="http://127.0.0.1:9/ml-1m.zip")
    with pytest.raises(DownloadError) as error:
        fetch_entry(nobody, progress=False, pause=0)
    assert message(error) == (
        "Could not download 'ml-1m' from http://127.0.0.1:9/ml-1m.zip: "
        f"the server could not be reached, or stopped answering. {BY_HAND}"
    )


def test_a_server_without_encryption_at_an_https_address_is_named_as_that(server: Server) -> None:
    wrong = replace(server.entry(), url=f"{server.url}/ml-1m.zip".replace("http:", "https:"))
    with pytest.raises(
        DownloadError, match=r"ml-1m\.zip: no secure connection to the server could be made"
    ):
        fetch_entry(wrong, progress=False, attempts=1)


def test_a_transfer_that_broke_starts_again_cleanly(server: Server, tmp_path: Path) -> None:
    server.will_give("ml-1m.zip", GOOD[:100], length=len(GOOD))
    server.will_give("ml-1m.zip", b"", status=503)
    server.will_give("ml-1m.zip", GOOD)
    path = fetch_entry(server.entry(), progress=False, pause=0)
    assert path.read_bytes() == GOOD
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["ml-1m.zip"]
    assert len(server.asked) == 3


def test_a_mirror_takes_the_place_of_grouplens(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.will_give("mirror/ml-latest-small.zip", GOOD)
    server.will_give(
        "mirror/ml-latest-small.zip.md5", f"{GOOD_MD5}  ml-latest-small.zip\n".encode()
    )
    monkeypatch.setenv("MATINEE_MIRROR", f"{server.url}/mirror/")
    assert fetch("ml-latest-small", progress=False).read_bytes() == GOOD


def test_a_mirror_that_is_no_web_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_MIRROR", "files.example.org")
    with pytest.raises(SettingError) as error:
        fetch("ml-1m")
    assert message(error) == (
        "MATINEE_MIRROR is 'files.example.org', which does not start with http:// or https://."
    )


def test_a_cache_folder_that_cannot_be_made_is_named(server: Server, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(DownloadError) as error:
        fetch_entry(server.entry(), cache=in_the_way / "cache", progress=False)
    assert message(error) == (
        f"The cache folder {in_the_way / 'cache'} cannot be written to (Not a directory). "
        "Make room there, or set MATINEE_CACHE to another folder."
    )


def test_the_sample_has_nothing_to_fetch() -> None:
    with pytest.raises(SettingError) as error:
        fetch("sample")
    assert message(error) == "'sample' is built in: there is nothing to download."


# Where data sets are looked for


def test_matinee_data_is_looked_into_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("cache", "first", "second"):
        (tmp_path / folder).mkdir()
    assert local_copy("ml-1m") is None
    assert local_copy("sample") is None
    (tmp_path / "cache" / "ml-1m.zip").write_bytes(GOOD)
    assert local_copy("ml-1m") == tmp_path / "cache" / "ml-1m.zip"
    monkeypatch.setenv(
        "MATINEE_DATA", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")])
    )
    (tmp_path / "second" / "ml-1m").mkdir()
    assert local_copy("ml-1m") == tmp_path / "second" / "ml-1m"
    (tmp_path / "first" / "ml-1m.zip").write_bytes(GOOD)
    assert local_copy("ml-1m") == tmp_path / "first" / "ml-1m.zip"
    assert fetch("ml-1m") == tmp_path / "first" / "ml-1m.zip"


def test_an_unpacked_archive_is_found_under_the_name_of_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "cache" / "ml-10M100K").mkdir(parents=True)
    assert local_copy("ml-10m") == tmp_path / "cache" / "ml-10M100K"


def test_the_usual_cache_folder_ends_in_the_name_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MATINEE_CACHE")
    assert "matinee" in cache_folder().parts


# Loading


def test_the_sample_loads_with_titles() -> None:
    dataset = load("sample")
    assert dataset.name == "sample"
    assert len(dataset.catalog) == dataset.ratings.n_items == 340


def test_the_sample_takes_no_options_but_skipping_bad_rows() -> None:
    assert load("sample", ReadOptions(skip_bad_rows=True)).n_bad_rows == 0
    with pytest.raises(SettingError) as error:
        load("sample", ReadOptions(user="viewer"))
    assert message(error) == (
        "The sample is built in: leave out the options that say how to read a table."
    )


def test_load_never_downloads_but_names_the_command(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_MIRROR", server.url)
    with pytest.raises(DataError) as error:
        load("ml-1m")
    assert message(error) == (
        "The data set 'ml-1m' is not on this machine. Type 'matinee data fetch ml-1m' to download about "
        "6 MB, or set MATINEE_DATA to a folder that holds ml-1m/ or ml-1m.zip."
    )
    assert server.asked == []


def test_a_text_that_is_neither_a_file_nor_a_name_suggests_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratings.csv").write_text("")
    with pytest.raises(UnknownNameError) as error:
        load("ml-latest-smal")
    assert message(error) == (
        "There is neither a file nor a data set 'ml-latest-smal'. "
        "Did you mean 'ml-latest-small' or 'ml-latest'? "
        "Give the path of a ratings table, or type 'matinee data list' to see the data sets."
    )
    with pytest.raises(UnknownNameError, match=r"'rating\.csv'\. Did you mean 'ratings\.csv'\?"):
        load("rating.csv")
    with pytest.raises(UnknownNameError, match="neither a file nor a data set ''"):
        load("")


def test_a_path_that_is_not_there_is_a_data_error(tmp_path: Path) -> None:
    for missing in (str(tmp_path / "none.csv"), tmp_path / "none.csv"):
        with pytest.raises(DataError, match=r"There is no file or folder .*none\.csv"):
            load(missing)


def test_a_name_wins_over_a_file_of_that_name_unless_it_is_written_as_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "ratings.dat").write_text(RATINGS)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "ratings.dat").write_text(RATINGS)
    assert len(load("sample").ratings) > 90_000
    assert len(load("./sample").ratings) == 4
    assert len(load(Path("sample")).ratings) == 4
    assert len(load("mine").ratings) == 4


def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "ratings.dat").write_text(RATINGS)
    assert len(load("~/ratings.dat").ratings) == 4


def test_a_frame_and_a_database_address_go_to_the_readers(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1, 1, 2], "item": [7, 8, 7], "rating": [4.0, 2.0, 5.0]})
    assert len(load(frame).ratings) == 3
    with pytest.raises(MatineeError):
        load(f"sqlite:///{tmp_path / 'none.db'}")


@pytest.mark.skipif(not DATA, reason="MATINEE_DATA does not name a folder with MovieLens data")
@pytest.mark.parametrize("name", ["ml-100k", "ml-1m", "ml-latest-small"])
def test_the_counts_of_the_entries_are_those_of_the_real_data(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_DATA", DATA)
    if local_copy(name) is None:
        pytest.skip(f"{name} is not in MATINEE_DATA")
    dataset, entry = load(name), registry.entry(name)
    ratings = dataset.ratings
    assert dataset.name == name
    assert (len(ratings), ratings.n_users, ratings.n_items) == (
        entry.n_ratings,
        entry.n_users,
        entry.n_items,
    )
    assert str(ratings.scale) == entry.scale
    assert (
        np.mean([item_id in dataset.catalog.films for item_id in ratings.items.ids.tolist()]) == 1
    )
