"""matinee compare and matinee tune."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from matinee.cli.options import (
    data_options,
    json_option,
    load_data,
    make_model,
    make_model_for,
    model_option,
    parse_settings,
    read_options,
    seed_option,
    set_option,
    threads_option,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table
from matinee.errors import SettingError

if TYPE_CHECKING:
    from matinee.readers import Dataset
    from matinee.split import Split

test_option = click.option("--test", "test_source", metavar="DATA", help="The test part, a table of its own.")


@click.command()
@click.argument("source", metavar="DATA")
@click.option("--models", "names", metavar="A,B,...", help="Names of the models. Default: all that fit the data.")
@test_option
@click.option("--split", "spec", metavar="SPEC", help="How to cut DATA: random:0.2 (the default), kfold:5, ...")
@click.option(
    "--set", "settings", multiple=True, metavar="MODEL.KEY=VALUE", help="A setting of a model; may be repeated."
)
@seed_option
@threads_option
@data_options
@click.option("--html", type=click.Path(path_type=Path), help="Write the table as a page, too.")
@json_option
def compare(source: str, names: str | None, settings: tuple[str, ...], as_json_: bool, **given: Any) -> None:
    """Train and test several models on the same split, and tell which differences are more than chance.

    One table: quality with intervals, seconds and memory. Each model is trained in a process of its own, one after the
    other.
    """
    from matinee.comparison import HEADINGS
    from matinee.comparison import compare as compare_
    from matinee.files import check_page_name
    from matinee.models import MODELS

    n_threads, seed, page = given.pop("threads"), given.pop("seed"), given.pop("html")
    if page is not None:
        check_page_name(page)
    chosen = [name.strip() for name in names.split(",")] if names else [model.name for model in MODELS]
    own = _settings_by_model(settings, chosen)
    models = {name: make_model(name, own[name], seed) for name in chosen}
    dataset, parts = _read(source, given, seed, "random:0.2")
    if not names and not dataset.ratings.scale.has_stars:
        models = {name: model for name, model in models.items() if not model.capabilities.needs_stars}
    announce_compiling()
    with progress_bar("Comparing") as progress:
        found = compare_(models, parts, dataset.name, n_threads=n_threads, progress=progress)
    if page is not None:
        from matinee.report.comparison_page import save_comparison_page

        save_comparison_page(found, page)
        note(f"Written: {page}. Open it in a browser; it needs no network.")
    if as_json_:
        as_json(found.to_dict())
        return
    table(HEADINGS, found.rows(), found.title())
    for sentence in found.sentences():
        click.echo(f"\n{sentence}")
    note(found.note)
    note(dataset.note)


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
    from matinee.trials import Plan
    from matinee.tuning import look_at_test
    from matinee.tuning import tune as tune_

    n_threads, seed, validation = given.pop("threads"), given.pop("seed"), given.pop("validation")
    if given["spec"] and given["spec"].startswith(("time:", "leave-last-out")):
        validation = validation or given["spec"]  # what is to predict the future is tuned to do so
    fixed = tuple(name for name in parse_settings(settings, seed) if name != "seed")
    plan = Plan(given.pop("trials"), given.pop("seconds"), given.pop("metric"), fixed, validation)
    if model_name:
        make_model(model_name, settings, seed)  # a wrong setting is told before the data is read
    options = _written_options(given)
    dataset, parts = _read(source, given, seed, None)
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


def _read(source: str, given: dict[str, Any], seed: int, default: str | None) -> "tuple[Dataset, list[Split]]":
    """The data, and how it is split; not at all if neither --test nor --split says so and there is no default."""
    from matinee.datasets import load
    from matinee.split import given_parts, splits

    test_source, spec = given.pop("test_source"), given.pop("spec")
    if test_source and spec:
        raise click.UsageError("--test and --split exclude each other: give one of them.")
    options = read_options(dict(given))
    dataset = load_data(source, given)
    if test_source:
        return dataset, [given_parts(dataset.ratings, load(test_source, options).ratings)]
    spec = spec or default
    return dataset, list(splits(dataset.ratings, spec, seed, dataset.source_rows)) if spec else []


def _settings_by_model(settings: tuple[str, ...], names: list[str]) -> dict[str, tuple[str, ...]]:
    """The KEY=VALUE texts of each model from texts such as "mf.factors=32"."""
    by_model: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    for text in settings:
        name, dot, pair = text.partition(".")
        if not dot or "=" in name:
            raise SettingError(f"--set {text} does not say which model it is for, such as --set {names[0]}.{text}.")
        if name not in by_model:
            raise SettingError(f"--set {text} is for {name}, which is not among the models: {', '.join(names)}.")
        by_model[name] += (pair,)
    return by_model


def _written_options(given: dict[str, Any]) -> list[str]:
    """The options that say how to read DATA, as they were typed."""
    names = ("user_column", "item_column", "rating_column", "count_column", "timestamp_column", "scale", "query")
    words = [word for name in names if given[name] is not None for word in (f"--{name.replace('_', '-')}", given[name])]
    return words + ["--pairs"] * given["pairs"] + ["--skip-bad-rows"] * given["skip_bad_rows"]
