"""Which text separates the fields of a table: the one that splits all lines alike."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from matinee.errors import SettingError

#: One or more spaces, and two or more: the columns of a table that is aligned by spaces.
SPACES, WIDE_SPACES = "spaces", "wide spaces"

#: Tried in this order; the first of equals is taken.
CANDIDATES = ("::", "\t", ",", ";", "|", "\x01", "||", " ", SPACES, WIDE_SPACES)

_NAMES = {
    "tab": "\t",
    "\\t": "\t",
    "space": " ",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "spaces": SPACES,
    "\\s+": SPACES,
    "\\x01": "\x01",
    "\\u0001": "\x01",
    "^a": "\x01",
}
_NUMBER = re.compile(r"^[+-]?[0-9](?:[0-9.,]*[0-9.])?(?:[eE][+-]?[0-9]+)?$")
_WIDE = re.compile(r" {2,}")
_INNER_QUOTE = re.compile(r'[\s,;|]"|"[\s,;|]')
_SPACES = (" ", SPACES, WIDE_SPACES)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_RARE_IN_FIELDS = ("::", "\t")  # no title holds them as often in each row
_MOST = 0.9
_FIRST_LINE_COUNTS = 0.35  # a header has no row's commas, but it may lack a field


def separator_named(text: str) -> str:
    """The separator that a person means by a text such as "tab", "\\t" or ";".

    Raises:
        SettingError: it is empty, or part of numbers or quotation.
    """
    found = _NAMES.get(text.strip().lower())
    if found is not None:
        return found
    if not text or text in '"\n\r' or any(letter.isalnum() for letter in text):
        raise SettingError(
            f"The separator '{text}' is not valid; give a character such as ';' or a word: "
            "tab, space, spaces, comma, semicolon, pipe."
        )
    return text


def text_kind(separator: str) -> str:
    """What to call text with a separator: "CSV", "text separated by semicolons"."""
    common = {",": "CSV", "\t": "tab-separated text", " ": "space-separated text"}
    if separator in common:
        return common[separator]
    names = {";": "semicolons", "|": "pipes"}
    names |= {SPACES: "runs of spaces", WIDE_SPACES: "runs of spaces", "\x01": "Ctrl-A"}
    return f"text separated by {names.get(separator, repr(separator))}"


def sniff_separator(lines: Sequence[str]) -> str:
    """The separator that splits all lines into the same number of fields.

    Quotation marks are respected. Where several do, the fields decide: another separator within
    a field speaks against the first, a space within a text does not.
    """
    tables = _possible_tables([_without_quoted(line) for line in lines])
    steady = {
        candidate: rows for candidate, rows in tables.items() if usual_length(rows)[1] >= _MOST
    }
    if not tables:
        return ","
    if not steady:
        return max(tables, key=lambda one: (usual_length(tables[one])[1], _clean(one, tables)))

    def begins_alike(candidate: str) -> bool:
        rows = steady[candidate]
        return len(rows[0]) == usual_length(rows)[0]

    rare = [one for one in _RARE_IN_FIELDS if one in steady and begins_alike(one)]
    if rare:
        return rare[0]
    if WIDE_SPACES in steady and begins_alike(WIDE_SPACES):
        n_fields, share = usual_length(steady[WIDE_SPACES])
        if n_fields > 2 and share >= usual_length(steady.get(SPACES, []))[1]:
            steady.pop(SPACES, None)

    def quality(candidate: str) -> tuple[float, float, int, float]:
        n_fields, share = usual_length(steady[candidate])
        looks = min(_clean(candidate, steady), _MOST)
        if begins_alike(candidate):
            looks += _FIRST_LINE_COUNTS
        first_column = {one: [row[:1] for row in rows] for one, rows in steady.items()}
        first_looks = _clean(candidate, first_column)
        return looks, first_looks, n_fields, share

    return max(steady, key=quality)  # the first of equals


def _possible_tables(lines: Sequence[str]) -> dict[str, list[list[str]]]:
    """Candidate -> the rows that it makes of lines, if most have several fields."""
    tables = {}
    text = "\n".join(lines)
    for candidate in CANDIDATES:
        sign = " " if candidate in _SPACES else candidate
        if sign not in text or not _is_possible(candidate, lines):
            continue
        rows = split_lines(lines, candidate)
        if usual_length(rows)[0] > 1:
            tables[candidate] = rows
    return tables


def split_lines(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The fields of lines; a quoted field may hold the separator and line ends."""
    if separator == SPACES:
        return [line.split() for line in lines]
    if separator == WIDE_SPACES:
        return [_WIDE.split(line.strip()) for line in lines]
    if len(separator) > 1 or not any('"' in line for line in lines):
        return [line.split(separator) for line in lines]
    rows, n_read = _quoted_rows(lines, separator)
    if 2 * n_read < len(lines):  # a quotation mark that is never closed takes the rest
        return [_quoted_fields(line, separator) for line in lines]
    return [row for row in rows if row]


def _without_quoted(line: str) -> str:
    """A line with a letter for each quoted field, whose separators say nothing."""
    if line.count('"') % 2:
        return line
    return _QUOTED.sub("Q", line)


def _quoted_rows(lines: Sequence[str], separator: str) -> tuple[list[list[str]], int]:
    """The rows up to the first with a quotation mark out of place, and how many lines they take."""
    reader = csv.reader(
        [f"{line}\n" for line in lines],
        delimiter=separator,
        skipinitialspace=separator != " ",
        strict=True,
    )
    rows, n_read = [], 0
    with suppress(csv.Error):
        for row in reader:
            rows.append(row)
            n_read = reader.line_num
    return rows, n_read


def _quoted_fields(line: str, separator: str) -> list[str]:
    with suppress(csv.Error):
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    return line.split(separator)


def _is_possible(candidate: str, lines: Sequence[str]) -> bool:
    if candidate == " ":  # aligned columns have runs of spaces, not empty fields
        aligned = sum("  " in line or line != line.strip(" ") for line in lines)
        return aligned <= 0.1 * len(lines)
    if candidate == "|":
        n_pairs = sum(line.count("||") for line in lines)
        return n_pairs == 0 or sum(line.count("|") for line in lines) != 2 * n_pairs
    if candidate == SPACES:
        return not any("\t" in line or '"' in line for line in lines)
    return True


def usual_length(rows: Sequence[Sequence[str]]) -> tuple[int, float]:
    """The most frequent number of fields, and the share of rows that have it."""
    if not rows:
        return 0, 0.0
    length, n_rows = Counter(map(len, rows)).most_common(1)[0]
    return length, n_rows / len(rows)


def _clean(candidate: str, tables: dict[str, list[list[str]]]) -> float:
    """The share of fields that look whole."""
    others = [other for other in tables if other not in (candidate, *_SPACES, "||", "::")]
    cells = [cell.strip() for row in tables[candidate] for cell in row]
    whole = sum(_is_whole(cell, others) for cell in cells)
    return whole / max(len(cells), 1)


def _is_whole(cell: str, others: Sequence[str]) -> bool:
    """Whether a field holds no other separator and no begin or end of a quoted one; a comma within
    a number is none."""
    if _NUMBER.match(cell):
        return True
    if _INNER_QUOTE.search(cell) or any(other in cell for other in others):
        return False
    tokens = cell.split()
    return len(tokens) < 2 or not all(_NUMBER.match(token) for token in tokens)
