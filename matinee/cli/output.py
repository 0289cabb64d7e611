"""How commands print: tables for people, one JSON object for programs; progress and notes on standard error."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from matinee.progress import Progress, Step
    from matinee.recommendation.suggestions import Suggestions


def as_json(what: dict[str, Any]) -> None:
    """Exactly one JSON object on standard output; a number that is not finite becomes null."""
    click.echo(json.dumps(_finite(what), ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def _finite(what: Any) -> Any:
    if isinstance(what, dict):
        return {name: _finite(value) for name, value in what.items()}
    if isinstance(what, list | tuple):
        return [_finite(value) for value in what]
    return None if isinstance(what, float) and what - what != 0 else what


def note(text: str) -> None:
    """A remark for people, on standard error; nothing if the text is empty."""
    if text:
        click.echo(text, err=True)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """A table on standard output: drawn on a terminal, aligned plain text in a pipe. Figures go to the right."""
    if title:
        click.secho(title, bold=True)
    is_number = [all(_looks_like_number(row[column]) for row in rows) for column in range(len(headings))]
    if sys.stdout.isatty():
        _draw(headings, rows, is_number)
        return
    widths = [max(len(line[column]) for line in (headings, *rows)) for column in range(len(headings))]
    for line in (headings, *rows):
        cells = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]], is_number: Sequence[bool]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, right in zip(headings, is_number, strict=True):
        drawn.add_column(heading, justify="right" if right else "left")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _looks_like_number(text: str) -> bool:
    return not text or text.lstrip("+-").replace(",", "").replace(".", "").rstrip("%s").isdigit() or text == "-"


def print_suggestions(found: "Suggestions", kind: str, members: Sequence[str] = ()) -> None:
    """The list, numbered; in one for a group, a column for what each member would give.

    A score that counts something has no decimals; those in units of their own have three.
    """
    digits = 2
    mean = ["mean"] * any(line.mean is not None for line in found.items)  # no item of a table without ratings has one
    if kind == "score":
        digits = 0 if all(line.score.is_integer() for line in found.items) else 3
    sure = ["±"] * all(line.deviation is not None for line in found.items)
    rows = [
        (
            str(place),
            f"{line.score if line.stars is None else line.stars:.{digits}f}",
            *([f"{line.deviation or 0:.2f}"] * len(sure)),
            *(f"{score:.{digits}f}" for score in line.members),
            line.film.title,
            ", ".join(line.film.genres),
            f"{line.n_ratings:,}",
            *(["" if line.mean is None else f"{line.mean:.2f}"] * len(mean)),
            str(line.item_id),
        )
        for place, line in enumerate(found.items, 1)
    ]
    table(("", kind, *sure, *members, "film", "genres", "ratings" if mean else "people", *mean, "id"), rows)


@contextmanager
def progress_bar(label: str) -> "Iterator[Progress | None]":
    """A bar on standard error with the time left, where a person is watching; otherwise nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, text="")

        def show(step: "Step") -> None:
            bar.update(task, completed=step.done, total=step.total, text=step.text)

        yield show


def announce_compiling() -> None:
    """One line before the kernels are compiled, which happens once on a machine."""
    from matinee.kernels import are_compiled

    if not are_compiled():
        note("Compiling the fast parts, once on this machine: some seconds ...")
