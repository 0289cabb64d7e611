"""Response bodies as plain values for JSON. The API and the pages share these functions, so that
both show the same values."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

import numpy as np

from matinee.analysis.taste import taste_of
from matinee.data.titles import display_title
from matinee.data.vocabulary import Id
from matinee.recommendation.suggestions import Suggestion
from matinee.web.api.schemas import FilmQuery, ListOptions, SimilarQuery
from matinee.web.db.people import PersonData, Store
from matinee.web.http.monitoring import RATINGS_WRITTEN
from matinee.web.http.problems import Problem
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import FoldInResult, ModelSnapshot
from matinee.web.serving.work_queue import stop_if_abandoned

_N_EXPLAINED = 25
N_REASONS = 3
"""The number of reasons given for each film of a list."""

Values = dict[str, Any]


class FilmResults(TypedDict):
    """A page of search results; see `schemas.Films`."""

    films: list[FilmSummary]
    total: int
    page: int
    page_size: int
    n_guesses: int
    is_guess: bool


class ScaleInfo(TypedDict):
    """The rating scale of a model."""

    lowest: float
    highest: float
    step: float


class ModelInfo(TypedDict):
    """A description of a model."""

    name: str
    kind: str
    version: str
    predicts_stars: bool
    scale: ScaleInfo
    n_items: int
    dataset: str
    n_ratings: int


def film_page(snapshot: ModelSnapshot, query: FilmQuery) -> FilmResults:
    """Searches films and returns one page of the results; see `schemas.Films`."""
    found = snapshot.films.search(query.q, query.filters(), query.order)
    first = (query.page - 1) * query.page_size
    shown = found.indices[first : first + query.page_size].tolist()
    return {
        "films": [snapshot.films.summary(index) for index in shown],
        "total": len(found.indices),
        "page": query.page,
        "page_size": query.page_size,
        "n_guesses": found.n_guesses,
        "is_guess": found.is_guess,
    }


def suggestions(
    snapshot: ModelSnapshot,
    stars: Mapping[Id, float] | Mapping[str, float],
    hidden: Iterable[Id],
    options: ListOptions,
    *,
    strict: bool = False,
) -> Values:
    """Recommends films to a person; see `schemas.ListAnswer`.

    Args:
        stars, strict: as for `ModelSnapshot.fold_in`.
        hidden: ids of films that the person is not interested in.
    """
    person = snapshot.fold_in(stars, strict=strict)
    dials = options.dials()
    ranking = snapshot.guide.model.ranking(person.profile, dials.taste)
    found = snapshot.guide.recommend(
        person.profile,
        options.k,
        options.filters(),
        dials=dials,
        include_seen=options.include_rated,
        exclude=snapshot.known_ids(hidden),
        ranking=ranking,
    )
    items = [_suggested_film(item) for item in found.items]
    if options.explain:
        item_ids = [item.item_id for item in found.items]
        attributed = ranking.scores if ranking.stars is None else ranking.stars
        scores = attributed[snapshot.guide.model.items_.indices(item_ids)].tolist()
        for start in range(0, len(items), _N_EXPLAINED):
            stop_if_abandoned()
            part = slice(start, start + _N_EXPLAINED)
            explanations = snapshot.guide.explain_each(
                person.profile, item_ids[part], N_REASONS, scores[part]
            )
            for item, reason in zip(items[part], explanations, strict=True):
                item["explanation"] = reason.to_dict(N_REASONS)
    return {"items": items, "note": found.note} | _provenance(snapshot, person)


def similar(snapshot: ModelSnapshot, item_id: Id, query: SimilarQuery) -> Values:
    """Finds films that are similar to one; see `schemas.ListAnswer`."""
    found = snapshot.guide.similar(
        exact_id(snapshot.item_id(item_id)), query.k, min_ratings=query.min_ratings
    )
    provenance = {"unknown": [], "model": snapshot.name, "version": snapshot.version}
    items = [_suggested_film(item) for item in found.items]
    return {"items": items, "note": found.note} | provenance


def predictions(
    snapshot: ModelSnapshot, stars: Mapping[Id, float], item_ids: Iterable[Id], *, strict: bool
) -> Values:
    """Predicts a person's stars for films; see `schemas.Predictions`."""
    indices = [snapshot.index_of(item_id) for item_id in item_ids]
    person, model = snapshot.fold_in(stars, strict=strict), snapshot.guide.model
    clipped = np.clip(model.all_stars(person.profile)[indices], *model.scale_[:2]).tolist()
    films: list[Values] = [
        {"item_id": model.items_.id(index), "stars": round(star, 3)}
        for index, star in zip(indices, clipped, strict=True)
    ]
    _add_deviations(snapshot, person, films)
    return {"predictions": films} | _provenance(snapshot, person)


def explanation(
    snapshot: ModelSnapshot, stars: Mapping[Id, float], item_id: Id, reasons: int, *, strict: bool
) -> Values:
    """Explains the prediction for a film; see `schemas.Explained`."""
    person = snapshot.fold_in(stars, strict=strict)
    known_id = exact_id(snapshot.item_id(item_id))
    values = snapshot.guide.explain(person.profile, known_id).to_dict(reasons)
    _add_deviations(snapshot, person, [values])
    return values


def stored_ratings(snapshot: ModelSnapshot, data: PersonData) -> Values:
    """Lists a person's ratings with titles, and their hidden films; see `schemas.KeptRatings`."""
    return {
        "ratings": [
            {
                "item_id": item_id,
                "title": snapshot.guide.catalog[item_id].title,
                "stars": rating.stars,
                "rated_at": rating.rated_at,
            }
            for rating in data.ratings
            for item_id in [native_id(snapshot, rating.item_id)]
        ],
        "not_interested": [native_id(snapshot, item_id) for item_id in data.not_interested],
    }


def marked_films(snapshot: ModelSnapshot, item_ids: Iterable[Id]) -> list[Values]:
    """The films of a person's list, in its order; see `schemas.MarkedFilms`."""
    films = []
    for item_id in item_ids:
        known_id = native_id(snapshot, item_id)
        films.append({"item_id": known_id, "title": snapshot.guide.catalog[known_id].title})
    return films


def describe(snapshot: ModelSnapshot) -> ModelInfo:
    """Describes a model."""
    model, origin = snapshot.guide.model, snapshot.guide.origin
    lowest, highest, step = model.scale_
    return {
        "name": snapshot.name,
        "kind": model.name,
        "version": snapshot.version,
        "predicts_stars": model.has_stars,
        "scale": {"lowest": lowest, "highest": highest, "step": step},
        "n_items": len(model.items_),
        "dataset": origin.dataset,
        "n_ratings": origin.n_ratings,
    }


def storable_ratings(
    snapshot: ModelSnapshot, stars: Mapping[Id, float] | Mapping[str, float]
) -> dict[str, float]:
    """Validates ratings and converts their ids to those of the database.

    Raises:
        Problem: 404, the model does not know one of the films.
        OutOfScaleError: a rating is outside the model's scale.
    """
    native = {snapshot.item_id(item_id): given for item_id, given in stars.items()}
    snapshot.check_scale(native)
    return {storable_id(item_id): given for item_id, given in native.items()}


def storable_id(item_id: object) -> str:
    """Converts an id to text; raises Problem, 404, if it contains NUL or invalid Unicode, which
    databases refuse."""
    text = str(item_id)
    if "\0" in text or (not text.isascii() and text.encode("utf-8", "replace").decode() != text):
        raise Problem(
            404,
            "unknown-film",
            "The film id contains characters that are not valid; check the id.",
        )
    return text


def store_ratings(
    store: Store,
    person: str,
    ratings: Mapping[str, float],
    rated_at: Mapping[str, int] | None = None,
) -> None:
    """Stores ratings that `storable_ratings` has validated, and counts them.

    Args:
        rated_at: see `Store.rate_many`.
    """
    store.rate_many(person, ratings, rated_at)
    RATINGS_WRITTEN.inc(len(ratings))


def taste(snapshot: ModelSnapshot, data: PersonData) -> Values:
    """Compares a person's ratings with those of others; see `matinee.analysis.taste`."""
    found = taste_of(snapshot.guide, snapshot.indices(data.stars()))
    return {
        "n_ratings": found.n_ratings,
        "mean": found.mean,
        "generosity": found.generosity,
        "histogram": [bar._asdict() for bar in found.histogram],
        "everybody": found.everyone and [bar._asdict() for bar in found.everyone],
        "genres": [genre._asdict() for genre in found.genres],
        "decades": [decade._asdict() for decade in found.decades],
        "disagreements": [
            snapshot.films.summary(film.item_index) | {"stars": film.stars, "beyond": film.beyond}
            for film in found.disagreements
        ],
    }


def native_id(snapshot: ModelSnapshot, item_id: Id) -> Id:
    """The model's own form of an id, such as 7 for the text "7"; unchanged if the model does not
    know it."""
    index = snapshot.find(item_id)
    return item_id if index is None else snapshot.guide.model.items_.id(index)


def exact_id(item_id: Id) -> Id:
    """An id in the form in which `Guide` does not take it for a title."""
    return item_id if isinstance(item_id, int) else f"id:{item_id}"


def _provenance(snapshot: ModelSnapshot, person: FoldInResult) -> Values:
    return {"unknown": person.unknown, "model": snapshot.name, "version": snapshot.version}


def _suggested_film(item: Suggestion) -> Values:
    deviation = None if item.deviation is None else round(item.deviation, 3)
    return item.to_dict() | {
        "display_title": display_title(item.film.title, item.film.year),
        "imdb": item.film.imdb,
        "tmdb": item.film.tmdb,
        "tags": list(item.film.tags),
        "deviation": deviation,
        "explanation": None,
    }


def _add_deviations(snapshot: ModelSnapshot, person: FoldInResult, films: list[Values]) -> None:
    """Adds to each film the standard deviation of the person's rating around the prediction; None
    if the model does not estimate it."""
    model = snapshot.guide.model
    indices = np.array([snapshot.index_of(film["item_id"]) for film in films], np.int64)
    deviations = model.deviations(person.profile, indices) if len(indices) else None
    rounded = [None] * len(films) if deviations is None else np.round(deviations, 3).tolist()
    for film, deviation in zip(films, rounded, strict=True):
        film["deviation"] = deviation
