"""Small tables whose columns repeat given cells, and what was read of them."""

from pathlib import Path
from typing import Any

from matinee.data.dataset import Dataset
from matinee.data.reading.options import ReadOptions

ROWS = 24
SKIP = ReadOptions(skip_bad_rows=True)


def table(
    folder: Path,
    users: str = "1 2 3 4 5 6",
    values: str = "1 2 3 4 5",
    times: str = "",
    header: str = "user;item;rating",
) -> Path:
    """A table of `ROWS` rows whose columns repeat the given cells; `|` separates cells that hold
    spaces."""
    columns = [_cells(users), [str(100 + row // 6) for row in range(ROWS)], _cells(values)]
    if times:
        columns.append(_cells(times))
        header += ";time"
    lines = [";".join(cells[row % len(cells)] for cells in columns) for row in range(ROWS)]
    path = folder / "r.csv"
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


def _cells(text: str) -> list[str]:
    return [cell.strip() for cell in text.split("|")] if "|" in text else text.split()


def users_of(dataset: Dataset) -> list[Any]:
    return list(dataset.ratings.users.ids.tolist())


def values_of(dataset: Dataset, n: int) -> list[float]:
    return list(dataset.ratings.value[:n].tolist())


def notes_of(dataset: Dataset) -> tuple[str, ...]:
    assert dataset.summary is not None
    return dataset.summary.notes
