"""The table of ratings that a command names, as Spark finds it: files, folders of parts, tables.

Which column holds what, the separator and the header follow the rules of `data.reading`, from the
first lines of the first file.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from matinee.data.datasets.fetch import local_copy_of
from matinee.data.datasets.registry import entry, names
from matinee.data.reading.archives import choose_ratings
from matinee.data.reading.cells import cell_text
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.preparation import TextPlan, plan_of
from matinee.data.reading.schema import ROLES, Columns, find_columns
from matinee.data.reading.separator import text_kind
from matinee.data.reading.sniff import (
    Layout,
    layout_of,
    refuse_other_files,
    refuse_what_is_no_table,
)
from matinee.data.reading.unnamed_words import refuse_words
from matinee.errors import DataError, UnsupportedError
from matinee.spark.session import Cluster

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SAMPLE = 200
_HEAD_LINES = 1000
_PLACE = "bigint"
_COMPRESSED = (".zip", ".tar", ".tgz", ".7z", ".rar", ".xz")
_CONVERT = "Convert the table once:  matinee data convert {label} ratings.parquet"
BOM = "\ufeff"


@dataclass(frozen=True, eq=False)
class RawTable:
    """The rows as the source has them.

    Attributes:
        frame: a column for each role, of any type, and of each row: `file`; `block` and `number`,
            which order the rows of a file; `content`; `is_split`, whether it has as many fields
            as it should.
        label, name: what messages call the table, and its name.
        columns: which column is what.
        layout: how the source is laid out, for people.
        text: how the text is laid out; None for typed columns.
        lines: all lines of the text, with `file`, `block` and `number`.
        notes: what was guessed, in sentences.
        folder: where titles may lie, on this machine; None for other file systems.
    """

    frame: "DataFrame"
    label: str
    name: str
    columns: Columns
    layout: str
    text: Layout | None = None
    lines: "DataFrame | None" = None
    notes: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def unit(self) -> str:
        """What a row is called in messages."""
        return "row" if self.text is None else "line"


def raw_table(cluster: Cluster, source: Sequence[str], options: ReadOptions) -> RawTable:
    """The table that `source` names: paths that are parts of it, or the name of a table.

    Raises:
        DataError: there is none, or it is not one of ratings.
        UnsupportedError: its text must be prepared first, which Spark does not do.
    """
    if len(source) == 1 and not _is_path(source[0]):
        found = _catalog_table(cluster, source[0], options)
        if found is not None:
            return found
    paths, folder = _paths(source)
    files = _files(cluster, paths)
    label = source[0] if len(source) == 1 else f"{source[0]} and {len(source) - 1:,} others"
    name = Path(source[0].rstrip("/")).name
    _refuse_archives(files)
    lines = [row.value for row in cluster.session.read.text(files[0]).take(_HEAD_LINES)]
    text = "\n".join(lines)
    if text.startswith("PAR1"):
        frame = cluster.session.read.parquet(*paths)
        return _typed(cluster, frame, label, name, "Parquet", options, folder)
    if text.startswith("ORC"):
        frame = cluster.session.read.orc(list(paths))
        return _typed(cluster, frame, label, name, "ORC", options, folder)
    return _text(cluster, paths, text, label, name, options, folder)


def _is_path(text: str) -> bool:
    return "/" in text or os.path.exists(text) or text in names()


def _paths(source: Sequence[str]) -> tuple[list[str], Path | None]:
    """The paths for Spark, and the local folder of the first one, if it is local."""
    paths: list[str] = []
    folder: Path | None = None
    for text in source:
        given = text
        if text in names():
            given = _data_set(text)
        local = Path(os.path.expanduser(given))
        if "://" in given or not local.exists():
            paths.append(given)
            continue
        found, chosen = local.parent, [local]
        if local.is_dir():
            found = local
            files = [path.name for path in local.iterdir() if path.is_file()]
            chosen = [local / name for name in choose_ratings(files)] or [local]
        folder = folder or found
        paths += [path.resolve().as_uri() for path in chosen]
    return paths, folder


def _data_set(name: str) -> str:
    found = local_copy_of(entry(name))
    if found is None:
        raise DataError(
            f"The data set '{name}' is not on this machine as files. Type 'matinee data fetch "
            f"{name}', or give the path of a table."
        )
    return str(found)


def _files(cluster: Cluster, paths: Sequence[str]) -> list[str]:
    """All files, sorted; only their names are read."""
    from pyspark.errors import AnalysisException

    try:
        reader = cluster.session.read.format("binaryFile").option("recursiveFileLookup", "true")
        rows = reader.load(list(paths)).select("path").collect()
    except AnalysisException as error:
        raise DataError(_not_found(paths[0], error)) from None
    if not rows:
        raise DataError(f"{paths[0]} holds no files.")
    return sorted(row.path for row in rows)


def _not_found(path: str, error: Exception) -> str:
    if "PATH_NOT_FOUND" in str(error):
        return (
            f"Spark finds neither a file, a folder nor a table '{path}'. Give a path on a file "
            "system that the cluster reads, such as hdfs:///ratings, or the name of a table."
        )
    return f"Spark cannot read '{path}': {str(error).splitlines()[0]}"


def _refuse_archives(files: Sequence[str]) -> None:
    for path in files:
        if path.lower().endswith(_COMPRESSED):
            raise UnsupportedError(
                f"Spark does not read the archive {_base(path)}: unpack it, or give .gz, .bz2, "
                ".zst or Parquet files."
            )


def _base(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


# -- typed columns -----------------------------------------------------------------------


def _catalog_table(cluster: Cluster, name: str, options: ReadOptions) -> RawTable | None:
    if not re.fullmatch(r"[\w.`]+", name) or not cluster.session.catalog.tableExists(name):
        return None
    frame = cluster.session.table(name)
    return _typed(cluster, frame, name, name, "a table of Spark", options, None)


def _typed(
    cluster: Cluster,
    frame: "DataFrame",
    label: str,
    name: str,
    layout: str,
    options: ReadOptions,
    folder: Path | None,
) -> RawTable:
    """The table of a frame with named columns."""
    from pyspark.errors import AnalysisException
    from pyspark.sql import functions as f

    del cluster
    head = polars_of(frame.limit(SAMPLE))

    def sampled(position: int) -> list[str]:
        return [cell_text(cell) or "" for cell in head.to_series(position).to_list()]

    columns = find_columns(frame.columns, options, label, sampled)
    if columns.kind == "pair" and not options.pairs:
        refuse_words(columns, head.to_series, label)
    roles = {role: f.col(f"`{columns.name(role)}`") for role in columns.positions}
    place = [f.lit(label).alias("file"), f.lit(0).cast(_PLACE).alias("block")]
    number = f.monotonically_increasing_id().alias("number")
    try:
        inner = f.col("_metadata.file_path").alias("file"), f.col("_metadata.row_index")
        frame.select(*inner)
        place[0], number = inner[0], inner[1].alias("number")
    except AnalysisException:  # not a table of Parquet files
        pass
    texts = [f.coalesce(each.cast("string"), f.lit("")) for each in roles.values()]
    raw = frame.select(
        *(each.alias(role) for role, each in roles.items()),
        *place,
        number,
        f.concat_ws(",", *texts).alias("content"),
        f.lit(True).alias("is_split"),
    )
    return RawTable(raw, label, name, columns, layout, folder=folder)


def polars_of(frame: "DataFrame") -> pl.DataFrame:
    """A small frame on the driver."""
    converted: Any = pl.from_arrow(frame.toArrow())
    assert isinstance(converted, pl.DataFrame)
    return converted


# -- text --------------------------------------------------------------------------------


def _plan(head: str, label: str, options: ReadOptions) -> TextPlan:
    """How the text is laid out; refuses what Spark does not read."""
    start = head.encode()
    refuse_other_files(start, label)
    refuse_what_is_no_table(start + b"\n", label, is_whole=False)
    if head.lstrip(f"{BOM} ")[:1] in ("{", "[") or options.encoding not in (None, "utf-8"):
        kind = "JSON" if options.encoding is None else f"text in {options.encoding}"
        raise UnsupportedError(
            f"{label}: on Spark, matinee reads Parquet, ORC and CSV in UTF-8, not {kind}. "
            + _CONVERT.format(label=label)
        )
    plan = plan_of(head, options)
    if plan.needs_copy or plan.returns:
        raise UnsupportedError(
            f"{label}: its text has comments, quotation marks or separators that matinee changes "
            "before it reads a table, which it does not do on Spark. "
            + _CONVERT.format(label=label)
        )
    return plan


def _text(
    cluster: Cluster,
    paths: Sequence[str],
    head: str,
    label: str,
    name: str,
    options: ReadOptions,
    folder: Path | None,
) -> RawTable:
    """The table of text files, whose lines are split into fields here."""
    from pyspark.sql import functions as f

    plan = _plan(head, label, options)
    layout = layout_of(head, options, label, plan.separator)
    lines = (
        cluster.session.read.option("recursiveFileLookup", "true")
        .text(list(paths))
        .select(
            f.regexp_replace("value", f"^{BOM}", "").alias("content"),
            f.col("_metadata.file_path").alias("file"),
            f.col("_metadata.file_block_start").alias("block"),
            f.monotonically_increasing_id().alias("number"),
        )
    )
    rows = lines.filter(f.trim("content") != "")
    if layout.has_header:
        header = next(line for line in head.removeprefix(BOM).split("\n") if line.strip())
        rows = rows.filter(f.col("content") != header)
    fields = _fields(layout)
    split = rows.withColumn("fields", fields)
    roles = [
        f.get("fields", f.lit(layout.positions[role])).alias(role)
        for role in ROLES
        if role in layout.positions
    ]
    is_split = (f.size("fields") == layout.n_fields) & ~f.contains("content", f.lit("\ufffd"))
    frame = split.select(
        *roles,
        "file",
        "block",
        "number",
        "content",
        f.coalesce(is_split, f.lit(False)).alias("is_split"),
    )
    words = f"{text_kind(plan.original)} {'with' if layout.has_header else 'without'} a header"
    notes = (*plan.notes, *layout.notes)
    return RawTable(frame, label, name, layout.columns, words, layout, lines, notes, folder)


def _fields(layout: Layout) -> "Column":
    """The fields of a line as an array; null if its quotation marks are wrong."""
    from pyspark.sql import functions as f

    plain = f.split("content", re.escape(layout.separator), -1)
    if layout.separator == "::":
        return plain
    columns = [f"c{number}" for number in range(layout.n_fields)]
    schema = ", ".join(f"{name} string" for name in [*columns, "broken"])
    options = {
        "sep": layout.separator,
        "escape": '"',
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "broken",
    }
    parsed = f.from_csv("content", schema, options)
    quoted = f.when(parsed["broken"].isNull(), f.array(*(parsed[name] for name in columns)))
    return f.when(f.contains("content", f.lit('"')), quoted).otherwise(plain)
