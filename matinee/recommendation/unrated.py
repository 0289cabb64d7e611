"""Lists with items of the catalog that nobody has rated, predicted from their features."""

from collections.abc import Set as AbstractSet

import numpy as np

from matinee.data.catalog import Catalog
from matinee.data.vocabulary import Id
from matinee.models.base import Recommender, UserState
from matinee.models.list_scores import shrunk
from matinee.recommendation.filters import Filters
from matinee.recommendation.suggestions import Suggestion, Suggestions


def with_unrated(
    model: Recommender,
    catalog: Catalog,
    profile: UserState,
    k: int,
    filters: Filters,
    excluded: AbstractSet[Id],
    rated: Suggestions,
) -> Suggestions:
    """The k best of a list and of the items of the catalog without ratings, best first.

    Args:
        filters, excluded: these also hold for the items without ratings.
        rated: the list of the items that the model knows.

    Raises:
        UnsupportedError: the model cannot predict items without ratings.
    """
    item_ids = _unrated_ids(model, catalog, filters, excluded)
    labels = [catalog.feature_names(item_id) for item_id in item_ids]
    lines = list(rated.items)
    predicted = model.score_new_items(profile, labels)
    scores = np.array([scored.score for scored in predicted])
    shown = shrunk(model.scale_, scores, np.zeros(len(scores), np.int64))
    for place, (item_id, scored) in enumerate(zip(item_ids, predicted, strict=True)):
        line = Suggestion(
            item_id=item_id,
            film=catalog[item_id],
            score=scored.score,
            stars=scored.stars,
            n_ratings=0,
            mean=None,
            deviation=scored.deviation,
            shown=scored.stars and shown.tolist()[place],
        )
        lines.append(line)
    # Caution would leave no item without ratings in a list
    lines.sort(key=lambda line: (line.stars or 0.0, line.score), reverse=True)
    note = ""
    if len(lines) < k:
        note = f"{len(lines)} instead of {k}: no other films of the catalog match."
    return Suggestions(lines[:k], note)


def _unrated_ids(
    model: Recommender, catalog: Catalog, filters: Filters, excluded: AbstractSet[Id]
) -> list[Id]:
    """The items of the catalog without ratings that pass the filters."""
    if filters.min_ratings > 0:
        return []
    genres = {catalog.genre_named(genre) for genre in filters.genres}
    not_genres = {catalog.genre_named(genre) for genre in filters.not_genres}
    first, last = filters.years
    left_out = excluded | frozenset(filters.not_items)
    found = []
    for item_id, film in catalog.films.items():
        is_listed = filters.items is None or item_id in filters.items
        if model.items_.find(item_id) is not None or item_id in left_out or not is_listed:
            continue
        if (genres and genres.isdisjoint(film.genres)) or not not_genres.isdisjoint(film.genres):
            continue
        if (first or last) and not (first or 1) <= (film.year or 0) <= (last or film.year or 0):
            continue
        found.append(item_id)
    return found
