"""matinee data: list, fetch, describe, convert, merge and simulate data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from matinee.cli.options import (
    DataOptions,
    data_argument,
    data_options,
    json_option,
    load_data,
    note_dataset,
    read_options,
    seed_option,
    threads_option,
)
from matinee.cli.output import as_json, note, progress_bar, table
from matinee.cli.reading import reading_of

if TYPE_CHECKING:
    from matinee.data.dataset import Dataset
    from matinee.data.datasets.registry import Entry


@click.group()
def data() -> None:
    """List, download, describe, convert, merge and simulate data sets."""


@data.command("list")
@json_option
def list_(as_json_: bool) -> None:
    """List the named data sets, and which are on this machine."""
    from matinee.data.datasets.fetch import local_copy
    from matinee.data.datasets.registry import ENTRIES

    paths = {entry.name: local_copy(entry.name) for entry in ENTRIES}
    if as_json_:
        as_json({"datasets": [_entry_dict(entry, paths[entry.name]) for entry in ENTRIES]})
        return
    rows = []
    for entry in ENTRIES:
        download, status = "built in", "here"
        if entry.url:
            download = f"{entry.megabytes} MB"
            if not paths[entry.name]:
                status = ""
        counts = (f"{entry.n_ratings:,}", f"{entry.n_users:,}", f"{entry.n_items:,}")
        rows.append((entry.name, *counts, entry.scale, download, status))
    table(("name", "ratings", "users", "films", "scale", "download", ""), rows)


def _entry_dict(entry: "Entry", path: Path | None) -> dict[str, object]:
    return {
        "name": entry.name,
        "url": entry.url,
        "megabytes": entry.megabytes,
        "n_ratings": entry.n_ratings,
        "n_users": entry.n_users,
        "n_items": entry.n_items,
        "licence": entry.license,
        "citation": entry.citation,
        "path": None if path is None else str(path),
    }


@data.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download the data set NAME from GroupLens and verify it."""
    from matinee.data.datasets.fetch import fetch as fetch_
    from matinee.data.datasets.registry import entry

    path = fetch_(name)
    click.echo(path)
    note(f"License: {entry(name).license}\nPlease cite: {entry(name).citation}")


@data.command()
@data_argument
@data_options
@json_option
def describe(source: tuple[str, ...], as_json_: bool, **columns: Unpack[DataOptions]) -> None:
    """Describe DATA: size, distribution, popular films, problems."""
    from matinee.data.describe import describe as describe_dataset

    dataset = load_data(source, columns)
    description = describe_dataset(dataset)
    if as_json_:
        as_json({**description.to_dict(), **reading_of(dataset)})
        return
    for line in description.sentences():
        click.echo(line)
    click.echo()
    unit = f"{description.unit}s"
    if description.has_stars:
        table(
            ("stars", unit, "", "share"),
            description.histogram_rows(),
            "Distribution of the ratings",
        )
        click.echo()
    elif len(description.histogram) > 1:
        table(
            ("times, from", unit, "", "share"),
            description.histogram_rows(),
            "Distribution of the counts",
        )
        click.echo()
    popular = description.most_rated_rows()
    title, average = "Films that most people have", "times each"
    if description.has_stars:
        title, average = "Most rated films", "mean"
    headings = ("film", unit, average)
    table(headings[: len(popular[0])], popular, title)
    click.echo()
    quantiles = ("min", "25%", "median", "75%", "max")
    table(("", *quantiles, "share of busiest 10%"), description.spread_rows(), f"Number of {unit}")


@data.command()
@data_argument
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@data_options
def convert(source: tuple[str, ...], target: Path, **columns: Unpack[DataOptions]) -> None:
    """Write DATA to OUT: .csv, .tsv, .parquet, .jsonl or .ratings.

    Titles are written to a file in the same folder. OUT.ratings is a folder that holds ratings and
    titles: as DATA it is there at once, and it may be larger than memory.
    """
    from matinee.data.convert import check_target
    from matinee.data.convert import convert as convert_dataset
    from matinee.data.datasets.load import load_to_folder
    from matinee.data.stored.folder import SUFFIX

    if target.suffix.lower() == SUFFIX:
        data = source[0] if len(source) == 1 else list(source)
        with progress_bar("Converting") as progress:
            dataset = load_to_folder(data, read_options(columns), target, progress)
        note_dataset(dataset)
        click.echo(_wrote_folder(dataset, target))
        return
    check_target(target)
    for line in convert_dataset(load_data(source, columns), target):
        click.echo(line)


def _wrote_folder(dataset: "Dataset", target: Path) -> str:
    from matinee.text import counted

    ratings = dataset.ratings
    told = f"Wrote {counted(len(ratings), ratings.unit)}"
    if dataset.catalog:
        told += f" and {counted(len(dataset.catalog), 'title')}"
    return f"{told} to {target}."


@data.command()
@click.argument("sources", metavar="DATA...", nargs=-1, required=True)
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@data_options
def merge(sources: tuple[str, ...], target: Path, **columns: Unpack[DataOptions]) -> None:
    """Write several DATA as one table to OUT.

    If a user rated an item several times, the last rating by time counts, or that of the last
    DATA if there are no times. The options apply to each DATA. Titles are written to a file in
    the same folder.
    """
    from matinee.data.convert import check_target
    from matinee.data.convert import convert as convert_dataset
    from matinee.data.merge import merge as merge_datasets
    from matinee.data.stored.conversion import write_dataset
    from matinee.data.stored.folder import SUFFIX
    from matinee.data.stored.writing import check_folder_name
    from matinee.text import counted

    is_folder = target.suffix.lower() == SUFFIX
    if is_folder:
        check_folder_name(target)
    else:
        check_target(target)
    merged = merge_datasets([load_data((source,), columns) for source in sources])
    if is_folder:
        click.echo(_wrote_folder(write_dataset(merged, target), target))
    else:
        for line in convert_dataset(merged, target):
            click.echo(line)
    if merged.n_duplicates:
        repeated = counted(merged.n_duplicates, "row")
        how = "the last counts" if merged.ratings.scale.has_stars else "their counts are added"
        note(f"Repeated in several tables: {repeated}; {how}.")


@data.command()
@click.option(
    "--like",
    required=True,
    metavar="NAME",
    help="The data set whose shape it has: ml-100k, ml-1m, ml-20m, ml-25m or ml-32m.",
)
@click.option("--ratings", type=int, help="Number of ratings. Default: as NAME, or by the users.")
@click.option("--users", type=int, help="Number of users. Default: as NAME, or by the ratings.")
@click.option("--items", type=int, help="Number of items. Default: as NAME, or by the ratings.")
@click.option("--parts", type=int, help="Write a folder of so many Parquet files.")
@seed_option
@threads_option
@json_option
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
def simulate(
    like: str,
    ratings: int | None,
    users: int | None,
    items: int | None,
    parts: int | None,
    seed: int,
    threads: int | None,
    as_json_: bool,
    target: Path,
) -> None:
    """Write simulated ratings to OUT: .csv, .parquet or a folder.

    The table has the shape of MovieLens, and any size: nobody gave these ratings. Memory does
    not depend on the number of ratings.
    """
    from matinee.data.simulation.simulation import simulate as simulate_

    simulation = simulate_(like, n_ratings=ratings, n_users=users, n_items=items, seed=seed)
    with progress_bar("Simulating") as progress:
        summary = simulation.write(target, n_parts=parts, n_threads=threads, progress=progress)
    if as_json_:
        as_json(
            {
                "simulated": True,
                "like": simulation.shape.name,
                "seed": seed,
                "n_ratings": simulation.n_ratings,
                "n_users": simulation.n_users,
                "n_items": simulation.n_items,
                "rmse_of_mean": summary.deviation,
                "rmse_floor": summary.floor,
                "path": str(target),
            }
        )
        return
    click.echo(f"Wrote {simulation.size()} to {target}.")
    click.echo(simulation.note)
    click.echo(str(summary))
