"""matinee predict: the stars that somebody would give a film."""

from pathlib import Path

import click

from matinee.cli.options import json_option, path_argument
from matinee.cli.output import as_json
from matinee.cli.person import id_of, profile_of, ratings_option, require_person, user_option


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
