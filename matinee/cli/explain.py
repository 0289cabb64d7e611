"""matinee explain: why a prediction is what it is."""

from pathlib import Path

import click

from matinee.cli.options import json_option, k_option, path_argument
from matinee.cli.output import as_json, note, table
from matinee.cli.person import (
    id_of,
    profile_of,
    ratings_option,
    require_person,
    retyped_with_ratings,
    user_option,
)


@click.command()
@path_argument
@user_option
@ratings_option
@click.option("--item", required=True, metavar="ID_OR_TITLE", help="The film.")
@k_option
@json_option
def explain(model_file: Path, user: str | None, ratings: Path | None, item: str, k: int, as_json_: bool) -> None:
    """Why somebody would give a film so many stars: what each of their ratings adds."""
    from matinee.recommendation.guide import Guide

    require_person(user, ratings)
    guide = Guide.load(model_file)
    found = guide.explain(profile_of(guide, model_file, user, ratings, ""), item)
    if ratings is None and not guide.origin.has_history and found.rest:
        missing = f"The ratings of user {user} are not in this file, so what they add is one number."
        note(f"{missing} For reasons, give them:  {retyped_with_ratings(model_file)}")
    if as_json_:
        as_json({"user": id_of(guide, user), **found.to_dict(k)})
        return
    click.echo(f"{found.film.title}\n{found.sentence()}\n")
    *parts, total = found.lines(k)
    rows = [
        (
            line.what,
            f"{line.amount:{'+' if line.amount else ''}.{found.digits}f}",
            "" if line.without is None else f"{line.without:.{found.digits}f}",
        )
        for line in parts
    ]
    kind = "score" if found.stars is None else "stars"
    table(("", kind, "without it"), [*rows, (total.what, f"{total.amount:.{found.digits}f}", "")])
    if any(line.without is not None for line in parts):
        click.echo(f"\n{found.about_without}")
    note(guide.origin.note)
