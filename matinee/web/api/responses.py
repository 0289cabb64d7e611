"""What is answered, as plain values for JSON; the API and the pages say the same because they
both say this."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

import numpy as np

from matinee.analysis.taste import taste_of
from matinee.data.vocabulary import Id
from matinee.recommendation.suggestions import Suggestion
from matinee.web.api.schemas import FilmQuery, SimilarQuery, Wish
from matinee.web.db.people import Kept, Store
from matinee.web.http.monitoring import WRITTEN
from matinee.web.http.problems import Problem
from matinee.web.serving.film_search import FilmLine
from matinee.web.serving.snapshot import Folded, Snapshot

REASONS = 3
"""So many are named for each film of a list."""

Values = dict[str, Any]


class FoundFilms(TypedDict):
    """`shapes.Films`."""

    films: list[FilmLine]
    total: int
    page: int
    page_size: int
    is_guess: bool


class ScaleInfo(TypedDict):
    """The ratings that a model was trained on."""

    lowest: float
    highest: float
    step: float


class ModelInfo(TypedDict):
    """A model in a few words."""

    name: str
    kind: str
    version: str
    predicts_stars: bool
    scale: ScaleInfo
    n_items: int
    dataset: str
    n_ratings: int


def film_page(snapshot: Snapshot, query: FilmQuery) -> FoundFilms:
    """A page of films that were searched for; `shapes.Films`."""
    found = snapshot.films.search(query.q, query.filters(), query.order)
    first = (query.page - 1) * query.page_size
    shown = found.indices[first : first + query.page_size].tolist()
    return {
        "films": [snapshot.films.line(index) for index in shown],
        "total": len(found.indices),
        "page": query.page,
        "page_size": query.page_size,
        "is_guess": found.is_guess,
    }


def suggestions(
    snapshot: Snapshot,
    stars: Mapping[Id, float],
    hidden: Iterable[Id],
    wish: Wish,
    *,
    strict: bool = False,
) -> Values:
    """A list for a person; `schemas.ListAnswer`.

    Args:
        stars, strict: as for `Snapshot.fold_in`.
        hidden: ids of films that they are not interested in.
    """
    person = snapshot.fold_in(stars, strict=strict)
    found = snapshot.guide.recommend(
        person.profile,
        wish.k,
        wish.filters(),
        dials=wish.dials(),
        include_seen=wish.include_rated,
        exclude=snapshot.known_ids(hidden),
    )
    items = [_line(one) for one in found.items]
    if wish.explain:
        known = [one.item_id for one in found.items], REASONS, [one.score for one in found.items]
        reasons = snapshot.guide.explain_each(person.profile, *known)
        for item, why in zip(items, reasons, strict=True):
            item["explanation"] = why.to_dict(REASONS)
    return {"items": items, "note": found.note} | _about(snapshot, person)


def similar(snapshot: Snapshot, item_id: Id, query: SimilarQuery) -> Values:
    """Films like one; `shapes.ListAnswer`."""
    found = snapshot.guide.similar(
        exact_id(snapshot.item_id(item_id)), query.k, min_ratings=query.min_ratings
    )
    person = {"unknown": [], "model": snapshot.name, "version": snapshot.version}
    return {"items": [_line(one) for one in found.items], "note": found.note} | person


def predictions(
    snapshot: Snapshot, stars: Mapping[Id, float], item_ids: Iterable[Id], *, strict: bool
) -> Values:
    """Predicted stars of films for a person; `schemas.Predictions`."""
    index = [snapshot.index_of(item_id) for item_id in item_ids]
    person, model = snapshot.fold_in(stars, strict=strict), snapshot.guide.model
    model.predict(
        person.profile, model.items_.id(index[0])
    )  # says so if the model predicts no stars
    clipped = np.clip(model.scores(person.profile)[index], *model.scale_[:2]).tolist()
    lines: list[Values] = [
        {"item_id": model.items_.id(item), "stars": round(star, 3)}
        for item, star in zip(index, clipped, strict=True)
    ]
    _add_deviations(snapshot, person, lines)
    return {"predictions": lines} | _about(snapshot, person)


def explanation(
    snapshot: Snapshot, stars: Mapping[Id, float], item_id: Id, reasons: int, *, strict: bool
) -> Values:
    """What the prediction of a film is made of; `shapes.Explained`."""
    person = snapshot.fold_in(stars, strict=strict)
    told = snapshot.guide.explain(person.profile, exact_id(snapshot.item_id(item_id))).to_dict(
        reasons
    )
    _add_deviations(snapshot, person, [told])
    return told


def kept_ratings(snapshot: Snapshot, kept: Kept) -> Values:
    """The ratings of a person, with titles; `schemas.KeptRatings`."""
    return {
        "ratings": [
            {"item_id": known, "title": snapshot.guide.catalog[known].title, "stars": one.stars}
            | {"rated_at": one.rated_at}
            for one in kept.ratings
            for known in [native_id(snapshot, one.item_id)]
        ],
        "not_interested": [native_id(snapshot, item_id) for item_id in kept.not_interested],
    }


def describe(snapshot: Snapshot) -> ModelInfo:
    """A model in a few words."""
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


def storable_ratings(snapshot: Snapshot, stars: Mapping[Any, float]) -> dict[str, float]:
    """The ratings with ids as the database keeps them.

    Raises:
        Problem: 404, the model does not know one of the films.
        OutOfScaleError: a rating is outside the scale.
    """
    native = {snapshot.item_id(item_id): given for item_id, given in stars.items()}
    snapshot.fold_in(native, strict=True)
    return {storable_id(item_id): given for item_id, given in native.items()}


def storable_id(item_id: object) -> str:
    """An id as text; raises Problem, 404, for the one character that databases refuse."""
    text = str(item_id)
    if "\0" in text or (not text.isascii() and text.encode("utf-8", "replace").decode() != text):
        raise Problem(404, "unknown-film", "A film whose id holds such characters cannot be kept.")
    return text


def keep_ratings(
    store: Store,
    person: str,
    ratings: Mapping[str, float],
    rated_at: Mapping[str, int] | None = None,
) -> None:
    """Keeps what `storable_ratings` has checked; `rated_at` is as in `Store.rate_many`."""
    store.rate_many(person, ratings, rated_at)
    WRITTEN.inc(len(ratings))


def taste(snapshot: Snapshot, kept: Kept) -> Values:
    """The taste that a person's ratings show; see `matinee.analysis.taste`."""
    found = taste_of(snapshot.guide, snapshot.indices(kept.stars()))
    return {
        "n_ratings": found.n_ratings,
        "mean": found.mean,
        "generosity": found.generosity,
        "histogram": [bar._asdict() for bar in found.histogram],
        "everybody": found.everyone and [bar._asdict() for bar in found.everyone],
        "genres": [line._asdict() for line in found.genres],
        "decades": [line._asdict() for line in found.decades],
        "disagreements": [
            snapshot.films.line(one.item_index) | {"stars": one.stars, "beyond": one.beyond}
            for one in found.disagreements
        ],
    }


def native_id(snapshot: Snapshot, item_id: Id) -> Id:
    """An id as the model writes it: 7 for the text "7" where ids are integers; unchanged if it
    is unknown."""
    index = snapshot.find(item_id)
    return item_id if index is None else snapshot.guide.model.items_.id(index)


def exact_id(item_id: Id) -> Id:
    """For `Guide`, where a text may be a title too."""
    return item_id if isinstance(item_id, int) else f"id:{item_id}"


def _about(snapshot: Snapshot, person: Folded) -> Values:
    return {"unknown": person.unknown, "model": snapshot.name, "version": snapshot.version}


def _line(one: Suggestion) -> Values:
    deviation = None if one.deviation is None else round(one.deviation, 3)
    return one.to_dict() | {"deviation": deviation, "explanation": None}


def _add_deviations(snapshot: Snapshot, person: Folded, lines: list[Values]) -> None:
    """How far the person's stars would be from the predicted ones, to each line; None if the
    model cannot tell."""
    model = snapshot.guide.model
    index = np.array([snapshot.index_of(line["item_id"]) for line in lines], np.int64)
    deviations = model.deviations(person.profile, index) if len(index) else None
    told = [None] * len(lines) if deviations is None else np.round(deviations, 3).tolist()
    for line, deviation in zip(lines, told, strict=True):
        line["deviation"] = deviation
