"""matinee predict, recommend and similar: questions to a saved model."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from matinee.cli.options import dial_options, group_option, json_option, k_option, parse_range, path_argument
from matinee.cli.output import as_json, note, table
from matinee.errors import DataError, UnknownNameError
from matinee.text import counted

if TYPE_CHECKING:
    from matinee.models.base import Profile
    from matinee.own_ratings import OwnRating
    from matinee.ratings import Id
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.suggestions import Suggestions

user_option = click.option("--user", metavar="ID", help="Somebody of the training data.")
ratings_option = click.option(
    "--ratings", type=click.Path(path_type=Path), help="A new person's ratings: a CSV of films and stars."
)

NO_HISTORY = "This file was saved without histories, so films that the user has rated are not left out."


def require_person(user: str | None, ratings: Path | None) -> None:
    """Refuses neither or both of --user and --ratings."""
    if user is not None and ratings is not None:
        raise click.UsageError("--user and --ratings exclude each other: give one of them.")
    if user is None and ratings is None:
        raise click.UsageError("Say who: either --user ID, or --ratings FILE for a new person.")


def profile_of(
    guide: "Guide", model_file: Path, user: str | None, ratings: Path | None, no_history: str = NO_HISTORY
) -> "Profile":
    """The person that --user or --ratings names, with a note on what was left out of their ratings.

    Args:
        no_history: the note for a user of a file that was saved without histories.
    """
    if ratings is not None:
        return _newcomer(guide, ratings)
    try:
        profile = guide.model.profile(user or "")
    except UnknownNameError as error:
        retyped = retyped_with_ratings(model_file, user)
        raise UnknownNameError(f"{error}\nGive their ratings instead:  {retyped}") from None
    if not guide.origin.has_history:
        note(no_history)
    return profile


def retyped_with_ratings(model_file: Path, unknown: str | None = None) -> str:
    """The command as it was typed, but with --ratings instead of --user.

    Args:
        unknown: which of the users of a group it is; the others stay.
    """
    context = click.get_current_context()
    words = [str(model_file), "--ratings", "mine.csv"]
    for one in context.command.params:
        name = one.name or ""
        if name in ("model_file", "user") or context.get_parameter_source(name) != ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if value is True:
            words.append(one.opts[0])
            continue
        for each in value if one.multiple else (value,):
            words += [] if name == "users" and each == unknown else [one.opts[0], str(each)]
    return f"matinee {context.info_name} {shlex.join(words)}"


def _newcomer(guide: "Guide", path: Path) -> "Profile":
    from matinee.own_ratings import read_own_ratings

    scale = guide.model.scale_
    rows = read_own_ratings(path, has_stars=scale.has_stars)
    if any(one.unused for one in rows):
        note(f"This model knows no stars: every film in {path} counts as one that they have.")
    given: dict[str, float] = {}
    for one in rows:
        if not scale.allows(one.stars):
            raise DataError(
                f"In {path}, row {one.row}: the rating {one.stars:g} for '{one.film}' is outside the scale {scale}. "
                "Ratings on another scale must be converted first (IMDb's 1 to 10: divided by 2)."
            )
        given.pop(one.item, None)  # to the end, since the last counts, whichever way the film is written
        given[one.item] = one.stars
    try:
        profile, unknown = guide.newcomer(given)
    except DataError as error:
        where = f"row {rows[0].row}" if len(rows) == 1 else f"rows {rows[0].row} to {rows[-1].row}"
        raise DataError(f"In {path}, {where}: {error}") from None
    if unknown:
        note(f"Left out: {counted(len(unknown), 'unknown film')} of {path}. {_first_unknown(guide, rows)}")
    if n_again := len(rows) - len(unknown) - len(profile.item_index):
        again = "Rated again later" if scale.has_stars else "Listed again"
        note(f"{again} in {path}: {counted(n_again, 'row')}; the last {'rating' * scale.has_stars or 'row'} counts.")
    return profile


def _first_unknown(guide: "Guide", rows: "list[OwnRating]") -> str:
    for one in rows:
        try:
            guide.item_id(one.item)
        except UnknownNameError as error:
            return f"The first, in row {one.row}: {error}"
    return ""


def id_of(guide: "Guide", user: str | None) -> "Id | None":
    """The id as the training data writes it, which may be a number; None for a new person."""
    return None if user is None else guide.model.users_.id(guide.model.users_.index(user))


@click.command()
@path_argument
@user_option
@ratings_option
@click.option("--item", required=True, metavar="ID_OR_TITLE", help="The film.")
@json_option
def predict(model_file: Path, user: str | None, ratings: Path | None, item: str, as_json_: bool) -> None:
    """How many stars somebody would give a film."""
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.intervals import certainty

    require_person(user, ratings)
    guide = Guide.load(model_file)
    item_id = guide.item_id(item)
    profile = profile_of(guide, model_file, user, ratings)
    stars, film = guide.model.predict(profile, item_id), guide.catalogue[item_id]
    sure = certainty(guide.model, profile, item_id, stars)
    if as_json_:
        given = {"user": id_of(guide, user), "item_id": item_id, "title": film.title, "stars": round(stars, 3)}
        as_json(given | (sure.to_dict() if sure else {}))
    else:
        click.echo(f"{stars:.2f} stars for {film.title}, on the scale {guide.model.scale_}")
        if sure:
            within = f"with 80% between {sure.low:.1f} and {sure.high:.1f}"
            click.echo(f"Certainty: give or take {sure.deviation:.2f}; {within}.")


@click.command()
@path_argument
@click.option("--user", "users", metavar="ID", multiple=True, help="Somebody of the training data.")
@click.option(
    "--ratings",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A new person's ratings: a CSV of films and stars. With several people the list is for all of them.",
)
@k_option
@click.option("--genre", "genres", multiple=True, help="Only films of this genre (or of one of several).")
@click.option("--not-genre", "not_genres", multiple=True, help="No films of this genre.")
@click.option("--years", metavar="A:B", help="Only films from year A to B; either may be missing.")
@click.option("--min-ratings", type=click.IntRange(min=0), default=0, help="Only films with so many ratings.")
@click.option("--include-seen", is_flag=True, help="Keep films that the person has rated.")
@dial_options
@group_option
@json_option
def recommend(model_file: Path, users: tuple[str, ...], files: tuple[Path, ...], k: int, **given: Any) -> None:
    """The best films for somebody: for a known --user, or for a new person from their --ratings.

    A file of ratings has a column of films (title or id) and a column of stars, for example:

    \b
    title,rating
    Toy Story (1995),4.5
    Alien,5

    For a model that was trained on a table without ratings the films alone will do.

    Several of both, in any mix, are a group, which gets films that nobody in it has rated.
    """
    from matinee.recommendation.filters import Filters
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.reranking import Dials

    if not (users or files):
        require_person(None, None)
    as_json_, group, years = given.pop("as_json_"), given.pop("group"), given.pop("years")
    filters = Filters(
        given.pop("genres"),
        given.pop("not_genres"),
        parse_range(years, "--years", int, open_ends=True) if years else (None, None),
        given.pop("min_ratings"),
    )
    guide = Guide.load(model_file)
    how = {"dials": Dials(given.pop("popularity"), given.pop("diversity")), "include_seen": given.pop("include_seen")}
    if group or len(users) + len(files) > 1:
        who = _members(users, files)
        people = _profiles(guide, model_file, who)
        found = guide.recommend_group(people, k, filters, how=group or "mean", **how)
        members, whose = _headings(who), {"group": group or "mean", "members": _named(guide, who)}
    else:
        user, ratings = next(iter(users), None), next(iter(files), None)
        found = guide.recommend(profile_of(guide, model_file, user, ratings), k, filters, **how)
        members, whose = [], {"user": id_of(guide, user)}
    if as_json_:
        as_json({**whose, "k": k, "items": [line.to_dict() for line in found.items], "note": found.note})
        return
    _print(found, "stars" if guide.model.has_stars else "score", members)
    note(found.note)
    note(guide.origin.note)


Member = tuple[str | None, Path | None]
"""One person of a group: a user id, or a file of ratings."""


def _members(users: tuple[str, ...], files: tuple[Path, ...]) -> list[Member]:
    """Everybody once, first the users; says so if somebody was given again."""
    everybody: list[Member] = [*((user, None) for user in users), *((None, path) for path in files)]
    who = list(dict.fromkeys(everybody))
    if n_again := len(everybody) - len(who):
        note(f"Given again: {counted(n_again, 'person')} of the group; everybody counts once.")
    return who


def _profiles(guide: "Guide", model_file: Path, who: list[Member]) -> "list[Profile]":
    """Of every person; that users are without histories is said once."""
    return [
        profile_of(guide, model_file, user, path, "" if any(one for one, _ in who[:place]) else NO_HISTORY)
        for place, (user, path) in enumerate(who)
    ]


def _headings(who: list[Member]) -> list[str]:
    """What each person is called above their column: of a file its name, or its path where two have the same name."""
    stems = [path.stem for _, path in who if path]
    return [
        f"user {user}" if path is None else path.stem if stems.count(path.stem) == 1 else str(path)
        for user, path in who
    ]


def _named(guide: "Guide", who: list[Member]) -> list[dict[str, Any]]:
    """Every person of a group for JSON."""
    return [{"user": id_of(guide, user), "file": None if path is None else str(path)} for user, path in who]


@click.command()
@path_argument
@click.argument("item", metavar="ITEM_OR_TITLE")
@k_option
@click.option("--min-ratings", type=click.IntRange(min=0), help="Leave out films with fewer ratings. Default: by size.")
@click.option(
    "--by",
    type=click.Choice(["factors", "co-rating"]),
    default="factors",
    show_default=True,
    help="By what the model has learnt of the films, or by what the people gave who rated both.",
)
@json_option
def similar(model_file: Path, item: str, k: int, min_ratings: int | None, by: str, as_json_: bool) -> None:
    """The films most like a given one: the same people like both."""
    from matinee.recommendation.guide import Guide

    guide = Guide.load(model_file)
    found = guide.similar(item, k, min_ratings=min_ratings, by=by)
    if as_json_:
        item_id = guide.item_id(item)
        lines = [line.to_dict() for line in found.items]
        as_json({"item_id": item_id, "title": guide.catalogue[item_id].title, "items": lines, "note": found.note})
        return
    click.echo(f"Like {guide.catalogue[guide.item_id(item)].title}:\n")
    _print(found, "likeness")
    note(found.note)


def _print(found: "Suggestions", kind: str, members: Sequence[str] = ()) -> None:
    """The list, numbered; in one for a group, a column for what each member would give.

    A score that counts something has no decimals; those in units of their own have three.
    """
    digits = 2
    mean = ["mean"] * any(line.mean is not None for line in found.items)  # no item of a table without ratings has one
    if kind == "score":
        digits = 0 if all(line.score.is_integer() for line in found.items) else 3
    sure = ["±"] * all(line.deviation is not None for line in found.items)
    rows = [
        (
            str(place),
            f"{line.score if line.stars is None else line.stars:.{digits}f}",
            *([f"{line.deviation or 0:.2f}"] * len(sure)),
            *(f"{score:.{digits}f}" for score in line.members),
            line.film.title,
            ", ".join(line.film.genres),
            f"{line.n_ratings:,}",
            *(["" if line.mean is None else f"{line.mean:.2f}"] * len(mean)),
            str(line.item_id),
        )
        for place, line in enumerate(found.items, 1)
    ]
    table(("", kind, *sure, *members, "film", "genres", "ratings" if mean else "people", *mean, "id"), rows)
