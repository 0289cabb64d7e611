"""A person's taste, from their ratings and what people on average gave the same films."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from matinee.data.vocabulary import Id
from matinee.models.history import few_ratings
from matinee.web.live import Snapshot

CAUTION = 5
"""So many ratings that agree with everybody's are added to each group before it is compared."""
LISTED = 8


def taste(snapshot: Snapshot, stars: Mapping[Id, float]) -> dict[str, Any]:
    """What somebody's ratings say of them, for JSON.

    `generosity` is how many stars they give beyond what people give the same films. In `genres` and `decades`, `beyond`
    is what they give films of one kind beyond that and beyond their generosity, drawn towards 0 where they have rated
    few. `disagreements` are the films on which they and the crowd differ most, of those that enough people have rated.

    Args:
        stars: item id -> stars; films that the model does not know are left out.
    """
    model, catalog = snapshot.guide.model, snapshot.guide.catalog
    found = ((snapshot.find(item_id), given) for item_id, given in stars.items())
    own = {index: given for index, given in found if index is not None}
    means = {index: float(model.item_means_[index]) for index in own if model.item_counts_[index]}
    beyond = {index: own[index] - means[index] for index in means}
    generosity = sum(beyond.values()) / len(beyond) if beyond else 0.0
    genres, decades = defaultdict(list), defaultdict(list)
    for index, amount in beyond.items():
        film = catalog[model.items_.id(index)]
        for genre in film.genres:
            genres[genre].append(amount - generosity)
        if film.year:
            decades[f"{film.year // 10 * 10}s"].append(amount - generosity)
    enough = few_ratings(model.item_counts_)
    apart = [index for index in beyond if model.item_counts_[index] >= enough]
    apart.sort(key=lambda index: -abs(beyond[index]))
    return {
        "n_ratings": len(own),
        "mean": round(sum(own.values()) / len(own), 3) if own else None,
        "generosity": round(generosity, 3) if beyond else None,
        "histogram": _histogram(list(own.values())),
        "everybody": everybody(snapshot),
        "genres": _kinds(genres),
        "decades": _kinds(decades),
        "disagreements": [
            snapshot.films.line(index) | {"stars": own[index], "beyond": round(beyond[index], 3)}
            for index in apart[:LISTED]
        ],
    }


def everybody(snapshot: Snapshot) -> list[dict[str, float]] | None:
    """How often each number of stars occurs in the training data; None for a model without histories."""
    values = snapshot.guide.model.history_.value
    if len(values) == 0:
        return None
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) > 100:
        return None
    return [{"stars": star, "n": n} for star, n in zip(distinct.tolist(), counts.tolist(), strict=True)]


def _histogram(values: list[float]) -> list[dict[str, float]]:
    return [{"stars": star, "n": n} for star, n in sorted(Counter(values).items())]


def _kinds(groups: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    """The most liked first."""
    lines = [
        {"name": name, "n_ratings": len(amounts), "beyond": round(sum(amounts) / (len(amounts) + CAUTION), 3)}
        for name, amounts in groups.items()
    ]
    return sorted(lines, key=lambda line: (-line["beyond"], line["name"]))
