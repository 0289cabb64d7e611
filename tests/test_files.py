"""Output files are complete or absent, replace regular files alone, and bad names are refused early."""

import ast
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from polars.exceptions import ComputeError

import matinee
from matinee.data.catalog import Catalog
from matinee.data.reading.row_by_row import BadRow, write_skipped
from matinee.errors import ModelFileError, SettingError
from matinee.files import (
    check_output_name,
    check_page_name,
    problem_of_place,
    reason_of,
    replacing,
    write_atomically,
)
from matinee.models.baseline import Baseline
from matinee.recommendation.model_file import Origin, check_target, save_model
from tests.conftest import simulated

PACKAGE = Path(matinee.__file__).parent


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_device_link(path: Path) -> None:
    path.symlink_to(os.devnull)


specials = pytest.mark.parametrize(
    ("make", "kind"),
    [(make_pipe, "a named pipe"), (make_socket, "a socket"), (make_device_link, "a device")],
    ids=["pipe", "socket", "device"],
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short relative path: the name of a socket has at most 107 bytes."""
    monkeypatch.chdir(tmp_path)
    return Path("out.html")


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    for payload in (b"first", b"second"):
        write_atomically(path, payload)
        assert path.read_bytes() == payload
    assert names(tmp_path) == ["out.bin"]


def test_an_error_inside_the_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    write_atomically(path, b"old")
    with suppress(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half of the new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out.bin"]


@specials
def test_a_special_file_is_never_replaced(
    make: Callable[[Path], None], kind: str, place: Path
) -> None:
    make(place)
    before = place.lstat()
    with pytest.raises(OSError, match=f"it is {kind}, not a regular file"):
        write_atomically(place, b"data")
    assert os.path.samestat(before, place.lstat())
    assert names(Path()) == [place.name]


@specials
def test_a_special_file_is_refused_before_the_work(
    make: Callable[[Path], None], kind: str, place: Path
) -> None:
    make(place)
    with pytest.raises(SettingError) as caught:
        check_page_name(place)
    assert str(caught.value) == (
        f"Cannot write the page 'out.html': it is {kind}, not a regular file; use another name."
    )
    with pytest.raises(ModelFileError) as refused:
        check_target(place)
    assert str(refused.value) == (
        f"Cannot write 'out.html': it is {kind}, not a regular file; use another name."
    )


def test_a_model_is_not_written_over_a_pipe(place: Path) -> None:
    os.mkfifo(place)
    with pytest.raises(ModelFileError, match="it is a named pipe, not a regular file"):
        save_model(place, Baseline().fit(simulated(10, 10, 50)), Catalog(), Origin())
    assert place.is_fifo()


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "data" / "real.bin", tmp_path / "link.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")
    link.symlink_to(Path("data") / "real.bin")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["data", "link.bin"]
    assert names(target.parent) == ["real.bin"]


def test_a_link_to_nothing_gets_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.bin"
    link.symlink_to("new.bin")
    write_atomically(link, b"data")
    assert link.is_symlink()
    assert (tmp_path / "new.bin").read_bytes() == b"data"


def test_a_link_to_itself_is_an_error(tmp_path: Path) -> None:
    link = tmp_path / "link.bin"
    link.symlink_to("link.bin")
    with pytest.raises(OSError, match="symbolic link"):
        write_atomically(link, b"data")
    assert link.is_symlink()


def test_a_name_that_is_too_long_gets_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 5000)
    with pytest.raises(ModelFileError, match=r"': File name too long\.$"):
        check_target(path)


def test_the_longest_name_that_a_folder_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 255)
    write_atomically(path, b"data")
    assert names(tmp_path) == [path.name]


def test_a_file_that_is_replaced_passes_on_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_atomically(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_without_the_right_to_write_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_right(*_: object) -> bool:
        return False

    monkeypatch.setattr(os, "access", no_right)  # an administrator has every right
    assert problem_of_place(tmp_path / "a.html") == (
        f"no file can be created in the folder '{tmp_path}'; use another folder"
    )


def test_an_input_is_no_output_under_any_name(tmp_path: Path) -> None:
    given, link = tmp_path / "in.csv", tmp_path / "link.csv"
    given.write_text("user,item,rating\n")
    link.symlink_to(given)
    told = "it is an input of the same command; use another name"
    assert problem_of_place(link, [None, "sqlite:///x", "nul\0l", given]) == told
    assert not problem_of_place(tmp_path / "other.csv", [given])
    assert problem_of_place(tmp_path / "nul\0l") == "its name contains a null character"


def test_a_full_disk_is_recognized_in_errors_of_python_and_polars() -> None:
    told = "the disk is full; free some space on it"
    assert reason_of(OSError(errno.ENOSPC, "No space left on device")) == told
    assert reason_of(ComputeError("No space left on device (os error 28)")) == told
    assert reason_of(OSError(errno.EACCES, "Permission denied")) == "Permission denied"
    assert reason_of(ValueError("Another reason.")) == "Another reason"


def test_skipped_rows_do_not_follow_a_link_laid_at_a_guessed_name(tmp_path: Path) -> None:
    target = tmp_path / "r.csv.skipped.csv"
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    (tmp_path / f".{target.name}.{os.getpid()}").symlink_to(victim)
    assert write_skipped([BadRow(3, "the user is missing", ",1,5\udcff")], target) == target
    assert victim.read_text() == "precious"
    assert target.read_bytes() == b'line,reason,content\r\n3,the user is missing,",1,5\\udcff"\r\n'


def test_skipped_rows_replace_an_earlier_list_of_them_but_no_other_file(tmp_path: Path) -> None:
    target = tmp_path / "r.csv.skipped.csv"
    target.write_text("user,item,rating\n1,2,3\n")
    second = tmp_path / "r.csv.2.skipped.csv"
    assert write_skipped([BadRow(3, "the user is missing", "")], target) == second
    assert write_skipped([BadRow(4, "the item is missing", "")], target) == second
    assert target.read_text() == "user,item,rating\n1,2,3\n"
    assert second.read_text().splitlines()[1:] == ["4,the item is missing,"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("page.txt", "'.txt' is not a supported format; use .html, .htm."),
        ("page", "its name has no ending; use .html, .htm."),
        ("missing/page.html", "the folder '{folder}/missing' does not exist; create it first."),
    ],
)
def test_a_bad_name_of_a_page_is_refused_with_the_reason(
    name: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError) as caught:
        check_page_name(tmp_path / name)
    assert (
        str(caught.value)
        == f"Cannot write the page '{tmp_path / name}': {reason.format(folder=tmp_path)}"
    )


def test_the_case_of_the_ending_does_not_matter(tmp_path: Path) -> None:
    check_page_name(tmp_path / "PAGE.HTML")
    check_output_name(tmp_path / "a.PNG", "figure", (".png",))


def test_only_one_file_renames_what_it_wrote() -> None:
    """Every output goes through `replacing`: nothing else renames files or calls a writer on a path."""
    writers = {"os.replace", "os.rename", "shutil.move"}
    methods = {"write_text", "write_bytes", "rename"}
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        code = path.read_text("utf-8")
        if not any(name in code for name in writers | methods):
            continue
        for node in ast.walk(ast.parse(code)):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if name in writers or (
                isinstance(node.func, ast.Attribute) and node.func.attr in methods
            ):
                found.add(f"{path.relative_to(PACKAGE)}: {name}")
    assert found == {"files.py: os.replace"}
