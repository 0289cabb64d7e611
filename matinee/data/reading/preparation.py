"""Text as the readers of tables need it: without comments, with one separator and one header.

A plain CSV file needs none of this and is read where it lies. For all others `prepared_text`
writes a copy, block by block, and says how its lines are numbered in the original.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from matinee.data.reading.comments import COMMENT_SIGNS, CommentLines, without_comments
from matinee.data.reading.heads import sampled_lines
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.schema import column_of
from matinee.data.reading.separator import (
    SPACES,
    WIDE_SPACES,
    separator_named,
    sniff_separator,
    split_lines,
)
from matinee.text import counted, printable

_BLOCK = 1 << 22
_SAMPLE_LINES = 300
_LONGEST = 2_000  # letters of a line in which quotation marks are looked for
_UNIT = "\x1f"  # stands for a separator of several characters
_SEP_LINE = re.compile(r"^\s*\"?sep=(.|\\t)\"?\s*$", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class TextPlan:
    """How a text becomes one that the readers of tables know.

    Attributes:
        separator: of the fields of the result.
        original: of the fields of the file.
        n_dropped: lines at the start that are left out.
        header: a line that stands in their place; None for none.
        rewrite: changes the bytes of whole lines; None to leave them as they are.
        returns: whether lines end in carriage returns alone.
        comments: those among the rows.
        notes: what a person should know of all this.
    """

    separator: str
    original: str
    n_dropped: int = 0
    header: str | None = None
    rewrite: Callable[[bytes], bytes] | None = None
    returns: bool = False
    comments: CommentLines = field(default_factory=lambda: CommentLines(lambda _: False))
    notes: list[str] = field(default_factory=list)

    @property
    def needs_copy(self) -> bool:
        """Whether the text differs from the file."""
        return bool(self.n_dropped or self.header is not None or self.rewrite or self.returns)

    @property
    def line_shift(self) -> int:
        """What to add to a line number of the copy, to have that of the file."""
        return self.n_dropped - (self.header is not None)


def plan_of(head: str, options: ReadOptions) -> TextPlan:
    """What a text needs, judged by its first lines."""
    returns = "\r" in head and "\n" not in head
    text = head.removeprefix("\ufeff")
    if returns:
        text = text.replace("\r", "\n")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    notes: list[str] = []
    n_dropped, given, comment = _preamble(lines, notes)
    sample = sampled_lines(lines[n_dropped:], _SAMPLE_LINES)
    body = without_comments(sample)
    if options.separator is not None:
        given = separator_named(options.separator)
    separator = given or sniff_separator(body)
    names = None
    if comment is not None and body:
        names = _commented_header(comment, body, separator)
    if names is None and len(body) > 1:
        names, replaces = _mended_header(body, separator, notes)
        n_dropped += replaces * (1 + _n_blank(lines[n_dropped:]))
    elif names is not None:
        notes[-1] = f"The first line, '{_short(comment or '')}', is read as the header."
    final, rewrite = _rewriting(separator, body)
    header = None
    if names is not None:
        header = final.join(names) if len(final) > 1 else _csv_line(names, final)
    comments = CommentLines.of(sample, separator)
    return TextPlan(final, separator, n_dropped, header, rewrite, returns, comments, notes)


def write_prepared(path: Path, target: Path, plan: TextPlan) -> None:
    """Write the text of a file as its plan says; a note says how many comments were skipped."""
    with path.open("rb") as source, target.open("wb") as written:
        if plan.header is not None:
            written.write(f"{plan.header}\n".encode("utf-8", "surrogateescape"))
        if source.read(len(BOM_UTF8)) != BOM_UTF8:
            source.seek(0)
        left, rest = plan.n_dropped, b""
        while block := source.read(_BLOCK):
            block = rest + block
            if plan.returns:
                block = block.replace(b"\r", b"\n")
            end = block.rfind(b"\n") + 1
            block, rest = block[:end], block[end:]
            while left and block:
                block = block[block.find(b"\n") + 1 :]
                left -= 1
            written.write(_rewritten(block, plan))
        if rest and not left:
            written.write(_rewritten(rest, plan))
    if plan.comments.n_found:
        found = counted(plan.comments.n_found, "comment line")
        plan.notes.append(f"Skipped {found} among the rows.")


def _rewritten(lines: bytes, plan: TextPlan) -> bytes:
    lines = plan.comments.emptied(lines)
    return plan.rewrite(lines) if plan.rewrite else lines


def _preamble(lines: Sequence[str], notes: list[str]) -> tuple[int, str | None, str | None]:
    """The lines before the table.

    Returns: how many there are, the separator that Excel's `sep=` line names, and the last
    comment.
    """
    n_dropped, separator, comment, n_comments = 0, None, None, 0
    for number, line in enumerate(lines):
        stripped = line.strip()
        told = _SEP_LINE.match(line)
        if told:
            separator = separator_named(told.group(1))
        elif stripped.startswith(COMMENT_SIGNS) and not _is_row(line, lines[number + 1 :]):
            comment, n_comments = stripped.lstrip("#% "), n_comments + 1
        elif stripped:
            break
        if stripped:
            n_dropped = number + 1
    if n_comments:
        notes.append(f"Skipped {counted(n_comments, 'comment line')} before the table.")
    return n_dropped, separator, comment


def _is_row(line: str, following: Sequence[str]) -> bool:
    """Whether a line that begins like a comment is a row: so do the lines that follow."""
    filled = [other for other in following if other.strip()][:20]
    if not filled:
        return True
    alike = sum(other.lstrip().startswith(line.lstrip()[0]) for other in filled)
    return alike == len(filled)


def _commented_header(comment: str, body: Sequence[str], separator: str) -> list[str] | None:
    """The names of the columns in a comment, as NumPy writes them; None if it is prose."""
    first = split_lines(body[:1], separator)[0]
    if all(_LETTERS.search(cell) and not _is_float(cell) for cell in first):
        return None  # a header follows
    for candidate in (separator, ",", "\t", ";", "|", SPACES):
        names = [name.strip() for name in split_lines([comment], candidate)[0]]
        while names and not names[-1]:
            names.pop()
        if len(names) == len(first) and _are_usual(names):
            return names
    return None


def _are_usual(names: Sequence[str]) -> bool:
    """Whether names are those of columns, not words of a sentence."""
    return column_of(names, "user") is not None and column_of(names, "item") is not None


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _mended_header(
    body: Sequence[str], separator: str, notes: list[str]
) -> tuple[list[str] | None, bool]:
    """A header with one name less than all rows have fields, with the missing one.

    So R writes row names, and some programs end each row in a separator.
    """
    rows = split_lines(body, separator)
    names, rows = rows[0], rows[1:]
    lengths = {len(row) for row in rows}
    if len(names) < 2 or lengths != {len(names) + 1} or not all(map(_LETTERS.search, names)):
        return None, False
    if all(not row[-1].strip() for row in rows):
        return [*names, ""], True
    first = [row[0].strip() for row in rows]
    if len(first) > 1 and (_counts_up(first) or len(set(first)) == len(first)):
        notes.append(
            "The header has one name fewer than the rows have fields; the first field of each row "
            "is read as a row number."
        )
        return ["", *names], True
    return None, False


def _counts_up(cells: Sequence[str]) -> bool:
    numbers = [int(cell) for cell in cells if cell.isascii() and cell.isdigit()]
    if len(numbers) != len(cells):
        return False
    return all(later == earlier + 1 for earlier, later in pairwise(numbers))


def _n_blank(lines: Sequence[str]) -> int:
    """How many blank lines come first."""
    for number, line in enumerate(lines):
        if line.strip():
            return number
    return len(lines)


def _csv_line(names: Sequence[str], separator: str) -> str:
    quoted = [
        f'"{name}"' if not name or (separator in name and '"' not in name) else name
        for name in names
    ]
    return separator.join(quoted)


def _rewriting(separator: str, body: Sequence[str]) -> tuple[str, Callable[[bytes], bytes] | None]:
    """The separator of the result, and what brings whole lines there."""
    if separator in (SPACES, WIDE_SPACES):
        inner = re.compile(rb" {2,}" if separator == WIDE_SPACES else rb"[ \t]+")
        outer = re.compile(rb"(?m)^[ \t]+|(?<![ \t])[ \t]+(?=\r?$)")
        return "\t", lambda block: inner.sub(b"\t", outer.sub(b"", block))
    if separator != "::" and (len(separator) > 1 or not separator.isascii()):
        raw = separator.encode()
        return _UNIT, lambda block: block.replace(raw, _UNIT.encode())
    spaced = re.compile(rf'{re.escape(separator)} +"(?:[^"]|"")*" *(?={re.escape(separator)}|$)')
    if separator not in ("::", " ") and any(spaced.search(line[:_LONGEST]) for line in body):
        sign = re.escape(separator.encode())
        before = re.compile(rb"(?m)(" + sign + rb'|^) +(?="(?!")|"""|""(?:' + sign + rb"|\r?$))")
        after = re.compile(rb'(?m)" +(?=' + sign + rb"|\r?$)")
        return separator, lambda block: after.sub(b'"', before.sub(rb"\1", block))
    if _has_single_quotes(body, separator):
        sign = re.escape(separator.encode())
        marks = re.compile(rb"(?m)(?<=" + sign + rb")'|^'|'(?=" + sign + rb"|\r?$)")
        return separator, lambda block: marks.sub(b'"', block)
    return separator, None


def _has_single_quotes(body: Sequence[str], separator: str) -> bool:
    """Whether single quotation marks stand where double ones usually do, in each row."""
    if len(separator) > 1 or any('"' in line for line in body):
        return False
    sign = re.escape(separator)
    quoted = re.compile(rf"(?:^|{sign})'[^']*'(?={sign}|$)")
    return len(body) > 1 and all(quoted.search(line) for line in body[1:])


def _short(text: str) -> str:
    return printable(text[:60])
