"""The operator's page of the models: how good they are for the people here, and two of them side
by side."""

from typing import Annotated, NamedTuple, TypedDict

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from matinee.analysis.leave_one_out import MIN_RATINGS, mean_absolute_errors
from matinee.recommendation.suggestions import Suggestion
from matinee.web.api.dependencies import MaybePerson, ServerState, Serving
from matinee.web.api.operator_data import storable_prefix
from matinee.web.api.responses import ModelInfo, describe
from matinee.web.db.people import PersonData
from matinee.web.pages.operator_access import needs_sign_in
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import person_data
from matinee.web.serving.comparison import (
    LIST_LENGTH,
    MAX_PEOPLE,
    Accuracy,
    PredictionGap,
    SharedFilms,
    accuracy,
    differences,
    list_for,
    shared_films,
)
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(include_in_schema=False)

PAGE = "/operator/models"
MAX_PREDICTED = 40
"""This many of the latest ratings are predicted, each from all others by a fold-in of its own."""

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


class Chosen(NamedTuple):
    """The person for whom the lists are."""

    data: PersonData
    kind: str
    """"for_person", "for_own" or "for_new"."""
    person_id: str
    is_missing: bool
    """Whether the operator asked for somebody who was not found."""


class ModelsPage(TypedDict):
    """Values of operator/models.html."""

    names: list[str]
    left: str
    right: str
    accuracy: list[Accuracy]
    max_people: int
    columns: list[ModelColumn]
    list_length: int
    chosen: Chosen
    asked: str
    n_same: int
    shared: SharedFilms | None
    differences: list[PredictionGap]


@router.get("/models")
async def former_page(request: Request) -> Response:
    """Leads to where the page is now."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{PAGE}{query}", 303)


@router.get(PAGE, dependencies=needs_sign_in)
async def models(
    request: Request,
    visitor: MaybePerson,
    serving: Serving,
    left: ModelName = "",
    right: ModelName = "",
    person: Annotated[str, Query(max_length=32)] = "",
) -> Response:
    """The page for two chosen models, by default the first two."""
    return await serving.page_queue.run(_models, request, visitor, serving, left, right, person)


def _models(
    request: Request,
    visitor: str | None,
    serving: ServerState,
    left: str,
    right: str,
    asked: str,
) -> Response:
    names = [model.name for model in serving.models]
    if left not in names:
        left = names[0]
    if right not in names:
        right = next((name for name in names if name != left), left)
    chosen = _chosen(serving, visitor, asked)
    people = serving.store.recent_raters(MAX_PEOPLE, MIN_RATINGS)
    snapshots = [serving.models.snapshot(name) for name in dict.fromkeys((left, right))]
    lists = [list_for(snapshot, chosen.data) for snapshot in snapshots]
    columns = []
    for snapshot, items in zip(snapshots, lists, strict=True):
        others = [other for other in lists if other is not items]
        columns.append(snapshot.run(_column, snapshot, chosen.data, items, others))
    values = ModelsPage(
        names=names,
        left=left,
        right=right,
        accuracy=[accuracy(live.current, people) for live in serving.models],
        max_people=MAX_PEOPLE,
        columns=columns,
        list_length=LIST_LENGTH,
        chosen=chosen,
        asked=asked,
        n_same=sum(film.other_rank is not None for film in columns[0].films),
        shared=None,
        differences=[],
    )
    if len(snapshots) == 2:
        values["shared"] = shared_films(snapshots[0], snapshots[1], people)
        values["differences"] = differences(snapshots[0], snapshots[1], chosen.data)
    return render(request, "operator/models.html", values)


def _chosen(serving: ServerState, visitor: str | None, asked: str) -> Chosen:
    """The person whose id starts as asked; otherwise the operator's own, or a new one."""
    if asked:
        found = serving.store.overview.people(storable_prefix(asked), page_size=1)
        if found.total == 1:
            person_id = found.people[0].person_id
            return Chosen(serving.store.load_person(person_id), "for_person", person_id, False)
    own = PersonData([], []) if asked else person_data(serving, visitor)
    return Chosen(own, "for_own" if own.ratings else "for_new", "", bool(asked))


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
