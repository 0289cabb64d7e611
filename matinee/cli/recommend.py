"""matinee recommend: the best films for a person or a group."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from matinee.cli.options import dial_options, group_option, json_option, k_option, parse_range, path_argument
from matinee.cli.output import as_json, note, print_suggestions
from matinee.cli.person import NO_HISTORY, id_of, profile_of, require_person
from matinee.text import counted

if TYPE_CHECKING:
    from matinee.guide import Guide
    from matinee.models.base import Profile


@click.command()
@path_argument
@click.option("--user", "users", metavar="ID", multiple=True, help="Somebody of the training data.")
@click.option(
    "--ratings",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A new person's ratings: a CSV of films and stars, or a site's export. With several people the list is for "
    "all of them.",
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

    The ratings.csv of Letterboxd (or its zip file), IMDb, MovieLens or matinee serve works too: its films are matched
    by title and year, and its stars are converted to the model's scale.

    Several of both, in any mix, are a group, which gets films that nobody in it has rated.
    """
    from matinee.dials import Dials
    from matinee.guide import Filters, Guide

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
    print_suggestions(found, "stars" if guide.model.has_stars else "score", members)
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
