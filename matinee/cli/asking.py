"""matinee predict, recommend and similar: questions to a saved model."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from matinee.cli.options import json_option, k_option, parse_range, path_argument
from matinee.cli.output import as_json, counted, note, table
from matinee.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from matinee.guide import Guide, Suggestions
    from matinee.models.base import Profile
    from matinee.own_ratings import OwnRating
    from matinee.ratings import Id

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
        raise UnknownNameError(f"{error}\nGive their ratings instead:  {retyped_with_ratings(model_file)}") from None
    if not guide.origin.has_history:
        note(no_history)
    return profile


def retyped_with_ratings(model_file: Path) -> str:
    """The command as it was typed, but with --ratings instead of --user."""
    context = click.get_current_context()
    words = [str(model_file), "--ratings", "mine.csv"]
    for one in context.command.params:
        name = one.name or ""
        if name in ("model_file", "user") or context.get_parameter_source(name) != ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if value is True:
            words.append(one.opts[0])
        else:
            for each in value if one.multiple else (value,):
                words += [one.opts[0], str(each)]
    return f"matinee {context.info_name} {shlex.join(words)}"


def _newcomer(guide: "Guide", path: Path) -> "Profile":
    from matinee.own_ratings import read_own_ratings

    rows, scale = read_own_ratings(path), guide.model.scale_
    given: dict[str, float] = {}
    for one in rows:
        if not scale.lowest <= one.stars <= scale.highest:
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
        note(f"Rated again later in {path}: {counted(n_again, 'row')}; the last rating counts.")
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
    from matinee.guide import Guide

    require_person(user, ratings)
    guide = Guide.load(model_file)
    item_id = guide.item_id(item)
    stars = guide.model.predict(profile_of(guide, model_file, user, ratings), item_id)
    film = guide.catalogue[item_id]
    if as_json_:
        as_json({"user": id_of(guide, user), "item_id": item_id, "title": film.title, "stars": round(stars, 3)})
    else:
        click.echo(f"{stars:.2f} stars for {film.title}, on the scale {guide.model.scale_}")


@click.command()
@path_argument
@user_option
@ratings_option
@k_option
@click.option("--genre", "genres", multiple=True, help="Only films of this genre (or of one of several).")
@click.option("--not-genre", "not_genres", multiple=True, help="No films of this genre.")
@click.option("--years", metavar="A:B", help="Only films from year A to B; either may be missing.")
@click.option("--min-ratings", type=click.IntRange(min=0), default=0, help="Only films with so many ratings.")
@click.option("--include-seen", is_flag=True, help="Keep films that the person has rated.")
@json_option
def recommend(model_file: Path, user: str | None, ratings: Path | None, k: int, **given: Any) -> None:
    """The best films for somebody: for a known --user, or for a new person from their --ratings.

    A file of ratings has a column of films (title or id) and a column of stars, for example:

    \b
    title,rating
    Toy Story (1995),4.5
    Alien,5
    """
    from matinee.guide import Filters, Guide

    require_person(user, ratings)
    as_json_, include_seen, years = given.pop("as_json_"), given.pop("include_seen"), given.pop("years")
    filters = Filters(
        given["genres"],
        given["not_genres"],
        parse_range(years, "--years", int, open_ends=True) if years else (None, None),
        given["min_ratings"],
    )
    guide = Guide.load(model_file)
    found = guide.recommend(profile_of(guide, model_file, user, ratings), k, filters, include_seen=include_seen)
    if as_json_:
        as_json(
            {"user": id_of(guide, user), "k": k, "items": [line.to_dict() for line in found.items], "note": found.note}
        )
        return
    _print(found, "stars" if guide.model.predicts_stars else "score")
    note(found.note)
    note(guide.origin.note)


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
    from matinee.guide import Guide

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


def _print(found: "Suggestions", kind: str) -> None:
    """The list, numbered; a score in units of its own has no decimals worth reading."""
    digits = 0 if kind == "score" else 2
    rows = [
        (
            str(place),
            f"{line.score if line.stars is None else line.stars:.{digits}f}",
            line.film.title,
            ", ".join(line.film.genres),
            f"{line.n_ratings:,}",
            "" if line.mean is None else f"{line.mean:.2f}",
            str(line.item_id),
        )
        for place, line in enumerate(found.items, 1)
    ]
    table(("", kind, "film", "genres", "ratings", "mean", "id"), rows)
