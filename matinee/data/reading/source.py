"""What a person gives, a path, a folder, an archive or several of them, as one file to read.

The file is unpacked, its parts are joined, and text is in UTF-8. Copies lie in a folder that is
removed afterwards; a plain file is read where it lies.
"""

import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from matinee.data.reading.archives import (
    RATINGS_FILES,
    Unpacking,
    choose_ratings,
    is_tar,
    untar,
    unzip,
)
from matinee.data.reading.arrow import is_arrow, write_as_parquet
from matinee.data.reading.comments import comments_in
from matinee.data.reading.compression import (
    Allowance,
    decompress,
    is_compressed,
    refuse_other_archives,
)
from matinee.data.reading.encoding import (
    encoding_of_file,
    encoding_of_head,
    known_encoding,
    transcode,
)
from matinee.data.reading.heads import (
    head_of,
    is_json_lines,
    is_whole,
    layout_of_lines,
    text_of_head,
)
from matinee.data.reading.item_metadata import CATALOG_FILES, OTHER_CATALOG_FILES
from matinee.data.reading.layouts import NamedLayout
from matinee.data.reading.layouts.documents import is_document, refuse_python, write_json_lines
from matinee.data.reading.links_and_tags import LINKS_AND_TAGS_FILES
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.parts import Part, join_parquet, join_text, note_on_gaps
from matinee.data.reading.preparation import TextPlan, plan_of, write_prepared
from matinee.data.reading.separator import text_kind
from matinee.data.reading.sniff import refuse_other_files, refuse_what_is_no_table
from matinee.data.reading.survey import Survey, survey_of
from matinee.data.reading.user_metadata import VIEWER_FILES
from matinee.errors import DataError
from matinee.text import counted, did_you_mean

_COMPANIONS = (
    *CATALOG_FILES,
    *OTHER_CATALOG_FILES,
    *LINKS_AND_TAGS_FILES,
    *VIEWER_FILES,
    "u.genre",
)
_PARQUET = b"PAR1"
_LARGE = 4 << 20  # bytes of a text that is surveyed while it is parsed
_DEEPEST = 3  # archives in archives


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
        kind: what to call it: Parquet, Arrow, or text by its original separator.
        layout: the well-known layout that its lines have; None for others.
        survey: of its bytes, if it is a table of text that is read where it lies, and not large.
        has_comments: whether there are comments among the rows; None if nobody has looked for them.
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
    kind: str = ""
    layout: NamedLayout | None = None
    survey: Survey | None = None
    has_comments: bool | None = False

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
        return head_of(self.path)


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
    """The single file that the paths resolve to; copies exist until the end of the block.

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
            file = workplace.join_parts(files)
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


@contextmanager
def without_comments(file: SourceFile, options: ReadOptions) -> Iterator[SourceFile]:
    """A copy of a large text file without its comments."""
    with ExitStack() as stack:
        yield _Workplace(stack, options).rewritten(
            file, plan_of(text_of_head(file.head()), options)
        )


class _Workplace:
    """Opens files, with copies in folders that the caller's stack removes."""

    def __init__(self, stack: ExitStack, options: ReadOptions) -> None:
        self._stack, self._options = stack, options
        self._allowances: dict[Path, Allowance] = {}

    def _folder(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-")))

    def _allowance(self, origin: Path) -> Allowance:
        """How much a file that was given may unpack to."""
        if origin not in self._allowances:
            self._allowances[origin] = Allowance.of(origin, self._options.max_unpacked)
        return self._allowances[origin]

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
                name, gaps = folder.resolve().name, note_on_gaps([path.name for path in paths])
                notes = (gaps,) if gaps else ()
                return [
                    file
                    for path in paths
                    for file in self._plain(
                        SourceFile(path, str(path), path, candidate, name, notes)
                    )
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
            decompress(file.path, target, file.label, self._allowance(file.origin), depth)
            return self._plain(replace(file, path=target), depth + 1)
        if is_arrow(head):
            target = self._folder() / "arrow.parquet"
            write_as_parquet(file.path, target, file.label)
            return [replace(file, path=target, kind="Arrow")]
        if head.startswith(_PARQUET):
            return [replace(file, kind="Parquet")]
        return [self._in_utf_8(file, head)]

    def _in_archive(self, file: SourceFile, is_zip: bool, depth: int) -> list[SourceFile]:
        folder = self._folder()
        unpack = unzip if is_zip else untar
        how = Unpacking(folder, _COMPANIONS, file.label, self._allowance(file.origin), depth)
        members = unpack(file.path, how)
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
            encoding = encoding_of_head(head, is_whole(file.path, head))
        if encoding is not None and encoding != "utf-8":
            file = self.in_encoding(file, encoding)
            head = file.head()
        refuse_what_is_no_table(head, file.label, is_whole(file.path, head))
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
        note = f"The text was decoded as {encoding}; to use another encoding, give --encoding."
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
        is_large = file.path.stat().st_size >= _LARGE
        if plan.needs_copy or (is_large and comments_in(text)):
            return self.rewritten(file, plan)
        file = replace(file, separator=plan.separator, kind=text_kind(plan.original))
        if is_large:  # it is surveyed while it is parsed
            return replace(file, has_comments=None, notes=(*file.notes, *plan.notes))
        survey = survey_of(file.path, plan.separator)
        if survey.comments:
            return self.rewritten(file, plan)
        return replace(file, survey=survey, notes=(*file.notes, *plan.notes))

    def rewritten(self, file: SourceFile, plan: TextPlan) -> SourceFile:
        """The copy that a plan describes."""
        target = self._folder() / "prepared"
        write_prepared(file.path, target, plan)
        return replace(
            file,
            path=target,
            line_shift=plan.line_shift,
            separator=plan.separator,
            kind=text_kind(plan.original),
            has_comments=False,
            notes=tuple(dict.fromkeys((*file.notes, *plan.notes))),
        )

    def join_parts(self, files: Sequence[SourceFile]) -> SourceFile:
        """The parts of one table as one file.

        Raises:
            DataError: they have different columns.
        """
        first = files[0]
        paths, labels = [file.path for file in files], [file.label for file in files]
        are_parquet = [file.head().startswith(_PARQUET) for file in files]
        target = self._folder() / "joined"
        if all(are_parquet):
            parts = join_parquet(paths, labels, target)
        elif any(are_parquet):
            raise DataError(
                f"{first.label} and the other files are not of one kind; give files that are all "
                "text, or all Parquet or Arrow."
            )
        else:
            parts = join_text(paths, labels, target, self._options)
        notes = dict.fromkeys(note for file in files for note in file.notes)
        return replace(
            first,
            path=target,
            label=f"{first.label} and {counted(len(files) - 1, 'other file')}",
            notes=(*notes, f"Read {len(files):,} files as one table."),
            parts=tuple(parts),
        )


def _not_there(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return f"There is no file {path}, and no folder {path.parent}."
    return f"There is no file or folder {path}.{did_you_mean(path.name, names)}"
