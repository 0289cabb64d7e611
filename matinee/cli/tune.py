"""matinee tune: the search for the settings of a model."""

from typing import Any

import click

from matinee.cli.options import (
    data_options,
    json_option,
    load_parts,
    make_model,
    make_model_for,
    model_option,
    parse_settings,
    seed_option,
    set_option,
    test_option,
    threads_option,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table
from matinee.errors import SettingError


@click.command()
@click.argument("source", metavar="DATA")
@model_option
@click.option(
    "--trials", type=click.IntRange(min=1), help="How many at most. Default: 30, or all that --seconds allows."
)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after so many.")
@click.option("--metric", default="", help="What to search for: rmse, mae, ndcg_at_10, recall_at_20, ...")
@click.option(
    "--validation", metavar="SPEC", default="", help="How to cut the validation part: random:0.1, kfold:5, ..."
)
@test_option
@click.option("--split", "spec", metavar="SPEC", help="Keep a test part back, and look at it once, at the end.")
@set_option
@seed_option
@threads_option
@data_options
@json_option
def tune(source: str, model_name: str | None, settings: tuple[str, ...], as_json_: bool, **given: Any) -> None:
    """Search the settings of a model on DATA, and print the command that trains with the best.

    Each trial trains on a part of the rows and is judged on the others; the first has the defaults. What --set says
    stays as it is. Ctrl-C ends the search and keeps what was found.
    """
    from matinee.evaluation.tuning import look_at_test
    from matinee.evaluation.tuning import tune as tune_
    from matinee.evaluation.tuning_study import Plan

    n_threads, seed, validation = given.pop("threads"), given.pop("seed"), given.pop("validation")
    if given["spec"] and given["spec"].startswith(("time:", "leave-last-out")):
        validation = validation or given["spec"]  # what is to predict the future is tuned to do so
    fixed = tuple(name for name in parse_settings(settings, seed) if name != "seed")
    plan = Plan(given.pop("trials"), given.pop("seconds"), given.pop("metric"), fixed, validation)
    if model_name:
        make_model(model_name, settings, seed)  # a wrong setting is told before the data is read
    options = _written_options(given)
    dataset, parts = load_parts(source, given, seed, None)
    model = make_model_for(dataset, model_name, settings, seed)
    if len(parts) > 1:
        raise SettingError("The test part of a tuning is one; give a --split that makes one, such as random:0.2.")
    announce_compiling()
    with progress_bar(f"Tuning {model.name}") as progress:
        train = parts[0].train if parts else dataset.ratings
        found = tune_(model, train, plan, n_threads=n_threads, progress=progress)
    if parts:
        found = look_at_test(found, model, parts[0], n_threads=n_threads)
    command = found.command(source, options)
    if as_json_:
        as_json({"dataset": dataset.name, "command": command} | found.to_dict())
        return
    table(found.headings(), found.rows(), f"{model.name} on {dataset.name}, validation {found.split}")
    for sentence in found.sentences():
        click.echo(f"\n{sentence}")
    click.echo(f"\n  {command}")
    note(dataset.note)


def _written_options(given: dict[str, Any]) -> list[str]:
    """The options that say how to read DATA, as they were typed."""
    names = ("user_column", "item_column", "rating_column", "count_column", "timestamp_column", "scale", "query")
    words = [word for name in names if given[name] is not None for word in (f"--{name.replace('_', '-')}", given[name])]
    return words + ["--pairs"] * given["pairs"] + ["--skip-bad-rows"] * given["skip_bad_rows"]
