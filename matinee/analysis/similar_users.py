"""Who has tastes like yours, what you both love, and what they loved that you have not rated.

Likeness is the cosine of what the model has learnt of two people's tastes, about the mean taste, without how generous
they are. It needs no film that both have rated; where there are such films, they are shown as evidence. One person is
compared with all others: no table of all pairs is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.catalogue import Film
from matinee.errors import SettingError, UnsupportedError
from matinee.linalg import about_mean
from matinee.models.base import Person, Profile, Recommender
from matinee.models.implicit_feedback import liked_from
from matinee.ratings import Id, Scale
from matinee.recommendation.guide import Guide
from matinee.text import joined

FEW = 20
"""The likeness of somebody with n ratings is multiplied by n / (n + FEW), for of few ratings little can be learnt.
Not so in a file without histories, for then n is not known."""
NAMED = 3
"""So many films are named for each neighbour."""
NOTHING = np.empty(0, np.int32)


class NamedFilm(NamedTuple):
    """A film that a neighbour loved."""

    item_id: Id
    film: Film


@dataclass(frozen=True)
class Neighbor:
    """Somebody whose tastes are like this person's.

    Attributes:
        likeness: what people are sorted by; at most 1.
        n_ratings: of this neighbour; n_both: how many of these films the person has rated too. None where the file was
            saved without histories.
        difference: mean absolute difference of the two ratings of these films, in stars; None without any.
        agreed: films that both loved, first those that others like least.
        loved: films that this neighbour loved and the person has not rated, the best for the person first.
    """

    user_id: Id
    likeness: float
    n_ratings: int | None
    n_both: int | None
    difference: float | None
    agreed: list[NamedFilm]
    loved: list[NamedFilm]
    has_ratings: bool = True
    """Whether people gave ratings; if not, to love is to have."""

    def sentence(self) -> str:
        """The story of this neighbour, in words."""
        agreed, loved = (joined([one.film.title for one in films]) for films in (self.agreed, self.loved))
        if not self.has_ratings:
            start = f"You and user {self.user_id} both have {agreed}" if agreed else f"User {self.user_id} is like you"
            return f"{start}; they have {loved}, which you have not." if loved else f"{start}."
        start = (
            f"You agree with user {self.user_id} on {agreed}"
            if agreed
            else f"User {self.user_id} has tastes like yours"
        )
        return f"{start}; they loved {loved}, which you have not rated." if loved else f"{start}."

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "user_id": self.user_id,
            "likeness": round(self.likeness, 4),
            "n_ratings": self.n_ratings,
            "n_both": self.n_both,
            "difference": None if self.difference is None else round(self.difference, 3),
            "agreed": [{"item_id": one.item_id, "title": one.film.title} for one in self.agreed],
            "loved": [{"item_id": one.item_id, "title": one.film.title} for one in self.loved],
            "sentence": self.sentence(),
        }


@dataclass(frozen=True)
class NeighborFilm:
    """A film that the person has not rated, how many of the neighbours loved it, and the stars predicted for the person
    (None for a model that only ranks)."""

    item_id: Id
    film: Film
    n_loved: int
    stars: float | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "item_id": self.item_id,
            "title": self.film.title,
            "year": self.film.year,
            "genres": list(self.film.genres),
            "n_loved": self.n_loved,
            "stars": None if self.stars is None else round(self.stars, 3),
        }


@dataclass(frozen=True)
class Neighbors:
    """The neighbours, most alike first; the films that most of them loved; a sentence if something must be said."""

    people: list[Neighbor]
    films: list[NeighborFilm]
    note: str = ""


def neighbors(guide: Guide, person: Person, k: int = 10, *, n_films: int = 10) -> Neighbors:
    """The k people most like somebody, and the n_films films that most of them loved and this person has not rated.

    To love is to rate in the upper quarter of the scale. Nobody is a neighbour whose taste points the other way.

    Args:
        person: as for `Guide.recommend`; a known user given by id is not their own neighbour.

    Raises:
        UnsupportedError: the model knows no tastes.
    """
    for name, value in (("k", k), ("n_films", n_films)):
        if value < 1:
            raise SettingError(f"{name} must be at least 1, not {value}.")
    model, profile = guide.model, guide.model.profile(person)
    own_index = None if isinstance(person, Profile | Mapping) else model.users_.index(person)
    likeness = _likeness(model, profile, own_index)
    nearest = [user for user in np.argsort(-likeness, kind="stable")[:k].tolist() if likeness[user] > 0]
    loved = [_loved(model, user) for user in nearest]
    n_loved = np.bincount(np.concatenate([*loved, NOTHING]), minlength=len(model.items_))  # (I,)
    unseen = n_loved > 0
    unseen[profile.item_index] = False
    ranked = model.recommend(profile, len(unseen), allowed=unseen)  # all of them, the best for this person first
    order = np.array([model.items_.index(one.item_id) for one in ranked], np.int64)
    people = [
        _neighbor(guide, profile, user, float(likeness[user]), order[np.isin(order, theirs)])
        for user, theirs in zip(nearest, loved, strict=True)
    ]
    films = []
    for place in np.argsort(-n_loved[order], kind="stable")[:n_films].tolist():
        one = ranked[place]
        films.append(NeighborFilm(one.item_id, guide.catalogue[one.item_id], int(n_loved[order[place]]), one.stars))
    return Neighbors(people, films, _note(model, profile, own_index, (len(people), k)))


def _likeness(model: Recommender, profile: Profile, own_index: int | None) -> NDArray[np.float64]:
    """To each user, (U,); -1 to the person themselves and to whoever has no ratings."""
    n = model.history_.counts  # (U,)
    has_histories = bool(n.any())
    known = n > 0 if has_histories else np.ones(len(n), bool)
    tastes = model.user_tastes(np.arange(len(n)))  # (U, F)
    if not tastes.any():
        raise UnsupportedError(f"This {model.name} model has learnt nothing but biases, and they tell no tastes apart.")
    if len(profile.value) == 0 and (has_histories or own_index is None):
        return np.full(len(n), -1.0)
    mine = model.tastes(profile.vector[None])[0] - tastes[known].mean(axis=0, dtype=np.float64)  # (F,)
    theirs = about_mean(tastes, known)
    cosines = theirs @ mine / np.maximum(np.linalg.norm(theirs, axis=1) * np.linalg.norm(mine), 1e-12)
    likeness = np.where(known, cosines * (n / (n + FEW) if has_histories else 1), -1)
    if own_index is not None:
        likeness[own_index] = -1
    return likeness


def _is_loved(scale: Scale, value: NDArray[np.float32]) -> NDArray[np.bool_]:
    return value >= liked_from(scale)


def _loved(model: Recommender, user: int) -> NDArray[np.int32]:
    items, value = model.history_.of(user)
    return items[_is_loved(model.scale_, value)]


def _neighbor(guide: Guide, profile: Profile, user: int, likeness: float, to_see: NDArray[np.int64]) -> Neighbor:
    """What is to be said of one neighbour.

    Args:
        to_see: items that they loved and the person has not rated, best first.
    """
    model = guide.model
    has_histories = not model.history_.is_empty
    items, value = model.history_.of(user)
    both, mine, theirs = np.intersect1d(profile.item_index, items, assume_unique=True, return_indices=True)
    apart = np.abs(profile.value[mine] - value[theirs])
    agreed = both[_is_loved(model.scale_, profile.value[mine]) & _is_loved(model.scale_, value[theirs])]
    agreed = agreed[np.argsort(model.item_means_[agreed], kind="stable")]
    return Neighbor(
        user_id=model.users_.id(user),
        likeness=likeness,
        n_ratings=len(items) if has_histories else None,
        n_both=len(both) if has_histories else None,
        difference=float(apart.mean()) if len(both) and model.scale_.has_stars else None,
        agreed=_named(guide, agreed),
        loved=_named(guide, to_see),
        has_ratings=model.scale_.has_stars,
    )


def _named(guide: Guide, items: NDArray[Any]) -> list[NamedFilm]:
    ids = [guide.model.items_.id(item) for item in items[:NAMED].tolist()]
    return [NamedFilm(item_id, guide.catalogue[item_id]) for item_id in ids]


def _note(model: Recommender, profile: Profile, own_index: int | None, found: tuple[int, int]) -> str:
    """Why there are fewer people than asked for, or no films."""
    n_people, k = found
    if model.history_.is_empty:
        if own_index is None and len(profile.value) == 0:
            return "Who has rated nothing has no neighbours: rate some films first."
        return (
            "This model was saved without histories, so it does not know which films the neighbours loved, and "
            "likeness is no smaller for people with few ratings."
        )
    if len(profile.value) == 0:
        return "Who has rated nothing has no neighbours: rate some films first."
    if n_people < k:
        others = int((model.history_.counts > 0).sum()) - (own_index is not None)
        return f"{n_people} instead of {k}: of the {others:,} others, no more have tastes that point the same way."
    return ""
