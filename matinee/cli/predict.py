"""matinee predict: the stars that a person would give a film."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from matinee.cli.options import json_option, path_argument
from matinee.cli.output import as_json
from matinee.cli.person import id_of, profile_of, ratings_option, require_person, user_option

if TYPE_CHECKING:
    from matinee.data.vocabulary import Id
    from matinee.models.base import UserState
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.intervals import Certainty


@click.command()
@path_argument
@user_option
@ratings_option
@click.option(
    "--item",
    "items",
    required=True,
    multiple=True,
    metavar="ID_OR_TITLE",
    help="The film; may be repeated.",
)
@json_option
def predict(
    model_file: Path,
    user: str | None,
    ratings: Path | None,
    items: tuple[str, ...],
    as_json_: bool,
) -> None:
    """Predict the stars that a person would give a film.

    A film of the catalog that nobody has rated is predicted from its genres and year, with a
    model of bayes; other models need ratings of the film.
    """
    from matinee.recommendation.guide import Guide

    require_person(user, ratings)
    guide = Guide.load(model_file)
    item_ids = [_item_id(guide, item) for item in items]
    profile = profile_of(guide, model_file, user, ratings)
    predictions = [_Prediction.of(guide, profile, item_id) for item_id in item_ids]
    if not as_json_:
        for prediction in predictions:
            prediction.print(guide)
        return
    person: dict[str, Any] = {"user": id_of(guide, user)}
    if len(predictions) == 1:
        as_json(person | predictions[0].to_dict())
    else:
        as_json(person | {"items": [prediction.to_dict() for prediction in predictions]})


def _item_id(guide: "Guide", item: str) -> "Id":
    """The id of a film, rated or in the catalog alone."""
    unrated = guide.unrated_id(item)
    if unrated is not None:
        return unrated
    return guide.item_id(item)


class _Prediction(NamedTuple):
    """The prediction for one film."""

    item_id: "Id"
    title: str
    stars: float
    uncertainty: "Certainty | None"

    @classmethod
    def of(cls, guide: "Guide", profile: "UserState", item_id: "Id") -> "_Prediction":
        from matinee.recommendation.intervals import certainty, certainty_of

        title = guide.catalog[item_id].title
        if guide.model.items_.find(item_id) is None:
            scored = guide.score_unrated(profile, item_id)
            uncertainty = certainty_of(guide.model, scored)
            return cls(item_id, title, guide.predict(profile, item_id), uncertainty)
        stars = guide.model.predict(profile, item_id)
        return cls(item_id, title, stars, certainty(guide.model, profile, item_id, stars))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        values: dict[str, Any] = {"item_id": self.item_id, "title": self.title}
        values["stars"] = round(self.stars, 3)
        if self.uncertainty is not None:
            values |= self.uncertainty.to_dict()
        return values

    def print(self, guide: "Guide") -> None:
        """Prints a line, and one for the uncertainty if the model knows it."""
        click.echo(f"{self.stars:.2f} stars for {self.title}, on the scale {guide.model.scale_}")
        if self.uncertainty is not None:
            low, high = self.uncertainty.low, self.uncertainty.high
            click.echo(
                f"Uncertainty: \u00b1{self.uncertainty.deviation:.2f}; "
                f"80% interval {low:.1f} to {high:.1f}."
            )
