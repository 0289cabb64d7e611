"""A command that runs out of memory says so in one sentence, whichever library noticed it."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.exceptions import ComputeError

from matinee import system
from matinee.cli import memory
from matinee.cli.memory import is_out_of_memory, sentence
from matinee.errors import DataError, ModelFileError
from tests.cli.conftest import environment
from tests.helpers import run


def array_error() -> Exception:
    with pytest.raises(MemoryError) as caught:
        np.empty(2**52)
    return caught.value


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (array_error(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (ComputeError("memory allocation of 4096 bytes failed"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("can't start new thread"), True),
        (ImportError("libllvmlite.so: failed to map segment from shared object"), True),
        (caused(DataError("a.csv cannot be read."), OSError(errno.ENOMEM, "no")), True),
        (caused(ModelFileError("damaged"), MemoryError()), False),
        (DataError("The film 'Out of memory' is not rated."), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (ValueError("another"), False),
    ],
    ids=lambda value: str(value)[:30],
)
def test_errors_of_all_libraries_are_recognized(error: Exception, is_memory: bool) -> None:
    assert is_out_of_memory(error) is is_memory


def test_the_sentence_has_an_estimate_and_what_makes_it_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ratings.csv").write_bytes(b"x" * 10_000_000)
    (tmp_path / "movies.csv").write_bytes(b"x" * 1000)
    remedies = (
        "Use fewer rows, a smaller model (such as --model mf --set factors=16), fewer threads, or"
    )
    assert sentence(["train", str(tmp_path), "--out", "nul\0l"]) == (
        "Out of memory: up to about 0.5 GB are needed for 10.0 MB of files and a model of the usual "
        f"size, more than this machine has free. {remedies} a machine with more memory."
    )
    monkeypatch.setattr(memory, "address_space_limit", lambda: 10**9)
    assert sentence(["train", str(tmp_path / "ratings.csv")]) == (
        "Out of memory: up to about 2.0 GB are needed for 10.0 MB of files and a model of the usual "
        f"size, and 1.0 GB are allowed (ulimit -v). {remedies} a higher limit."
    )


def test_an_exception_becomes_the_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def too_much(*_: object) -> None:
        np.empty(2**52)

    monkeypatch.setattr("matinee.data.datasets.load.load", too_much)
    result = run("train", "sample", "--model", "popularity", "--out", tmp_path / "m.matinee")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Out of memory: up to about 0.3 GB are needed")
    assert result.stderr.count("\n") == 1


TABLE = "user,item,rating\n" + "".join(f"{n % 70},{n % 40},{n % 5}\n" for n in range(500))


@pytest.mark.parametrize(
    ("words", "free", "told"),
    [
        ("data describe r.csv", 10_000, "Reading r.csv needs about "),
        ("data convert r.parquet o.csv", 9_000, "Reading r.parquet needs about "),
        ("data describe r.arrow", 9_000, "Reading r.arrow needs about "),
        ("data describe r.json", 10_000, "Reading r.json needs about "),
        ("train r.csv --model mf --out m", 28_000, "Training on 280 rows needs about "),
        ("evaluate r.csv --model mf", 28_000, "Training on 280 rows needs about "),
    ],
)
def test_what_cannot_fit_is_refused_before_a_library_ends_the_process(
    words: str, free: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").write_text(TABLE)
    frame = pl.read_csv(tmp_path / "r.csv")
    frame.write_parquet(tmp_path / "r.parquet")
    frame.write_ipc(tmp_path / "r.arrow")
    (tmp_path / "r.json").write_text(frame.write_json())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(system, "_free_outside_the_address_space", lambda: free)
    result = run(*words.split())
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(f"Error: {told}0.00 GB of memory, and ")
    assert result.stderr.endswith(" are free. Use fewer rows, or a machine with more memory.\n")


def test_a_few_bytes_of_parquet_with_very_many_rows_are_refused_under_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.parquet"
    n = 3_000_000
    frame = pl.DataFrame({"user": pl.repeat(1, n, eager=True), "item": pl.repeat(1, n, eager=True)})
    frame.write_parquet(path)
    assert path.stat().st_size < 30_000
    monkeypatch.setattr(system, "address_space_limit", lambda: system.POLARS_SPACE + 10**8)
    result = run("data", "describe", path, "--pairs")
    assert result.exit_code == 1
    assert "GB of address space, and 1.55 GB are allowed (ulimit -v)." in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_table_under_a_small_limit_is_one_sentence_not_an_abort(tmp_path: Path) -> None:
    """Polars itself ends the process where it cannot start its threads, however small the table."""
    (tmp_path / "r.csv").write_text(TABLE)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (7 * 10**8, 7 * 10**8))\n"
        "from matinee.cli import main; main(['data', 'describe', 'r.csv'], prog_name='matinee')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Reading r.csv needs about 1.45 GB of address space, and ")
    assert done.stderr.count("\n") == 1
