"""A command that runs out of memory says so in one sentence, with an estimate of what it needs.

Python, NumPy and PyTorch raise exceptions, and the sentence comes afterwards. Polars and LLVM may
end the process instead, so what they need at least is compared with what is left before they
start.
"""

import errno
import re
from collections.abc import Iterable
from pathlib import Path

import click

from matinee.errors import MatineeError, ModelFileError, UnsupportedError
from matinee.system import POLARS_SPACE, address_space_limit, free_memory, memory_shortage

PROGRAM_GB = 0.3
"""Memory of a command on a small table: Python, the libraries and the compiled kernels."""
RESERVED_GB = 1.5
"""Address space that libraries reserve for their threads besides, which counts for `ulimit -v`."""
BYTES_PER_BYTE = 20
"""Memory for each byte of a table of text, with the most users and items that one may have."""
BYTES_PER_RATING = 120
"""Memory of the smallest training, mf with 16 factors, for each rating; measured: 170."""
SPACE_PER_RATING, SPACE_OF_TRAINING = 250, 1_850_000_000
"""Address space of the same."""
UNPACKED = {".gz": 4, ".bz2": 5, ".xz": 5, ".zst": 4, ".zip": 4, ".parquet": 4}
"""How much longer a table is as text."""

_SIGNS = re.compile(
    r"out of memory|memory allocation|unable to allocate|can(?:no|')t allocate memory"
    r"|failed to map segment|can't start new thread|not enough memory"
    r"|find/load shared object",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that memory ran out.

    Errors of model files do not count: a damaged one may ask for any amount.
    """
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ModelFileError):
        if isinstance(seen, MemoryError) or getattr(seen, "errno", None) == errno.ENOMEM:
            return True
        is_own = isinstance(seen, MatineeError | click.ClickException)
        if not is_own and _SIGNS.search(str(seen)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def sentence(arguments: Iterable[str]) -> str:
    """What a command that ran out of memory needs, and what would make that smaller.

    Args:
        arguments: of the command line; those that name files and folders count.
    """
    n_bytes = sum(_bytes_as_text(argument) for argument in arguments)
    needed = PROGRAM_GB + BYTES_PER_BYTE * n_bytes / 1e9
    limit = address_space_limit()
    allowed, remedy = "more than this machine has free", "a machine with more memory"
    if limit:
        needed += RESERVED_GB
        allowed = f"and {limit / 1e9:.1f} GB are allowed (ulimit -v)"
        remedy = "a higher limit"
    return (
        f"Out of memory: up to about {needed:.1f} GB are needed for {n_bytes / 1e6:,.1f} MB of "
        f"files and a model of the usual size, {allowed}. Use fewer rows, a smaller model (such as "
        f"--model mf --set factors=16), fewer threads, or {remedy}."
    )


def require_for_training(n_ratings: int) -> None:
    """Refuses, before the training starts, what no model can be trained in.

    Raises:
        UnsupportedError: the memory will not be enough.
    """
    _refuse_shortage(
        f"Training on {n_ratings:,} rows",
        memory_shortage(
            BYTES_PER_RATING * n_ratings, SPACE_PER_RATING * n_ratings, SPACE_OF_TRAINING
        ),
        "fewer rows, or ",
    )


def require_memory(model: str, n_ratings: int, n_bytes: float) -> None:
    """Refuses a training that will need more memory than is free, with what needs less.

    Args:
        n_bytes: the most memory that the training takes besides the data.

    Raises:
        UnsupportedError: the memory will not be enough.
    """
    free = free_memory()
    if n_bytes > free:
        less = "fewer factors or rows" if model == "mf" else "fewer factors or rows, or --model mf"
        raise UnsupportedError(
            f"Training {model} on {n_ratings:,} rows needs about {n_bytes / 1e9:.1f} GB of memory "
            f"besides the data, and {free / 1e9:.1f} GB are free. Use {less}; --yes trains all the "
            "same."
        )


def require_for_tables(what: str) -> None:
    """Refuses the work on tables where its libraries could not even start.

    Args:
        what: the work, as the subject of a sentence.

    Raises:
        UnsupportedError: the memory will not be enough.
    """
    _refuse_shortage(what, memory_shortage(0, 0, POLARS_SPACE), "")


def _refuse_shortage(what: str, shortage: str, less: str) -> None:
    if shortage:
        remedy = "a higher limit" if "ulimit" in shortage else "a machine with more memory"
        raise UnsupportedError(f"{what} needs about {shortage}. Use {less}{remedy}.")


def _bytes_as_text(argument: str) -> int:
    """The size of the table that an argument names, if it were text; 0 if it names none."""
    path = Path(argument)
    try:
        files = [path]
        if path.is_dir():
            files = list(path.iterdir())
        sizes = [
            file.stat().st_size * UNPACKED.get(file.suffix.lower(), 1)
            for file in files
            if file.is_file()
        ]
        return max(sizes, default=0)  # the ratings are the largest file of a folder
    except (OSError, ValueError):
        return 0
