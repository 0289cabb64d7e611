"""matinee update: new ratings come into a model, which is not trained again."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from matinee.cli.options import (
    DataOptions,
    data_options,
    load_with,
    path_argument,
    read_options,
    threads_option,
)
from matinee.cli.output import announce_compiling, note

if TYPE_CHECKING:
    from matinee.data.dataset import Dataset
    from matinee.data.ratings import Ratings
    from matinee.models.updating import NewsTally


@click.command()
@path_argument
@click.argument("source", metavar="[NEW_RATINGS...]", nargs=-1)
@click.option(
    "--withdrawn",
    metavar="FILE",
    help="Table of users and items whose ratings are removed; other columns do not matter.",
)
@click.option(
    "--db",
    "database",
    metavar="URL",
    envvar="MATINEE_TRAIN_DB",
    help="Bring in what is new in the ratings collected by `matinee serve --db URL`.",
)
@threads_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Model file to write.")
@data_options
def update(
    model_file: Path,
    source: tuple[str, ...],
    withdrawn: str | None,
    database: str | None,
    threads: int | None,
    out: Path,
    **columns: Unpack[DataOptions],
) -> None:
    """Bring new ratings, users and films into MODEL, without training it again.

    A rating in NEW_RATINGS replaces the earlier one by the same user of the same film; counts are
    added up. What the new ratings touch is solved for again, in a fraction of the time of
    `matinee train`. For hybrid, mf, ials and ease.
    """
    from matinee.data.datasets.load import load
    from matinee.recommendation.collected import news_for
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.model_file import check_target
    from matinee.recommendation.updating import (
        news_options,
        updated_parts,
        withdrawn_options,
    )

    has_files = bool(source) or withdrawn is not None
    if not has_files and database is None:
        raise click.UsageError("Give NEW_RATINGS, or --withdrawn FILE, or both, or --db URL.")
    if has_files and database is not None:
        raise click.UsageError("Give either files or --db URL; update twice for both.")
    check_target(out, [model_file, *source, withdrawn])
    guide = Guide.load(model_file)
    given: Dataset | Ratings | None = None
    options = read_options(columns)
    gone: Dataset | Ratings | None = None
    if source:
        given = load_with(source, news_options(guide.model.scale_, options))
    if withdrawn is not None:
        gone = load(withdrawn, withdrawn_options(options))
    if database is not None:
        news = news_for(guide, str(model_file), database)
        if news.is_empty:
            note(f"{model_file} knows all ratings in the database; nothing was written.")
            return
        note(news.note)
        given, gone = news.given, news.withdrawn
    announce_compiling()
    start = time.perf_counter()
    parts = updated_parts(guide.model, guide.catalog, guide.origin, given, gone, threads)
    seconds = time.perf_counter() - start
    Guide(parts.model, parts.catalog, parts.origin).save(out)
    told = in_words(parts.tally, parts.model.history_.to_ratings().unit)
    note(f"Updated {parts.model.name} in {seconds:.1f} s; saved as {out}: {told}.")
    note(f"Next:  matinee recommend {out} --user {parts.model.users_.id(0)}")


def in_words(tally: "NewsTally", unit: str) -> str:
    """What the news consisted of, such as "3 new ratings by 1 new user"."""
    from matinee.text import counted, joined

    parts = []
    for n, kind in ((tally.n_added, "new"), (tally.n_replaced, "changed")):
        if n:
            parts.append(counted(n, f"{kind} {unit}"))
    if tally.n_withdrawn:
        parts.append(counted(tally.n_withdrawn, f"withdrawn {unit}"))
    told = joined(parts) or "nothing changed"
    among = []
    for n, kind in ((tally.n_new_users, "new user"), (tally.n_new_items, "new film")):
        if n:
            among.append(counted(n, kind))
    if among:
        told += f", with {joined(among)}"
    return told
