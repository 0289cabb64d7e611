"""The person that a command is about: --user or --ratings."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from matinee.cli.options import Function, parse_range
from matinee.cli.output import note
from matinee.cli.reading import with_options
from matinee.errors import UnknownNameError

if TYPE_CHECKING:
    from matinee.data.vocabulary import Id
    from matinee.models.base import UserState
    from matinee.recommendation.guide import Guide

RATINGS_HELP = (
    "A new person's ratings: a CSV file of films and stars, or the export of a film site."
)

_SCALE = "matinee.ratings_scale"
_SKIP = "matinee.skip_bad_rows"

user_option = click.option("--user", metavar="ID", help="Id of a user of the training data.")


def _keep_scale(context: click.Context, _: click.Parameter, text: str | None) -> None:
    context.meta[_SCALE] = None
    if text is not None:
        context.meta[_SCALE] = parse_range(text, "--ratings-scale")


def _keep_skip(context: click.Context, _: click.Parameter, is_given: bool) -> None:
    context.meta[_SKIP] = is_given


def ratings_file_options(function: Function) -> Function:
    """Options that say how to read the files of --ratings; `profile_of` uses their values."""
    options = (
        click.option(
            "--ratings-scale",
            metavar="LOW:HIGH",
            expose_value=False,
            callback=_keep_scale,
            help="Scale of the ratings in the file of --ratings, if the file does not say it.",
        ),
        click.option(
            "--skip-bad-rows",
            is_flag=True,
            expose_value=False,
            callback=_keep_skip,
            help="Leave out bad rows of the given file.",
        ),
    )
    return with_options(function, options)


def ratings_option(function: Function) -> Function:
    """--ratings, and the options that say how to read its file."""
    one = click.option("--ratings", type=click.Path(path_type=Path), help=RATINGS_HELP)
    return one(ratings_file_options(function))


#: What people type for all users.
_EVERYBODY = ("all", "*", "any", "each", "every", "everybody", "everyone", "all users")

NO_HISTORY = (
    "This file was saved without histories, so films that the user has rated are not left out."
)


def require_person(user: str | None, ratings: Path | None) -> None:
    """Refuses neither or both of --user and --ratings."""
    if user is not None and ratings is not None:
        raise click.UsageError("Use either --user or --ratings, not both.")
    if user is None and ratings is None:
        raise click.UsageError("Missing person: use --user ID, or --ratings FILE for a new person.")


def profile_of(
    guide: "Guide",
    model_file: Path,
    user: str | None,
    ratings: Path | None,
    no_history: str = NO_HISTORY,
) -> "UserState":
    """The person that --user or --ratings names, with notes about their ratings.

    Args:
        no_history: the note for a user of a file that was saved without histories.
    """
    if ratings is not None:
        return _new_person(guide, ratings)
    try:
        profile = guide.model.profile(user or "")
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}\n{_instead(model_file, user or '')}") from None
    if not guide.origin.has_history:
        note(no_history)
    return profile


def _instead(model_file: Path, user: str) -> str:
    """What to type for a user that the model does not know."""
    command = click.get_current_context().info_name
    if user.strip("'\"").casefold() not in _EVERYBODY or command not in ("recommend", "predict"):
        return f"Give their ratings instead:  {command_with_ratings(model_file, user)}"
    model = shlex.quote(str(model_file))
    if command == "recommend":
        return f"For all users:  matinee recommend {model} --everybody --out lists.csv"
    return f"For many users, a table of them:  matinee predict {model} pairs.csv --out stars.csv"


def command_with_ratings(model_file: Path, unknown: str | None = None) -> str:
    """The command as it was typed, but with --ratings instead of --user.

    Args:
        unknown: the user of a group to be replaced; the others stay.
    """
    context = click.get_current_context()
    words = [str(model_file), "--ratings", "mine.csv"]
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in ("model_file", "user") or not parameter.expose_value:
            continue
        if context.get_parameter_source(name) != ParameterSource.COMMANDLINE:
            continue
        option = parameter.opts[0]
        value = context.params[name]
        if value is True:
            words.append(option)
            continue
        values = value if parameter.multiple else (value,)
        for text in values:
            if name != "users" or text != unknown:
                words += [option, str(text)]
    return f"matinee {context.info_name} {shlex.join(words)}"


def _new_person(guide: "Guide", path: Path) -> "UserState":
    from matinee.data.personal.personal_ratings import read_personal_ratings

    model = guide.model
    meta = click.get_current_context().meta
    found = read_personal_ratings(
        path,
        model.items_,
        guide.catalog,
        model.scale_,
        file_scale=meta.get(_SCALE),
        skip_bad_rows=skips_bad_rows(),
    )
    profile = model.fold_in(found.stars)
    for sentence in found.notes:
        note(sentence)
    return profile


def skips_bad_rows() -> bool:
    """Whether --skip-bad-rows is given."""
    return bool(click.get_current_context().meta.get(_SKIP, False))


def id_of(guide: "Guide", user: str | None) -> "Id | None":
    """The id as in the training data, where it may be a number; None for a new person."""
    if user is None:
        return None
    return guide.model.users_.id(guide.model.users_.index(user))
