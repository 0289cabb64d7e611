"""JSON that is one document, not a line for each row; it becomes JSON lines.

    [{"user": 1, "item": 10, "rating": 4}, ...]           an array of objects
    [[1, 10, 4], ...]                                      an array of rows
    {"user": {"0": 1}, "item": {"0": 10}, ...}             by columns, as pandas writes it
    {"user": [1, 2], "item": [10, 20], ...}                by columns
    {"columns": ["user", ...], "data": [[1, 10, 4]]}       "split" of pandas
    {"ratings": [{"user": 1, ...}]}                        an array under a name
    {"Ann": {"Film 1": 4, "Film 2": 2}, ...}               the ratings of each user

Lines that are Python dicts are not JSON; the message says how to convert them.
"""

import ast
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from matinee.data.reading.memory import require_memory_for_document
from matinee.data.reading.schema import column_of
from matinee.errors import DataError

_Row = dict[str, object] | list[object]

_LARGEST = 1 << 31
_CONVERT = (
    'python -c "import ast, json, sys; [print(json.dumps(ast.literal_eval(row))) for line in '
    "sys.stdin if (row := line.strip().strip(',[]'))]\""
)


def is_document(head: str) -> bool:
    """Whether a text that begins like JSON is one document, not JSON lines.

    Args:
        head: the first lines.
    """
    text = head.removeprefix("\ufeff").lstrip()
    if text.startswith("["):
        return True
    if not text.startswith("{"):
        return False
    try:
        row = json.loads(text.split("\n", 1)[0])
    except (ValueError, RecursionError):
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        return not any(_is_object(line) for line in lines[:20])
    if not isinstance(row, dict) or not row:
        return False
    values = list(row.values())
    is_alone = "\n" not in text.strip()
    has_table = any(isinstance(value, list) and value for value in values)
    return all(isinstance(value, dict | list) for value in values) or (is_alone and has_table)


def refuse_python(head: str, label: str) -> None:
    """Raise a `DataError` for lines that are Python dicts, or a list of them."""
    lines = [line.strip().strip(",[]") for line in head.removeprefix("\ufeff").split("\n")]
    first_row = next(filter(None, lines), "")
    if not first_row.startswith("{"):
        return
    with suppress(ValueError, RecursionError):
        json.loads(f"[{first_row}]")
        return
    try:
        rows = ast.literal_eval(f"[{first_row}]")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return
    if isinstance(rows[0], dict):
        name = shlex.quote(Path(label).name)
        first = f"gzip -dc {name} | " if label.endswith(".gz") else ""
        last = "" if first else f" < {name}"
        raise DataError(
            f"{label}: the first line is a Python dict, not JSON. Convert the file, then read "
            f"converted.jsonl:  {first}{_CONVERT}{last} > converted.jsonl"
        )


def write_json_lines(path: Path, target: Path, label: str) -> None:
    """Write the rows of a JSON document as JSON lines, or as CSV if they have no names.

    Raises:
        DataError: it is damaged, too large for the memory, or holds no table.
    """
    if path.stat().st_size > _LARGEST:
        raise DataError(
            f"{label} is one JSON document of more than 2 GB; save it as JSON lines, one object "
            "per line, for example with jq -c '.[]'."
        )
    require_memory_for_document(path, label)
    text = path.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("\ufeff")
    try:
        document = list(_documents(text))
    except (ValueError, RecursionError):
        raise DataError(
            f"{label} is not valid JSON, or it is damaged; write it again, as one object per line."
        ) from None
    rows = _rows(document[0] if len(document) == 1 else document)
    written = 0
    with target.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        for row in rows:
            file.write(_line(row) + "\n")
            written += 1
    if not written:
        raise DataError(
            f"{label} is JSON, but not a table; save it as JSON lines, one object per line."
        )


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _documents(text: str) -> Iterator[object]:
    """All values in a text, one after another; commas between them do not matter."""
    decoder = json.JSONDecoder()
    place, end = 0, len(text.rstrip(", \t\r\n"))
    while place < end:
        while text[place].isspace() or text[place] == ",":
            place += 1
        value, place = decoder.raw_decode(text, place)
        yield value


def _line(row: _Row) -> str:
    if isinstance(row, dict):
        return json.dumps(row)
    return ",".join(_cell(cell) for cell in row)


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        quoted = cell.replace('"', '""')
        return f'"{quoted}"'
    return json.dumps(cell)


def _rows(document: object) -> Sequence[_Row]:
    """The rows of a document: dicts, or lists if they have no names."""
    if isinstance(document, list):
        dicts = [row for row in document if isinstance(row, dict)]
        lists = [row for row in document if isinstance(row, list) and row]
        return dicts if len(dicts) >= len(lists) else lists
    if not isinstance(document, dict):
        return []
    names, data = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(data, list):
        return [
            dict(zip(map(str, names), row, strict=False)) for row in data if isinstance(row, list)
        ]
    values = list(document.values())
    if values and all(isinstance(value, list) for value in values) and _are_columns(document):
        return _transposed({name: dict(enumerate(cells)) for name, cells in document.items()})
    if values and all(isinstance(value, dict) for value in values):
        if _are_columns(document):
            return _transposed(document)
        if any(_are_columns(value) for value in values):
            return values
        return _by_user(document)
    tables = [value for value in values if isinstance(value, list)]
    return max((list(_rows(table)) for table in tables), key=len, default=[])


def _are_columns(names: Iterable[str]) -> bool:
    """Whether keys are names of columns rather than ids."""
    keys = list(names)
    return column_of(keys, "user") is not None or column_of(keys, "item") is not None


def _transposed(columns: dict[str, dict[Any, Any]]) -> list[dict[str, object]]:
    """The rows of columns; a row has no key for a column without a cell, of which many may be."""
    rows: dict[Any, dict[str, object]] = {}
    for name, cells in columns.items():
        for key, cell in cells.items():
            rows.setdefault(key, {})[name] = cell
    return list(rows.values())


def _by_user(document: dict[str, dict[str, object]]) -> list[dict[str, object]]:
    return [
        {"user": user, "item": item, "rating": value}
        for user, ratings in document.items()
        for item, value in ratings.items()
        if not isinstance(value, dict | list)
    ]
