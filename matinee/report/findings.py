"""What the model learned: biases of films and people, misleading means, components, and the
map."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from matinee.analysis import (
    BiasLine,
    Component,
    UserLine,
    bias_ranking,
    bias_unit,
    components,
    disagreements,
    generosity,
)
from matinee.analysis.film_map import FilmMap, make_map
from matinee.errors import MatineeError
from matinee.models.history import few_ratings
from matinee.recommendation.guide import Guide

N_FILMS = 10
N_MISLEADING = 5
N_PEOPLE = 5
N_COMPONENTS = 4
N_ENDS = 6
#: Films on the map, about: more would not be distinguishable in a page.
N_MAP = 500

Part = TypeVar("Part")


@dataclass(frozen=True)
class Findings:
    """What a model learned; each part may be a sentence that says why this model lacks it.

    Attributes:
        unit: what a bias is measured in, see `bias_unit`.
        underrated, flattered: films liked better, and less, than their mean suggests.
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
        """Converts to plain values, for JSON; a part that the model lacks is a sentence."""
        return {
            "unit": self.unit,
            "best": _dicts(self.best),
            "worst": _dicts(self.worst),
            "underrated": _dicts(self.underrated),
            "flattered": _dicts(self.flattered),
            "generous": _dicts(self.generous),
            "strict": _dicts(self.strict),
            "components": _dicts(self.components),
            "map": self.about_map(),
        }

    def about_map(self) -> str:
        """What the map shows and what is left out of it, or why there is none."""
        if isinstance(self.film_map, str):
            return self.film_map
        return f"{self.film_map.sentence} {self.film_map.note}".rstrip()


def findings(guide: Guide) -> Findings:
    """What a model has learned."""
    floor = _floor(guide)
    return Findings(
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
    """Films whose mean misleads, among those with enough ratings for their mean to count."""
    few = few_ratings(guide.model.item_counts_)
    lines = disagreements(guide, len(guide.model.items_), lowest=lowest)
    return [line for line in lines if line.n_ratings >= few][:N_MISLEADING]


def _floor(guide: Guide) -> int:
    """The fewest ratings of a film on the map, which shows about N_MAP films at most."""
    floor = few_ratings(guide.model.item_counts_)
    counts = np.sort(guide.model.item_counts_)
    if len(counts) > N_MAP:
        floor = max(floor, int(counts[-N_MAP]))
    return floor


def _attempt(make: Callable[[], Part]) -> Part | str:
    """The result of `make`, or the sentence that says why there is none."""
    try:
        return make()
    except MatineeError as error:
        return str(error)


def _dicts(part: Sequence[BiasLine | UserLine | Component] | str) -> list[dict[str, Any]] | str:
    if isinstance(part, str):
        return part
    return [line.to_dict() for line in part]
