"""What a person gives, a path, a folder, an archive or several of them, as one file to read.

The file is unpacked, its parts are joined, and text is in UTF-8. Copies lie in a folder that is
removed afterwards; a plain file is read where it lies.
"""

import stat
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import polars as pl

from matinee.data.reading.archives import (
    RATINGS_FILES,
    choose_ratings,
    is_tar,
    untar,
    unzip,
)
from matinee.data.reading.compression import decompress, is_compressed, refuse_other_archives
from matinee.data.reading.encoding import (
    encoding_of_file,
    encoding_of_head,
    known_encoding,
    transcode,
)
from matinee.data.reading.header import first_line
from matinee.data.reading.item_metadata import CATALOG_FILES
from matinee.data.reading.layouts import LINES, NamedLayout
from matinee.data.reading.layouts.documents import is_document, refuse_python, write_json_lines
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.preparation import plan_of, write_prepared
from matinee.data.reading.separator import split_lines, text_kind
from matinee.data.reading.sniff import refuse_other_files, refuse_what_is_no_table
from matinee.data.reading.user_metadata import VIEWER_FILES
from matinee.errors import DataError
from matinee.text import counted, did_you_mean, printable

HEAD_BYTES = 1 << 16
_SAMPLE_LINES = 1000
_BLOCK = 1 << 22
_COMPANIONS = (*CATALOG_FILES, *VIEWER_FILES, "u.genre")
_PARQUET = b"PAR1"
_DEEPEST = 3  # archives in archives


@dataclass(frozen=True)
class Part:
    """Where the lines of one file begin in the text that is read.

    Attributes:
        first: its first line or row there.
        shift: what to add to a line number to have that of the file.
        label: the file's name in messages.
    """

    first: int
    shift: int
    label: str


@dataclass(frozen=True)
class SourceFile:
    """A file to read.

    Attributes:
        path: where it is now; for an archive, its unpacked copy.
        label: what messages call it.
        origin: the file that the person gave.
        metadata_folder: where the files with titles and users lie.
        name: of the data set.
        notes: what was guessed so far, in sentences.
        parts: the files that were joined; empty if it is one file as it was given.
        line_shift: what to add to a line number to have that before comments were left out.
        separator: of the fields, if it is a table of text.
        text_kind: what to call such text, by its original separator.
        layout: the well-known layout that its lines have; None for others.
    """

    path: Path
    label: str
    origin: Path
    metadata_folder: Path
    name: str
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    line_shift: int = 0
    separator: str | None = None
    text_kind: str = ""
    layout: NamedLayout | None = None

    def place_of(self, line: int) -> tuple[str, int]:
        """The file, and the line in it, of a line of the text that is read."""
        line += self.line_shift
        label, shift = self.label, 0
        for part in self.parts:
            if part.first <= line:
                label, shift = part.label, part.shift
        return label, line + shift

    def head(self) -> bytes:
        """The first bytes."""
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)


@contextmanager
def file_errors(label: str) -> Iterator[None]:
    """Errors of the operating system or of an archive become a `DataError`."""
    try:
        yield
    except PermissionError:
        raise DataError(f"Permission to read {label} is denied.") from None
    except OSError as error:
        raise DataError(f"{label} cannot be read: {error.strerror or error}.") from error


@contextmanager
def opened(paths: Sequence[Path], options: ReadOptions) -> Iterator[SourceFile]:
    """The one file that paths come down to; copies exist until the end of the block.

    Args:
        paths: of files, folders and archives, at least one; several are parts of one table.
        options: the separator, the encoding, and whether there is a header.

    Raises:
        DataError: there is no such file, or no table in it.
    """
    with ExitStack() as stack, file_errors(", ".join(map(str, paths))):
        workplace = _Workplace(stack, options)
        files = [file for path in paths for file in workplace.files_of(path)]
        file = files[0]
        if len(files) > 1:
            file = workplace.joined(files)
        yield workplace.prepared(file)


@contextmanager
def in_utf_8(file: SourceFile, options: ReadOptions) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A text file in UTF-8, and a note if it was in another encoding further down."""
    encoding = None
    if options.encoding is None:
        encoding = encoding_of_file(file.path)
    if encoding is None:
        yield file.path, ()
        return
    with ExitStack() as stack:
        copy = _Workplace(stack, options).in_encoding(replace(file, notes=()), encoding)
        yield copy.path, copy.notes


def text_of_head(head: bytes) -> str:
    """The whole lines at the start of a file, as text."""
    end = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    if len(head) == HEAD_BYTES and end:
        head = head[:end]
    return head.decode("utf-8", "surrogateescape")


class _Workplace:
    """Opens files, with copies in folders that the caller's stack removes."""

    def __init__(self, stack: ExitStack, options: ReadOptions) -> None:
        self._stack, self._options = stack, options

    def _folder(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-")))

    def files_of(self, path: Path) -> list[SourceFile]:
        """The files that one path stands for, unpacked and in UTF-8."""
        with file_errors(str(path)):
            try:
                mode = path.stat().st_mode
            except (FileNotFoundError, NotADirectoryError, ValueError):
                raise DataError(_not_there(path)) from None
            if stat.S_ISDIR(mode):
                return self._in_folder(path)
            if not stat.S_ISREG(mode):
                raise DataError(f"{path} is neither a file nor a folder.")
            return self._plain(SourceFile(path, str(path), path, path.parent, path.name))

    def _in_folder(self, folder: Path) -> list[SourceFile]:
        entries = sorted(folder.iterdir())
        candidates = [folder]
        subfolders = [entry for entry in entries if entry.is_dir()]
        if len(subfolders) == 1:  # an unpacked zip is often a folder in a folder of the same name
            candidates += subfolders
        for candidate in candidates:
            names = [entry.name for entry in candidate.iterdir() if entry.is_file()]
            paths = [candidate / name for name in choose_ratings(names)]
            if paths:
                name = folder.resolve().name
                return [
                    file
                    for path in paths
                    for file in self._plain(SourceFile(path, str(path), path, candidate, name))
                ]
        found = ", ".join(entry.name for entry in entries[:8]) or "nothing"
        raise DataError(
            f"The folder {folder} holds no ratings: looked for {', '.join(RATINGS_FILES)}, "
            f"found {found}. Give the file itself if it has another name."
        )

    def _plain(self, file: SourceFile, depth: int = 0) -> list[SourceFile]:
        """The files in a file: itself, or what an archive holds."""
        head = file.head()
        if not head:
            raise DataError(f"{file.label} is empty: it has no ratings.")
        refuse_other_archives(head, file.label)
        refuse_other_files(head, file.label)
        is_zip = head.startswith(b"PK\x03\x04") or file.path.suffix.lower() == ".zip"
        if depth < _DEEPEST and (is_zip or is_tar(file.path)):
            return self._in_archive(file, is_zip, depth)
        if is_compressed(head):
            target = self._folder() / "unpacked"
            decompress(file.path, target, file.label)
            return self._plain(replace(file, path=target), depth + 1)
        if head.startswith(_PARQUET):
            return [file]
        return [self._in_utf_8(file, head)]

    def _in_archive(self, file: SourceFile, is_zip: bool, depth: int) -> list[SourceFile]:
        folder = self._folder()
        unpack = unzip if is_zip else untar
        members = unpack(file.path, folder, _COMPANIONS, file.label)
        name = file.origin.name.removesuffix(".gz").removesuffix(".tar")
        return [
            part
            for member in members
            for part in self._plain(
                replace(
                    file,
                    path=folder / PurePosixPath(member).name,
                    label=f"{file.label}/{member}",
                    metadata_folder=folder,
                    name=file.origin.stem if is_zip else name,
                ),
                depth + 1,
            )
        ]

    def _in_utf_8(self, file: SourceFile, head: bytes) -> SourceFile:
        """A text file in UTF-8; one JSON document becomes JSON lines."""
        encoding = None
        if self._options.encoding is not None:
            encoding = known_encoding(self._options.encoding)
        else:
            encoding = encoding_of_head(head, len(head) < HEAD_BYTES)
        if encoding is not None and encoding != "utf-8":
            file = self.in_encoding(file, encoding)
            head = file.head()
        refuse_what_is_no_table(head, file.label, len(head) < HEAD_BYTES)
        text = text_of_head(head)
        if self._options.separator is None and text.removeprefix("\ufeff").lstrip()[:1] in "[{":
            refuse_python(text, file.label)
            if is_document(text):
                target = self._folder() / "lines"
                write_json_lines(file.path, target, file.label)
                return replace(file, path=target)
        return file

    def in_encoding(self, file: SourceFile, encoding: str) -> SourceFile:
        """A copy in UTF-8 of a file in another encoding."""
        target = self._folder() / "text"
        transcode(file.path, target, encoding, file.label)
        note = f"The text is read in the encoding {encoding}; --encoding names another."
        return replace(file, path=target, notes=(*file.notes, note))

    def prepared(self, file: SourceFile) -> SourceFile:
        """A file whose text the readers know: without comments, with one separator."""
        head = file.head()
        if head.startswith(_PARQUET):
            return file
        text = text_of_head(head)
        if is_json_lines(text):
            return file
        layout = layout_of_lines(text)
        if layout is not None:
            return replace(file, layout=layout)
        plan = plan_of(text, self._options)
        if plan.needs_copy:
            target = self._folder() / "prepared"
            write_prepared(file.path, target, plan)
            file = replace(file, path=target, line_shift=plan.line_shift)
        return replace(
            file,
            separator=plan.separator,
            text_kind=text_kind(plan.original),
            notes=(*file.notes, *plan.notes),
        )

    def joined(self, files: Sequence[SourceFile]) -> SourceFile:
        """The parts of one table as one file.

        Raises:
            DataError: they have different columns.
        """
        first = files[0]
        are_parquet = [file.head().startswith(_PARQUET) for file in files]
        target = self._folder() / "joined"
        if all(are_parquet):
            parts = _join_parquet(files, target)
        elif any(are_parquet):
            raise DataError(
                f"{first.label} and the other files are not of one kind; give files that are all "
                "Parquet or all text."
            )
        else:
            parts = _join_text(files, target, self._options)
        notes = dict.fromkeys(note for file in files for note in file.notes)
        return replace(
            first,
            path=target,
            label=f"{first.label} and {counted(len(files) - 1, 'other file')}",
            notes=(*notes, f"Read {len(files):,} files as one table."),
            parts=tuple(parts),
        )


def is_json_lines(text: str) -> bool:
    """Whether a text begins like JSON lines."""
    return text.removeprefix("\ufeff").lstrip().startswith("{")


def layout_of_lines(text: str) -> NamedLayout | None:
    """The well-known layout that the first lines of a text have; None for others."""
    lines = text.removeprefix("\ufeff").splitlines()[:_SAMPLE_LINES]
    for layout in LINES:
        if layout.fits(lines):
            return layout
    return None


def _join_parquet(files: Sequence[SourceFile], target: Path) -> list[Part]:
    try:
        tables = [pl.scan_parquet(file.path, glob=False) for file in files]
        heights = [int(table.select(pl.len()).collect().item()) for table in tables]
        pl.concat(tables, how="vertical_relaxed").sink_parquet(target)
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on damaged files
        reason = str(error).split("\n")[0]
        raise DataError(
            f"{files[0].label} and the other files do not have the same columns, or one is "
            f"damaged: {reason}"
        ) from error
    parts, row = [], 0
    for file, height in zip(files, heights, strict=True):
        parts.append(Part(row, -row, file.label))
        row += height
    return parts


def _join_text(files: Sequence[SourceFile], target: Path, options: ReadOptions) -> list[Part]:
    """Write all lines one file after another, with the header of the first alone."""
    parts, line = [], 1
    header: _FirstLine | None = None
    with target.open("wb") as written:
        for file in files:
            start = _first_line(text_of_head(file.head()), options)
            header = header or start
            n_dropped = 0
            if line > 1:
                n_dropped = _n_repeated(header, start, files[0].label, file.label)
            parts.append(Part(line, n_dropped - line + 1, file.label))
            line += _append_lines(file.path, written, n_dropped)
    return parts


class _FirstLine(NamedTuple):
    """How a table of text begins.

    Attributes:
        n_before: comments and the like before it.
        cells: its fields, in lower case.
        is_header: whether they name columns.
    """

    n_before: int
    cells: list[str]
    is_header: bool


def _first_line(text: str, options: ReadOptions) -> _FirstLine:
    if is_json_lines(text) or layout_of_lines(text):
        return _FirstLine(0, [], False)
    plan = plan_of(text, options)
    lines = text.removeprefix("\ufeff").splitlines()[plan.n_dropped :]
    rows = split_lines([line for line in lines if line.strip()][:_SAMPLE_LINES], plan.separator)
    if plan.header is not None or not rows:
        return _FirstLine(plan.n_dropped, [], False)
    cells = [cell.strip().casefold() for cell in rows[0]]
    return _FirstLine(plan.n_dropped, cells, first_line(rows, options) == "names")


def _n_repeated(header: _FirstLine, start: _FirstLine, label: str, other: str) -> int:
    """How many lines at the start of a further part repeat those of the first part."""
    if start.is_header and start.cells != header.cells:
        names = ", ".join(f"'{printable(cell[:40])}'" for cell in start.cells[:12])
        raise DataError(
            f"{other} has other columns than {label}: {names}. Give files whose columns are the "
            "same, or read them one by one."
        )
    return start.n_before + (header.is_header and start.cells == header.cells)


def _append_lines(path: Path, written: BinaryIO, n_dropped: int) -> int:
    """Append the lines of a file but the first ones; returns how many."""
    n_lines, last = 0, b"\n"
    with path.open("rb") as source:
        mark = source.read(len(BOM_UTF8))
        if mark != BOM_UTF8:
            source.seek(0)
        for _ in range(n_dropped):
            source.readline()
        while block := source.read(_BLOCK):
            written.write(block)
            n_lines += block.count(b"\n")
            last = block[-1:]
    if last != b"\n":
        written.write(b"\n")
        n_lines += 1
    return n_lines


def _not_there(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return f"There is no file {path}, and no folder {path.parent}."
    return f"There is no file or folder {path}.{did_you_mean(path.name, names)}"
