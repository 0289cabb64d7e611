"""matinee train: a model of all the data, in one file."""

import time
from pathlib import Path
from typing import Any

import click

from matinee.cli.options import (
    data_options,
    load_data,
    make_model,
    make_model_for,
    model_option,
    seed_option,
    set_option,
    threads_option,
)
from matinee.cli.output import announce_compiling, note, progress_bar
from matinee.text import counted


@click.command()
@click.argument("source", metavar="DATA")
@model_option
@set_option
@seed_option
@threads_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The model file to write.")
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), help="Keep the state here; go on from it if it is there."
)
@click.option("--no-history", is_flag=True, help="Leave out of the file who rated what.")
@click.option("--db", metavar="URL", help="Add the ratings that `matinee serve --db URL` has collected.")
@data_options
def train(source: str, model_name: str | None, settings: tuple[str, ...], seed: int, **given: Any) -> None:
    """Train a model on all of DATA and save it in one file."""
    from matinee.models.blend import in_words, weights_of
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.model_file import Origin, check_target

    n_threads, out, no_history = given.pop("threads"), given.pop("out"), given.pop("no_history")
    checkpoint, database = given.pop("checkpoint"), given.pop("db")
    if model_name:
        make_model(model_name, settings, seed)  # a wrong setting is told before the data is read
    check_target(out)
    dataset = load_data(source, given)
    if database is not None:
        from matinee.data.server_ratings import with_collected

        dataset, added = with_collected(dataset, database)
        note(added)
    model = make_model_for(dataset, model_name, settings, seed)
    if dataset.titles_file is not None:
        n_titled = len(dataset.catalogue.restrict(dataset.ratings.items.ids.tolist()))
        note(f"Titles from {dataset.titles_file}: for {n_titled:,} of {counted(dataset.ratings.n_items, 'item')}.")
    announce_compiling()
    started = time.perf_counter()
    with progress_bar(f"Training {model.name}") as progress:
        model.fit(dataset.ratings, n_threads=n_threads, progress=progress, checkpoint=checkpoint)
    seconds = time.perf_counter() - started
    origin = Origin(dataset.name, len(dataset.ratings), dataset.note if dataset.catalogue else "", not no_history)
    Guide(model, dataset.catalogue, origin).save(out)
    rows = counted(len(dataset.ratings), dataset.ratings.unit)
    note(f"Trained {model.name} on {rows} in {seconds:.1f} s; saved as {out}.")
    if weights := weights_of(model):
        note(f"Weights: {in_words(weights)}.")
    note(f"Next:  matinee recommend {out} --user {dataset.ratings.users.id(0)}")
