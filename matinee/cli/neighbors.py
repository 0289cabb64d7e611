"""matinee neighbors: people with similar tastes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.options import json_option, k_option, path_argument
from matinee.cli.output import as_json, note, table
from matinee.cli.person import id_of, profile_of, ratings_option, require_person, user_option

if TYPE_CHECKING:
    from matinee.analysis.similar_users import Neighbors


@click.command()
@path_argument
@user_option
@ratings_option
@k_option
@json_option
def neighbors(model_file: Path, user: str | None, ratings: Path | None, k: int, as_json_: bool) -> None:
    """People with tastes like somebody's, and what they loved: for a known --user, or a new person's --ratings.

    Loved is what they rated in the upper quarter of the scale. Likeness is a cosine, smaller where a neighbour has few
    ratings (times n / (n + 20)); a file saved without histories does not tell how many, so there it is not.
    """
    from matinee.analysis.similar_users import neighbors as find_neighbors
    from matinee.recommendation.guide import Guide

    require_person(user, ratings)
    guide = Guide.load(model_file)
    profile = profile_of(guide, model_file, user, ratings, no_history="")
    known = id_of(guide, user)
    found = find_neighbors(guide, profile if known is None else known, k, n_films=k)
    if as_json_:
        people, films = ([one.to_dict() for one in part] for part in (found.people, found.films))
        as_json({"user": known, "k": k, "people": people, "films": films, "note": found.note})
        return
    _print_neighbors(found, guide.model.scale_.has_stars)
    note(found.note)


def _print_neighbors(found: "Neighbors", has_stars: bool) -> None:
    rows = [
        (
            str(place),
            f"{one.likeness:.2f}",
            "-" if one.n_both is None else f"{one.n_both:,}",
            *(["-" if one.difference is None else f"{one.difference:.2f}"] * has_stars),
            "-" if one.n_ratings is None else f"{one.n_ratings:,}",
            str(one.user_id),
        )
        for place, one in enumerate(found.people, 1)
    ]
    counts = ("rated by both", "stars apart", "ratings") if has_stars else ("both have", "films")
    table(("", "likeness", *counts, "user"), rows, "People with like tastes")
    click.echo()
    for one in found.people[:3]:
        if one.agreed or one.loved:
            click.echo(one.sentence())
    lines = [
        (
            str(place),
            f"{one.n_loved:,}",
            *(["-" if one.stars is None else f"{one.stars:.2f}"] * has_stars),
            one.film.title,
            ", ".join(one.film.genres),
            str(one.item_id),
        )
        for place, one in enumerate(found.films, 1)
    ]
    if lines:
        click.echo()
        headings = ("", "loved by", "for you") if has_stars else ("", "had by")
        title = "What they loved and you have not rated" if has_stars else "What they have and you have not"
        table((*headings, "film", "genres", "id"), lines, title)
