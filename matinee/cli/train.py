"""matinee train: a model of all the data, in one file."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from matinee._version import __version__
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
    with_half_life,
)
from matinee.cli.output import announce_compiling, as_json, note, progress_bar
from matinee.cli.stopping import Stopped, after_the_epoch
from matinee.text import counted, in_time, printable

if TYPE_CHECKING:
    from matinee.data.ratings import Ratings
    from matinee.models.base import Recommender
    from matinee.models.costs import Cost
    from matinee.training.checkpoints import Checkpoint

BYTES_OF_EPOCH = 8
"""What an epoch reads of a table on a disk for each rating, about: a user, an item, a value."""
LONG_SECONDS = 10
"""From how many seconds on a training is announced."""


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
    help="File for the state of the training, so that it can be interrupted; if the file exists, "
    "training resumes from it.",
)
@click.option("--yes", is_flag=True, help="Train even if the memory will hardly be enough.")
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
@json_option
@click.option(
    "--stable-ids",
    is_flag=True,
    envvar="MATINEE_STABLE_IDS",
    help="Give the people of --db ids that stay the same, so that `matinee update --db` knows "
    "them.",
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
    yes: bool,
    no_history: bool,
    no_users: bool,
    database: str | None,
    as_json_: bool,
    stable_ids: bool,
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
    from matinee.training.checkpoints import Checkpoint

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
    saver = None if checkpoint is None else Checkpoint(checkpoint, note)
    dataset = load_data(source, columns)
    if database is not None:
        from matinee.data.server_ratings import with_collected

        dataset, added = with_collected(dataset, database, stable=stable_ids)
        note(added)
    ratings = dataset.ratings
    model = make_model_for(dataset, model_name, settings, seed)
    for sentence in title_sentences(dataset):
        note(sentence)
    announce_compiling()
    cost = _announced_cost(model, ratings, threads, is_forced=yes)
    seconds = _fit(model, ratings, threads, saver)
    remark = SIMULATED if dataset.note == SIMULATED else ""
    origin = Origin(dataset.name, len(ratings), remark, has_history=not no_history)
    Guide(model, dataset.catalog, origin).save(out)
    if saver is not None:
        saver.remove()
    tell_trained(model, counted(len(ratings), ratings.unit), seconds, out)
    if as_json_:
        figures = _figures(seconds, cost) | {"n_ratings": len(ratings), "seed": seed}
        named = {"model": model.name, "dataset": dataset.name, "file": str(out)}
        as_json(named | figures | {"hyperparameters": model.settings(), "version": __version__})


def _figures(seconds: float, cost: "Cost | None") -> dict[str, float | None]:
    """What the training has cost, and what it was expected to cost."""
    from matinee.system import peak_memory_mb

    return {
        "fit_seconds": seconds,
        "peak_rss_mb": peak_memory_mb(),
        "estimated_seconds": None if cost is None else cost.seconds,
        "estimated_memory_mb": None if cost is None else cost.n_bytes / 2**20,
    }


def _announced_cost(
    model: "Recommender", ratings: "Ratings", threads: int | None, *, is_forced: bool
) -> "Cost | None":
    """What the training will cost, with a note if it will take long; None if it is short.

    Raises:
        UnsupportedError: the memory will not be enough, unless the training is forced.
    """
    from matinee.cli.memory import require_memory
    from matinee.models.costs import estimated_cost
    from matinee.system import free_memory

    cost = estimated_cost(model, ratings, threads)
    if cost is None:
        return None
    if not is_forced:
        require_memory(model.name, len(ratings), cost.n_bytes)
    if cost.seconds >= LONG_SECONDS:
        note(
            f"The training will take about {in_time(cost.seconds)} and at most "
            f"{cost.n_bytes / 1e9:.1f} GB of memory besides the data."
        )
        n_bytes = BYTES_OF_EPOCH * len(ratings)
        if ratings.stored is not None and cost.n_bytes + n_bytes > free_memory():
            note(
                f"Each epoch reads {n_bytes / 1e9:.1f} GB of ratings, for which too little memory "
                "is free. They come from the disk every time, which may take several times as long."
            )
    return cost


def _fit(
    model: "Recommender", ratings: "Ratings", threads: int | None, saver: "Checkpoint | None"
) -> float:
    """Trains the model; with a checkpoint, a signal ends the training after an epoch.

    Returns: the seconds that it took.
    """
    start = time.perf_counter()
    with progress_bar(f"Training {model.name}") as progress:
        if saver is None:
            model.fit(ratings, n_threads=threads, progress=progress)
            return time.perf_counter() - start
        with after_the_epoch(progress, note) as report:
            try:
                model.fit(ratings, n_threads=threads, progress=report, checkpoint=saver)
            except Stopped:
                note(_how_to_go_on(saver))
                raise
    return time.perf_counter() - start


def _how_to_go_on(saver: "Checkpoint") -> str:
    """What to say when a training has been stopped by a signal."""
    given = click.get_current_context().find_root().obj or []
    command = shlex.join(["matinee", *given])
    again = "type the same command again"
    if "://" not in command:  # an address may contain a password
        again += f":\n  {command}"
    if saver.problem:
        held = "there is no checkpoint, and the training will begin again"
        if saver.path.exists():
            held = "the file holds an earlier state"
        return f"Stopped. {saver.problem} So {held}. To go on, {again}"
    return f"Stopped; the training is saved in {printable(str(saver.path))}. To go on, {again}"
