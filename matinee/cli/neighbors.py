"""matinee neighbors: people with similar tastes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matinee.cli.options import json_option, k_option, path_argument
from matinee.cli.output import as_json, cell, note, table
from matinee.cli.person import id_of, profile_of, ratings_option, require_person, user_option

if TYPE_CHECKING:
    from matinee.analysis.similar_users import Neighbor, NeighborFilm

#: Neighbors that are described in a sentence.
N_SENTENCES = 3


@click.command()
@path_argument
@user_option
@ratings_option
@k_option
@json_option
def neighbors(
    model_file: Path, user: str | None, ratings: Path | None, k: int, as_json_: bool
) -> None:
    """List people with similar tastes, and films they love.

    A film is loved if its rating is in the upper quarter of the scale. Similarity is a cosine,
    multiplied by n / (n + 20) for a neighbor with n ratings. If the file was saved without
    histories, n is unknown, and similarity is the cosine itself.
    """
    from matinee.analysis.similar_users import neighbors as find_neighbors
    from matinee.recommendation.guide import Guide

    require_person(user, ratings)
    guide = Guide.load(model_file)
    profile = profile_of(guide, model_file, user, ratings, no_history="")
    user_id = id_of(guide, user)
    found = find_neighbors(guide, profile if user_id is None else user_id, k, n_films=k)
    if as_json_:
        people = [neighbor.to_dict() for neighbor in found.people]
        films = [film.to_dict() for film in found.films]
        as_json({"user": user_id, "k": k, "people": people, "films": films, "note": found.note})
        return
    has_stars = guide.model.scale_.has_stars
    _print_people(found.people, has_stars)
    click.echo()
    for neighbor in found.people[:N_SENTENCES]:
        if neighbor.agreed or neighbor.loved:
            click.echo(neighbor.sentence())
    if found.films:
        click.echo()
        _print_films(found.films, has_stars)
    note(found.note)


def _print_people(people: "list[Neighbor]", has_stars: bool) -> None:
    headings = ["", "similarity", "both have", "films", "user"]
    if has_stars:
        headings = ["", "similarity", "rated by both", "stars apart", "ratings", "user"]
    rows = []
    for number, neighbor in enumerate(people, 1):
        row = [str(number), f"{neighbor.likeness:.2f}", cell(neighbor.n_both, ",", "-")]
        if has_stars:
            row.append(cell(neighbor.difference, ".2f", "-"))
        rows.append([*row, cell(neighbor.n_ratings, ",", "-"), str(neighbor.user_id)])
    table(headings, rows, "People with similar tastes")


def _print_films(films: "list[NeighborFilm]", has_stars: bool) -> None:
    headings = ["", "had by"]
    title = "Films that they have and you do not"
    if has_stars:
        headings = ["", "loved by", "for you"]
        title = "Films that they loved and you have not rated"
    rows = []
    for number, line in enumerate(films, 1):
        row = [str(number), f"{line.n_loved:,}"]
        if has_stars:
            row.append(cell(line.stars, ".2f", "-"))
        rows.append([*row, line.film.title, ", ".join(line.film.genres), str(line.item_id)])
    table((*headings, "film", "genres", "id"), rows, title)
