"""Ids: one canonical form per column.

`1`, `1.0` and `1e0` are the integer 1 if all ids of the column are whole numbers. Numbers with
leading zeros and other texts stay texts.
"""

import re
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.reading.cells import (
    Flaws,
    ValueRules,
    distinct_texts,
    missing_words,
    shown,
    text_column,
)
from matinee.data.reading.sniff import INTEGER
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError

_WHOLE_FORM = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?$"
_POINT_ZERO = r"^-?[0-9]+(?:\.0*)?$"
_BYTES = r"^b'[^'\\]+'$"  # as Python prints bytes
_COMMA_ZERO = r"^-?(?:0|[1-9][0-9]*)(?:,0{0,2})?$"  # three zeros may be thousands
_SCIENTIFIC = re.compile(r"^-?[0-9](?:[.,]([0-9]*))?[eE]\+?0*([0-9]{1,3})$")
_EXACT_TO = 2.0**53  # whole numbers beyond it are rounded in 64-bit floats
_DIGITS_OF_SPREADSHEET = 10**15  # smaller numbers have at most 15 digits
_ENOUGH_IDS = 5  # to say that they do not end in zeros by chance
_UUID_BYTES = 16


class IdColumn(NamedTuple):
    """A column of ids.

    Attributes:
        vocabulary: the distinct ids.
        index: (N,) int32 rows of the vocabulary; -1 where the id is missing.
        flaws: the missing ids.
        left_out: (N,) bool, the ids that `--missing` names; None if there are none.
        notes: sentences about what was guessed.
    """

    vocabulary: Vocabulary
    index: NDArray[np.int32]  # type: ignore[assignment]
    flaws: Flaws
    left_out: NDArray[np.bool_] | None
    notes: list[str]


def read_ids(column: pl.Series, role: str, rules: ValueRules) -> IdColumn:
    """The ids of a column of any type.

    Raises:
        DataError: the ids were rounded, or the type of the column is none of ids.
    """
    dtype = column.dtype
    if dtype == pl.Binary:
        column = _decoded(column, role, rules)
    elif dtype.is_nested() or dtype == pl.Object or dtype.is_extension():
        raise DataError(
            f"{rules.label}: the column '{rules.column(role)}' holds values of type {dtype}, which "
            f"cannot be ids. Convert it to text or integers, or name another with --{role}-column."
        )
    elif dtype.is_float() or dtype.is_decimal():
        column = _whole(column, role, rules)
    if column.dtype.is_integer():
        integers = column
        if column.dtype != pl.Int32:
            integers = column.cast(pl.Int64, strict=False)
        if integers.null_count() == column.null_count():
            return _integers(integers, role, rules)
    return _texts(text_column(column), role, rules)


def _integers(column: pl.Series, role: str, rules: ValueRules) -> IdColumn:
    if not column.null_count():
        parts = [chunk.to_numpy() for chunk in column.get_chunks()]
        vocabulary, index = Vocabulary.encode_parts(parts, role)
        refuse_cut(vocabulary, rules)
        return IdColumn(vocabulary, index, Flaws.none(), None, [])
    present = column.is_not_null().to_numpy()
    vocabulary, found = Vocabulary.encode(column.drop_nulls().to_numpy(), role)
    index = np.full(len(column), -1, np.int32)
    index[present] = found
    flaws = Flaws(np.flatnonzero(~present), lambda _: f"the {role} is missing")
    return IdColumn(vocabulary, index, flaws, None, [])


def _decoded(column: pl.Series, role: str, rules: ValueRules) -> pl.Series:
    """Bytes as text in UTF-8, else as UUIDs."""
    cells = column.to_list()
    filled = [cell for cell in cells if cell is not None]
    try:
        decoded = {cell: cell.decode() for cell in filled}
        is_text = all(text.isprintable() for text in decoded.values())
    except UnicodeDecodeError:
        is_text = False
    if not is_text and all(len(cell) == _UUID_BYTES for cell in filled):
        decoded = {cell: str(UUID(bytes=cell)) for cell in filled}
    elif not is_text:
        raise DataError(
            f"{rules.label}: the column '{rules.column(role)}' holds bytes that are neither text "
            f"in UTF-8 nor UUIDs. Convert them to text, or name another with --{role}-column."
        )
    return pl.Series(column.name, [decoded.get(cell) for cell in cells], dtype=pl.String)


def _whole(column: pl.Series, role: str, rules: ValueRules) -> pl.Series:
    """Integers if all numbers are whole, else the column unchanged."""
    if column.dtype.is_decimal():
        if bool((column == column.round(0)).all()):
            return column.cast(pl.Int64, strict=False)
        return column
    filled = column.fill_nan(None)
    present = filled.drop_nulls()
    if not bool((present == present.round(0)).all()) or bool(present.is_infinite().any()):
        return filled
    largest = float(np.abs(present.to_numpy()).max(initial=0))
    if largest >= _EXACT_TO and not rules.options.text_ids:
        raise _rounded(f"{largest:.0f}", role, rules)
    return filled.cast(pl.Int64, strict=False)


def _texts(column: pl.Series, role: str, rules: ValueRules) -> IdColumn:
    texts, code = distinct_texts(column)
    as_they_are = rules.options.text_ids
    named = set(texts).intersection(rules.options.missing)
    words = named if as_they_are else named | missing_words(texts.to_list())
    ids = texts
    if words:
        ids = texts.filter(~texts.is_in(sorted(words)))
    canonical, notes = ids, list[str]()
    if not as_they_are:
        canonical, notes = _canonical(ids, role, rules)
    vocabulary, index_of_id = _encoded(canonical, role)
    if not as_they_are:
        refuse_cut(vocabulary, rules)
    index_of_text = np.full(len(texts) + 1, -1, np.int32)  # the last one stands for no text
    index_of_text[:-1][(~texts.is_in(sorted(words))).to_numpy()] = index_of_id
    index = index_of_text[code]

    is_missing, left_out = index < 0, None
    if named:
        left_out = texts.is_in(sorted(named)).to_numpy()[code] & (code >= 0)
        is_missing &= ~left_out

    def reason(row: int) -> str:
        if code[row] < 0:
            return f"the {role} is missing"
        return f"the {role} is missing: {shown(texts[int(code[row])])} is not an id"

    return IdColumn(vocabulary, index, Flaws(np.flatnonzero(is_missing), reason), left_out, notes)


def _encoded(ids: pl.Series, role: str) -> tuple[Vocabulary, NDArray[np.int32]]:
    if ids.dtype.is_integer():
        return Vocabulary.encode(ids.to_numpy(), role)
    if bool((ids[1:] > ids[:-1]).all()):
        return Vocabulary(np.array(ids.to_list(), object), role), np.arange(
            len(ids), dtype=np.int32
        )
    return Vocabulary.encode(np.array(ids.to_list(), object), role)


def _canonical(ids: pl.Series, role: str, rules: ValueRules) -> tuple[pl.Series, list[str]]:
    """The canonical form of each distinct id: integers if all are whole numbers, else texts."""
    if len(ids) == 0:
        return ids, []
    if ids.str.contains(INTEGER).all():
        return ids.cast(pl.Int64), []
    if ids.str.contains(_BYTES).all():
        bare, notes = _canonical(ids.str.slice(2).str.head(-1), role, rules)
        return bare, [f"The {role} ids such as {ids[0]} are read without b''.", *notes]
    _refuse_rounded(ids, role, rules)
    if ids.str.contains(",").any() and ids.str.contains(_COMMA_ZERO).all():
        return _canonical(ids.str.replace(",0*$", ""), role, rules)
    if ids.str.contains(_WHOLE_FORM).all():
        numbers = [Decimal(text) for text in ids.to_list()]
        if all(number == number.to_integral_value() for number in numbers):
            whole = [int(number) for number in numbers]
            if all(-(2**63) <= number < 2**63 for number in whole):
                return pl.Series(ids.name, whole, dtype=pl.Int64), []
            return pl.Series(ids.name, [str(number) for number in whole]), []
    if ids.str.contains(_POINT_ZERO).all():
        return ids.str.replace(r"\.0*$", ""), []
    return _merged(ids, role, rules)


def _merged(ids: pl.Series, role: str, rules: ValueRules) -> tuple[pl.Series, list[str]]:
    """Texts, with 4.0 taken for 4 where both occur."""
    whole = ids.str.replace(r"^(-?[0-9]+)\.0+$", "${1}")
    twice = (whole != ids) & whole.is_in(ids.to_list())
    if not twice.any():
        return ids, []
    example = ids.filter(twice)[0]
    short = whole.filter(twice)[0]
    merged = pl.Series(ids.name, np.where(twice, whole, ids), dtype=pl.String)
    note = (
        f"Two forms of a {role} id in '{rules.column(role)}', such as '{example}' and '{short}', "
        f"are read as one id ({int(twice.sum()):,} in all). --text-ids keeps them apart."
    )
    return merged, [note]


def _refuse_rounded(ids: pl.Series, role: str, rules: ValueRules) -> None:
    """Refuse ids such as 4.91512E+11, of which a spreadsheet dropped the last digits."""
    suspects = ids.filter(ids.str.contains(r"[0-9][eE]\+?[0-9]+$")).to_list()
    decimals, exponents, rounded = [0], [0], list[str]()
    for text in suspects:
        match = _SCIENTIFIC.match(text)
        if match is None:
            continue
        decimals.append(len(match[1] or ""))
        exponents.append(int(match[2]))
        if decimals[-1] < exponents[-1]:
            rounded.append(text)
    if not rounded or max(decimals) >= max(exponents):
        return  # the longest one is exact, so shorter ones end in zeros
    if max(decimals) >= 2 or 2 * len(rounded) > len(ids):
        raise _rounded(rounded[0], role, rules)


def refuse_cut(vocabulary: Vocabulary, rules: ValueRules) -> None:
    """Refuse ids of more than 15 digits that all end in zeros, as spreadsheets make them."""
    ids = vocabulary.ids
    if rules.options.text_ids or not vocabulary.is_integer or len(ids) == 0:
        return
    if ids[-1] < _DIGITS_OF_SPREADSHEET:
        return
    large = ids[ids >= _DIGITS_OF_SPREADSHEET]
    unit = np.power(10, np.floor(np.log10(large.astype(np.float64))).astype(np.int64) - 14)
    if len(large) >= _ENOUGH_IDS and bool((large % unit == 0).all()):
        raise _rounded(str(large[0]), vocabulary.kind, rules)


def _rounded(text: str, role: str, rules: ValueRules) -> DataError:
    return DataError(
        f"{rules.label}: the {role} ids in '{rules.column(role)}' are rounded, such as "
        f"{shown(text)}, so several {role}s may share one. Export the column as text, or give "
        "--text-ids to take them as they are."
    )
