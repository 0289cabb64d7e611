"""Text for messages and pages: counts, lists, percentages, and suggestions for unknown
names."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Protocol, TypeVar

from matinee.errors import UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Names with a lower similarity, from 0 to 100, are not suggested.
_CLOSE = 60
#: Characters of a name that are compared; the time grows with the product of both lengths.
_LONGEST_NAME = 200


class _HasName(Protocol):
    """What `find_named` looks up: an object or class with a name."""

    @property
    def name(self) -> str: ...


Element = TypeVar("Element", bound=_HasName)


def counted(n: int, one: str, many: str = "") -> str:
    """ "1 film", "2,000 films"; with `many`, "1 person", "2 people"."""
    if n == 1:
        return f"1 {one}"
    return f"{n:,} {many or one + 's'}"


def joined(words: Sequence[str], conjunction: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def share(part: float) -> str:
    """A fraction as a percentage: 6.3%, 34%, less than 0.1%."""
    if 0 < part < 0.001:
        return "less than 0.1%"
    if 0 < part < 0.1:
        return f"{part:.1%}"
    return f"{part:.0%}"


def span(low: float, high: float) -> str:
    """ "1 to 20"; "7" if both ends are the same."""
    if low == high:
        return f"{low:,.0f}"
    return f"{low:,.0f} to {high:,.0f}"


def in_bytes(n: float) -> str:
    """A number of bytes with three digits: "250 MB", "1.02 GB", "17 bytes"."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n >= size:
            return f"{float(f'{n / size:.3g}'):g} {unit}"
    return counted(int(n), "byte")


def in_time(seconds: float) -> str:
    """A duration as people say it, such as "40 s", "3 min" or "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def html_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], notes: Iterable[str] = ()
) -> str:
    """A table for notebooks, with a paragraph for each note; all texts are escaped."""
    lines = ["<table>"]
    if headings:
        lines.append(f"<thead>{_html_row('th', headings)}</thead>")
    lines += ["<tbody>", *(_html_row("td", row) for row in rows), "</tbody>", "</table>"]
    lines += [f"<p>{escape(note)}</p>" for note in notes if note]
    return "\n".join(lines)


def _html_row(tag: str, cells: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"


def printable(text: str) -> str:
    """Text for a message of one line: a line break as \\n, a byte that is not UTF-8 as \\xff."""
    if text.isprintable():
        return text
    return "".join(map(_printable_letter, text))


def _printable_letter(letter: str) -> str:
    if letter.isprintable():
        return letter
    # Python decodes a byte that is not UTF-8 to one of these
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The names in `known` most similar to a misspelled or shortened `name`, best first.

    Returns: at most `limit` names, none that is not similar.
    """
    import numpy as np
    from rapidfuzz import fuzz, process, utils

    names = list(known)
    typed = utils.default_process(name[:_LONGEST_NAME])
    others = [utils.default_process(other[:_LONGEST_NAME]) for other in names]

    def similarity(scorer: Callable[..., float], rows: Sequence[int]) -> "NDArray[np.float64]":
        compared = [others[row] for row in rows]
        matrix = process.cdist([typed], compared, scorer=scorer, dtype=np.float64)  # (1, rows)
        return np.asarray(matrix[0])

    # Misspelled as a whole; some of its words ("star wars" for "Star Wars: A New Hope"); or
    # both ("hary poter").
    every = range(len(names))
    by_words = 0.95 * similarity(fuzz.token_set_ratio, every)
    close = np.maximum(similarity(fuzz.ratio, every), by_words)
    longer = [row for row in every if 5 <= len(typed) < len(others[row])]
    close[longer] = np.maximum(close[longer], 0.9 * similarity(fuzz.partial_ratio, longer))
    best = np.argsort(-close, kind="stable")[:limit]
    return [names[row] for row in best.tolist() if close[row] >= _CLOSE]


def did_you_mean(name: str, known: Iterable[str], limit: int = 3) -> str:
    """ " Did you mean 'a', 'b' or 'c'?", with a leading space; empty if no name is similar."""
    quoted = [f"'{match}'" for match in nearest(name, known, limit)]
    if not quoted:
        return ""
    return f" Did you mean {joined(quoted, 'or')}?"


def suggest(name: str, known: Sequence[str], subject: str) -> str:
    """`did_you_mean`; if no name is similar, " The models are: a, b." for the subject
    "The models"."""
    return did_you_mean(name, known) or f" {subject} are: {', '.join(known)}."


def find_named(kind: str, name: str, known: Sequence[Element], how_to_list: str = "") -> Element:
    """The element of `known` with this name.

    Args:
        kind: what the elements are, in the singular: "model".
        how_to_list: a sentence that says how to list all names, if they are too many for a
            message.

    Raises:
        UnknownNameError: there is none; the message suggests the nearest names, or lists all
            if no name is similar.
    """
    names = [one.name for one in known]
    if name in names:
        return known[names.index(name)]
    if how_to_list:
        hint = f"{did_you_mean(name, names)} {how_to_list}"
    else:
        hint = suggest(name, names, f"The {kind}s")
    raise UnknownNameError(f"There is no {kind} '{name}'.{hint}")
