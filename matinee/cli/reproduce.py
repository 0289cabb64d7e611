"""matinee reproduce: the tutorials, run again."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.options import json_option
from matinee.cli.output import announce_compiling, as_json, progress_bar, table

if TYPE_CHECKING:
    from matinee.reproduce import Reproduction


@click.command()
@click.argument("name", metavar="fastai|zaitsev|embeddingnet|plain-mf")
@click.option("--short", is_flag=True, help="A small model for a few epochs, to see that everything works.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Seed of the weights and the order.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the learning curves into this file (.png, .svg).")
@json_option
def reproduce(name: str, short: bool, seed: int, plot: Path | None, as_json_: bool) -> None:
    """Run a tutorial's model on its data, and print it beside the published numbers."""
    from matinee.plots import check_figure_name
    from matinee.reproduce import reproduce as reproduce_
    from matinee.reproduce import tutorial_named

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
