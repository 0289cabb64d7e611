"""Columns of times that nobody named, in a table without a column of times."""

from collections.abc import Callable, Sequence

from matinee.data.reading.header import is_missing, is_time
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.schema import Columns, column_of
from matinee.text import printable

_DESCRIPTIONS = ("item title", "year", "imdb id", "tmdb id")


def unnamed_times(
    columns: Columns, options: ReadOptions, sampled: Callable[[int], Sequence[str]]
) -> list[str]:
    """A note on each column without a role whose cells all look like times; usually none.

    Args:
        columns: of the table.
        options: a timestamp that they name or leave out settles the matter.
        sampled: some cells of a column by its number, as text.
    """
    if "timestamp" in columns.positions or options.timestamp is not None:
        return []
    notes = []
    for number in columns.unused():
        name = columns.names[number]
        if any(column_of([name], role) is not None for role in _DESCRIPTIONS):
            continue
        cells = [cell.strip() for cell in sampled(number)]
        filled = [cell for cell in cells if not is_missing(cell)]
        if filled and all(map(is_time, filled)):
            shown = printable(name[:40])
            notes.append(
                f"The column '{shown}' looks like timestamps but is not used; to use it, give "
                f"--timestamp-column '{shown}'."
            )
    return notes
