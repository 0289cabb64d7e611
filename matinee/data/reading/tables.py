"""Tables of every kind of source: text, JSON lines, Parquet and frames.

The fast way comes first; the careful one reads only tables with a flaw.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from matinee.data.reading.cells import PlaceOf, ValueRules, cell_text
from matinee.data.reading.columnar import (
    HasComments,
    NotClean,
    frames_of_text,
    other_columns_of_text,
)
from matinee.data.reading.heads import sampled_lines, text_of_head
from matinee.data.reading.json_lines import frame_of_json, note_on_keys, sampled_objects
from matinee.data.reading.layouts import Reading
from matinee.data.reading.layouts.matrix import (
    MatrixShape,
    matrix_shape,
    read_matrix,
    read_matrix_frame,
)
from matinee.data.reading.memory import require_memory_for_parquet, require_memory_for_text
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.row_by_row import (
    BadRow,
    frame_row,
    in_files,
    json_records,
    nothing_good,
    read_carefully,
    refuse_bad,
    text_records,
)
from matinee.data.reading.row_sources import damaged_parquet, rows_of_parquet, rows_of_text
from matinee.data.reading.schema import ROLES, Columns, find_columns
from matinee.data.reading.separator import split_lines
from matinee.data.reading.sniff import Layout, layout_of
from matinee.data.reading.source import SourceFile, in_utf_8, without_comments
from matinee.data.reading.streaming import Sink, StreamedRows, streamed_values
from matinee.data.reading.summary import BY_LAYOUT
from matinee.data.reading.titles_in_table import (
    NO_TITLES,
    OwnTitles,
    title_columns,
    titles_of_frame,
    titles_of_text,
)
from matinee.data.reading.unnamed_times import unnamed_times
from matinee.data.reading.unnamed_words import refuse_words
from matinee.data.reading.values import ValuesRead, read_columns
from matinee.errors import DataError

_SAMPLED, _SAMPLED_OF_WIDE = 200, 20
MEMORY = Sink()
_LARGE = 64 << 20  # bytes of a text whose memory matters
_MOST_ASKED = 30  # columns of JSON lines that may hold words for ratings


class ReadTable(NamedTuple):
    """A table as it was read.

    Attributes:
        values: what its cells hold.
        bad: the rows that were left out.
        rules: by which the cells were read.
        columns: which column is what.
        layout: how the source is laid out, for people.
        notes: what was guessed about the source and its layout, in sentences.
        own: what the table itself says about its items.
    """

    values: ValuesRead
    bad: list[BadRow]
    rules: ValueRules
    columns: Columns
    layout: str
    notes: tuple[str, ...] = ()
    own: OwnTitles = NO_TITLES


def _rules(
    label: str, unit: str, columns: Columns, options: ReadOptions, place_of: PlaceOf = None
) -> ValueRules:
    names = {role: columns.name(role) for role in columns.positions}
    limits = options.limits(columns.kind)
    return ValueRules(label, unit, columns.kind, limits, options, names, place_of)


def _asks(columns: Columns, options: ReadOptions) -> bool:
    """Whether words in a column that nobody named may be ratings."""
    return columns.kind == "pair" and not options.pairs


def table_of_file(file: SourceFile, options: ReadOptions, sink: Sink = MEMORY) -> ReadTable:
    """The table in a file.

    Args:
        file: unpacked and prepared.
        options: what the person said of the table.
        sink: where the columns of a clean table grow.

    Raises:
        DataError: it is no table of ratings, or a row is bad.
    """
    head = file.head()
    text = text_of_head(head)
    if head.startswith(b"PAR1"):
        return _table_of_parquet(file, options, sink)
    if sink.folder is None or file.separator is None:
        require_memory_for_text(file.path, head, file.label)
    if file.layout is not None:
        reading = file.layout.read(file.path, options, file.label)
        found = _table_of_reading(reading, file.layout.name, file.label, options, file.place_of)
    elif file.separator is None:
        found = _table_of_json(file, text, options)
    else:
        try:
            found = _table_of_text(file, text, file.separator, options, sink)
        except HasComments:
            with without_comments(file, options) as copy:
                return table_of_file(copy, options, sink)
    return found._replace(notes=(*file.notes, *found.notes))


def _table_of_text(
    file: SourceFile, text: str, separator: str, options: ReadOptions, sink: Sink
) -> ReadTable:
    shape = _matrix_of_text(text, separator, options)
    if shape is not None:
        reading = read_matrix(file.path, shape, separator, options.limits("rating"))
        return _table_of_reading(reading, "a matrix", file.label, options, file.place_of)
    layout = layout_of(text, options, file.label, separator)
    columns = layout.columns
    rules = _rules(file.label, "line", columns, options, file.place_of)
    if _asks(columns, options) and columns.unused():
        unused = other_columns_of_text(file.path, layout, columns.unused())
        if unused.width:
            refuse_words(columns, lambda position: unused[str(position)], file.label)
    values, bad = _values_of_text(file, layout, rules, sink), list[BadRow]()
    notes = tuple(layout.notes)
    if values is None:
        with in_utf_8(file, options) as (path, more_notes):
            values, bad = read_carefully(lambda: text_records(path, layout), rules)
        notes += more_notes
    words = f"{file.kind} {'with' if layout.has_header else 'without'} a header"
    own = NO_TITLES
    if values.table is not None:
        own = titles_of_text(file.path, layout, values.table.items)
    return ReadTable(values, bad, rules, columns, words, notes, own)


def _matrix_of_text(text: str, separator: str, options: ReadOptions) -> MatrixShape | None:
    """How a table of text is a matrix; None if it is not."""
    if len(separator) > 1:
        return None
    lines = sampled_lines(text.removeprefix("\ufeff").splitlines(), _SAMPLED + 1)
    rows = split_lines(lines, separator)
    if not rows:
        return None
    return matrix_shape(rows, options, options.header)


def _matrix_of_frame(frame: pl.DataFrame, options: ReadOptions) -> MatrixShape | None:
    """How a frame is a matrix of ratings; None if it is not."""
    n_rows = _SAMPLED if frame.width < _SAMPLED else _SAMPLED_OF_WIDE
    columns = [_texts(column.head(n_rows)) for column in frame.get_columns()]
    return matrix_shape([frame.columns, *map(list, zip(*columns, strict=True))], options, True)


def _table_of_reading(
    reading: Reading, name: str, label: str, options: ReadOptions, place_of: PlaceOf
) -> ReadTable:
    """The table of a well-known layout."""
    frame = reading.frame
    notes = tuple(reading.notes)
    if frame.height == 0:
        raise DataError(f"{label} has no ratings. {' '.join(notes)}")
    roles = [role for role in ROLES if role in frame.columns]
    places = {role: number for number, role in enumerate(roles)}
    columns = Columns(places, reading.kind, tuple(roles), found=f"{BY_LAYOUT}{name}")
    lines, unit = None, "row"
    if "line" in frame.columns:
        lines, unit = frame["line"], "line"
    rules = _rules(label, unit, columns, options, place_of)
    return _table_of_roles(frame.select(roles), columns, rules, name, lines)._replace(notes=notes)


def _values_of_text(
    file: SourceFile, layout: Layout, rules: ValueRules, sink: Sink
) -> ValuesRead | None:
    """The values of a text file by whole columns; None if a row is bad."""
    if sink.folder is not None or file.path.stat().st_size >= _LARGE:
        for rows in rows_of_text(file.path, layout, file.has_comments):
            with suppress(NotClean):
                return streamed_values(rows, rules, sink)
        require_memory_for_text(file.path, file.head(), file.label)
    try:
        for frame in frames_of_text(file.path, layout, file.survey, file.has_comments):
            if _hides_thousands(frame, rules):
                continue
            values = read_columns(frame, rules)
            if values.table is not None and not values.bad:
                return values
            break
    except NotClean:
        pass
    return None


def _hides_thousands(frame: pl.DataFrame, rules: ValueRules) -> bool:
    """Whether counts were read as numbers with fractions, which may be thousands: 1.234."""
    if rules.kind != "count" or frame["rating"].dtype == pl.String:
        return False
    count = frame["rating"]
    return bool((count != count.floor()).any())


def _table_of_parquet(file: SourceFile, options: ReadOptions, sink: Sink) -> ReadTable:
    path, label = file.path, file.label
    if sink.folder is None:
        require_memory_for_parquet(path, label)
    columns = _columns_of_parquet(path, label, options)
    if columns is None:
        found = table_of_frame(_parquet(path, label, None), label, options, file.kind, None)
        return found._replace(notes=(*file.notes, *found.notes))
    names = {role: columns.names[place] for role, place in columns.positions.items()}
    try:
        rules = _rules(label, "row", columns, options, file.place_of)
        values = streamed_values(rows_of_parquet(path, names, label), rules, sink)
        found = ReadTable(values, [], rules, columns, file.kind)
    except NotClean:
        require_memory_for_parquet(path, label)
        frame = _parquet(path, label, list(names.values()))
        found = table_of_frame(frame, label, options, file.kind, columns, file.place_of)
    notes = unnamed_times(columns, options, _cells_of_parquet(path, columns))
    own = _titles_of_parquet(path, found)
    return found._replace(own=own, notes=(*file.notes, *found.notes, *notes))


def _columns_of_parquet(path: Path, label: str, options: ReadOptions) -> Columns | None:
    """The columns of a Parquet file; None if it is a matrix."""
    try:
        names = list(pl.read_parquet_schema(path))
        if _matrix_of_frame(pl.read_parquet(path, n_rows=_SAMPLED, glob=False), options):
            return None

        def sampled(position: int) -> list[str]:
            return _texts(column(position, _SAMPLED))

        def column(position: int, n_rows: int | None = None) -> pl.Series:
            frame = pl.read_parquet(path, columns=[names[position]], n_rows=n_rows, glob=False)
            return frame.to_series()

        found = find_columns(names, options, label, sampled)
        if _asks(found, options):
            refuse_words(found, column, label)
        return found
    except DataError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on a damaged file
        raise damaged_parquet(label) from error


def _parquet(path: Path, label: str, names: list[str] | None) -> pl.DataFrame:
    """Some columns of a Parquet file, or all, as a whole."""
    try:
        return pl.read_parquet(path, columns=names, glob=False)
    except (Exception, pl.exceptions.PanicException) as error:
        raise damaged_parquet(label) from error


def _cells_of_parquet(path: Path, columns: Columns) -> Callable[[int], list[str]]:
    """Some cells of a column of a Parquet file by its number."""

    def sampled(position: int) -> list[str]:
        name = columns.names[position]
        return _texts(pl.read_parquet(path, columns=[name], n_rows=_SAMPLED, glob=False)[name])

    return sampled


def _titles_of_parquet(path: Path, found: ReadTable) -> OwnTitles:
    """The titles in a Parquet file of ratings."""
    names, positions = found.columns.names, found.columns.positions
    described = title_columns(names, positions)
    if not described or found.values.table is None:
        return OwnTitles(found.columns.name("item"), NO_TITLES.titles)
    numbers = sorted({*positions.values(), *described.values()})
    frame = pl.read_parquet(path, columns=[names[number] for number in numbers], glob=False)
    places = {role: numbers.index(number) for role, number in positions.items()}
    return titles_of_frame(frame, places, found.values.table.items)


def _table_of_json(file: SourceFile, head: str, options: ReadOptions) -> ReadTable:
    path, label = file.path, file.label
    rows = sampled_objects(head)
    names = list(dict.fromkeys(name for row in rows for name in row))

    def sampled(position: int) -> list[str]:
        return [cell_text(row.get(names[position])) or "" for row in rows]

    columns = find_columns(names, options, label, sampled)
    name_of_role = {role: names[position] for role, position in columns.positions.items()}
    rules = _rules(label, "line", columns, options, file.place_of)
    described = title_columns(names, columns.positions)
    frame = frame_of_json(path, rows, {*name_of_role.values(), *_named(names, described)})
    if _asks(columns, options):
        asked = columns.unused()[:_MOST_ASKED]
        cells = frame_of_json(path, rows, set(_named(names, dict(enumerate(asked)))))
        if cells is None:
            cells = pl.DataFrame({names[position]: sampled(position) for position in asked})
        refuse_words(columns, lambda position: cells[names[position]], label, asked)
    values, bad = None, list[BadRow]()
    if frame is not None:
        named = frame.select(pl.col(name).alias(role) for role, name in name_of_role.items())
        values = read_columns(named, rules)
    if values is None or values.bad or values.table is None:
        values, bad = read_carefully(lambda: json_records(path, name_of_role), rules)
    own = NO_TITLES
    if frame is not None and values.table is not None:
        numbers = {name: number for number, name in enumerate(frame.columns)}
        positions = {role: numbers[name] for role, name in name_of_role.items()}
        own = titles_of_frame(frame, positions, values.table.items)
    notes = (*unnamed_times(columns, options, sampled), *note_on_keys(names, rows))
    return ReadTable(values, bad, rules, columns, "JSON lines", notes, own)


def _named(names: Sequence[str], numbers: Mapping[Any, int]) -> list[str]:
    return [names[number] for number in numbers.values()]


def table_of_rows(
    frames: Iterator[pl.DataFrame], label: str, options: ReadOptions, layout: str, sink: Sink
) -> ReadTable:
    """The table in frames, of which one is in memory at a time.

    Raises:
        NotClean: it is not clean, or holds more than ratings; `table_of_frame` reads it whole.
    """
    first = next(frames, pl.DataFrame())
    if first.height == 0 or _matrix_of_frame(first, options):
        raise NotClean

    def sampled(position: int) -> list[str]:
        return _texts(first.to_series(position).head(_SAMPLED))

    columns = find_columns(first.columns, options, label, sampled)
    if _asks(columns, options) or title_columns(columns.names, columns.positions):
        raise NotClean
    role_of = {place: role for role, place in columns.positions.items()}
    parts = (
        pl.DataFrame({role_of[place]: frame.to_series(place) for place in role_of})
        for frame in chain([first], frames)
    )
    rules = _rules(label, "row", columns, options)
    values = streamed_values(StreamedRows(parts, 0), rules, sink)
    own = OwnTitles(columns.name("item"), NO_TITLES.titles)
    notes = unnamed_times(columns, options, sampled)
    return ReadTable(values, [], rules, columns, layout, tuple(notes), own)


def table_of_frame(
    frame: pl.DataFrame,
    label: str,
    options: ReadOptions,
    layout: str,
    columns: Columns | None = None,
    place_of: PlaceOf = None,
) -> ReadTable:
    """The table in a frame.

    Args:
        frame: all columns; or, with `columns`, those with a role, in the order of the roles.
        label: its name in messages.
        options: what the person said.
        layout: for people.
        columns: which column is what, if that is known.
        place_of: the file and the row in it of a row.
    """
    shape = _matrix_of_frame(frame, options) if columns is None else None
    if shape is not None:
        reading = read_matrix_frame(frame, shape, options.limits("rating"))
        return _table_of_reading(reading, "a matrix", label, options, place_of)
    is_whole = columns is None
    if columns is None:

        def sampled(position: int) -> list[str]:
            return _texts(frame.to_series(position).head(_SAMPLED))

        columns = find_columns(frame.columns, options, label, sampled)
        if _asks(columns, options):
            refuse_words(columns, frame.to_series, label)
        series = {role: frame.to_series(at) for role, at in columns.positions.items()}
        named = pl.DataFrame(series)
    else:
        roles = zip(frame.columns, columns.positions, strict=True)
        named = frame.select(pl.col(name).alias(role) for name, role in roles)
    if frame.height == 0:
        raise DataError(f"{label} has columns but no ratings.")
    rules = _rules(label, "row", columns, options, place_of)
    found = _table_of_roles(named, columns, rules, layout)
    if is_whole and found.values.table is not None:
        own = titles_of_frame(frame, columns.positions, found.values.table.items)
        notes = unnamed_times(
            columns, options, lambda at: _texts(frame.to_series(at).head(_SAMPLED))
        )
        found = found._replace(own=own, notes=(*found.notes, *notes))
    return found


def _table_of_roles(
    named: pl.DataFrame,
    columns: Columns,
    rules: ValueRules,
    layout: str,
    lines: pl.Series | None = None,
) -> ReadTable:
    """The table of a frame whose columns are named by their roles; `lines` are those in a file."""
    values = read_columns(named, rules)
    numbers = {row: row if lines is None else int(lines[row]) for row, _ in values.bad}
    refuse_bad({numbers[row]: reason for row, reason in values.bad}, rules)
    bad = [BadRow(numbers[row], reason, frame_row(named, row)) for row, reason in values.bad]
    bad = in_files(bad, rules)
    if values.table is None:
        raise DataError(f"{rules.label}{nothing_good(bad, rules.unit)}")
    return ReadTable(values, bad, rules, columns, layout)


def _texts(column: pl.Series) -> list[str]:
    return [cell_text(cell) or "" for cell in column.to_list()]
