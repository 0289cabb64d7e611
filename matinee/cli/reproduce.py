"""matinee reproduce: the tutorials, run again; the records of rating prediction, and ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from matinee.cli.options import json_option, threads_option
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table

if TYPE_CHECKING:
    from matinee.experiments.published_results import Comparison
    from matinee.experiments.tutorials import Reproduction


@click.command()
@click.argument("name", metavar="fastai|zaitsev|embeddingnet|plain-mf|records")
@click.option(
    "--short", "--quick", "short", is_flag=True, help="A small model for a few epochs, to see that everything works."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Seed of the weights and the order.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the learning curves into this file (.png, .svg).")
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="For records: the folder that holds ml-100k, ml-1m and so on.",
)
@click.option(
    "--only",
    metavar="PROTOCOL[:LINE]",
    multiple=True,
    help="For records: one protocol (u1, folds, ml-1m, ml-1m-part), or one line of it (plain, ids, side, all, probit).",
)
@threads_option
@json_option
def reproduce(name: str, short: bool, seed: int, plot: Path | None, **given: Any) -> None:
    """Run a tutorial's model on its data, and print it beside the published numbers.

    With the name "records": the most accurate published predictions of ratings, and those of the model bayes for the
    same rows.
    """
    threads, folder, only = given["threads"], given["folder"], given["only"]
    if name == "records":
        if plot is not None:
            raise click.UsageError("--plot draws the learning curves of a tutorial; records have none.")
        _records(folder, only, {"quick": short, "seed": seed, "n_threads": threads}, given["as_json_"])
        return
    if folder is not None or only or threads is not None:
        raise click.UsageError("--data, --only and --threads are for 'matinee reproduce records' alone.")
    _tutorial(name, short, seed, plot, given["as_json_"])


def _tutorial(name: str, short: bool, seed: int, plot: Path | None, as_json_: bool) -> None:
    from matinee.experiments.tutorials import reproduce as reproduce_
    from matinee.experiments.tutorials import tutorial_named
    from matinee.plots import check_figure_name

    tutorial = tutorial_named(name)
    if plot is not None:
        check_figure_name(plot)
    announce_compiling()
    with progress_bar(f"Training {tutorial.model}") as progress:
        result, guide = reproduce_(tutorial, short=short, seed=seed, progress=progress)
    if plot is not None:
        from matinee.plots import learning_curves, save_figure

        save_figure(learning_curves(guide.model), plot)
    if as_json_:
        as_json(result.to_dict())
    else:
        _tell(result)


def _records(folder: Path | None, only: tuple[str, ...], how: dict[str, Any], as_json_: bool) -> None:
    """Each table as soon as it is there; a protocol without its data is left out with a note, unless it was named."""
    from matinee.errors import DataError
    from matinee.experiments.published_results import PROTOCOLS, protocol_named, run_protocol

    wanted: dict[str, list[str]] = {} if only else {protocol.name: [] for protocol in PROTOCOLS}
    for text in only:
        protocol, _, line = text.partition(":")
        wanted.setdefault(protocol_named(protocol).name, []).extend([line] if line else [])
    announce_compiling()
    tables = []
    for protocol, lines in wanted.items():
        try:
            with progress_bar(f"Training bayes: {protocol}") as progress:
                found = run_protocol(protocol_named(protocol), folder, attempts=lines, progress=progress, **how)
        except DataError as error:
            if only:
                raise
            note(f"Left out, {protocol}: {error}")
            continue
        tables.append(found)
        if not as_json_:
            _tell_records(found)
    if as_json_:
        as_json({"quick": how["quick"], "seed": how["seed"], "protocols": [one.to_dict() for one in tables]})


def _tell_records(found: "Comparison") -> None:
    from matinee.experiments.published_results import LEVELS

    rows = []
    for line in found.lines:
        stars = [f"{value:.4f}" if line.coverage else f"{value:.4g}" for value in (line.rmse, line.mae) if value]
        cells = (*stars, "")[:2]
        seconds = "" if line.seconds is None else f"{line.seconds:,.1f}"
        inside = [f"{part:.1%}" for part in line.coverage] or [""] * len(LEVELS)
        rows.append((line.who, line.uses, *cells, seconds, *inside, line.known))
    headings = [f"in {level:.0%}" for level in LEVELS]
    table(("", "learns from", "RMSE", "MAE", "seconds", *headings, "how it is known"), rows, found.title)
    click.echo(f"{found.note}\n" if found.note else "")


def _tell(result: "Reproduction") -> None:
    rows = [tuple("" if value is None else f"{value:.4g}" for value in epoch.values()) for epoch in result.epochs]
    table(("epoch", "train MSE", "test MSE", "published"), rows, f"{result.title}, on {result.data}")
    click.echo(
        f"\nBest {result.best_mse:.4f} at epoch {result.best_epoch}; {result.seconds_per_epoch:.2f} s an epoch. "
        f"{result.remark}"
    )
    if result.better:
        changed = ", ".join(f"{name}={value}" for name, value in result.better["changed"].items())
        click.echo(
            f"\nWith settings of our own choice ({changed}): best {result.better['best_mse']:.4f}; "
            f"{result.better['seconds_per_epoch']:.2f} s an epoch."
        )
    for words, titles in (("Highest", result.highest_biases), ("Lowest", result.lowest_biases)):
        if titles:
            click.echo(f"\n{words} item biases: {'; '.join(titles)}")
    for title, near in result.nearest.items():
        click.echo(f"\nNearest to {title}: {'; '.join(near)}")
    click.echo()
    twenty = [(str(row["user"]), row["film"], f"{row['stars']:g}", f"{row['predicted']:.2f}") for row in result.twenty]
    table(("user", "film", "stars", "predicted"), twenty, "Twenty test ratings")
    for row in result.asked:
        click.echo(
            f"\nUser {row['user']}, item {row['item']} ({row['film']}): {row['stars']:.2f} stars; "
            f"the tutorial {row['published']:.2f}."
        )
