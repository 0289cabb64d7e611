"""matinee compare: several models on the same split."""

from pathlib import Path
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
    require_one_split,
    seed_option,
    split_option,
    test_option,
    threads_option,
    with_half_life,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table
from matinee.cli.reading import reading_of
from matinee.errors import SettingError


@click.command()
@data_argument
@click.option(
    "--models",
    "names",
    metavar="A,B,...",
    shell_complete=model_names,
    help="Names of the models. Default: all that suit the data.",
)
@test_option
@split_option
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="MODEL.KEY=VALUE",
    help="A setting of a model; may be repeated.",
)
@half_life_option
@seed_option
@threads_option
@data_options
@click.option(
    "--html", "page", type=click.Path(path_type=Path), help="Also write the table as an HTML page."
)
@json_option
def compare(
    source: tuple[str, ...],
    names: str | None,
    test_source: str | None,
    spec: str | None,
    settings: tuple[str, ...],
    half_life: float | None,
    seed: int,
    threads: int | None,
    page: Path | None,
    as_json_: bool,
    **columns: Unpack[DataOptions],
) -> None:
    """Compare several models on the same split.

    The table contains quality with intervals, time and memory; the sentences below it say
    which differences are statistically significant. Each model is trained in a separate
    process, one after the other.
    """
    from matinee.evaluation.comparison import HEADINGS
    from matinee.evaluation.comparison import compare as compare_models
    from matinee.files import check_page_name
    from matinee.models import MODELS

    require_one_split(test_source, spec)
    if page is not None:
        check_page_name(page, [*source, test_source])
    chosen = [model.name for model in MODELS]
    if names:
        chosen = [name.strip() for name in names.split(",")]
    settings_of = _settings_by_model(settings, chosen)
    if half_life is not None:
        for name in _with_half_lives(chosen):
            settings_of[name] = with_half_life(settings_of[name], half_life)
    models = {name: make_model(name, settings_of[name], seed) for name in chosen}
    dataset, parts = load_parts(source, columns, test_source, spec or "random:0.2", seed)
    if not names and not dataset.ratings.scale.has_stars:
        models = {
            name: model for name, model in models.items() if not model.capabilities.needs_stars
        }
    announce_compiling()
    with progress_bar("Comparing") as progress:
        comparison = compare_models(
            models, list(parts), dataset.name, n_threads=threads, progress=progress
        )
    if page is not None:
        from matinee.report.comparison_page import save_comparison_page

        save_comparison_page(comparison, page)
        note(f"Written: {page}. Open it in a browser; it needs no network.")
    if as_json_:
        as_json({**comparison.to_dict(), **reading_of(dataset)})
        return
    table(HEADINGS, comparison.rows(), comparison.title())
    for sentence in comparison.sentences():
        click.echo(f"\n{sentence}")
    note(comparison.note)
    note(dataset.note)


def _with_half_lives(names: list[str]) -> list[str]:
    """Those of the models that have a half-life.

    Raises:
        SettingError: none has one.
    """
    from matinee.models import model_named

    found = [
        name
        for name in names
        if any(setting.name == "half_life" for setting in model_named(name).hypers())
    ]
    if not found:
        raise SettingError(
            "None of these models has a half-life; mf, ials, ease, item-knn and user-knn have one."
        )
    return found


def _settings_by_model(settings: tuple[str, ...], names: list[str]) -> dict[str, tuple[str, ...]]:
    """The KEY=VALUE texts of each model, from texts such as "mf.factors=32"."""
    by_model: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    for text in settings:
        name, dot, pair = text.partition(".")
        if not dot or "=" in name:
            raise SettingError(
                f"--set {text} does not name a model; use for example --set {names[0]}.{text}."
            )
        if name not in by_model:
            raise SettingError(
                f"--set {text} is for {name}, which is not among the models: {', '.join(names)}."
            )
        by_model[name] += (pair,)
    return by_model
