"""A command that runs out of memory says so in one sentence, whichever library noticed it."""

import errno
from pathlib import Path

import numpy as np
import pytest
from polars.exceptions import ComputeError

from matinee.cli import memory
from matinee.cli.memory import is_out_of_memory, sentence
from matinee.errors import DataError, ModelFileError
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


def test_an_exception_becomes_the_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def too_much(*_: object) -> None:
        np.empty(2**52)

    monkeypatch.setattr("matinee.data.datasets.load.load", too_much)
    result = run("train", "sample", "--model", "popularity", "--out", tmp_path / "m.matinee")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Out of memory: up to about 0.3 GB are needed")
    assert result.stderr.count("\n") == 1
