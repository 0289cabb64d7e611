"""matinee recommend: films for a person or a group."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from matinee.cli.memory import require_for_tables
from matinee.cli.on_spark import (
    EngineOptions,
    engine_options,
    recommend_on_spark,
    refuse_without_spark,
)
from matinee.cli.options import (
    dial_options,
    group_option,
    json_option,
    k_option,
    parse_years,
    path_argument,
)
from matinee.cli.output import as_json, note, print_suggestions
from matinee.cli.person import (
    NO_HISTORY,
    RATINGS_HELP,
    id_of,
    profile_of,
    ratings_file_options,
    require_person,
)
from matinee.text import printable

if TYPE_CHECKING:
    from matinee.data.vocabulary import Id
    from matinee.models.base import UserState
    from matinee.recommendation.everybody import Wanted
    from matinee.recommendation.filters import Filters
    from matinee.recommendation.guide import Guide

_URI = re.compile(r"^(\w+):/(?!/)")
"""A URI whose slashes became one, as in a path."""


@click.command()
@path_argument
@click.option(
    "--user", "users", metavar="ID", multiple=True, help="Id of a user of the training data."
)
@click.option(
    "--ratings",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help=f"{RATINGS_HELP} With several people, the list is for all of them.",
)
@ratings_file_options
@k_option
@click.option(
    "--genre",
    "genres",
    multiple=True,
    help="Only films of this genre; if repeated, of any of these genres.",
)
@click.option("--not-genre", "not_genres", multiple=True, help="No films of this genre.")
@click.option("--years", metavar="A:B", help="Only films from year A to B; either may be left out.")
@click.option(
    "--min-ratings",
    type=click.IntRange(min=0),
    default=0,
    help="Only films with at least this many ratings.",
)
@click.option(
    "--only",
    "only_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Only films of this file: a title or an id in each line, or a CSV file with a column "
    "of titles or ids.",
)
@click.option(
    "--without",
    "without_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="No films of this file.",
)
@click.option("--include-seen", is_flag=True, help="Include films that the person has rated.")
@click.option(
    "--include-unrated",
    is_flag=True,
    help="Include films of the catalog that nobody has rated, by their genres and years; for a "
    "model of bayes and one person.",
)
@dial_options
@group_option
@click.option(
    "--everybody", is_flag=True, help="A list for each user of the training data, into --out."
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file for --everybody: .csv, .tsv, .parquet or .jsonl; with --engine spark, a folder "
    "of Parquet files.",
)
@click.option(
    "--histories",
    metavar="DATA",
    help="With --everybody --engine spark: the people and their ratings, for a model that was "
    "saved without users.",
)
@engine_options
@json_option
def recommend(
    model_file: Path,
    users: tuple[str, ...],
    files: tuple[Path, ...],
    k: int,
    genres: tuple[str, ...],
    not_genres: tuple[str, ...],
    years: str | None,
    min_ratings: int,
    only_file: Path | None,
    without_file: Path | None,
    include_seen: bool,
    include_unrated: bool,
    popularity: float,
    diversity: float,
    taste: float | None,
    group: str | None,
    everybody: bool,
    out: Path | None,
    histories: str | None,
    engine: str,
    master: str | None,
    conf: tuple[str, ...],
    as_json_: bool,
) -> None:
    """Recommend films to a person or a group.

    The person is a known --user, or a new person with a file of --ratings: a column of films
    (titles or ids) and a column of stars, for example:

    \b
    title,rating
    Toy Story (1995),4.5
    Alien,5

    For a model that was trained on data without ratings, the films are enough.

    The files of Letterboxd (ratings.csv, diary.csv or the zip file), IMDb, MovieLens, Trakt,
    Goodreads, filmweb, Criticker and matinee serve work too: their films are matched by their
    ids on IMDb and TMDB or by title and year, and their ratings are converted to the model's
    scale.

    Several --user and --ratings options form a group; its list contains only films that nobody
    in it has rated.

    With --everybody, the lists of all users of the training data are written to the file
    --out: a row for each film, with the columns user_id, rank, item_id, title, and stars or
    score.
    """
    from matinee.recommendation.everybody import Wanted
    from matinee.recommendation.filters import Filters
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.reranking import Dials

    _require_people(users, files, everybody, out)
    where: EngineOptions = {"engine": engine, "master": master, "conf": conf}
    _check_out(out, [model_file, only_file, without_file], where, histories)
    is_group = bool(group) or len(users) + len(files) > 1
    if include_unrated and (is_group or everybody):
        raise click.UsageError("--include-unrated needs one person, not a group or --everybody.")
    dials = Dials(popularity, diversity, taste)
    guide = Guide.load(model_file)
    filters = Filters(genres, not_genres, parse_years(years), min_ratings)
    filters = _with_files(filters, guide, only_file, without_file)
    if out is not None:
        wanted = Wanted(k, guide.allowed(filters), dials, include_seen)
        _tell(guide, *_written(guide, wanted, out, where, histories), out, as_json_)
        return
    headings: list[str] = []
    if is_group:
        members = _members(users, files)
        people = _profiles(guide, model_file, members)
        how = group or "mean"
        suggestions = guide.recommend_group(
            people, k, filters, how=how, dials=dials, include_seen=include_seen
        )
        headings = _headings(members)
        result: dict[str, object] = {"group": how, "members": _member_dicts(guide, members)}
    else:
        (person,) = _members(users, files)
        profile = profile_of(guide, model_file, person.user, person.ratings)
        suggestions = guide.recommend(
            profile,
            k,
            filters,
            dials=dials,
            include_seen=include_seen,
            include_unrated=include_unrated,
        )
        result = {"user": id_of(guide, person.user)}
    if as_json_:
        items = [line.to_dict() for line in suggestions.items]
        as_json({**result, "k": k, "items": items, "note": suggestions.note})
        return
    print_suggestions(suggestions, "stars" if guide.model.has_stars else "score", headings)
    note(suggestions.note)
    note(guide.origin.note)


def _require_people(
    users: tuple[str, ...], files: tuple[Path, ...], everybody: bool, out: Path | None
) -> None:
    """Refuses a command without people, and --everybody together with some of them."""
    if everybody and (users or files):
        raise click.UsageError("Use either --everybody or --user and --ratings, not both.")
    if everybody != (out is not None):
        raise click.UsageError("--everybody and --out FILE go together; give both or neither.")
    if not (users or files or everybody):
        require_person(None, None)


def _check_out(
    out: Path | None,
    inputs: Sequence[Path | None],
    engine: EngineOptions,
    histories: str | None,
) -> None:
    """Refuses, before the lists are made, a file that they cannot be written to, and options that
    have no effect here."""
    from matinee.data.convert import check_table_name

    if engine["engine"] == "spark":
        if out is None:
            raise click.UsageError("--engine spark is for --everybody.")
        return
    refuse_without_spark(engine)
    if histories is not None:
        raise click.UsageError("--histories needs --everybody --engine spark.")
    if out is not None:
        check_table_name(out, inputs)


def _with_files(
    filters: "Filters", guide: "Guide", only_file: Path | None, without_file: Path | None
) -> "Filters":
    """The filters with the films of the files of --only and --without."""
    if only_file is not None:
        filters = replace(filters, items=_items_in(guide, only_file))
    if without_file is not None:
        filters = replace(filters, not_items=_items_in(guide, without_file))
    return filters


def _items_in(guide: "Guide", path: Path) -> "tuple[Id, ...]":
    """The ids of the films in a file, with notes on those that are not found."""
    from matinee.data.personal.personal_ratings import read_personal_ratings
    from matinee.data.ratings import PAIRS

    found = read_personal_ratings(path, guide.model.items_, guide.catalog, PAIRS)
    for sentence in found.notes:
        note(sentence)
    return tuple(found.stars)


def _written(
    guide: "Guide", wanted: "Wanted", out: Path, engine: EngineOptions, histories: str | None
) -> tuple[int, int]:
    """Writes the lists of everybody; returns the numbers of lists and of rows."""
    from matinee.data.convert import write_frames
    from matinee.recommendation.everybody import lists_of_all

    if engine["engine"] == "spark":
        target = _URI.sub(r"\1://", str(out))
        return recommend_on_spark(guide, wanted, histories, target, engine)
    require_for_tables("Writing lists for everybody")
    if not guide.origin.has_history:
        note(NO_HISTORY)
    return len(guide.model.users_), write_frames(
        lists_of_all(guide.model, guide.catalog, wanted), out
    )


def _tell(guide: "Guide", n_users: int, n_rows: int, out: Path, as_json_: bool) -> None:
    """Says how many lists were written."""
    from matinee.text import counted

    if as_json_:
        as_json({"users": n_users, "rows": n_rows, "out": str(out)})
        return
    users, rows = counted(n_users, "list"), counted(n_rows, "row")
    click.echo(f"Wrote {users} to {printable(str(out))}: {rows}.")
    note(guide.origin.note)


class _Member(NamedTuple):
    """A person of a group: the id of a user, or a file of ratings."""

    user: str | None
    ratings: Path | None


def _members(users: tuple[str, ...], files: tuple[Path, ...]) -> list[_Member]:
    """The people of a group, users first, each once; with a note if one was given twice."""
    given = [_Member(user, None) for user in users]
    given += [_Member(None, path) for path in files]
    members = list(dict.fromkeys(given))
    n_repeated = len(given) - len(members)
    if n_repeated:
        note(f"Repeated members of the group: {n_repeated:,}; each counts once.")
    return members


def _profiles(guide: "Guide", model_file: Path, members: list[_Member]) -> "list[UserState]":
    """The profile of every member; the note on a file without histories appears once."""
    profiles = []
    no_history = NO_HISTORY
    for member in members:
        profiles.append(profile_of(guide, model_file, member.user, member.ratings, no_history))
        if member.user is not None:
            no_history = ""
    return profiles


def _headings(members: list[_Member]) -> list[str]:
    """The headings of the members' columns: a file's name, or its path if two have that
    name."""
    stems = [member.ratings.stem for member in members if member.ratings is not None]
    headings = []
    for member in members:
        if member.ratings is None:
            headings.append(f"user {member.user}")
        elif stems.count(member.ratings.stem) == 1:
            headings.append(member.ratings.stem)
        else:
            headings.append(str(member.ratings))
    return headings


def _member_dicts(guide: "Guide", members: list[_Member]) -> list[dict[str, object]]:
    """The members for JSON."""
    dicts: list[dict[str, object]] = []
    for member in members:
        file = None
        if member.ratings is not None:
            file = str(member.ratings)
        dicts.append({"user": id_of(guide, member.user), "file": file})
    return dicts
