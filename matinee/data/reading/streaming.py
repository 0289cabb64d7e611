"""Reads a clean table part by part, so that hardly more memory is needed than for the result.

Ids are collected as they are and become indices at the end, in place, because only all of them
together show their form. Ratings and times are read part by part. A table with a flaw, or one
whose parts disagree, raises `NotClean`; the readers of whole tables then say what is wrong.

The columns grow in memory, or in files without a name if the result is to stay on a disk.
"""

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray

from matinee.data.ratings import NO_TIME
from matinee.data.reading.cells import Flaws, ValueRules, distinct_texts
from matinee.data.reading.columnar import NotClean, ParsedTable
from matinee.data.reading.ids import IdColumn, read_ids, refuse_cut
from matinee.data.reading.rating_forms import read_values
from matinee.data.reading.times import read_times
from matinee.data.reading.values import ValuesRead
from matinee.data.vocabulary import Vocabulary
from matinee.errors import UnsupportedError
from matinee.files import reason_of
from matinee.progress import Progress, Step
from matinee.scratch import BLOCK, empty_in_small_pages, mapped, reserve

_SPARE = 1.25
_MOST_NOTES = 5


class GrowingColumn:
    """A column that grows part by part, in memory or in a file.

    Args:
        dtype: of its elements.
        n_expected: how many there will be, as far as that is known.
        place: of the file.
    """

    def __init__(self, dtype: DTypeLike, n_expected: int, place: "_Place") -> None:
        self.dtype, self._n, self._place = np.dtype(dtype), 0, place
        self._file = place.file()
        # Pages that are never filled cost nothing
        self._array = empty_in_small_pages(0 if self._file else n_expected, self.dtype)

    def append(self, part: NDArray[Any]) -> None:
        """Adds elements."""
        start, end = self._n, self._n + len(part)
        if self._file is not None:
            with _failures(self._place):
                self._file.write(np.ascontiguousarray(part, self.dtype).data)
        else:
            if end > len(self._array):
                larger = empty_in_small_pages(int(_SPARE * end), self.dtype)
                larger[:start] = self._array[:start]
                self._array = larger
            self._array[start:end] = part
        self._n = end

    def array(self) -> NDArray[Any]:
        """All elements, which may be changed in place; nothing can be added afterwards."""
        if self._file is None:
            return self._array[: self._n]
        with _failures(self._place):
            self._file.flush()
            return mapped(self._file, self._n, self.dtype)


class _Place(NamedTuple):
    """Where columns grow: in a folder, or in memory; the stack closes their files."""

    folder: Path | None
    stack: ExitStack

    def file(self) -> BinaryIO | None:
        """A new file; None in memory."""
        if self.folder is None:
            return None
        with _failures(self):
            return self.stack.enter_context(_temporary_file(self.folder))

    def empty(self, n: int, dtype: DTypeLike) -> NDArray[Any]:
        """An array of n elements with any values."""
        file = self.file()
        if file is None:
            return empty_in_small_pages(n, dtype)
        with _failures(self):
            reserve(file, n * np.dtype(dtype).itemsize)
            return mapped(file, n, dtype)


@contextmanager
def _temporary_file(folder: Path) -> Iterator[BinaryIO]:
    """A file without a name."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        try:
            yield file
        finally:
            with suppress(OSError):  # of a full disk, which is told already
                file.close()


@contextmanager
def _failures(place: _Place) -> Iterator[None]:
    """Failures to write become an UnsupportedError: those of the table are of reading."""
    try:
        yield
    except OSError as error:
        folder = place.folder.parent if place.folder else ""
        raise UnsupportedError(f"Cannot write to '{folder}': {reason_of(error)}.") from error


class _Ids:
    """A column of ids: integers as they are, or the numbers of distinct texts."""

    def __init__(self, role: str, rules: ValueRules, n_expected: int, place: _Place) -> None:
        self._role, self._rules = role, rules
        self._numbers: dict[str, int] | None = None
        self._column = GrowingColumn(np.int32, n_expected, place)
        self._n_expected, self._place = n_expected, place
        self._lowest, self._highest = 0, -1

    def append(self, column: pl.Series) -> None:
        if column.null_count():
            raise NotClean
        if column.dtype == pl.String:
            self._append_texts(column)
        elif column.dtype.is_integer() and column.dtype not in (pl.UInt64, pl.Int128):
            for part in column.get_chunks():
                self._append_numbers(part.to_numpy())
        else:
            raise NotClean

    def _append_texts(self, column: pl.Series) -> None:
        if self._numbers is None:
            if self._highest >= self._lowest:
                raise NotClean
            self._numbers = {}
        texts, code = distinct_texts(column)
        if (code < 0).any():
            raise NotClean
        known = self._numbers
        number = [known.setdefault(text, len(known)) for text in texts.to_list()]
        self._column.append(np.array(number, np.int32)[code])

    def _append_numbers(self, part: NDArray[Any]) -> None:
        if self._numbers is not None:
            raise NotClean
        lowest, highest = int(part.min()), int(part.max())
        if self._highest < self._lowest:
            self._lowest, self._highest = lowest, highest
        self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, highest)
        is_long = self._lowest < -(2**31) or self._highest >= 2**31
        if is_long and self._column.dtype == np.int32:
            before = self._column.array()
            self._column = GrowingColumn(np.int64, self._n_expected, self._place)
            for start in range(0, len(before), BLOCK):
                self._column.append(before[start : start + BLOCK])
        self._column.append(part)

    def finish(self) -> IdColumn:
        """The vocabulary and the indices."""
        column = self._column.array()
        if self._numbers is None:
            return self._of_numbers(column)
        found = read_ids(pl.Series(list(self._numbers), dtype=pl.String), self._role, self._rules)
        if len(found.flaws.rows) or found.left_out is not None:
            raise NotClean
        for block in _blocks(column):
            block[:] = found.index[block]
        return found._replace(index=column)

    def _of_numbers(self, column: NDArray[Any]) -> IdColumn:
        index = column
        if column.dtype != np.int32:
            index = self._place.empty(len(column), np.int32)
        vocabulary, index = Vocabulary.encode_parts([column], self._role, index)
        refuse_cut(vocabulary, self._rules)
        return IdColumn(vocabulary, index, Flaws.none(), None, [])


def _blocks(column: NDArray[Any]) -> Iterable[NDArray[Any]]:
    for start in range(0, len(column), BLOCK):
        yield column[start : start + BLOCK]


class _Times:
    """A column of times, read part by part in one unit."""

    def __init__(self, rules: ValueRules, n_expected: int, place: _Place) -> None:
        self._rules, self.unit, self._is_timed = rules, "", False
        self._column = GrowingColumn(np.int64, n_expected, place)

    def append(self, column: pl.Series) -> list[str]:
        """Adds times; returns notes."""
        times = read_times(column, self._rules)
        if len(times.flaws.rows):
            raise NotClean
        if times.seconds is None:
            for start in range(0, len(column), BLOCK):
                n = min(BLOCK, len(column) - start)
                self._column.append(np.full(n, NO_TIME))
            return times.notes
        if self._is_timed and times.unit != self.unit:
            raise NotClean
        self._is_timed, self.unit = True, times.unit
        self._column.append(times.seconds)
        return times.notes

    def finish(self) -> NDArray[np.int64] | None:
        """The times; None if no row has one."""
        return self._column.array() if self._is_timed else None


class Sink(NamedTuple):
    """Where columns grow, and who is told.

    Attributes:
        folder: of the files; None: in memory.
        progress: called after each part.
    """

    folder: Path | None = None
    progress: Progress | None = None


class StreamedRows(NamedTuple):
    """The parts of a table: frames whose columns are named by their roles, and how many rows
    they have together, as far as that is known."""

    frames: Iterable[pl.DataFrame]
    n_expected: int


def streamed_values(rows: StreamedRows, rules: ValueRules, sink: Sink) -> ValuesRead:
    """What `read_columns` gives for a clean table, whose parts need not be in memory together.

    Raises:
        NotClean: some cell is bad, or the parts disagree about the form of a column.
        DataError: a column as a whole cannot be read, or in two ways.
    """
    if rules.options.missing or rules.options.skip_bad_rows:
        raise NotClean
    with ExitStack() as stack:
        return _streamed(rows, rules, sink.progress, _Place(sink.folder, stack))


def _streamed(
    rows: StreamedRows, rules: ValueRules, progress: Progress | None, place: _Place
) -> ValuesRead:
    n = rows.n_expected
    users, items = (_Ids(role, rules, n, place) for role in ("user", "item"))
    value, times = GrowingColumn(np.float32, n, place), _Times(rules, n, place)
    notes: dict[str, None] = {}
    n_read = 0
    for frame in rows.frames:
        if frame.height == 0:
            continue
        users.append(frame["user"])
        items.append(frame["item"])
        if rules.kind == "pair":
            value.append(np.ones(frame.height, np.float32))
        else:
            notes |= dict.fromkeys(_append_values(frame["rating"], value, rules))
        if "timestamp" in frame.columns:
            notes |= dict.fromkeys(times.append(frame["timestamp"]))
        n_read += frame.height
        if progress is not None:
            total = max(n, n_read)
            progress(Step(n_read, total, f"{n_read:,} of {total:,} rows read"))
    if n_read == 0:
        raise NotClean
    with ThreadPoolExecutor(1) as pool:  # NumPy releases Python's lock
        finished = pool.submit(items.finish)
        user = users.finish()
    item = finished.result()
    table = ParsedTable(
        users=user.vocabulary,
        items=item.vocabulary,
        user_index=user.index,
        item_index=item.index,
        value=value.array(),
        timestamp=times.finish(),
        kind=rules.kind,
    )
    told = [*user.notes, *item.notes, *list(notes)[:_MOST_NOTES]]
    return ValuesRead(table, [], told, times.unit)


def _append_values(column: pl.Series, target: GrowingColumn, rules: ValueRules) -> list[str]:
    if not column.dtype.is_numeric() or column.dtype.is_decimal():
        raise NotClean  # the form of texts is that of most of them
    read = read_values(column, rules)
    if read.left_out is not None or len(read.flaws.rows):
        raise NotClean
    target.append(read.value)
    return read.notes
