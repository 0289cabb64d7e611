"""matinee compare: several models on the same split."""

from pathlib import Path
from typing import Any

import click

from matinee.cli.options import (
    data_options,
    json_option,
    load_parts,
    make_model,
    seed_option,
    test_option,
    threads_option,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table
from matinee.errors import SettingError


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
    from matinee.evaluation.comparison import HEADINGS
    from matinee.evaluation.comparison import compare as compare_
    from matinee.files import check_page_name
    from matinee.models import MODELS

    n_threads, seed, page = given.pop("threads"), given.pop("seed"), given.pop("html")
    if page is not None:
        check_page_name(page)
    chosen = [name.strip() for name in names.split(",")] if names else [model.name for model in MODELS]
    own = _settings_by_model(settings, chosen)
    models = {name: make_model(name, own[name], seed) for name in chosen}
    dataset, parts = load_parts(source, given, seed, "random:0.2")
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
