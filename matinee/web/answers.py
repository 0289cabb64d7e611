"""What is answered, as plain values for JSON; the API and the pages say the same because they both say this."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from matinee.data.vocabulary import Id
from matinee.recommendation.suggestions import Suggestion
from matinee.web.live import Folded, Snapshot
from matinee.web.shapes import FilmQuery, SimilarQuery, Wish
from matinee.web.store import Kept

REASONS = 3
"""So many are named for each film of a list."""

Values = dict[str, Any]


def film_page(snapshot: Snapshot, query: FilmQuery) -> Values:
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
    snapshot: Snapshot, stars: Mapping[Id, float], hidden: Iterable[Id], wish: Wish, *, strict: bool = False
) -> Values:
    """A list for somebody; `shapes.ListAnswer`.

    Args:
        stars, strict: as for `Snapshot.fold_in`.
        hidden: ids of films that they are not interested in.
    """
    person = snapshot.fold_in(stars, strict=strict)
    for_list = snapshot.without(person.profile, hidden, include_rated=wish.include_rated)
    found = snapshot.guide.recommend(for_list, wish.k, wish.filters(), dials=wish.dials())
    items = [_line(one) for one in found.items]
    if wish.explain:
        known = [one.item_id for one in found.items], REASONS, [one.score for one in found.items]
        reasons = snapshot.guide.explain_each(person.profile, *known)
        for item, why in zip(items, reasons, strict=True):
            item["explanation"] = why.to_dict(REASONS)
    return {"items": items, "note": found.note} | _about(snapshot, person)


def similar(snapshot: Snapshot, item_id: Id, query: SimilarQuery) -> Values:
    """Films like one; `shapes.ListAnswer`."""
    known = snapshot.guide.model.items_.id(snapshot.index_of(item_id))
    found = snapshot.guide.similar(exact(known), query.k, min_ratings=query.min_ratings)
    person = {"unknown": [], "model": snapshot.name, "version": snapshot.version}
    return {"items": [_line(one) for one in found.items], "note": found.note} | person


def predictions(snapshot: Snapshot, stars: Mapping[Id, float], item_ids: Iterable[Id], *, strict: bool) -> Values:
    """Stars of some films for somebody; `shapes.Predictions`."""
    index = [snapshot.index_of(item_id) for item_id in item_ids]
    person, model = snapshot.fold_in(stars, strict=strict), snapshot.guide.model
    model.predict(person.profile, model.items_.id(index[0]))  # says so if the model predicts no stars
    clipped = np.clip(model.scores(person.profile)[index], *model.scale_[:2]).tolist()
    lines: list[Values] = [
        {"item_id": model.items_.id(item), "stars": round(star, 3)} for item, star in zip(index, clipped, strict=True)
    ]
    _add_deviations(snapshot, person, lines)
    return {"predictions": lines} | _about(snapshot, person)


def explanation(snapshot: Snapshot, stars: Mapping[Id, float], item_id: Id, reasons: int, *, strict: bool) -> Values:
    """What the prediction of a film is made of; `shapes.Explained`."""
    known = snapshot.guide.model.items_.id(snapshot.index_of(item_id))
    person = snapshot.fold_in(stars, strict=strict)
    told = snapshot.guide.explain(person.profile, exact(known)).to_dict(reasons)
    _add_deviations(snapshot, person, [told])
    return told


def kept_ratings(snapshot: Snapshot, kept: Kept) -> Values:
    """What somebody said of films, with titles; `shapes.KeptRatings`."""
    return {
        "ratings": [
            {"item_id": known, "title": snapshot.guide.catalog[known].title, "stars": one.stars}
            | {"rated_at": one.rated_at}
            for one in kept.ratings
            for known in [native_id(snapshot, one.item_id)]
        ],
        "not_interested": [native_id(snapshot, item_id) for item_id in kept.not_interested],
    }


def native_id(snapshot: Snapshot, item_id: Id) -> Id:
    """An id as the model writes it: 7 for the text "7" where ids are integers; unchanged if it is unknown."""
    index = snapshot.find(item_id)
    return item_id if index is None else snapshot.guide.model.items_.id(index)


def exact(item_id: Id) -> Id:
    """For `Guide`, where a text may be a title too."""
    return item_id if isinstance(item_id, int) else f"id:{item_id}"


def _about(snapshot: Snapshot, person: Folded) -> Values:
    return {"unknown": person.unknown, "model": snapshot.name, "version": snapshot.version}


def _line(one: Suggestion) -> Values:
    deviation = None if one.deviation is None else round(one.deviation, 3)
    return one.to_dict() | {"deviation": deviation, "explanation": None}


def _add_deviations(snapshot: Snapshot, person: Folded, lines: list[Values]) -> None:
    """How far somebody's stars would be from the predicted ones, to each line; None if the model cannot tell."""
    model = snapshot.guide.model
    index = np.array([snapshot.index_of(line["item_id"]) for line in lines], np.int64)
    deviations = model.deviations(person.profile, index) if len(index) else None
    told = [None] * len(lines) if deviations is None else np.round(deviations, 3).tolist()
    for line, deviation in zip(lines, told, strict=True):
        line["deviation"] = deviation
