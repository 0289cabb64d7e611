"""The person that a command is about: --user or --ratings."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from matinee.cli.output import note
from matinee.errors import UnknownNameError

if TYPE_CHECKING:
    from matinee.guide import Guide
    from matinee.models.base import Profile
    from matinee.ratings import Id

user_option = click.option("--user", metavar="ID", help="Somebody of the training data.")
ratings_option = click.option(
    "--ratings",
    type=click.Path(path_type=Path),
    help="A new person's ratings: a CSV of films and stars, or a site's export.",
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
    from matinee.personal_ratings import read_personal_ratings

    model = guide.model
    found = read_personal_ratings(path, model.items_, guide.catalogue, model.scale_)
    profile = model.fold_in(found.stars)
    for sentence in found.notes:
        note(sentence)
    return profile


def id_of(guide: "Guide", user: str | None) -> "Id | None":
    """The id as the training data writes it, which may be a number; None for a new person."""
    return None if user is None else guide.model.users_.id(guide.model.users_.index(user))
