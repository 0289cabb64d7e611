"""Comment lines among the rows of a table of text: found, emptied, counted.

A line that begins with # or % is a comment if it has not the fields of a row. If all other rows
begin with a number, a line such as `#12,101,4` is one too: a row that somebody struck out.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matinee.data.reading.separator import SPACES, WIDE_SPACES, split_lines, usual_length

#: What a comment begins with.
COMMENT_SIGNS = ("#", "%")

_LINE = re.compile(rb"(?m)^[#%][^\n]*")
_NUMBER = re.compile(r"^[+-]?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?$")


def without_comments(lines: Sequence[str]) -> list[str]:
    """Lines of which those that begin like comments are dropped; all if no other is left."""
    return [line for line in lines if not line.startswith(COMMENT_SIGNS)] or list(lines)


def comments_in(text: str) -> bool:
    """Whether some line but the first begins like a comment."""
    return any(f"\n{sign}" in text for sign in COMMENT_SIGNS)


@dataclass
class CommentLines:
    """Empties the comments in a text, block by block.

    Attributes:
        is_comment: tells a comment from a row that begins with the same sign.
        n_found: how many there were so far.
    """

    is_comment: Callable[[str], bool]
    n_found: int = 0

    @classmethod
    def of(cls, rows: Sequence[str], separator: str) -> "CommentLines":
        """The comments among rows.

        Args:
            rows: the first lines of the table; a header may be among them.
            separator: of their fields.
        """
        fields = split_lines(without_comments(rows), separator)
        n_fields = usual_length(fields)[0]
        numbered = [row for row in fields[1:] or fields if _NUMBER.match(row[0].strip(' "'))]
        all_are_numbers = len(numbered) == len(fields[1:] or fields)

        def is_comment(line: str) -> bool:
            if '"' in line or n_fields < 2:  # it may be part of a text of many lines
                return False
            return all_are_numbers or _n_fields(line, separator) != n_fields

        return cls(is_comment)

    def emptied(self, block: bytes) -> bytes:
        """Whole lines with each comment replaced by an empty line."""
        return _LINE.sub(self._emptied, block)

    def _emptied(self, match: re.Match[bytes]) -> bytes:
        line = match.group()
        if not self.is_comment(line.decode("utf-8", "surrogateescape").rstrip("\r")):
            return line
        self.n_found += 1
        return b"\r" if line.endswith(b"\r") else b""


def _n_fields(line: str, separator: str) -> int:
    if separator in (SPACES, WIDE_SPACES):
        return len(split_lines([line], separator)[0])
    return line.count(separator) + 1
