"""Output of commands: tables or one JSON object; progress and notes on standard error."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING

import click

from matinee.text import printable

if TYPE_CHECKING:
    from matinee.progress import Progress, Step
    from matinee.recommendation.suggestions import Suggestions

#: Control characters but the line break, and those that turn the direction of the text.
_CONTROLS = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]")


def as_json(values: Mapping[str, object]) -> None:
    """Prints one JSON object; a number that is not finite becomes null."""
    indent = None
    if sys.stdout.isatty():
        indent = 2
    click.echo(json.dumps(_finite(values), ensure_ascii=False, indent=indent))


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def note(text: str) -> None:
    """Prints a remark on standard error; nothing if the text is empty."""
    if text:
        click.echo(without_controls(text), err=True)


def without_controls(text: str) -> str:
    """A text for a terminal: its lines, with control characters as \\x1b and the like."""
    return _CONTROLS.sub(lambda match: printable(match[0]), text)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Prints a table: drawn on a terminal, otherwise aligned text. Numbers are
    right-aligned."""
    if title:
        click.secho(title, bold=True)
    columns = range(len(headings))
    is_number = [all(_looks_like_number(row[column]) for row in rows) for column in columns]
    if sys.stdout.isatty():
        _draw(headings, rows, is_number)
        return
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in columns]
    for line in lines:
        cells = []
        for text, width, is_right in zip(line, widths, is_number, strict=True):
            cells.append(text.rjust(width) if is_right else text.ljust(width))
        click.echo("  ".join(cells).rstrip())


def _draw(
    headings: Sequence[str], rows: Sequence[Sequence[str]], is_number: Sequence[bool]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, is_right in zip(headings, is_number, strict=True):
        drawn.add_column(heading, justify="right" if is_right else "left")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _looks_like_number(text: str) -> bool:
    """Whether a cell is a number, a percentage, a dash or empty."""
    if text in ("", "-"):
        return True
    digits = text.lstrip("+-").replace(",", "").replace(".", "")
    return digits.removesuffix("%").removesuffix("s").isdigit()


def cell(number: float | None, style: str, missing: str = "") -> str:
    """A number formatted for a table cell; `missing` for None."""
    if number is None:
        return missing
    return f"{number:{style}}"


def print_suggestions(
    suggestions: "Suggestions", score_heading: str, members: Sequence[str] = ()
) -> None:
    """Prints a numbered list of films.

    A score that is a count has no decimals, any other score has three.

    Args:
        score_heading: "stars", "score" or "similarity". Stars are shown as in
            `Suggestion.shown`; if some are equal, a column "top" tells the films apart.
        members: the headings of the columns with the predictions for each member of a group.
    """
    lines = suggestions.items
    digits = 2
    if score_heading == "score":
        digits = 3
        if all(line.score.is_integer() for line in lines):
            digits = 0
    has_mean = any(line.mean is not None for line in lines)  # not without ratings
    has_deviation = all(line.deviation is not None for line in lines)
    headings = ["", score_heading]
    tops = suggestions.tops(digits)
    if tops:
        headings.append("top")
    if has_deviation:
        headings.append("\u00b1")
    headings += [*members, "film", "genres"]
    headings += ["ratings", "mean", "id"] if has_mean else ["people", "id"]
    rows = []
    for number, (line, amount) in enumerate(
        zip(lines, suggestions.numbers(digits), strict=True), 1
    ):
        row = [str(number), amount]
        if tops:
            row.append(tops[number - 1])
        if has_deviation:
            row.append(f"{line.deviation or 0:.2f}")
        row += [f"{member:.{digits}f}" for member in line.members]
        row += [line.film.title, ", ".join(line.film.genres), f"{line.n_ratings:,}"]
        if has_mean:
            row.append(cell(line.mean, ".2f"))
        row.append(str(line.item_id))
        rows.append(row)
    table(headings, rows)


@contextmanager
def progress_bar(label: str) -> "Iterator[Progress | None]":
    """A progress bar with the remaining time on standard error; None if that is not a
    terminal. A program that has started the command can ask for lines instead."""
    from matinee.progress import line_of, wants_lines

    if wants_lines():
        yield lambda step: click.echo(line_of(step), err=True)
        return
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[text]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, text="")

        def show(step: "Step") -> None:
            bar.update(task, completed=step.done, total=step.total, text=step.text)

        yield show


def announce_compiling() -> None:
    """Prints a note if the kernels must be compiled, which happens once per machine."""
    from matinee.kernels import are_compiled

    if not are_compiled():
        note("Compiling kernels (once per machine, a few seconds) ...")
