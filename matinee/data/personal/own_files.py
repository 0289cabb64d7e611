"""A person's own file as a table of text: CSV in any encoding, JSON, Criticker's XML, or a zip
file with one of them.

Files come from anybody, so their size, their rows and what a zip file unpacks to are limited.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from xml.etree import ElementTree

from matinee.data.reading.schema import column_of
from matinee.errors import DataError
from matinee.text import joined

#: Of a file; enough for about 10,000 films in the longest of these formats.
MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 20_000
EXPECTED = (
    "Give the file of ratings from Letterboxd, IMDb, MovieLens, Trakt, Goodreads, filmweb, "
    "Criticker or matinee, or a table with the columns title and rating."
)

#: What a zip file may hold, in the order in which it is looked for.
_IN_ZIP = (
    "ratings.csv",
    "ratings-movies.json",
    "ratings_movies.json",
    "ratings/movies.json",
    "ratings.json",
    "matinee.json",
    "diary.csv",
)
_NOT_OURS = frozenset(("deleted", "orphaned", "__MACOSX"))
_MOST_COLUMNS = 200
_MOST_FIELDS = 1_000  # of a row; the widest export has 31
_NUMBER = re.compile(r"[0-9]")
_DECIMAL_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{1,2}(?![0-9]))")
_JSON = re.compile(r'\s*(?:\[\s*[{\]]|\{\s*["}])')
_EXCEL = re.compile(r"sep=([,;|\t])\r?\n", re.IGNORECASE)  # Excel's line on the separator
_UNUSED = "\x1f"
_XML = re.compile(r"\s*<[?!A-Za-z]")


@dataclass(frozen=True)
class FileLimits:
    """The largest file that is read.

    Attributes:
        n_bytes: of the file, and of what a zip file holds.
        n_rows: of its table.
    """

    n_bytes: int = MOST_BYTES
    n_rows: int = MOST_ROWS


WEB_LIMITS = FileLimits()
"""For a file that is given to a server."""


@dataclass(frozen=True)
class OwnFile:
    """The table in a file.

    Attributes:
        rows: all rows, the header first if there is one, and blank ones, to keep count.
        kind: "CSV", "JSON" or "XML".
        notes: sentences on what was guessed.
    """

    rows: list[list[str]]
    kind: str = "CSV"
    notes: list[str] = field(default_factory=list)


def read_file(content: bytes, limits: FileLimits = WEB_LIMITS) -> OwnFile:
    """The table in a file.

    Raises:
        DataError: the file is too large, or not a table.
    """
    if len(content) > limits.n_bytes:
        raise DataError(f"The file is larger than {limits.n_bytes // 1024**2} MB. {EXPECTED}")
    if is_zip(content):
        content = _unzipped(content, limits)
    text, notes = _text(content)
    if _JSON.match(text):
        return OwnFile(_json_rows(text, limits, notes), "JSON", notes)
    if _XML.match(text):
        return OwnFile(_xml_rows(text, limits), "XML", notes)
    return OwnFile(_csv_rows(text, limits), "CSV", notes)


def is_zip(content: bytes) -> bool:
    """Whether a file is a zip file."""
    return content.startswith(b"PK\x03\x04")


def _unzipped(content: bytes, limits: FileLimits) -> bytes:
    """The ratings in a zip file; sites pack several tables."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            name, inside = _ratings_in(archive, limits)
    except DataError:
        raise
    except Exception as error:  # damage can break the reader anywhere, with a zlib.error for one
        raise DataError(
            "The zip file is damaged or locked; unpack it and give its ratings.csv."
        ) from error
    if len(inside) > limits.n_bytes:
        raise DataError(
            f"The {name} in the zip file is larger than {limits.n_bytes // 1024**2} MB."
        )
    return inside


def _ratings_in(archive: zipfile.ZipFile, limits: FileLimits) -> tuple[str, bytes]:
    names = sorted(archive.namelist(), key=len)
    ours = [name for name in names if _NOT_OURS.isdisjoint(PurePosixPath(name).parts[:-1])]
    for wanted in _IN_ZIP:
        found = next((name for name in ours if f"/{name.lower()}".endswith(f"/{wanted}")), None)
        if found is not None:
            with archive.open(found) as file:
                # Never more, whatever the archive claims
                return wanted, file.read(limits.n_bytes + 1)
    raise DataError("The zip file holds no ratings.csv; give that file itself.")


def _text(content: bytes) -> tuple[str, list[str]]:
    """Content as UTF-8, as UTF-16 with its mark, or as the code page of older spreadsheets."""
    encodings = ["utf-8-sig", "cp1252"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.insert(0, "utf-16")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            notes = []
            if encoding == "cp1252":
                notes.append("The file is not in UTF-8; it was read as Windows-1252 (Latin-1).")
            return text, notes
    raise DataError(f"The file is not a text file. {EXPECTED}")


# -- rows --------------------------------------------------------------------------------


def _csv_rows(text: str, limits: FileLimits) -> list[list[str]]:
    rows: list[list[str]] = []
    separator = separator_of(text)
    first_line = text.lstrip("\r\n").partition("\n")[0].strip()
    if column_of([first_line], "own title") is not None:  # one column, whose titles hold commas
        separator = _UNUSED
    named = _EXCEL.match(text)
    if named is not None:
        separator = named[1]
        rows.append([])  # to keep count
        text = text[named.end() :]
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            rows.append(row)
            _refuse_too_many(rows, limits)
            if len(row) > _MOST_FIELDS:
                raise DataError(
                    f"Row {len(rows):,} has {len(row):,} fields; a table of ratings has a few. "
                    f"{EXPECTED}"
                )
    except csv.Error as error:
        raise DataError(f"The file is not a table ({error}). {EXPECTED}") from error
    return rows


def separator_of(text: str) -> str:
    """The separator of a text: the character that most of its first lines have equally often.

    A comma wins a tie, then a semicolon, a tab and a bar. Decimal commas do not count in a line
    that has one of the others.
    """
    lines = [line for line in text[:20_000].split("\n")[:30] if line.strip()]
    lines = [
        _DECIMAL_COMMA.sub("", line) if any(sign in line for sign in ";\t|") else line
        for line in lines
    ]
    if not lines:
        return ","

    def agreement(separator: str) -> tuple[int, int]:
        counts = [_outside_quotes(line, separator) for line in lines]
        if counts[0] == 0:
            return 0, 0
        return counts.count(counts[0]), counts[0]

    return max((",", ";", "\t", "|"), key=agreement)


def _outside_quotes(line: str, separator: str) -> int:
    return sum(part.count(separator) for part in line.split('"')[::2])


def _refuse_too_many(rows: Sequence[object], limits: FileLimits) -> None:
    if len(rows) > limits.n_rows + 1:
        raise DataError(
            f"The file has more than {limits.n_rows:,} rows; give one person's ratings."
        )


def _json_rows(text: str, limits: FileLimits, notes: list[str]) -> list[list[str]]:
    """A list of objects as a table: its header has all keys; nested ones are joined.

    Of an object with several lists, "ratings" or the first one is read; a note says so.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _json_lines(text)
    if isinstance(value, dict):
        lists = {name: part for name, part in value.items() if isinstance(part, list)}
        if "ratings" not in lists and len(lists) > 1:
            quoted = joined([f"'{name}'" for name in lists])
            notes.append(f"Of the lists {quoted} in the file, only the first was read.")
        value = lists.get("ratings", next(iter(lists.values()), None))
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise DataError(f"The file is JSON, but not a list of ratings. {EXPECTED}")
    _refuse_too_many(value, limits)
    flat = [_flat(one) for one in value]
    names = list(dict.fromkeys(name for one in flat for name in one))[:_MOST_COLUMNS]
    return [names, *([one.get(name, "") for name in names] for one in flat)]


def _json_lines(text: str) -> object:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def _flat(one: Mapping[str, object]) -> dict[str, str]:
    """An object with the keys of Trakt's nested ones: "title", "year", "imdb_id" and so on."""
    cells: dict[str, str] = {}
    for key in ("movie", "show"):  # of an episode, the show comes as well
        nested = one.get(key)
        if isinstance(nested, dict):
            ids = nested.get("ids")
            if isinstance(ids, dict):
                cells |= {f"{name}_id": _cell(cell) for name, cell in ids.items()}
            # Not the rest: a rating in it is the average of all people
            cells |= {name: _cell(nested.get(name)) for name in ("title", "year")}
    return cells | {name: _cell(cell) for name, cell in one.items()}


def _cell(value: object) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value)


def _xml_rows(text: str, limits: FileLimits) -> list[list[str]]:
    """The `film` elements of a Criticker export, with a column for each element in them."""
    if "<!" in text.replace("<![CDATA[", ""):  # entities can grow without limits
        raise DataError(f"The file is a web page or XML with declarations. {EXPECTED}")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"The file is XML, but damaged ({error}). {EXPECTED}") from error
    films = [{part.tag: (part.text or "").strip() for part in film} for film in root.iter("film")]
    _refuse_too_many(films, limits)
    names = list(dict.fromkeys(name for film in films for name in film))[:_MOST_COLUMNS]
    return [names, *([film.get(name, "") for name in names] for film in films)]


def has_number(row: Sequence[str]) -> bool:
    """Whether a cell of a row has a digit or a star."""
    return any(_NUMBER.search(cell) or "\u2605" in cell for cell in row)
