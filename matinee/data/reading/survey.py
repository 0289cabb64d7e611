"""One pass over the bytes of a table of text, for what no reader of columns tells.

Clean tables are large more often than not, so a byte costs a few simple operations on whole
blocks, which stay in the processor's cache.
"""

import mmap
from pathlib import Path
from typing import NamedTuple

import numpy as np

from matinee.data.reading.comments import COMMENT_SIGNS

_BLOCK = 1 << 17
_SIGNS = tuple(sign.encode() for sign in COMMENT_SIGNS)


class Survey(NamedTuple):
    """What one pass over the bytes of a text table finds.

    Attributes:
        separators: bytes that separate fields; for "::" its single colons.
        pairs, triples: where "::" separates, two and three colons in a row.
        leading_zeros: whether there may be numbers such as 007; a date such as 2020-01-02 counts
            as well.
        comments: whether some line but the first begins like a comment.
    """

    separators: int
    pairs: int
    triples: int
    leading_zeros: bool
    comments: bool


def survey_of(path: Path, separator: str) -> Survey:
    """The survey of a file that is not empty.

    Args:
        path: of the text.
        separator: of its fields, "::" or one character in ASCII.
    """
    with path.open("rb") as file:
        return survey_of_lines(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), separator)


def survey_of_lines(content: mmap.mmap | bytes, separator: str, is_start: bool = True) -> Survey:
    """The survey of whole lines, which are not the first of their file unless `is_start`."""
    every_byte = np.frombuffer(content, np.uint8)
    n_marks = n_pairs = n_triples = 0
    # A slash within a field makes it no number; between fields, only text is sure to be read truly.
    leading_zeros = separator == "/" or has_leading_zeros(content)
    comments = not is_start and content[:1] in _SIGNS
    for start in range(0, len(content), _BLOCK):  # a second thread would mostly wait for Python
        part = every_byte[start : start + _BLOCK + 2]  # with two bytes of the next block
        is_mark = part == ord(separator[0])
        n_marks += int(np.count_nonzero(is_mark[:_BLOCK]))
        if separator == "::":
            is_pair = is_mark[:-1] & is_mark[1:]
            n_pairs += int(np.count_nonzero(is_pair[:_BLOCK]))
            n_triples += int(np.count_nonzero(is_pair[:-1] & is_pair[1:]))
        comments = comments or any(_starts_line(sign, content, start) for sign in _SIGNS)
    return Survey(n_marks, n_pairs, n_triples, leading_zeros, comments)


def has_leading_zeros(lines: mmap.mmap | bytes) -> bool:
    """Whether a zero stands before a digit, and neither a digit, a point nor a slash before
    it."""
    if lines[:1] == b"0" and lines[1:2].isdigit():
        return True
    every_byte = np.frombuffer(lines, np.uint8)
    for start in range(0, len(lines), _BLOCK):
        part = every_byte[start : start + _BLOCK + 2]
        code = part - np.uint8(ord("."))  # 1 for "/", 2 to 11 for digits; what is below "." wraps
        is_first_zero = code[:-2] > 11
        is_first_zero &= code[1:-1] == 2
        if is_first_zero.any():
            is_first_zero &= code[2:] - np.uint8(2) < 10
            if is_first_zero.any():
                return True
    return False


def has_quotes(path: Path) -> bool:
    """Whether a file that is not empty has quotation marks."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b'"') >= 0


def _starts_line(sign: bytes, content: mmap.mmap | bytes, start: int) -> bool:
    """Whether a sign begins a line in a block, but not at the start of the content.

    A single byte is found ten times as fast as two, and clean tables do not have it.
    """
    end = start + _BLOCK
    if content.find(sign, start, end) < 0:
        return False
    return content.find(b"\n" + sign, max(start - 1, 0), end) >= 0
