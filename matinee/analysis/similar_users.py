"""Similar users: people with your tastes, what you both love, and what they loved.

Similarity is the cosine of the learned tastes of two people, centered, without how generous
they are. It needs no films that both have rated; where there are such films, they are shown as
evidence. One person is compared with all others, so there is no table of all pairs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Indices
from matinee.data.arguments import list_length, person_of
from matinee.data.catalog import Film
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.linalg import centered, shrinkage_weights
from matinee.models.base import Person, Recommender, UserState
from matinee.models.implicit_feedback import liked_from
from matinee.recommendation.guide import Guide
from matinee.text import joined

#: The similarity of a person with n ratings is multiplied by n / (n + SHRINKAGE), as little can be
#: learned from few ratings; not in a file without histories, where n is unknown.
SHRINKAGE = 20
#: Films that are named for each neighbor, at most.
N_NAMED = 3
NO_ITEMS = np.empty(0, np.int32)

RATED_NOTHING = "There are no neighbors without ratings; rate some films first."
NO_HISTORIES = (
    "This file was saved without histories, so the films that the neighbors loved are unknown, and "
    "the similarity is not reduced for people with few ratings."
)


class NamedFilm(NamedTuple):
    """A film that a neighbor loved."""

    item_id: Id
    film: Film

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        return {"item_id": self.item_id, "title": self.film.title}


@dataclass(frozen=True)
class Neighbor:
    """A user with tastes similar to those of the person.

    Attributes:
        likeness: the similarity, at most 1; neighbors are sorted by it.
        n_ratings: of this neighbor; n_both: how many of these films the person has also rated.
            None if the file was saved without histories.
        difference: mean absolute difference of the ratings of these films, in stars; None
            without any.
        agreed: films that both loved, first those that others like least.
        loved: films that this neighbor loved and the person has not rated, the best for the
            person first.
        has_ratings: whether people gave ratings; with implicit feedback, loved means had.
    """

    user_id: Id
    likeness: float
    n_ratings: int | None
    n_both: int | None
    difference: float | None
    agreed: list[NamedFilm]
    loved: list[NamedFilm]
    has_ratings: bool = True

    def sentence(self) -> str:
        """What this neighbor and the person have in common, in words."""
        agreed = joined([named.film.title for named in self.agreed])
        loved = joined([named.film.title for named in self.loved])
        start = f"User {self.user_id} has tastes like yours"
        if agreed and self.has_ratings:
            start = f"You agree with user {self.user_id} on {agreed}"
        elif agreed:
            start = f"You and user {self.user_id} both have {agreed}"
        if not loved:
            return f"{start}."
        if self.has_ratings:
            return f"{start}; they loved {loved}, which you have not rated."
        return f"{start}; they have {loved}, which you do not have."

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        difference = self.difference
        if difference is not None:
            difference = round(difference, 3)
        return {
            "user_id": self.user_id,
            "likeness": round(self.likeness, 4),
            "n_ratings": self.n_ratings,
            "n_both": self.n_both,
            "difference": difference,
            "agreed": [named.to_dict() for named in self.agreed],
            "loved": [named.to_dict() for named in self.loved],
            "sentence": self.sentence(),
        }


@dataclass(frozen=True)
class NeighborFilm:
    """A film that neighbors loved and the person has not rated.

    Attributes:
        n_loved: number of neighbors who loved it.
        stars: the prediction for the person; None if the model only ranks.
    """

    item_id: Id
    film: Film
    n_loved: int
    stars: float | None

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        stars = self.stars
        if stars is not None:
            stars = round(stars, 3)
        return {
            "item_id": self.item_id,
            "title": self.film.title,
            "year": self.film.year,
            "genres": list(self.film.genres),
            "n_loved": self.n_loved,
            "stars": stars,
        }


@dataclass(frozen=True)
class Neighbors:
    """The neighbors, most similar first, the films that most of them loved, and a note."""

    people: list[Neighbor]
    films: list[NeighborFilm]
    note: str = ""


def neighbors(guide: Guide, person: Person, k: int = 10, *, n_films: int = 10) -> Neighbors:
    """The k users most similar to a person, and the films that most of them loved.

    A film is loved if its rating is in the upper quarter of the scale. Users with the opposite
    taste (a negative similarity) are not neighbors.

    Args:
        person: as for `Guide.recommend`; a known user given by id is not their own neighbor.
        n_films: number of films, none of them rated by the person.

    Raises:
        UnsupportedError: the model learns no tastes.
    """
    k, n_films = list_length(k), list_length(n_films, "n_films")
    model, person = guide.model, person_of(person)
    profile = model.profile(person)
    own_index = None
    if not isinstance(person, UserState | Mapping):
        own_index = model.users_.index(person)
    similarities = _similarities(model, profile, own_index)
    order = np.argsort(-similarities, kind="stable")[:k].tolist()
    nearest = [user for user in order if similarities[user] > 0]
    loved = [_loved(model, user) for user in nearest]
    n_loved = np.bincount(np.concatenate([*loved, NO_ITEMS]), minlength=len(model.items_))  # (I,)
    unseen = n_loved > 0
    unseen[profile.item_index] = False
    ranked = model.recommend(profile, len(unseen), allowed=unseen)  # all of them, best first
    items = np.array([model.items_.index(scored.item_id) for scored in ranked], np.int64)
    people = []
    for user, loved_items in zip(nearest, loved, strict=True):
        new_items = items[np.isin(items, loved_items)]
        people.append(_neighbor(guide, profile, user, float(similarities[user]), new_items))
    films = []
    for position in np.argsort(-n_loved[items], kind="stable")[:n_films].tolist():
        item_id, stars = ranked[position].item_id, ranked[position].stars
        n = int(n_loved[items[position]])
        films.append(NeighborFilm(item_id, guide.catalog[item_id], n, stars))
    return Neighbors(people, films, _note(model, profile, own_index, len(people), k))


def _similarities(model: Recommender, profile: UserState, own_index: int | None) -> Doubles:
    """The similarity to each user, (U,); -1 for the person and for users without ratings."""
    n = model.history_.counts  # (U,)
    has_histories = bool(n.any())
    known = np.ones(len(n), bool)
    weights = np.ones(len(n))
    if has_histories:
        known = n > 0
        weights = shrinkage_weights(n, SHRINKAGE)
    tastes = model.user_tastes(np.arange(len(n)))  # (U, F)
    if not tastes.any():
        raise UnsupportedError(
            f"This {model.name} model learned only biases, so tastes cannot be compared."
        )
    if len(profile.value) == 0 and (has_histories or own_index is None):
        return np.full(len(n), -1.0)
    own = model.tastes(profile.vector[None])[0] - tastes[known].mean(
        axis=0, dtype=np.float64
    )  # (F,)
    others = centered(tastes, known)
    lengths = np.linalg.norm(others, axis=1) * np.linalg.norm(own)
    cosines = others @ own / np.maximum(lengths, 1e-12)
    similarities = np.where(known, cosines * weights, -1)
    if own_index is not None:
        similarities[own_index] = -1
    return similarities


def _is_loved(scale: Scale, value: NDArray[np.float32]) -> NDArray[np.bool_]:
    return value >= liked_from(scale)


def _loved(model: Recommender, user: int) -> NDArray[np.int32]:
    items, value = model.history_.of(user)
    return items[_is_loved(model.scale_, value)]


def _neighbor(
    guide: Guide, profile: UserState, user: int, similarity: float, new_items: NDArray[np.int64]
) -> Neighbor:
    """The description of one neighbor.

    Args:
        new_items: items that they loved and the person has not rated, best first.
    """
    model = guide.model
    scale = model.scale_
    items, value = model.history_.of(user)
    both, own_rows, their_rows = np.intersect1d(
        profile.item_index, items, assume_unique=True, return_indices=True
    )
    own, theirs = profile.value[own_rows], value[their_rows]
    agreed = both[_is_loved(scale, own) & _is_loved(scale, theirs)]
    agreed = agreed[np.argsort(model.item_means_[agreed], kind="stable")]
    n_ratings = n_both = difference = None
    if not model.history_.is_empty:
        n_ratings = len(items)
        n_both = len(both)
    if len(both) and scale.has_stars:
        difference = float(np.abs(own - theirs).mean())
    return Neighbor(
        user_id=model.users_.id(user),
        likeness=similarity,
        n_ratings=n_ratings,
        n_both=n_both,
        difference=difference,
        agreed=_named(guide, agreed),
        loved=_named(guide, new_items),
        has_ratings=scale.has_stars,
    )


def _named(guide: Guide, items: Indices) -> list[NamedFilm]:
    ids = [guide.model.items_.id(item) for item in items[:N_NAMED].tolist()]
    return [NamedFilm(item_id, guide.catalog[item_id]) for item_id in ids]


def _note(
    model: Recommender, profile: UserState, own_index: int | None, n_found: int, k: int
) -> str:
    """Why there are fewer people than requested, or no films."""
    if len(profile.value) == 0 and (own_index is None or not model.history_.is_empty):
        return RATED_NOTHING
    if model.history_.is_empty:
        return NO_HISTORIES
    if n_found < k:
        n_others = int((model.history_.counts > 0).sum()) - (own_index is not None)
        found = f"{n_found} instead of {k} people"
        return f"{found}: nobody else among the {n_others:,} others has similar tastes."
    return ""
