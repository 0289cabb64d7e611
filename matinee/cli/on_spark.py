"""--engine spark: the options, and what the commands do with them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar

import click

from matinee.cli.output import note, progress_bar
from matinee.cli.person import NO_HISTORY
from matinee.cli.reading import with_options
from matinee.text import counted, printable

if TYPE_CHECKING:
    from matinee.data.reading.options import ReadOptions
    from matinee.evaluation import Report
    from matinee.models.base import Recommender
    from matinee.recommendation.everybody import Wanted
    from matinee.recommendation.guide import Guide
    from matinee.spark.session import Cluster

Function = TypeVar("Function", bound=Callable[..., Any])


class EngineOptions(TypedDict):
    """The values of `engine_options`."""

    engine: str
    master: str | None
    conf: tuple[str, ...]


def engine_options(function: Function) -> Function:
    """Options for the engine; their values go to `on_cluster`."""
    options = (
        click.option(
            "--engine",
            type=click.Choice(["local", "spark"]),
            default="local",
            show_default=True,
            help="Where to compute: in this process, or on Apache Spark, for tables that no "
            "single machine holds (pip install 'matinee[spark]').",
        ),
        click.option(
            "--master",
            metavar="URL",
            help="Spark's master, such as local[2] or spark://host:7077. Default: that of "
            "spark-submit, or all cores of this machine.",
        ),
        click.option(
            "--conf",
            multiple=True,
            metavar="KEY=VALUE",
            help="A setting of Spark; may be repeated.",
        ),
    )
    return with_options(function, options)


class SplitOptions(NamedTuple):
    """How a table is split: by another table, or by a text and a seed."""

    test: str | None
    spec: str
    seed: int


def refuse_without_spark(engine: EngineOptions, *, no_users: bool = False) -> None:
    """Refuses options of Spark for a command that computes in this process."""
    if engine["master"] or engine["conf"]:
        raise click.UsageError("--master and --conf need --engine spark.")
    if no_users:
        raise click.UsageError("--no-users needs --engine spark.")


def refuse_with_spark(**given: object) -> None:
    """Refuses options that have no effect on Spark.

    Args:
        given: the values of the options by their names; what is None or False was not given.
    """
    for name, value in given.items():
        if value:
            raise click.UsageError(
                f"--{name.replace('_', '-')} has no effect with --engine spark; leave it out."
            )


@contextmanager
def on_cluster(engine: EngineOptions) -> "Iterator[Cluster]":
    """Spark for the block."""
    from matinee.spark.session import SparkOptions, cluster

    with cluster(SparkOptions(engine["master"], engine["conf"])) as found:
        yield found


def train_on_spark(
    source: tuple[str, ...],
    options: "ReadOptions",
    model_name: str | None,
    settings: dict[str, int | str],
    engine: EngineOptions,
    out: Path,
    *,
    no_history: bool,
    no_users: bool,
) -> None:
    """`matinee train --engine spark`."""
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.model_file import Origin
    from matinee.spark.encoding import notes_on, read_ratings
    from matinee.spark.settings import spark_model
    from matinee.spark.training import Saved, train

    if model_name:
        spark_model(model_name, settings)  # reports a wrong setting before the data are read
    with on_cluster(engine) as cluster:
        table = read_ratings(cluster, source, options)
        for sentence in notes_on(table):
            note(sentence)
        name = model_name or ("hybrid" if table.scale.has_stars else "ials")
        model = spark_model(name, settings)
        saved = Saved(users=not no_users, history=not (no_history or no_users))
        start = time.perf_counter()
        with progress_bar(f"Training {model.name}") as progress:
            train(model, table, saved, progress)
        seconds = time.perf_counter() - start
    origin = Origin(table.name, table.n_ratings, has_history=saved.history)
    Guide(model, table.catalog, origin).save(out)
    tell_trained(model, counted(table.n_ratings, table.unit), seconds, out)


def tell_trained(model: "Recommender", rows: str, seconds: float, out: Path) -> None:
    """Says what was trained, and what to type next.

    Args:
        rows: such as "100,000 ratings".
    """
    from matinee.models.members import in_words

    note(f"Trained {model.name} on {rows} in {seconds:.1f} s; saved as {printable(str(out))}.")
    weights = model.member_weights()
    if weights:
        note(f"Weights: {in_words(weights)}.")
    if len(model.users_):
        note(f"Next:  matinee recommend {printable(str(out))} --user {model.users_.id(0)}")
    else:
        note(f"Next:  matinee recommend {printable(str(out))} --ratings mine.csv")


def evaluate_on_spark(
    source: tuple[str, ...],
    options: "ReadOptions",
    split: "SplitOptions",
    model_name: str | None,
    settings: dict[str, int | str],
    engine: EngineOptions,
) -> "tuple[Report, tuple[str, ...]]":
    """`matinee evaluate --engine spark`: the report, and sentences on how the table was read."""
    from matinee.spark.encoding import notes_on, read_parts, read_ratings
    from matinee.spark.evaluation import evaluate
    from matinee.spark.settings import spark_model
    from matinee.spark.splits import cluster_splits, given_tables

    if model_name:
        spark_model(model_name, settings)
    with on_cluster(engine) as cluster:
        if split.test is not None:
            table, test = read_parts(cluster, [source, [split.test]], options)
            parts = iter([given_tables(table, test)])
        else:
            table = read_ratings(cluster, source, options)
            parts = cluster_splits(table, split.spec, split.seed)
        notes = tuple(notes_on(table))
        for sentence in notes:
            note(sentence)
        name = model_name or ("hybrid" if table.scale.has_stars else "ials")
        model = spark_model(name, settings)
        with progress_bar(f"Training {model.name}") as progress:
            return evaluate(model, parts, table.name, progress), notes


def recommend_on_spark(
    guide: "Guide", wanted: "Wanted", histories: str | None, out: str, engine: EngineOptions
) -> tuple[int, int]:
    """`matinee recommend --everybody --engine spark`: the numbers of lists and of rows."""
    from matinee.data.reading.options import DEFAULT_OPTIONS
    from matinee.spark.encoding import notes_on, read_ratings
    from matinee.spark.recommendation import (
        ListTask,
        check_folder,
        lists_of_histories,
        lists_of_users,
        write_lists,
    )

    check_folder(out)
    if histories is None and len(guide.model.users_) and not guide.origin.has_history:
        note(NO_HISTORY)
    task = ListTask(guide, wanted)
    with on_cluster(engine) as cluster:
        if histories is None:
            return write_lists(lists_of_users(cluster, task), out)
        table = read_ratings(cluster, [histories], DEFAULT_OPTIONS)
        for sentence in notes_on(table):
            note(sentence)
        return write_lists(lists_of_histories(table, task), out)
