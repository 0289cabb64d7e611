"""matinee train: a model of all the data, in one file."""

import time
from pathlib import Path
from typing import Unpack

import click

from matinee.cli.on_spark import (
    EngineOptions,
    engine_options,
    refuse_with_spark,
    refuse_without_spark,
    tell_trained,
    train_on_spark,
)
from matinee.cli.options import (
    DataOptions,
    data_argument,
    data_options,
    half_life_option,
    load_data,
    make_model,
    make_model_for,
    model_option,
    parse_settings,
    read_options,
    seed_option,
    set_option,
    threads_option,
    with_half_life,
)
from matinee.cli.output import announce_compiling, note, progress_bar
from matinee.text import counted


@click.command()
@data_argument
@model_option
@set_option
@half_life_option
@seed_option
@threads_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model file to write.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="File for the state of the training; if it exists, training resumes from it.",
)
@click.option("--no-history", is_flag=True, help="Do not save who rated what.")
@click.option(
    "--no-users",
    is_flag=True,
    help="Save the items alone, with --engine spark: everybody is served by their ratings.",
)
@click.option(
    "--db",
    "database",
    metavar="URL",
    envvar="MATINEE_TRAIN_DB",
    help="Add the ratings collected by `matinee serve --db URL`.",
)
@engine_options
@data_options
def train(
    source: tuple[str, ...],
    model_name: str | None,
    settings: tuple[str, ...],
    half_life: float | None,
    seed: int,
    threads: int | None,
    out: Path,
    checkpoint: Path | None,
    no_history: bool,
    no_users: bool,
    database: str | None,
    engine: str,
    master: str | None,
    conf: tuple[str, ...],
    **columns: Unpack[DataOptions],
) -> None:
    """Train a model on all of DATA and save it in a file.

    With --engine spark, DATA is Parquet, ORC, CSV, a folder of parts or the name of a table, on
    any file system that Spark reads.
    """
    from matinee.data.datasets.registry import SIMULATED
    from matinee.data.describe import title_sentences
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.model_file import Origin, check_target
    from matinee.training.checkpoints import check_checkpoint

    settings = with_half_life(settings, half_life)
    where: EngineOptions = {"engine": engine, "master": master, "conf": conf}
    if engine == "spark":
        refuse_with_spark(checkpoint=checkpoint, db=database, threads=threads)
        check_target(out, source)
        given, read = parse_settings(settings, seed), read_options(columns)
        train_on_spark(
            source, read, model_name, given, where, out, no_history=no_history, no_users=no_users
        )
        return
    refuse_without_spark(where, no_users=no_users)
    if model_name:
        # Reports a wrong setting before the data are read
        make_model(model_name, settings, seed)
    check_target(out, [*source, checkpoint])
    if checkpoint is not None:
        check_checkpoint(checkpoint)
    dataset = load_data(source, columns)
    if database is not None:
        from matinee.data.server_ratings import with_collected

        dataset, added = with_collected(dataset, database)
        note(added)
    ratings = dataset.ratings
    model = make_model_for(dataset, model_name, settings, seed)
    for sentence in title_sentences(dataset):
        note(sentence)
    announce_compiling()
    start = time.perf_counter()
    with progress_bar(f"Training {model.name}") as progress:
        model.fit(ratings, n_threads=threads, progress=progress, checkpoint=checkpoint)
    seconds = time.perf_counter() - start
    remark = SIMULATED if dataset.note == SIMULATED else ""
    origin = Origin(dataset.name, len(ratings), remark, has_history=not no_history)
    Guide(model, dataset.catalog, origin).save(out)
    tell_trained(model, counted(len(ratings), ratings.unit), seconds, out)
