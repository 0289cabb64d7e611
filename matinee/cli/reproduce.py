"""matinee reproduce: published tutorials and benchmark results, computed again."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.options import json_option, threads_option
from matinee.cli.output import announce_compiling, as_json, cell, note, progress_bar, table

if TYPE_CHECKING:
    from matinee.experiments.published_results import ProtocolResult, ResultLine
    from matinee.experiments.tutorials import Reproduction


@click.command()
@click.argument("name", metavar="fastai|zaitsev|embeddingnet|plain-mf|records")
@click.option(
    "--short",
    "--quick",
    "short",
    is_flag=True,
    help="Train a small model for a few epochs, as a test.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    help="Seed of the initial weights and of the order of the batches.",
)
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Draw the learning curves: .png, .svg or .pdf."
)
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="For records: folder that contains ml-100k, ml-1m and so on.",
)
@click.option(
    "--only",
    metavar="PROTOCOL[:LINE]",
    multiple=True,
    help=(
        "For records: one protocol (u1, folds, ml-1m, ml-1m-part), "
        "or one line of it (plain, ids, side, all, probit)."
    ),
)
@threads_option
@json_option
def reproduce(
    name: str,
    short: bool,
    seed: int,
    plot: Path | None,
    folder: Path | None,
    only: tuple[str, ...],
    threads: int | None,
    as_json_: bool,
) -> None:
    """Repeat published tutorials and benchmark results.

    A tutorial's model is trained on the tutorial's data and compared with the published
    numbers. With the name "records", the model bayes is compared with the most accurate
    published rating predictions, on the same rows.
    """
    if name == "records":
        if plot is not None:
            raise click.UsageError(
                "--plot draws the learning curves of a tutorial; records have none."
            )
        _reproduce_records(folder, only, short, seed, threads, as_json_)
        return
    if folder is not None or only or threads is not None:
        raise click.UsageError(
            "--data, --only and --threads are only for 'matinee reproduce records'."
        )
    _reproduce_tutorial(name, short, seed, plot, as_json_)


# -- records -----------------------------------------------------------------------------


def _reproduce_records(
    folder: Path | None,
    only: tuple[str, ...],
    short: bool,
    seed: int,
    threads: int | None,
    as_json_: bool,
) -> None:
    """Prints each table when it is complete; skips a protocol without data unless it was
    named."""
    from matinee.cli.reading import note_reading
    from matinee.errors import DataError
    from matinee.experiments.published_results import protocol_named, run_protocol

    announce_compiling()
    results = []
    for protocol, lines in _selected_lines(only).items():
        try:
            with progress_bar(f"Training bayes: {protocol}") as progress:
                result = run_protocol(
                    protocol_named(protocol),
                    folder,
                    attempts=lines,
                    progress=progress,
                    quick=short,
                    seed=seed,
                    n_threads=threads,
                    on_read=note_reading,
                )
        except DataError as error:
            if only:
                raise
            note(f"Skipped {protocol}: {error}")
            continue
        results.append(result)
        if not as_json_:
            _print_records(result)
    if as_json_:
        protocols = [result.to_dict() for result in results]
        as_json({"quick": short, "seed": seed, "protocols": protocols})


def _selected_lines(only: tuple[str, ...]) -> dict[str, list[str]]:
    """The selected lines of each selected protocol; an empty list means all lines."""
    from matinee.experiments.published_results import PROTOCOLS, protocol_named

    if not only:
        return {protocol.name: [] for protocol in PROTOCOLS}
    selected: dict[str, list[str]] = {}
    for text in only:
        name, _, line = text.partition(":")
        lines = selected.setdefault(protocol_named(name).name, [])
        if line:
            lines.append(line)
    return selected


def _print_records(result: "ProtocolResult") -> None:
    from matinee.evaluation.calibration import LEVELS

    rows = [_record_row(line, len(LEVELS)) for line in result.lines]
    coverages = [f"in {level:.0%}" for level in LEVELS]
    headings = ("", "learns from", "RMSE", "MAE", "seconds", *coverages, "source")
    table(headings, rows, result.title)
    if result.note:
        click.echo(result.note)
    click.echo()


def _record_row(line: "ResultLine", n_levels: int) -> list[str]:
    """One result: ours with four decimals and coverages, published ones as they were
    published."""
    style = ".4f" if line.coverage else ".4g"
    errors = [f"{value:{style}}" for value in (line.rmse, line.mae) if value]
    errors += [""] * (2 - len(errors))
    seconds = cell(line.seconds, ",.1f")
    coverages = [f"{share:.1%}" for share in line.coverage] or [""] * n_levels
    return [line.who, line.uses, *errors, seconds, *coverages, line.known]


# -- tutorials ---------------------------------------------------------------------------


def _reproduce_tutorial(
    name: str, short: bool, seed: int, plot: Path | None, as_json_: bool
) -> None:
    from matinee.cli.reading import note_reading, reading_of
    from matinee.data.datasets.load import load
    from matinee.experiments.tutorials import reproduce as run_tutorial
    from matinee.experiments.tutorials import tutorial_named
    from matinee.plots import check_figure_name

    tutorial = tutorial_named(name)
    if plot is not None:
        check_figure_name(plot)
    data = load(tutorial.data)
    note_reading(data)
    announce_compiling()
    with progress_bar(f"Training {tutorial.model}") as progress:
        result, guide = run_tutorial(tutorial, data=data, short=short, seed=seed, progress=progress)
    if plot is not None:
        from matinee.plots import learning_curves, save_figure

        save_figure(learning_curves(guide.model), plot)
    if as_json_:
        as_json({**result.to_dict(), **reading_of(data)})
    else:
        _print_tutorial(result)


def _print_tutorial(result: "Reproduction") -> None:
    rows = []
    for epoch in result.epochs:
        rows.append([cell(value, ".4g") for value in epoch.values()])
    table(
        ("epoch", "train MSE", "test MSE", "published"), rows, f"{result.title}, on {result.data}"
    )
    click.echo(
        f"\nBest {result.best_mse:.4f} at epoch {result.best_epoch}; "
        f"{result.seconds_per_epoch:.2f} s per epoch. {result.remark}"
    )
    if result.better:
        changed = ", ".join(f"{name}={value}" for name, value in result.better["changed"].items())
        click.echo(
            f"\nWith our settings ({changed}): best {result.better['best_mse']:.4f}; "
            f"{result.better['seconds_per_epoch']:.2f} s per epoch."
        )
    if result.highest_biases:
        click.echo(f"\nHighest item biases: {'; '.join(result.highest_biases)}")
    if result.lowest_biases:
        click.echo(f"\nLowest item biases: {'; '.join(result.lowest_biases)}")
    for title, titles in result.nearest.items():
        click.echo(f"\nMost similar to {title}: {'; '.join(titles)}")
    click.echo()
    rows = []
    for row in result.twenty:
        rows.append([str(row["user"]), row["film"], f"{row['stars']:g}", f"{row['predicted']:.2f}"])
    table(("user", "film", "stars", "predicted"), rows, "Twenty test ratings")
    for answer in result.asked:
        click.echo(
            f"\nUser {answer['user']}, item {answer['item']} ({answer['film']}): "
            f"{answer['stars']:.2f} stars; in the tutorial {answer['published']:.2f}."
        )
