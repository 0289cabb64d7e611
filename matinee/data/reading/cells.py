"""Cells of a column as text: distinct texts, words for "missing", and how messages show them."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.reading.options import Kind, ReadOptions, ValueRange
from matinee.text import printable

#: Words that programs write for a missing value.
MISSING_WORDS = frozenset(
    {"nan", "NaN", "NAN", "null", "NULL", "Null", "none", "None", "NONE", "NA", "N/A", "n/a"}
    | {"#N/A", "<NA>", "NaT", "nil", "\\N", "-", "--", "?"}
)

_SHOWN = 60
_ENOUGH_ALIKE = 0.5  # of the ids; then a word that looks like them is an id
_LETTERS = re.compile(r"^(?:[A-Z]+|[a-z]+|[A-Z][a-z]+)$")


#: From a line to the file that it is in and its line there; None where there is one file.
PlaceOf = Callable[[int], tuple[str, int]] | None


@dataclass(frozen=True)
class ValueRules:
    """What the cells of a table may hold.

    Attributes:
        label: the table's name in messages.
        unit: "line" for files, "row" for frames.
        kind: what the column in the place of the rating holds.
        limits: the lowest and the highest value allowed; None for any.
        options: what the person said of the table.
        names: role -> name of its column, for messages.
        place_of: the file and the line in it of a line or row; None if they are those of `label`.
    """

    label: str
    unit: str
    kind: Kind
    limits: ValueRange | None
    options: ReadOptions
    names: Mapping[str, str] = field(default_factory=dict)
    place_of: PlaceOf = None

    def place(self, line: int) -> tuple[str, int]:
        """The file, and the line in it, of a line that is read."""
        if self.place_of is None:
            return self.label, line
        return self.place_of(line)

    def column(self, role: str) -> str:
        """The name of the column of a role, for messages."""
        return printable(self.names.get(role, role)[:_SHOWN])


class Flaws(NamedTuple):
    """The bad cells of a column.

    Attributes:
        rows: (n,) where they are, ascending.
        reason: what is wrong with the cell in a row.
    """

    rows: NDArray[np.int64]
    reason: Callable[[int], str]

    @classmethod
    def none(cls) -> "Flaws":
        """No bad cell."""
        return cls(np.empty(0, np.int64), lambda _: "")


class Distinct(NamedTuple):
    """A column of text by its distinct texts.

    Attributes:
        texts: the distinct texts, without spaces at their ends, in ascending order.
        code: (N,) int32, the number of each row's text; -1 for a cell without text.
    """

    texts: pl.Series
    code: NDArray[np.int32]

    def counts(self) -> NDArray[np.int64]:
        """How often each text occurs."""
        return np.bincount(self.code[self.code >= 0], minlength=len(self.texts))

    def flaws(self, reasons: Mapping[int, str], without_text: str) -> Flaws:
        """The rows of the texts with a reason, and of the cells without text if those are
        bad."""
        is_bad = np.zeros(len(self.texts) + 1, bool)  # the last one stands for no text
        is_bad[list(reasons)] = True
        is_bad[-1] = bool(without_text)
        rows = np.flatnonzero(is_bad[self.code])
        return Flaws(rows, lambda row: reasons.get(int(self.code[row]), without_text))


def distinct_texts(column: pl.Series) -> Distinct:
    """The distinct texts of a column of strings."""
    text = column.cast(pl.String).str.strip_chars()
    distinct = text.drop_nulls().unique()
    distinct = distinct.filter(distinct != "").sort()  # by code point, as Python sorts
    codes = text.cast(pl.Enum(distinct), strict=False).to_physical().cast(pl.Int64)
    return Distinct(distinct, codes.fill_null(-1).to_numpy().astype(np.int32))


def missing_words(texts: Sequence[str]) -> set[str]:
    """The ids that are words for "missing" and stand among ids that look otherwise.

    "NA" among the two-letter codes of countries is an id.

    Args:
        texts: the distinct ids.
    """
    found = set()
    for word in MISSING_WORDS.intersection(texts):
        shape = _shape(word)
        n_alike = 0
        if shape:
            n_alike = sum(_shape(text) == shape for text in texts if text not in MISSING_WORDS)
        if n_alike == 0 or n_alike < _ENOUGH_ALIKE * len(texts):
            found.add(word)
    return found


def _shape(text: str) -> tuple[int, bool, bool] | None:
    if _LETTERS.match(text):
        return len(text), text.isupper(), text.islower()
    return None


def shown(text: str) -> str:
    """A value for a message, in quotation marks and not too long."""
    if len(text) > _SHOWN:
        return f"'{printable(text[:_SHOWN])}...'"
    return f"'{printable(text)}'"


def cell_text(cell: object) -> str | None:
    """A cell of any type as in a CSV file; whole numbers have no decimal point."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")
    return str(cell)


def decoded(column: pl.Series) -> pl.Series:
    """A column of bytes in UTF-8, as older programs write text, as text; others unchanged."""
    if column.dtype != pl.Binary:
        return column
    text = column.cast(pl.String, strict=False)
    return text if text.null_count() == column.null_count() else column


def in_one_piece(column: pl.Series) -> pl.Series:
    """A column of numbers without gaps as one chunk, which takes half the time to go over.

    NumPy asks for its memory in large pages, which takes a third of the time that Polars needs.
    """
    if column.n_chunks() == 1 or column.has_nulls():
        return column
    return pl.Series(column.name, np.concatenate([part.to_numpy() for part in column.get_chunks()]))


def text_column(column: pl.Series) -> pl.Series:
    """A column of any type as text; NaN becomes null."""
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if column.dtype.is_integer() or column.dtype == pl.Boolean:
        return column.cast(pl.String)
    cells = [
        None if isinstance(cell, float) and math.isnan(cell) else cell_text(cell)
        for cell in column.to_list()
    ]
    return pl.Series(column.name, cells, dtype=pl.String)
