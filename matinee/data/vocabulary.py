"""Vocabulary: the only code in the project that turns ids into indices and back.

An *id* is what the file says, an integer or a string; an *index* is a row number from 0. All
code outside this module gets its indices from a `Vocabulary`.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.errors import DataError, UnknownNameError
from matinee.scratch import empty_in_small_pages
from matinee.text import counted, did_you_mean

Id = int | str
Ids = list[int] | list[str] | NDArray[Any]

_WHOLE_FORM = re.compile(r"^-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,2})?$")
_MOST_COMPARED = 200_000  # ids that a misspelled one is compared with
_BLOCK = 1 << 16  # ids whose addresses stay in the processor's cache
_FEW = 1 << 20  # ids that are sorted again and again in no time


def _as_array(ids: Ids) -> NDArray[Any]:
    array = np.asarray(ids)
    if array.dtype.kind == "U" and not isinstance(ids, np.ndarray):
        # NumPy's own strings drop zero bytes at the end.
        return np.array([str(name) for name in ids], object)
    return array


def is_collection(value: object) -> bool:
    """Whether a value holds several others: a list, array, series or mapping, but no text."""
    if isinstance(value, (str, bytes)) or getattr(value, "ndim", 1) == 0:
        return False
    return hasattr(value, "__len__")


def _whole_number(text: str) -> int | None:
    """The whole number that a text writes, such as 7, 7.0 or 7e0; None for others, and for 07."""
    stripped = text.strip()
    if not _WHOLE_FORM.match(stripped):
        return None
    number = Decimal(stripped)
    if number != number.to_integral_value():
        return None
    return int(number)


def _distinct(blocks: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The distinct integers of a column, in ascending order, in little more memory than they
    need."""
    found: NDArray[Any] = np.empty(0, blocks[0].dtype if blocks else np.int64)
    waiting: list[NDArray[Any]] = []
    for place, block in enumerate(blocks, start=1):
        waiting.append(np.unique(block))
        is_last = place == len(blocks)
        if is_last or sum(map(len, waiting)) >= max(_FEW, len(found)):
            found = np.unique(np.concatenate([found, *waiting]))
            waiting.clear()
    return found


class Vocabulary:
    """The sorted ids of one side (users or items); an id's position is its index.

    Args:
        ids: (n,) distinct ids, all integers or all strings, in ascending order.
        kind: "user" or "item"; only used in messages.
    """

    def __init__(self, ids: Ids, kind: str) -> None:
        array = _as_array(ids)
        self.kind = kind
        self.is_integer = len(array) == 0 or np.issubdtype(array.dtype, np.integer)
        dtype: type = object
        if self.is_integer:
            dtype = np.int64
        self.ids: NDArray[Any] = array.astype(dtype)
        self.ids.setflags(write=False)
        if len(array) > 1 and not bool(np.all(self.ids[:-1] < self.ids[1:])):
            raise DataError(
                f"The {kind} ids of a vocabulary must be distinct and in ascending order."
            )

    @classmethod
    def encode(cls, raw: Ids, kind: str) -> tuple["Vocabulary", NDArray[np.int32]]:
        """The vocabulary of a column of ids, and the column as indices, (N,) int32."""
        array = _as_array(raw)
        if np.issubdtype(array.dtype, np.integer):
            return cls.encode_parts([array], kind)
        distinct, index = np.unique(array.astype(object), return_inverse=True)
        return cls(distinct, kind), index.astype(np.int32)

    @classmethod
    def encode_parts(
        cls, parts: Sequence[NDArray[Any]], kind: str, out: NDArray[np.int32] | None = None
    ) -> tuple["Vocabulary", NDArray[np.int32]]:
        """`encode` for a column of integers in several arrays, as they are read.

        Args:
            parts: the column.
            kind: as of the vocabulary.
            out: (N,) int32 to hold the indices, which may be the memory of the ids; None: new.
        """
        blocks = [
            part[start : start + _BLOCK] for part in parts for start in range(0, len(part), _BLOCK)
        ]
        lowest = min((int(block.min()) for block in blocks), default=-1)
        highest = max((int(block.max()) for block in blocks), default=-1)
        n_rows = sum(map(len, blocks))
        if out is None:
            out = empty_in_small_pages(n_rows, np.int32)
        ends = np.cumsum([len(block) for block in blocks]).tolist()
        if lowest >= 0 and highest < max(2**20, 4 * n_rows):  # a table beats sorting
            occurs = np.zeros(highest + 1, bool)
            for block in blocks:
                occurs[block.astype(np.intp, copy=False)] = True
            ids = np.flatnonzero(occurs)
            index_of = np.cumsum(occurs, dtype=np.int32) - np.int32(1)
            for block, end in zip(blocks, ends, strict=True):
                number = block.astype(np.intp, copy=False)
                # None is clipped; NumPy copies `out` in the other modes
                np.take(index_of, number, out=out[end - len(block) : end], mode="clip")
        else:
            ids = _distinct(blocks)
            for block, end in zip(blocks, ends, strict=True):
                out[end - len(block) : end] = np.searchsorted(ids, block)
        return cls(ids, kind), out

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        if self is other:
            return True
        return self.is_integer == other.is_integer and np.array_equal(self.ids, other.ids)

    def __hash__(self) -> int:
        return hash((self.kind, len(self), self.is_integer))

    def __repr__(self) -> str:
        return f"Vocabulary({counted(len(self), f'{self.kind} id')})"

    @cached_property
    def _index_by_string(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.ids.tolist())}

    def find(self, given: Id) -> int | None:
        """The index of an id, or None. The texts "7" and "7.0", from a command line or form, and
        the number 7.0 find the integer 7.
        """
        if not self.is_integer:
            found = self._index_by_string.get(str(given))
            number = None
            if found is None:
                number = _whole_number(str(given))
            if number is not None:
                found = self._index_by_string.get(str(number))
            return found
        number = _whole_number(str(given))
        if number is None or not -(2**63) <= number < 2**63:
            return None
        index = int(np.searchsorted(self.ids, number))
        if index < len(self.ids) and self.ids[index] == number:
            return index
        return None

    def index(self, given: Id) -> int:
        """The index of an id.

        Raises:
            UnknownNameError: there is no such id; the message suggests the nearest ones.
            DataError: it is None, or several ids.
        """
        if given is None or is_collection(given):
            raise DataError(f"Give one {self.kind} id, not a value of type {type(given).__name__}.")
        index = self.find(given)
        if index is None:
            hint = ""
            if len(self) <= _MOST_COMPARED:
                hint = did_you_mean(str(given), map(str, self.ids.tolist()))
            raise UnknownNameError(
                f"No {self.kind} '{given}' among the {len(self):,} this model was trained on.{hint}"
            )
        return index

    def indices(self, given: Iterable[Id]) -> NDArray[np.int32]:
        """`index` of several ids, (n,); much faster than one by one, and raises the same
        errors."""
        ids = list(given)
        found = self.lookup(ids)
        if (
            found < 0
        ).any():  # `lookup` misses ids in a list of mixed types; `index` names the unknown
            return np.array([self.index(item) for item in ids], np.int32)
        return found

    def id(self, index: int) -> Id:
        """The id of an index, as a plain Python int or str."""
        found: Id = self.ids[index : index + 1].tolist()[0]
        return found

    def lookup(self, raw: Ids | Sequence[Id]) -> NDArray[np.int32]:
        """The indices of many ids, (n,) int32, with -1 for those that are unknown.

        Raises:
            DataError: it is a single id, or a table with several columns.
        """
        try:
            array = np.asarray(raw)
        except ValueError:  # lists of different lengths in a list
            array = np.asarray(None)
        if array.ndim != 1:
            raise DataError(
                f"Give a list of {self.kind} ids, not a value of type {type(raw).__name__}."
            )
        if not (self.is_integer and np.issubdtype(array.dtype, np.integer)):
            indices = np.full(len(array), -1, np.int32)
            for row, given in enumerate(array.tolist()):
                found = self.find(given)
                if found is not None:
                    indices[row] = found
            return indices
        if len(self) == 0:
            return np.full(len(array), -1, np.int32)
        index = np.minimum(np.searchsorted(self.ids, array), len(self) - 1)
        return np.where(self.ids[index] == array, index, -1).astype(np.int32)

    def indices_in(self, known: "Vocabulary") -> NDArray[np.int32]:
        """The index in another vocabulary for each id of this one; -1 if it is not there."""
        if self is known:
            return np.arange(len(self), dtype=np.int32)
        return known.lookup(self.ids)

    def merge(self, other: "Vocabulary") -> "Vocabulary":
        """The vocabulary of the ids of both; if the ids of one are text, all become text."""
        parts = [self.ids, other.ids]
        if self.is_integer != other.is_integer:
            parts = [np.array([str(known) for known in ids.tolist()], object) for ids in parts]
        return Vocabulary(np.unique(np.concatenate(parts)), self.kind)
