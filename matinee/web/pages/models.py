"""The models page: two models side by side, with their lists for the same person and their errors
on that person's ratings."""

from typing import Annotated, NamedTuple, TypedDict

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from numpy.typing import NDArray

from matinee.analysis.leave_one_out import mean_absolute_errors
from matinee.models.history import few_ratings
from matinee.recommendation.suggestions import Suggestion
from matinee.web.api.dependencies import MaybePerson, ServerState, Serving
from matinee.web.api.responses import ModelInfo, describe
from matinee.web.db.people import PersonData
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import person_data
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/models", include_in_schema=False)

LIST_LENGTH = 15
MAX_PREDICTED = 40
"""This many of the latest ratings are predicted, each from all others by a fold-in of its own."""
N_DIFFERENCES = 8

ModelName = Annotated[str, Query(max_length=100)]


class ListedFilm(NamedTuple):
    """A film on one model's list, and its rank on the other model's list."""

    item: Suggestion
    other_rank: int | None


class ModelColumn(NamedTuple):
    """One of the two models."""

    about: ModelInfo
    films: list[ListedFilm]
    own_error: float | None
    """The model's mean absolute error on the person's ratings, in stars; None if unknown."""
    means_error: float | None
    """The mean absolute error of the films' mean ratings."""


class PredictionGap(NamedTuple):
    """A film for which the models' predictions differ."""

    film: FilmSummary
    left: float
    right: float


class ModelsPage(TypedDict):
    """Values of models.html."""

    names: list[str]
    left: str
    right: str
    columns: list[ModelColumn]
    list_length: int
    n_rated: int
    n_same: int
    differences: list[PredictionGap]


@router.get("")
async def models(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    left: ModelName = "",
    right: ModelName = "",
) -> Response:
    """The page for two chosen models, by default the first two."""
    return await serving.page_queue.run(_models, request, person, serving, left, right)


def _models(
    request: Request, person: str | None, serving: ServerState, left: str, right: str
) -> Response:
    names = [model.name for model in serving.models]
    if left not in names:
        left = names[0]
    if right not in names:
        right = next((name for name in names if name != left), left)
    data = person_data(serving, person)
    snapshots = [serving.models.snapshot(name) for name in dict.fromkeys((left, right))]
    lists = [snapshot.run(_recommend, snapshot, data) for snapshot in snapshots]
    columns = []
    for snapshot, items in zip(snapshots, lists, strict=True):
        others = [other for other in lists if other is not items]
        columns.append(snapshot.run(_column, snapshot, data, items, others))
    values = ModelsPage(
        names=names,
        left=left,
        right=right,
        columns=columns,
        list_length=LIST_LENGTH,
        n_rated=len(data.ratings),
        n_same=sum(film.other_rank is not None for film in columns[0].films),
        differences=[],
    )
    if len(snapshots) == 2:
        values["differences"] = _differences(snapshots[0], snapshots[1], data)
    return render(request, "models.html", values)


def _recommend(snapshot: ModelSnapshot, data: PersonData) -> list[Suggestion]:
    profile = snapshot.fold_in(data.stars(), strict=False).profile
    exclude = snapshot.known_ids(data.not_interested)
    return snapshot.guide.recommend(profile, LIST_LENGTH, exclude=exclude).items


def _column(
    snapshot: ModelSnapshot,
    data: PersonData,
    items: list[Suggestion],
    others: list[list[Suggestion]],
) -> ModelColumn:
    """One model with its list and its errors on the person's ratings.

    Args:
        others: the other model's list; empty if only one model is shown.
    """
    ranks = {}
    for other in others:
        ranks = {str(item.item_id): rank for rank, item in enumerate(other, 1)}
    films = [ListedFilm(item, ranks.get(str(item.item_id))) for item in items]
    stars = snapshot.indices(data.stars())
    errors = mean_absolute_errors(snapshot.guide.model, stars, MAX_PREDICTED)
    if errors is None:
        return ModelColumn(describe(snapshot), films, None, None)
    return ModelColumn(
        describe(snapshot), films, round(errors.model, 2), round(errors.item_means, 2)
    )


def _differences(
    left: ModelSnapshot, right: ModelSnapshot, data: PersonData
) -> list[PredictionGap]:
    """The well-known films whose predictions differ most; empty unless both models predict
    stars."""
    if not (left.guide.model.has_stars and right.guide.model.has_stars):
        return []
    left_stars = left.run(_predictions, left, data)
    right_stars = right.run(_predictions, right, data)
    rated = set(data.stars())
    min_ratings = few_ratings(left.guide.model.item_counts_)
    common = []
    for index, item_id in enumerate(left.guide.model.items_.ids.tolist()):
        other_index = right.find(item_id)
        is_known = left.guide.model.item_counts_[index] >= min_ratings
        if other_index is not None and is_known and str(item_id) not in rated:
            common.append((index, float(left_stars[index]), float(right_stars[other_index])))
    common.sort(key=lambda film: -abs(film[1] - film[2]))
    return [
        PredictionGap(left.films.summary(index), one, other)
        for index, one, other in common[:N_DIFFERENCES]
    ]


def _predictions(snapshot: ModelSnapshot, data: PersonData) -> NDArray[np.float32]:
    """The person's predicted stars for all items, (I,)."""
    model = snapshot.guide.model
    profile = snapshot.fold_in(data.stars(), strict=False).profile
    lowest, highest = model.scale_[:2]
    return np.clip(model.all_stars(profile), lowest, highest)
