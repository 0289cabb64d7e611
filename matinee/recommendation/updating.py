"""The update of a model file: the model, the titles of new items, and the origin."""

import re
from dataclasses import replace
from typing import NamedTuple

from matinee._version import __version__
from matinee.data.arguments import RatingsLike
from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings, Scale
from matinee.data.reading.options import DEFAULT_OPTIONS, ReadOptions
from matinee.models import updating
from matinee.models.base import Recommender
from matinee.recommendation.model_file import Origin
from matinee.text import counted

_NOTE = re.compile(r" ?Updated with ([\d,]+) new, changed or withdrawn (?:rating|pair)s?\.")


class UpdatedParts(NamedTuple):
    """The parts of a guide after the news, and what they consisted of."""

    model: Recommender
    catalog: Catalog
    origin: Origin
    tally: updating.NewsTally


def updated_parts(
    model: Recommender,
    catalog: Catalog,
    origin: Origin,
    news: "RatingsLike | None",
    withdrawn: "RatingsLike | None",
    n_threads: int | None,
) -> "UpdatedParts":
    """The parts of a guide after the news; see `Guide.updated`."""
    model.check_fitted()
    given = _read(news, news_options(model.scale_, DEFAULT_OPTIONS))
    gone = _read(withdrawn, withdrawn_options(DEFAULT_OPTIONS))
    whole, labels = catalog, {}
    if isinstance(given, Dataset):
        new = {key: film for key, film in given.catalog.films.items() if key not in catalog.films}
        if new:
            whole = Catalog({**catalog.films, **new})
        labels = {key: whole.feature_names(key) for key in given.ratings.items.ids.tolist()}
    result = updating.updated(model, given, withdrawn=gone, labels=labels, n_threads=n_threads)
    return UpdatedParts(result.model, whole, _origin(origin, result), result.tally)


def news_options(scale: Scale, options: ReadOptions) -> ReadOptions:
    """Options to read new ratings: on the scale of the model, however few."""
    reads_pairs = options.pairs or options.count is not None
    if scale.has_stars and options.scale is None and not reads_pairs:
        options = replace(options, scale=(scale.lowest, scale.highest))
    return replace(options, adds=True)


def withdrawn_options(options: ReadOptions) -> ReadOptions:
    """Options to read withdrawn ratings, whose values do not matter."""
    return replace(
        options, adds=True, pairs=True, rating=None, count=None, value_map=None, scale=None
    )


def _read(source: "RatingsLike | None", options: ReadOptions) -> "Ratings | Dataset | None":
    if source is None or isinstance(source, (Ratings, Dataset)):
        return source
    from matinee.data.reading.read import read  # Polars is slow to import

    return read(source, options)


def _origin(origin: Origin, result: updating.Updated) -> Origin:
    """The origin with a note on all updates together."""
    n_changes = result.tally.n_ratings
    before = _NOTE.search(origin.note)
    if before is not None:
        n_changes += int(before[1].replace(",", ""))
    unit = "rating" if result.model.scale_.has_stars else "pair"
    told = f"Updated with {counted(n_changes, f'new, changed or withdrawn {unit}')}."
    note = f"{_NOTE.sub('', origin.note)} {told}".strip()
    return replace(origin, n_ratings=len(result.model.history_), note=note, version=__version__)
