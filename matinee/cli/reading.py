"""How a table was read: options on what its cells mean, and the notes on what was taken for
what."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from matinee.errors import SettingError

if TYPE_CHECKING:
    from matinee.data.dataset import Dataset

Function = TypeVar("Function", bound=Callable[..., Any])

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([kmgt]?)b?", re.IGNORECASE)
_LONGEST_SIZE = 30
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


missing_option = click.option(
    "--missing",
    metavar="VALUES",
    help="Values that mean missing, such as 0,-1,n/a; rows with them are left out.",
)
time_format_option = click.option(
    "--time-format",
    metavar="FORMAT",
    help="s, ms, us, ns, YYYYMMDD, YYYYMMDDhhmmss, YYYYMM, years or days (numbers); dmy, "
    "mdy or a format such as %d/%m/%Y (dates).",
)
text_ids_option = click.option(
    "--text-ids", is_flag=True, help="Read ids as text, so that 1 and 1.0 are two ids."
)


def cell_options(function: Function) -> Function:
    """Options on what the cells of a table mean."""
    options = (
        missing_option,
        click.option(
            "--map",
            "value_map",
            metavar="WORD=VALUE,...",
            help="Values for words in the rating column, such as like=1,dislike=0.",
        ),
        click.option(
            "--decimal",
            type=click.Choice([".", ","]),
            help="Decimal mark of the ratings or counts, if it is not recognized.",
        ),
        time_format_option,
        text_ids_option,
    )
    return with_options(function, options)


def with_options(function: Function, options: Iterable[Callable[[Function], Function]]) -> Function:
    """The command with these options, in the given order."""
    for option in reversed(tuple(options)):
        function = option(function)
    return function


def parse_missing(text: str | None) -> tuple[float | str, ...]:
    """The values of a text such as "0,-1,unknown": numbers where they are, else words."""
    values: list[float | str] = []
    for part in (text or "").split(","):
        word = part.strip()
        if not word:
            continue
        try:
            values.append(float(word))
        except ValueError:
            values.append(word)
    return tuple(value for value in values if value == value)  # NaN is missing anyway


def parse_map(text: str | None) -> dict[str, float] | None:
    """The values of a text such as "like=1,dislike=0"."""
    if text is None:
        return None
    values: dict[str, float] = {}
    for part in text.split(","):
        word, equals, number = part.rpartition("=")
        if not part.strip():
            continue
        try:
            values[word.strip()] = float(number)
        except ValueError:
            equals = ""
        if not (equals and word.strip()):
            raise SettingError(
                f"--map {text} is not of the form WORD=VALUE,..., such as --map like=1,dislike=0."
            )
    return values


def parse_size(text: str | None) -> int | None:
    """The bytes of a text such as "500MB" or "2 GB"; kB, MB and GB are powers of 1000."""
    if text is None:
        return None
    match = _SIZE.fullmatch(text.strip()[:_LONGEST_SIZE])
    n_bytes = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if n_bytes < 1:
        raise SettingError(f"--max-unpacked {text} is not a size, such as 500MB or 2GB.")
    return n_bytes


def note_reading(dataset: "Dataset") -> None:
    """Notes how the table was read."""
    from matinee.cli.output import note

    if dataset.summary is not None:
        for line in dataset.summary.lines():
            note(line)


def reading_of(dataset: "Dataset") -> dict[str, object]:
    """The key `reading` of a JSON result; nothing for data that were not read."""
    if dataset.summary is None:
        return {}
    return {"reading": dataset.summary.to_dict()}


def note_test_part(test: "Dataset") -> None:
    """Notes what reading guessed about a separate test part."""
    from matinee.cli.output import note

    if test.summary is not None:
        for text in test.summary.notes:
            note(f"Test part: {text}")
