"""matinee explain: the reasons for a prediction."""

from pathlib import Path

import click

from matinee.cli.options import json_option, k_option, path_argument
from matinee.cli.output import as_json, cell, note, table
from matinee.cli.person import (
    command_with_ratings,
    id_of,
    profile_of,
    ratings_option,
    require_person,
    user_option,
)


@click.command()
@path_argument
@user_option
@ratings_option
@click.option("--item", required=True, metavar="ID_OR_TITLE", help="The film.")
@k_option
@json_option
def explain(
    model_file: Path, user: str | None, ratings: Path | None, item: str, k: int, as_json_: bool
) -> None:
    """Explain the prediction for a person and a film.

    Shows what each rating of the person contributes.
    """
    from matinee.recommendation.guide import Guide

    require_person(user, ratings)
    guide = Guide.load(model_file)
    profile = profile_of(guide, model_file, user, ratings, no_history="")
    explanation = guide.explain(profile, item)
    if ratings is None and not guide.origin.has_history and explanation.rest:
        note(
            f"The ratings of user {user} are not in this file, "
            "so their contribution is a single number. "
            f"To see the reasons, give the ratings:  {command_with_ratings(model_file)}"
        )
    if as_json_:
        as_json({"user": id_of(guide, user), **explanation.to_dict(k)})
        return
    click.echo(f"{explanation.film.title}\n{explanation.sentence()}\n")
    digits = explanation.digits
    *parts, total = explanation.lines(k)
    rows = []
    for part in parts:
        sign = "+" if part.amount else ""
        amount = f"{part.amount:{sign}.{digits}f}"
        rows.append((part.what, amount, cell(part.without, f".{digits}f")))
    rows.append((total.what, f"{total.amount:.{digits}f}", ""))
    unit = "score" if explanation.stars is None else "stars"
    table(("", unit, "without it"), rows)
    if any(part.without is not None for part in parts):
        click.echo(f"\n{explanation.about_without}")
    note(guide.origin.note)
