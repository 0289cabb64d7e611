"""matinee predict: the stars that a person would give a film, or those of a table of pairs."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Unpack

import click

from matinee.cli.options import (
    PairOptions,
    json_option,
    pair_options,
    path_argument,
    read_pair_options,
)
from matinee.cli.output import as_json, note
from matinee.cli.person import (
    id_of,
    profile_of,
    ratings_option,
    require_person,
    skips_bad_rows,
    user_option,
)
from matinee.text import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from matinee.data.vocabulary import Id
    from matinee.models.base import UserState
    from matinee.recommendation.guide import Guide
    from matinee.recommendation.intervals import Certainty


@click.command()
@path_argument
@click.argument("pairs", required=False, type=click.Path(path_type=Path))
@click.option("--pairs", "pairs_too", hidden=True, type=click.Path(path_type=Path))
@user_option
@ratings_option
@click.option(
    "--item", "items", multiple=True, metavar="ID_OR_TITLE", help="The film; may be repeated."
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file for the predictions of PAIRS: .csv, .tsv, .parquet or .jsonl.",
)
@pair_options
@json_option
def predict(
    model_file: Path,
    pairs: Path | None,
    pairs_too: Path | None,
    user: str | None,
    ratings: Path | None,
    items: tuple[str, ...],
    out: Path | None,
    as_json_: bool,
    **columns: Unpack[PairOptions],
) -> None:
    """Predict the stars that a person would give a film.

    A film of the catalog that nobody has rated is predicted from its genres and year, with a
    model of bayes; other models need ratings of the film.

    With PAIRS, a table of users and items, the predictions are written to the file --out: a row
    for each row, in the same order. Where the model does not know the user or the item, the
    prediction is empty. The options on columns and cells are for PAIRS.
    """
    from matinee.data.convert import check_table_name
    from matinee.recommendation.guide import Guide

    pairs = pairs or pairs_too
    if pairs is not None:
        if user is not None or ratings is not None or items:
            raise click.UsageError("Use either PAIRS or --item with --user or --ratings, not both.")
        if out is None:
            raise click.UsageError("Missing option '--out FILE' for the predictions of PAIRS.")
        check_table_name(out, [model_file, pairs])
        _predict_pairs(Guide.load(model_file), pairs, out, columns, as_json_)
        return
    if out is not None:
        raise click.UsageError("--out is for a table of pairs: matinee predict MODEL PAIRS.")
    if not items:
        raise click.UsageError("Missing option '--item'.")
    require_person(user, ratings)
    guide = Guide.load(model_file)
    item_ids = [_item_id(guide, item) for item in items]
    profile = profile_of(guide, model_file, user, ratings)
    predictions = [_Prediction.of(guide, profile, item_id) for item_id in item_ids]
    if not as_json_:
        for prediction in predictions:
            prediction.print(guide)
        return
    person: dict[str, object] = {"user": id_of(guide, user)}
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


def _predict_pairs(
    guide: "Guide", path: Path, out: Path, columns: PairOptions, as_json_: bool
) -> None:
    import numpy as np
    import polars as pl

    from matinee.data.convert import write_frames
    from matinee.data.reading.read import read_pairs
    from matinee.text import counted

    options = read_pair_options(columns, skips_bad_rows())
    table, notes = read_pairs(path, options)
    for sentence in notes:
        note(f"{path}: {sentence}")
    item_ids = _known_ids(guide, table.items.ids.tolist())
    users, items = table.users.ids[table.user_index], item_ids[table.item_index]
    stars = guide.predict_pairs(users, items, table.timestamp)
    frame = pl.DataFrame(
        {
            "user_id": users.tolist(),
            "item_id": table.items.ids[table.item_index].tolist(),
            "stars": pl.Series(stars).fill_nan(None),
        }
    )
    write_frames([frame], out)
    n_unknown = int(np.isnan(stars).sum())
    if as_json_:
        as_json({"rows": len(stars), "unknown": n_unknown, "out": str(out)})
        return
    click.echo(f"Wrote {counted(len(stars), 'prediction')} to {printable(str(out))}.")
    if n_unknown:
        note(
            f"Rows with a user or an item that the model does not know: {n_unknown:,}; their "
            "predictions are empty."
        )


def _known_ids(guide: "Guide", given: "list[Id]") -> "NDArray[np.object_]":
    """The ids of items in a table, which may name them by title; as given if unknown."""
    import numpy as np

    from matinee.errors import UnknownNameError

    ids = np.empty(len(given), object)
    for place, text in enumerate(given):
        ids[place] = text
        if guide.model.items_.find(text) is None and isinstance(text, str):
            with suppress(UnknownNameError):
                ids[place] = guide.item_id(text)
    return ids


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

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        values: dict[str, object] = {"item_id": self.item_id, "title": self.title}
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
