"""A command that runs out of memory says so in one sentence, whichever library noticed it."""

import errno
import resource
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from polars.exceptions import ComputeError

from matinee.cli import memory
from matinee.cli.memory import is_out_of_memory, needs_watching, sentence
from matinee.errors import DataError, ModelFileError
from tests.cli.conftest import environment, program
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
    monkeypatch.setattr(memory, "_address_space_limit", lambda: 10**9)
    assert sentence(["train", str(tmp_path / "ratings.csv")]) == (
        "Out of memory: up to about 2.0 GB are needed for 10.0 MB of files and a model of the usual "
        f"size, and 1.0 GB are allowed (ulimit -v). {remedies} a higher limit."
    )
    assert needs_watching(["train", "x"])
    assert not needs_watching(["serve", "x"])


def test_an_exception_becomes_the_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def too_much(*_: object) -> None:
        np.empty(2**52)

    monkeypatch.setattr("matinee.data.datasets.load.load", too_much)
    result = run("train", "sample", "--model", "popularity", "--out", tmp_path / "m.matinee")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Out of memory: up to about 0.3 GB are needed")
    assert result.stderr.count("\n") == 1


def limited(megabytes: int, *words: object, folder: Path) -> "subprocess.Popen[str]":
    """A command in a process with so much address space."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    return subprocess.Popen(
        program(*words),
        env=environment(TMPDIR=str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux enforces the limit")
@pytest.mark.parametrize("megabytes", [200, 450, 600])
def test_a_library_that_ends_the_process_leaves_one_sentence_and_no_file(
    megabytes: int, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with limited(megabytes, "data", "convert", table, out, folder=temporary) as running:
        try:
            _, told = running.communicate(timeout=30)
        finally:
            running.kill()
    *notes, last = told.splitlines()
    assert running.returncode == 1, told
    assert last.startswith(
        "Error: Out of memory: up to about 1.8 GB are needed for 0.0 MB of files"
    )
    assert "panicked" not in told
    assert not any("Error" in line for line in notes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["temporary"]
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux enforces the limit")
def test_under_a_limit_that_suffices_all_is_as_usual(table: Path, tmp_path: Path) -> None:
    with limited(16_000, "data", "convert", table, tmp_path / "a.csv", folder=tmp_path) as running:
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert output.startswith("Wrote 500 ratings to ")
    with limited(16_000, "train", "none.csv", "--out", "m.matinee", folder=tmp_path) as running:
        _, told = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "none.csv" in told
    assert "Out of memory" not in told
    with limited(16_000, "demo", "--out", tmp_path / "d.matinee", folder=tmp_path) as running:
        time.sleep(0.5)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == -signal.SIGTERM
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "items.csv"]
