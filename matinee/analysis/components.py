"""Components: the main directions in which the factors of the items differ, described in
words.

The genres and decades that a component separates are tested: by how often a film of the group
is higher than another film (Cliff, "Dominance statistics: ordinal analyses to answer ordinal
questions", 1993), and by a permutation test, corrected for the number of groups.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from matinee._types import Doubles
from matinee.data.arguments import list_length
from matinee.data.catalog import Film
from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.evaluation.significance import holm
from matinee.linalg import principal_components
from matinee.models.history import few_ratings
from matinee.recommendation.guide import Guide
from matinee.text import joined

#: A genre or decade is tested if at least this many films are in it, and as many are not.
SMALLEST_GROUP = 5
N_PERMUTATIONS = 4_999
#: Permutations that are computed at once, to bound the memory.
BLOCK = 500
#: A sentence names groups with a p-value below this, and an effect of at least MIN_EFFECT.
MAX_P_VALUE = 0.05
MIN_EFFECT = 0.15
#: Groups that a sentence names for each end, at most.
N_NAMED = 3


class End(NamedTuple):
    """A film at one end of a component."""

    item_id: Id
    film: Film
    position: float


class Meaning(NamedTuple):
    """How far a component separates a group of films from all others.

    Attributes:
        name, kind: "Drama" and "genre", or "1940s" and "decade".
        effect: Cliff's delta, -1 to 1: the share of pairs of a film of the group and another
            film in which the former is higher, minus the share in which it is lower.
        p_value: of a permutation test, corrected by Holm's method for all groups of this
            component.
        n: number of films in the group.
    """

    name: str
    kind: str
    effect: float
    p_value: float
    n: int

    def __str__(self) -> str:
        return f"the {self.name}" if self.kind == "decade" else self.name


@dataclass(frozen=True)
class Component:
    """One principal component of the item factors.

    Attributes:
        number: from 1.
        explained: its share of the variance of the factors of these films.
        low_end, high_end: the films at the two ends, the outermost first.
        meanings: all groups that were tested, the largest effect first.
    """

    number: int
    explained: float
    low_end: list[End]
    high_end: list[End]
    meanings: list[Meaning]

    def sentence(self) -> str:
        """What the component separates: at most three significant groups for each end."""
        subject = f"Component {self.number} ({self.explained:.0%} of the variance)"
        if not self.meanings:
            return f"{subject}: no genre or decade has enough films to describe it."
        low = joined(self._groups_toward(-1))
        high = joined(self._groups_toward(1))
        if low and high:
            return f"{subject}: from {low} to {high}."
        if low:
            return f"{subject}: toward {low} at the low end."
        if high:
            return f"{subject}: toward {high} at the high end."
        largest = self.meanings[0]
        p = f"p = {largest.p_value:.2g}"
        if largest.p_value < 0.001:
            p = "p < 0.001"
        effect = f"largest effect {abs(largest.effect):.2f}"
        return f"{subject} does not separate genres or decades ({effect}, {p})."

    def direction(self) -> str:
        """The same without numbers, such as "from Comedy to the 1940s"; empty if it separates no
        genres or decades."""
        low, high = joined(self._groups_toward(-1)), joined(self._groups_toward(1))
        if low and high:
            return f"from {low} to {high}"
        if low:
            return f"away from {low}"
        return f"toward {high}" if high else ""

    def _groups_toward(self, sign: int) -> list[str]:
        """The significant groups toward the high end (1) or the low end (-1)."""
        groups = []
        for meaning in self.meanings:
            if meaning.p_value < MAX_P_VALUE and sign * meaning.effect >= MIN_EFFECT:
                groups.append(str(meaning))
        return groups[:N_NAMED]

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        return {
            "number": self.number,
            "explained": round(self.explained, 4),
            "low_end": [_end_dict(end) for end in self.low_end],
            "high_end": [_end_dict(end) for end in self.high_end],
            "meanings": [_meaning_dict(meaning) for meaning in self.meanings],
            "sentence": self.sentence(),
        }


def _end_dict(end: End) -> dict[str, object]:
    return {"item_id": end.item_id, "title": end.film.title, "position": round(end.position, 4)}


def _meaning_dict(meaning: Meaning) -> dict[str, object]:
    return {
        "name": meaning.name,
        "kind": meaning.kind,
        "effect": round(meaning.effect, 4),
        "p_value": round(meaning.p_value, 4),
        "n": meaning.n,
    }


def components(
    guide: Guide, n: int = 2, k: int = 10, *, min_ratings: int | None = None
) -> list[Component]:
    """The first n principal components of the item factors, and what they separate.

    Fewer if there are fewer factors. Each end has at most half of the films.

    What a component separates is tested by how often a film of a genre or decade is higher than
    another film (Cliff, "Dominance statistics: ordinal analyses to answer ordinal questions",
    1993).

    Args:
        guide: a model with its titles.
        n: the number of components.
        k: number of films at each end.
        min_ratings: leaves out items with fewer ratings, whose factors are mostly noise; None:
            as for `Guide.similar`.

    Raises:
        UnsupportedError: the model has no item factors, they are all zero, or fewer than two
            films remain.

    Example:
        >>> first, second = matinee.components(guide, n=2, k=3)
        >>> first.explained >= second.explained
        True
        >>> len(first.low_end), len(first.high_end)
        (3, 3)
    """
    n, k = list_length(n, "n"), list_length(k)
    model = guide.model
    try:
        vectors = model.item_vectors()  # (I, F)
    except UnsupportedError:
        raise UnsupportedError(
            f"{model.name} has no item factors, so it has no components; use {model.usual}."
        ) from None
    if not vectors.any():
        raise UnsupportedError(
            f"This {model.name} model learned only biases, so it has no components."
        )
    if min_ratings is None:
        min_ratings = few_ratings(model.item_counts_)
    rows = np.flatnonzero((model.item_counts_ >= min_ratings) & vectors.any(axis=1))  # (M,)
    if len(rows) < 2:
        raise UnsupportedError(
            f"Components need two films with at least {min_ratings} ratings; lower min_ratings."
        )
    positions, explained = principal_components(
        vectors[rows], min(n, vectors.shape[1], len(rows) - 1)
    )
    ids = [model.items_.id(row) for row in rows.tolist()]
    films = [guide.catalog[item_id] for item_id in ids]
    n_ends = min(k, len(rows) // 2)
    found = []
    for number, meanings in enumerate(_meanings(positions, films)):
        x = positions[:, number]
        order = np.argsort(x, kind="stable").tolist()
        ordered = [End(ids[row], films[row], float(x[row])) for row in order]
        component = Component(
            number=number + 1,
            explained=float(explained[number]),
            low_end=ordered[:n_ends],
            high_end=ordered[::-1][:n_ends],
            meanings=meanings,
        )
        found.append(component)
    return found


def _meanings(positions: Doubles, films: list[Film]) -> list[list[Meaning]]:
    """For each column of positions, (M, n), the groups it separates, the largest effect
    first."""
    names, members = _groups(films)
    if not names:
        return [[] for _ in positions.T]
    size = members.sum(axis=0)  # (G,)
    scale = 2 / (size * (len(films) - size))
    effects = _centered_ranks(positions).T @ members * scale  # (n, G)
    # All components share the same permutations, as these do not depend on the component.
    rng = np.random.default_rng(0)
    ranks = np.arange(len(films)) - (len(films) - 1) / 2
    n_as_large = np.ones(effects.shape)
    for start in range(0, N_PERMUTATIONS, BLOCK):
        n_shuffled = min(BLOCK, N_PERMUTATIONS - start)
        shuffled = rng.permuted(np.tile(ranks, (n_shuffled, 1)), axis=1)  # (B, M)
        chance = np.abs(shuffled @ members * scale)  # (B, G)
        n_as_large += (chance[:, None] >= np.abs(effects) - 1e-9).sum(axis=0)
    p_values = n_as_large / (N_PERMUTATIONS + 1)  # (n, G)
    found = []
    for component in range(len(effects)):
        corrected = holm(p_values[component])
        meanings = []
        for group, (name, kind) in enumerate(names):
            effect, p_value = float(effects[component, group]), float(corrected[group])
            meanings.append(Meaning(name, kind, effect, p_value, int(size[group])))
        found.append(sorted(meanings, key=lambda meaning: -abs(meaning.effect)))
    return found


def _groups(films: list[Film]) -> tuple[list[tuple[str, str]], Doubles]:
    """Genres and decades of enough films, as (name, kind), and their members, (M, G)."""
    rows_of: dict[tuple[str, str], list[int]] = {}
    for row, film in enumerate(films):
        groups = [(genre, "genre") for genre in dict.fromkeys(film.genres)]
        if film.decade:
            groups.append((film.decade, "decade"))
        for group in groups:
            rows_of.setdefault(group, []).append(row)
    largest = len(films) - SMALLEST_GROUP
    names = sorted(
        group for group, rows in rows_of.items() if SMALLEST_GROUP <= len(rows) <= largest
    )
    members = np.zeros((len(films), len(names)))
    for column, name in enumerate(names):
        members[rows_of[name], column] = 1
    return names, members


def _centered_ranks(positions: Doubles) -> Doubles:
    """Ranks of each column minus their mean, (M, n); equal values have equal ranks."""
    ranks = np.empty(positions.shape)
    for column, x in enumerate(positions.T):
        _, index, count = np.unique(x, return_inverse=True, return_counts=True)
        ranks[:, column] = (np.cumsum(count) - (count - 1) / 2)[index] - (len(x) + 1) / 2
    return ranks
