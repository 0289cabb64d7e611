"""The first bytes of a file, and what they show."""

from collections.abc import Iterable
from pathlib import Path

from matinee.data.reading.layouts import LINES, NamedLayout

_HEAD_BYTES = 1 << 16
_LONGEST_HEAD = 1 << 25
_ENOUGH_LINES = 20  # a line of a matrix may be longer than the usual head
_SAMPLE_LINES = 1000
_SAMPLE_LETTERS = 1 << 18


def head_of(path: Path) -> bytes:
    """The first lines of a file, or its first bytes if it has no lines there."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        while len(head) < min(size, _LONGEST_HEAD) and _may_have_long_lines(head):
            head += file.read(len(head))
    end = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    if len(head) < size and end:
        return head[:end]
    return head


def _may_have_long_lines(head: bytes) -> bool:
    is_json = head.lstrip()[:1] in (b"{", b"[")
    return head.count(b"\n") < _ENOUGH_LINES and b"\r" not in head[:_HEAD_BYTES] and not is_json


def is_whole(path: Path, head: bytes) -> bool:
    """Whether the head of a file is the whole file."""
    return len(head) == path.stat().st_size


def text_of_head(head: bytes) -> str:
    """The head of a file as text."""
    return head.decode("utf-8", "surrogateescape")


def sampled_lines(lines: Iterable[str], n_lines: int) -> list[str]:
    """The first lines that are not blank, fewer than `n_lines` if they are long."""
    found: list[str] = []
    n_letters = 0
    for line in lines:
        if line.strip():
            found.append(line)
            n_letters += len(line)
        if len(found) == n_lines or (n_letters > _SAMPLE_LETTERS and len(found) > _ENOUGH_LINES):
            break
    return found


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
