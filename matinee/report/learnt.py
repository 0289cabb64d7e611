"""What the model learnt: how well liked and how generous, where means mislead, components, and the map."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from matinee.errors import MatineeError
from matinee.film_map import FilmMap, make_map
from matinee.guide import Guide
from matinee.insight import (
    BiasLine,
    Component,
    UserLine,
    bias_ranking,
    bias_unit,
    components,
    disagreements,
    generosity,
)
from matinee.models.history import few_ratings

N_FILMS, N_FLATTERED, N_PEOPLE, N_COMPONENTS, N_ENDS = 10, 5, 5, 4, 6
N_MAP = 500
"""Films on the map, about: a page has no room for more, and nobody could tell them apart."""

Part = TypeVar("Part")


@dataclass(frozen=True)
class Learnt:
    """Each part as it is, or the sentence that says why this model has none.

    Attributes:
        unit: what a bias is measured in, see `bias_unit`.
        underrated, flattered: films better, and worse, liked than their mean suggests.
    """

    unit: str
    best: list[BiasLine] | str
    worst: list[BiasLine] | str
    underrated: list[BiasLine] | str
    flattered: list[BiasLine] | str
    generous: list[UserLine] | str
    strict: list[UserLine] | str
    components: list[Component] | str
    film_map: FilmMap | str

    def to_dict(self) -> dict[str, Any]:
        """For JSON; a part that the model lacks is its sentence."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        found = {
            name: part if isinstance(part, str) else [line.to_dict() for line in part]
            for name, part in parts.items()
            if name != "film_map"
        }
        return found | {"map": self.about_map()}

    def about_map(self) -> str:
        """What the map shows and what is left out of it, or why there is none."""
        films = self.film_map
        return films if isinstance(films, str) else " ".join(filter(None, [films.sentence, films.note]))


def learnt(guide: Guide) -> Learnt:
    """Everything that a model can tell of itself."""
    floor = _floor(guide)
    return Learnt(
        unit=_attempt(lambda: bias_unit(guide.model)),
        best=_attempt(lambda: bias_ranking(guide, N_FILMS)),
        worst=_attempt(lambda: bias_ranking(guide, N_FILMS, lowest=True)),
        underrated=_attempt(lambda: _misleading(guide, lowest=False)),
        flattered=_attempt(lambda: _misleading(guide, lowest=True)),
        generous=_attempt(lambda: generosity(guide, N_PEOPLE)),
        strict=_attempt(lambda: generosity(guide, N_PEOPLE, lowest=True)),
        components=_attempt(lambda: components(guide, N_COMPONENTS, N_ENDS, min_ratings=floor)),
        film_map=_attempt(lambda: make_map(guide, k=1, min_ratings=floor)),
    )


def _misleading(guide: Guide, *, lowest: bool) -> list[BiasLine]:
    """Films whose mean misleads; only those that are rated often enough for anybody to look at their mean."""
    few = few_ratings(guide.model.item_counts_)
    found = disagreements(guide, len(guide.model.items_), lowest=lowest)
    return [line for line in found if line.n_ratings >= few][:N_FLATTERED]


def _floor(guide: Guide) -> int:
    """Ratings of a film on the map, which holds all that are rated often enough, or the best known of them."""
    counts = np.sort(guide.model.item_counts_)
    floor = int(counts[-N_MAP]) if len(counts) > N_MAP else 0
    return max(floor, few_ratings(guide.model.item_counts_))


def _attempt(make: Callable[[], Part]) -> Part | str:
    try:
        return make()
    except MatineeError as error:
        return str(error)
