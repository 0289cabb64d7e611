"""matinee data: list, fetch, describe, convert."""

from pathlib import Path
from typing import Any

import click

from matinee.cli.options import data_options, json_option, load_data
from matinee.cli.output import as_json, note, table


@click.group()
def data() -> None:
    """Data sets: which there are, what is in them, into another format."""


@data.command("list")
@json_option
def list_(as_json_: bool) -> None:
    """The data sets that have a name, and whether they are on this machine."""
    from matinee.data.datasets.fetch import local_copy
    from matinee.data.datasets.registry import ENTRIES

    where = {entry.name: local_copy(entry.name) for entry in ENTRIES}
    if as_json_:
        as_json({"datasets": [_entry_dict(entry, where[entry.name]) for entry in ENTRIES]})
        return
    rows = [
        (
            entry.name,
            f"{entry.n_ratings:,}",
            f"{entry.n_users:,}",
            f"{entry.n_items:,}",
            entry.scale,
            f"{entry.megabytes} MB" if entry.url else "built in",
            "here" if where[entry.name] or not entry.url else "",
        )
        for entry in ENTRIES
    ]
    table(("name", "ratings", "users", "films", "scale", "download", ""), rows)


def _entry_dict(entry: Any, where: Path | None) -> dict[str, Any]:
    return {
        "name": entry.name,
        "url": entry.url,
        "megabytes": entry.megabytes,
        "n_ratings": entry.n_ratings,
        "n_users": entry.n_users,
        "n_items": entry.n_items,
        "licence": entry.licence,
        "citation": entry.citation,
        "path": None if where is None else str(where),
    }


@data.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download the data set NAME from GroupLens, once, and check it."""
    from matinee.data.datasets.fetch import fetch as fetch_
    from matinee.data.datasets.registry import entry

    path = fetch_(name)
    click.echo(path)
    note(f"Licence: {entry(name).licence}\nPlease cite: {entry(name).citation}")


@data.command()
@click.argument("source", metavar="DATA")
@data_options
@json_option
def describe(source: str, as_json_: bool, **given: Any) -> None:
    """Look at DATA: how many, how spread, what is popular, and what is wrong with it."""
    from matinee.data.describe import describe as describe_

    description = describe_(load_data(source, given))
    if as_json_:
        as_json(description.to_dict())
        return
    for line in description.sentences():
        click.echo(line)
    click.echo()
    unit = f"{description.unit}s"
    if description.has_stars:
        table(("stars", unit, "", "share"), description.histogram_rows(), "How the stars are given")
        click.echo()
    elif len(description.histogram) > 1:
        table(("times, from", unit, "", "share"), description.histogram_rows(), "How often")
        click.echo()
    mean, title = ("mean", "The most rated") if description.has_stars else ("times each", "What most people have")
    table(("film", unit, mean)[: len(description.most_rated_rows()[0])], description.most_rated_rows(), title)
    click.echo()
    headings = ("", "fewest", "a quarter below", "half below", "three quarters below", "most", "busiest tenth has")
    table(headings, description.spread_rows(), f"How {unit} are spread")


@data.command()
@click.argument("source", metavar="DATA")
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@data_options
def convert(source: str, target: Path, **given: Any) -> None:
    """Write DATA as OUT: .csv, .tsv, .parquet or .jsonl. Titles go into a file beside it."""
    from matinee.data.convert import convert as convert_

    for line in convert_(load_data(source, given), target):
        click.echo(line)
