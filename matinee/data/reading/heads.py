"""The first bytes of a file, and what they show."""

from pathlib import Path

from matinee.data.reading.layouts import LINES, NamedLayout

#: Bytes at the start of a file that show how it is laid out.
HEAD_BYTES = 1 << 16
_SAMPLE_LINES = 1000


def head_of(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def text_of_head(head: bytes) -> str:
    """The whole lines at the start of a file, as text."""
    end = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    if len(head) == HEAD_BYTES and end:
        head = head[:end]
    return head.decode("utf-8", "surrogateescape")


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
