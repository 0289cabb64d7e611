"""matinee evaluate: the quality of a model."""

from copy import copy
from typing import TYPE_CHECKING, Unpack

import click

from matinee.cli.on_spark import (
    EngineOptions,
    SplitOptions,
    engine_options,
    evaluate_on_spark,
    refuse_with_spark,
    refuse_without_spark,
)
from matinee.cli.options import (
    DataOptions,
    data_options,
    half_life_option,
    json_option,
    load_parts,
    make_model,
    make_model_for,
    model_option,
    parse_settings,
    read_options,
    require_one_split,
    seed_option,
    set_option,
    split_option,
    test_option,
    threads_option,
    with_half_life,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar, table
from matinee.cli.reading import reading_of

if TYPE_CHECKING:
    from matinee.evaluation import Report


@click.command()
@click.argument("source", metavar="TRAIN...", nargs=-1, required=True)
@test_option
@split_option
@model_option
@set_option
@half_life_option
@seed_option
@threads_option
@engine_options
@data_options
@json_option
def evaluate(
    source: tuple[str, ...],
    test_source: str | None,
    spec: str | None,
    model_name: str | None,
    settings: tuple[str, ...],
    half_life: float | None,
    seed: int,
    threads: int | None,
    engine: str,
    master: str | None,
    conf: tuple[str, ...],
    as_json_: bool,
    **columns: Unpack[DataOptions],
) -> None:
    """Measure a model on ratings that it has not seen.

    SPEC is random:0.2, kfold:5, leave-last-out, time:0.1, users:0.1 (people held out whole) or
    rows:FILE.npy (row numbers of the test part, from 0).
    """
    from matinee.evaluation import evaluate as measure

    require_one_split(test_source, spec)
    settings = with_half_life(settings, half_life)
    where: EngineOptions = {"engine": engine, "master": master, "conf": conf}
    if engine == "spark":
        refuse_with_spark(threads=threads)
        split = SplitOptions(test_source, spec or "random:0.2", seed)
        given = parse_settings(settings, seed)
        report, reading = evaluate_on_spark(
            source, read_options(columns), split, model_name, given, where
        )
        _show(report, {"reading": {"notes": list(reading)}}, as_json_)
        return
    refuse_without_spark(where)
    if model_name:
        # Reports a wrong setting before the data are read
        make_model(model_name, settings, seed)
    dataset, parts = load_parts(source, columns, test_source, spec or "random:0.2", seed)
    model = make_model_for(dataset, model_name, settings, seed)
    announce_compiling()
    with progress_bar(f"Training {model.name}") as progress:
        report = measure(
            lambda: copy(model), parts, dataset.name, n_threads=threads, progress=progress
        )
    _show(report, reading_of(dataset), as_json_)
    if not as_json_:
        note(dataset.note)


def _show(report: "Report", reading: dict[str, object], as_json_: bool) -> None:
    if as_json_:
        as_json({**report.to_dict(), **reading})
        return
    table(("", ""), report.rows(), f"{report.model} on {report.dataset}, {report.protocol}")
    note(report.note)
