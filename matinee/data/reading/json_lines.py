"""JSON lines, one object for each row: the columns that count, whatever other keys there are.

The keys are those of the first objects. No column is made of a key that does not matter: a file
in which every object has a key of its own would need a column for each of them.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from matinee.text import joined, printable

_SAMPLED = 200
_MANY_KEYS = 100
_NAMED = 3
_LARGEST = 2**63


def sampled_objects(head: str) -> list[dict[str, object]]:
    """The objects in the first lines of a file; a line that is none gives an empty one."""
    return [_object(line) for line in head.splitlines()[:_SAMPLED]]


def frame_of_json(
    path: Path, rows: Sequence[Mapping[str, object]], wanted: Collection[str]
) -> pl.DataFrame | None:
    """The wanted columns of a file, in the order in which the keys first occur.

    The types are those of the first objects; if a later one has another, all is text.

    Args:
        path: of the file.
        rows: its first objects.
        wanted: keys.
    Returns: None if a line is not an object.
    """
    names = [name for name in dict.fromkeys(key for row in rows for key in row) if name in wanted]
    typed = {name: _type_of(row.get(name) for row in rows) for name in names}
    texts: dict[str, pl.DataType] = {name: pl.String() for name in names}
    for schema in (typed, texts):
        try:
            return pl.read_ndjson(path, schema=schema).select(names)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            continue
    return None


def note_on_keys(names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> list[str]:
    """A sentence on keys that few objects have, if there are very many; else none."""
    if len(names) <= _MANY_KEYS:
        return []
    counts = dict.fromkeys(names, 0)
    for row in rows:
        for name in row:
            counts[name] += 1
    rare = [name for name in names if 2 * counts[name] < len(rows)]
    if not rare:
        return []
    shown = joined([f"'{printable(name[:40])}'" for name in rare[:_NAMED]])
    return [
        f"The first {len(rows):,} rows have {len(names):,} different keys, {len(rare):,} of them "
        f"in less than half of the rows, such as {shown}; they are not read."
    ]


def _type_of(cells: Iterable[object]) -> pl.DataType:
    """The type of a column by some of its cells."""
    filled = [cell for cell in cells if cell is not None]
    if filled and all(isinstance(cell, bool) for cell in filled):
        return pl.Boolean()
    if any(isinstance(cell, bool) for cell in filled):
        return pl.String()
    if filled and all(isinstance(cell, int) and abs(cell) < _LARGEST for cell in filled):
        return pl.Int64()
    if filled and all(isinstance(cell, int | float) for cell in filled):
        return pl.Float64()
    if filled and all(isinstance(cell, list) and _are_texts(cell) for cell in filled):
        return pl.List(pl.String())
    return pl.String()


def _are_texts(cells: Iterable[object]) -> bool:
    return all(isinstance(cell, str) for cell in cells)


def _object(line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if isinstance(row, dict):
        return row
    return {}
