"""matinee tune: the search for the best settings of a model."""

from collections.abc import Mapping
from typing import Unpack

import click

from matinee.cli.completion import model_names
from matinee.cli.options import (
    DataOptions,
    data_argument,
    data_options,
    half_life_option,
    json_option,
    load_parts,
    make_model,
    make_model_for,
    parse_settings,
    require_one_split,
    seed_option,
    set_option,
    test_option,
    threads_option,
    with_half_life,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table
from matinee.cli.reading import reading_of
from matinee.errors import SettingError

TUNED = "mf"
"""The model to tune if none is named: hybrid, the default elsewhere, has its stars."""


@click.command()
@data_argument
@click.option(
    "--model",
    "model_name",
    metavar="NAME",
    shell_complete=model_names,
    help="Name of the model. Default: mf, which predicts the stars of hybrid, or ials for data "
    "without ratings.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Maximum number of trials. Default: 30, or as many as --seconds allows.",
)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Time limit.")
@click.option(
    "--metric", default="", help="What to optimize: rmse, mae, ndcg_at_10, recall_at_20, ..."
)
@click.option(
    "--validation",
    metavar="SPEC",
    default="",
    help="How to split off the validation part: random:0.1, kfold:5, ...",
)
@test_option
@click.option(
    "--split", "spec", metavar="SPEC", help="Hold out a test part, which is used once, at the end."
)
@set_option
@half_life_option
@seed_option
@threads_option
@data_options
@json_option
def tune(
    source: tuple[str, ...],
    model_name: str | None,
    trials: int | None,
    seconds: float | None,
    metric: str,
    validation: str,
    test_source: str | None,
    spec: str | None,
    settings: tuple[str, ...],
    half_life: float | None,
    seed: int,
    threads: int | None,
    as_json_: bool,
    **columns: Unpack[DataOptions],
) -> None:
    """Search for the best settings of a model.

    Each trial trains on a part of DATA and is evaluated on the rest; the first one has the
    default settings. Settings given with --set are fixed. Ctrl+C ends the search and keeps the
    results so far. The last line of the output is the command that trains a model with the
    best settings.
    """
    from matinee.evaluation.tuning import tune as search
    from matinee.evaluation.tuning import with_test_gain
    from matinee.evaluation.tuning_study import Plan

    require_one_split(test_source, spec)
    settings = with_half_life(settings, half_life)
    if spec and spec.startswith(("time:", "leave-last-out", "users:")):
        # A model that must predict the future, or new users, is tuned for that
        validation = validation or spec
    fixed = tuple(name for name in parse_settings(settings, seed) if name != "seed")
    plan = Plan(trials, seconds, metric, fixed, validation)
    if model_name:
        # Reports a wrong setting before the data are read
        make_model(model_name, settings, seed)
    dataset, splits = load_parts(source, columns, test_source, spec, seed)
    if model_name is None and dataset.ratings.scale.has_stars:
        model_name = TUNED
        note(f"The model is {TUNED}, which predicts the stars of hybrid; --model selects another.")
    model = make_model_for(dataset, model_name, settings, seed)
    parts = list(splits)
    if len(parts) > 1:
        raise SettingError("Tuning needs a --split with a single test part, such as random:0.2.")
    train = dataset.ratings
    if parts:
        train = parts[0].train
    announce_compiling()
    with progress_bar(f"Tuning {model.name}") as progress:
        study = search(model, train, plan, n_threads=threads, progress=progress)
    if parts:
        study = with_test_gain(study, model, parts[0], n_threads=threads)
    command = study.command(source, _typed_options(columns))
    if as_json_:
        as_json(
            {"dataset": dataset.name, "command": command} | study.to_dict() | reading_of(dataset)
        )
        return
    title = f"{model.name} on {dataset.name}, validation {study.split}"
    table(study.headings(), study.rows(), title)
    for sentence in study.sentences():
        click.echo(f"\n{sentence}")
    click.echo(f"\n  {command}")
    note(dataset.note)


def _typed_options(columns: Mapping[str, object]) -> list[str]:
    """The options for reading DATA as they were typed."""
    words = []
    for name in (
        "user_column",
        "item_column",
        "rating_column",
        "count_column",
        "timestamp_column",
        "scale",
        "query",
        "separator",
        "encoding",
        "missing",
        "value_map",
        "decimal",
        "time_format",
    ):
        if columns[name] is not None:
            option = {"value_map": "map"}.get(name, name.replace("_", "-"))
            words += [f"--{option}", str(columns[name])]
    if columns["pairs"]:
        words.append("--pairs")
    if columns["header"] is not None:
        words.append("--header" if columns["header"] else "--no-header")
    if columns["skip_bad_rows"]:
        words.append("--skip-bad-rows")
    if columns["text_ids"]:
        words.append("--text-ids")
    return words
