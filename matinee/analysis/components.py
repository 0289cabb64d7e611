"""Components: the main directions in which the factors of the items differ, and what they mean in words.

Which genres and decades a component separates is measured, not guessed: by how often a film of the group lies higher
than another film (Cliff, "Dominance statistics: ordinal analyses to answer ordinal questions", 1993), and by whether
chance would do as well (a permutation test, corrected for the number of groups that are tried).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from matinee._types import Doubles
from matinee.catalogue import Film
from matinee.errors import SettingError, UnsupportedError
from matinee.linalg import principal_components
from matinee.models.history import few_ratings
from matinee.ratings import Id
from matinee.recommendation.guide import Guide
from matinee.significance import holm
from matinee.text import joined

SMALLEST_GROUP = 5
"""A genre or decade is tried if so many films are in it, and so many are not."""
N_PERMUTATIONS, AT_ONCE = 4_999, 500
SURE, CLEAR = 0.05, 0.15
"""A sentence names groups with a p-value below the first and an effect of at least the second."""


class End(NamedTuple):
    """One film far out on a component."""

    item_id: Id
    film: Film
    position: float


class Meaning(NamedTuple):
    """How far a component sets a group of films apart from all others.

    Attributes:
        name, kind: "Drama" and "genre", or "1940s" and "decade".
        effect: Cliff's delta: of all pairs of a film of the group and another film, the part in which the former lies
            higher, less the part in which it lies lower; -1 to 1.
        p_value: of a permutation test, corrected by Holm's method for all groups of this component.
        n: films in the group.
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
        explained: its part of the variance of the factors of the films that were counted.
        low_end, high_end: the films farthest out, the outermost first.
        meanings: all groups that were tried, the largest effect first.
    """

    number: int
    explained: float
    low_end: list[End]
    high_end: list[End]
    meanings: list[Meaning]

    def sentence(self) -> str:
        """What the component separates, in words: at most three groups for each end, only what is clear and certain."""
        subject = f"Component {self.number} ({self.explained:.0%} of the variance)"
        if not self.meanings:
            return f"{subject}: no genre and no decade has enough films to tell what it means."
        clear = [one for one in self.meanings if one.p_value < SURE and abs(one.effect) >= CLEAR]
        low, high = (joined([str(one) for one in clear if one.effect * side > 0][:3]) for side in (-1, 1))
        if low and high:
            return f"{subject}: from {low} to {high}."
        if low or high:
            return f"{subject}: towards {low or high} at the {'low' if low else 'high'} end."
        effect, p = abs(self.meanings[0].effect), self.meanings[0].p_value
        value = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
        return f"{subject} means nothing that genres or decades tell (largest effect {effect:.2f}, {value})."

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        low, high = (
            [{"item_id": one.item_id, "title": one.film.title, "position": round(one.position, 4)} for one in end]
            for end in (self.low_end, self.high_end)
        )
        numbers = ({"effect": round(one.effect, 4), "p_value": round(one.p_value, 4)} for one in self.meanings)
        meanings = [one._asdict() | rounded for one, rounded in zip(self.meanings, numbers, strict=True)]
        return {
            "number": self.number,
            "explained": round(self.explained, 4),
            "low_end": low,
            "high_end": high,
            "meanings": meanings,
            "sentence": self.sentence(),
        }


def components(guide: Guide, n: int = 2, k: int = 10, *, min_ratings: int | None = None) -> list[Component]:
    """The first n principal components of the item factors, and which genres and decades they separate.

    Fewer if the factors have fewer. Each end has at most half of the films.

    Args:
        k: films at each end.
        min_ratings: leave out items with fewer ratings, whose factors are mostly noise; None: as for `Guide.similar`.

    Raises:
        UnsupportedError: the model has no item factors, or they are all zero, or only one film is left.
    """
    for name, value in (("n", n), ("k", k)):
        if value < 1:
            raise SettingError(f"{name} must be at least 1, not {value}.")
    model = guide.model
    try:
        vectors = model.item_vectors()  # (I, F)
    except UnsupportedError:
        raise UnsupportedError(f"{model.name} has no item factors, and so no components; use {model.usual}.") from None
    if not vectors.any():
        raise UnsupportedError(f"This {model.name} model has learnt nothing but biases, and they have no components.")
    floor = few_ratings(model.item_counts_) if min_ratings is None else min_ratings
    rows = np.flatnonzero((model.item_counts_ >= floor) & vectors.any(axis=1))  # (M,)
    if len(rows) < 2:
        raise UnsupportedError(f"Components need two films with at least {floor} ratings; lower min_ratings.")
    positions, explained = principal_components(vectors[rows], min(n, vectors.shape[1], len(rows) - 1))
    ids = [model.items_.id(row) for row in rows.tolist()]
    films = [guide.catalogue[item_id] for item_id in ids]
    n_ends = min(k, len(rows) // 2)
    found = []
    for number, (x, meanings) in enumerate(zip(positions.T, _meanings(positions, films), strict=True)):
        order = np.argsort(x, kind="stable")
        low, high = (
            [End(ids[row], films[row], float(x[row])) for row in end.tolist()]
            for end in (order[:n_ends], order[::-1][:n_ends])
        )
        found.append(Component(number + 1, float(explained[number]), low, high, meanings))
    return found


def _meanings(positions: Doubles, films: list[Film]) -> list[list[Meaning]]:
    """For each column of positions, (M, n), what it says of the groups of films, the largest effect first."""
    names, members = _groups(films)
    if not names:
        return [[] for _ in positions.T]
    size = members.sum(axis=0)  # (G,)
    scale = 2 / (size * (len(films) - size))
    effects = _centred_ranks(positions).T @ members * scale  # (n, G)
    # A permutation does not know which component it belongs to, so that all components share the same ones.
    rng = np.random.default_rng(0)
    ranks = np.arange(len(films)) - (len(films) - 1) / 2
    as_large = np.ones(effects.shape)
    for start in range(0, N_PERMUTATIONS, AT_ONCE):
        shuffled = rng.permuted(np.tile(ranks, (min(AT_ONCE, N_PERMUTATIONS - start), 1)), axis=1)  # (B, M)
        chance = np.abs(shuffled @ members * scale)  # (B, G)
        as_large += (chance[:, None] >= np.abs(effects) - 1e-9).sum(axis=0)
    found = []
    for row, p in zip(effects, as_large / (N_PERMUTATIONS + 1), strict=True):
        columns = zip(names, row.tolist(), holm(p).tolist(), size.tolist(), strict=True)
        meanings = [Meaning(name, kind, effect, value, int(n)) for (name, kind), effect, value, n in columns]
        found.append(sorted(meanings, key=lambda one: -abs(one.effect)))
    return found


def _groups(films: list[Film]) -> tuple[list[tuple[str, str]], Doubles]:
    """Names and kinds of the genres and decades with enough films in them and outside, and who belongs, (M, G)."""
    members: dict[tuple[str, str], list[int]] = {}
    for row, film in enumerate(films):
        decade = [] if film.year is None else [(f"{film.year // 10 * 10}s", "decade")]
        for group in {(genre, "genre") for genre in film.genres} | set(decade):
            members.setdefault(group, []).append(row)
    names = sorted(one for one, rows in members.items() if SMALLEST_GROUP <= len(rows) <= len(films) - SMALLEST_GROUP)
    table = np.zeros((len(films), len(names)))
    for column, name in enumerate(names):
        table[members[name], column] = 1
    return names, table


def _centred_ranks(positions: Doubles) -> Doubles:
    """Ranks of each column about their mean, equal values sharing theirs, (M, n)."""
    ranks = np.empty(positions.shape)
    for column, x in enumerate(positions.T):
        _, place, count = np.unique(x, return_inverse=True, return_counts=True)
        ranks[:, column] = (np.cumsum(count) - (count - 1) / 2)[place] - (len(x) + 1) / 2
    return ranks
