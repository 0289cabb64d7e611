"""matinee evaluate: how good a model is."""

from copy import copy
from typing import Any

import click

from matinee.cli.options import (
    data_options,
    json_option,
    load_data,
    make_model,
    make_model_for,
    model_option,
    read_options,
    seed_option,
    set_option,
    threads_option,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table


@click.command()
@click.argument("source", metavar="TRAIN")
@click.option("--test", "test_source", metavar="DATA", help="The test part, a table of its own.")
@click.option("--split", "spec", metavar="SPEC", help="How to cut TRAIN: random:0.2 (the default), kfold:5, ...")
@model_option
@set_option
@seed_option
@threads_option
@data_options
@json_option
def evaluate(source: str, test_source: str | None, spec: str | None, as_json_: bool, **given: Any) -> None:
    """Train a model on one part of the ratings and measure it on the other.

    SPEC is random:0.2, kfold:5, leave-last-out, time:0.1 or rows:FILE.npy (test row numbers from 0).
    """
    from matinee.data.datasets.load import load
    from matinee.data.split import given_parts, splits
    from matinee.evaluation import evaluate as evaluate_

    if test_source and spec:
        raise click.UsageError("--test and --split exclude each other: give one of them.")
    n_threads, name = given.pop("threads"), given.pop("model_name")
    settings, seed = given.pop("settings"), given.pop("seed")
    if name:
        make_model(name, settings, seed)  # a wrong setting is told before the data is read
    options = read_options(dict(given))
    dataset = load_data(source, given)
    model = make_model_for(dataset, name, settings, seed)
    if test_source:
        parts = iter([given_parts(dataset.ratings, load(test_source, options).ratings)])
    else:
        parts = splits(dataset.ratings, spec or "random:0.2", seed, dataset.source_rows)
    announce_compiling()
    with progress_bar(f"Training {model.name}") as progress:
        report = evaluate_(lambda: copy(model), parts, dataset.name, n_threads=n_threads, progress=progress)
    if as_json_:
        as_json(report.to_dict())
        return
    table(("", ""), report.rows(), f"{report.model} on {report.dataset}, {report.protocol}")
    note(report.note)
    note(dataset.note)
