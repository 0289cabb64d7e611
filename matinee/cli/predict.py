"""matinee predict: the stars that a person would give a film."""

from pathlib import Path
from typing import Any

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
def predict(
    model_file: Path, user: str | None, ratings: Path | None, item: str, as_json_: bool
) -> None:
    """Predict the stars that a person would give a film."""
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.intervals import certainty

    require_person(user, ratings)
    guide = Guide.load(model_file)
    item_id = guide.item_id(item)
    profile = profile_of(guide, model_file, user, ratings)
    stars = guide.model.predict(profile, item_id)
    title = guide.catalog[item_id].title
    uncertainty = certainty(guide.model, profile, item_id, stars)
    if as_json_:
        result: dict[str, Any] = {"user": id_of(guide, user), "item_id": item_id, "title": title}
        result["stars"] = round(stars, 3)
        if uncertainty is not None:
            result |= uncertainty.to_dict()
        as_json(result)
        return
    click.echo(f"{stars:.2f} stars for {title}, on the scale {guide.model.scale_}")
    if uncertainty is not None:
        interval = f"80% interval {uncertainty.low:.1f} to {uncertainty.high:.1f}"
        click.echo(f"Uncertainty: \u00b1{uncertainty.deviation:.2f}; {interval}.")
