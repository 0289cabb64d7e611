"""Hybrid: stars from one model, lists from several (Burke, "Hybrid recommender systems", 2002)."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Indices, Longs
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.biases import Biases
from matinee.models.blend import Blend
from matinee.models.ease import EASE, has_memory
from matinee.models.genre_taste import (
    ItemContent,
    content_after,
    genre_taste,
    genre_tastes,
    item_content,
    liking,
)
from matinee.models.hyperparameters import hyper, learned
from matinee.models.implicit_feedback import liked_from
from matinee.models.interface import Capabilities, ItemLabels, ScoredItem
from matinee.models.list_scores import caution
from matinee.models.members import (
    ENOUGH,
    Stages,
    check_names,
    chosen_weights,
    combined,
    gathered,
    has_half_life,
    settings_of_members,
    vector_ends,
)
from matinee.models.recency import half_life_setting, recency_weights
from matinee.models.registry import MEMBERS, member_named
from matinee.models.stacking import standardized
from matinee.models.updating import Change, after, placed
from matinee.threads import one_blas_thread

STARS, LISTS = "mf", "ials,ease,ials-all"
"""The usual members: the one that predicts stars, and those that make lists."""
ALL = "-all"
"""The end of the name of a member that learns from all ratings, not from likes alone."""
MOST_WEIGHED = 200_000
"""With more ratings, some users are drawn for the choice of the weights."""
EVERY_RATING = "-1e+30"
"""A threshold that every rating reaches."""
MOST_ITEMS = 20_000
"""With more items, ease is left out: its time grows with their cube."""
LEAST_REASON = 0.01
"""Of scores in which 1 is a like; in lists of MovieLens-100K and -1M, the second reason of 99 of
100 items adds more, and of items in the middle of the ranking, one in ten does."""
ALL_WEIGHT = 1.5
"""The usual weight of a member of all ratings, next to 1 of the others."""
USUAL_TASTE, MOST_CHOICE, LEAST_CHOICE = 0.3, 8.3, 0.6
LIKE, TASTE, BEYOND_AVERAGE, CAUTION, POPULARITY = 0.5, 10.0, 0.3, 4.5, 0.8
CLEAR = 0.1
"""What a person thinks of genres counts beyond this, in deviations of ratings."""
GENRES_IN_LIKE, SPREAD = 2.0, 0.53
"""The genres in P(like); its width, in deviations of ratings (0.9 of a normal distribution)."""


@dataclass(kw_only=True, eq=False)
class Hybrid(Recommender):
    """Stars and lists from different models, in one; lists alone for a table without ratings.

    The stars, their certainty and their explanation are those of the member `stars`. Lists are
    sorted by how likely a person is to choose an item and to like it, and by how well it fits their
    taste:

        score(u, i) = a(T) ln(1 + ln(1 + exp c(u, i)))      choice
                    + 1/2 ln P(like)                        stars
                    + 10 T (g(u, i) + 0.3 d(u, i)) / s      taste
                    - 4.5 (1 + T) / sqrt(n_i + 1)           caution

    - c is 4 times the weighted mean of the scores of three models of implicit feedback, each with
      mean 0 and deviation 1 over the items: `ials` and `ease` on what people like, and `ials-all`
      on all that they rated; less 0.8 times the logarithm of the number of ratings, in the same
      way. The weights are 1, 1 and 1.5, unless others, one of them 0 perhaps, find held-out likes
      significantly better in a part of the training ratings.
    - P(like) is the probability of a rating in the upper quarter of the scale, a logistic function
      of the stars, less their caution (`list_scores`), plus 2 g.
    - g is what the person thinks of the item's genres (`genre_taste`), and d is how many more stars
      they would give than the average person, less the mean over the items.
    - s, a quarter of the width of the scale, is about the deviation of ratings; n_i is the number
      of ratings of the item.
    - T is the taste, from 0 to 1, and a(T) falls from 8.3 to 0.6. The usual T, 0.3, costs nothing
      in accuracy: people with few ratings, who love one genre and dislike another, get lists that
      say so.

    The constants were chosen on parts of the training rows of MovieLens-100K, latest-small and -1M.

    Settings of its members are prefixed with their names: `from_settings({"mf.factors": 32})`, or
    --set ials.factors=64 on the command line; the names are `mf` (or whatever `stars` says),
    `ials`, `ease` and `ials-all`. A `half_life` is that of all members that have the setting,
    unless their own is given. Similarities, tastes and item vectors are those of the member
    that predicts stars, if it has any, else those of `ials`.

    Hybrids of several kinds are compared by Burke, "Hybrid recommender systems", 2002.

    Example:
        >>> hybrid = matinee.Hybrid.from_settings({"mf.factors": 16, "ials.factors": 16}).fit(few)
        >>> sorted(hybrid.member_weights())
        ['ease', 'ials', 'ials-all']
        >>> len(hybrid.recommend({107: 5.0, 4: 3.5}, k=5))
        5
    """

    name: ClassVar[str] = "hybrid"
    summary: ClassVar[str] = (
        "It predicts stars by one model, and puts films in order by several: by how likely "
        "you are to choose them and to like them, and by how well they fit your taste."
    )
    capabilities = Capabilities(resumes=True)
    usual_taste: ClassVar[float] = USUAL_TASTE

    stars: str = hyper(STARS, help="the model that predicts stars: mf, bayes, blend, item-knn, ...")
    lists: str = hyper(
        LISTS,
        help="comma-separated members that make lists: models that rank, each with -all for all "
        "ratings instead of likes, or with a number, as in ials,ials-2",
    )
    member_settings: str = hyper(
        "", help="space-separated settings of its members: mf.factors=32 ials.factors=64"
    )
    holdout: float = hyper(
        0.1,
        low=0.01,
        high=0.5,
        help="fraction of the training ratings on which the weights are learned",
    )
    half_life: float = half_life_setting()

    members_: dict[str, Recommender] = field(init=False, repr=False, default_factory=dict)
    """The member that predicts stars, then those that make lists, by name."""
    weights_: Doubles = learned("M", dtype=np.float64, least=0)
    """The weights of the members that make lists, (M,), with sum 1; 0 if left out."""
    ends_: NDArray[np.int64] = learned("R", dtype=np.int64)
    """The end of the vector of each fitted member."""
    global_mean_: Doubles = learned(dtype=np.float64)
    features_: Floats = learned("I", "G", dtype=np.float32)
    item_bias_: Floats = learned("I", dtype=np.float32)
    genre_tastes_: Floats = learned("U", "G", dtype=np.float32)
    """What each user thinks of each feature, (U, G)."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """See `Recommender`; a name with a dot is the setting of a member."""
        own = gathered(settings)
        lists = str(own.get("lists", LISTS)).split(",")
        check_names(cls, own, cls._kinds(str(own.get("stars", STARS)), lists))
        return super().from_settings(own)

    @staticmethod
    def _kinds(stars: str, lists: Sequence[str]) -> dict[str, type[Recommender]]:
        """The classes of the members, by name."""
        kinds = {stars: member_named(stars, (*MEMBERS, Blend))}
        for name in filter(str.strip, lists):
            kinds[name.strip()] = member_named(_kind(name.strip()))
        return kinds

    def __post_init__(self) -> None:
        super().__post_init__()
        each = [member.capabilities for member in self.unfitted_members().values()]
        self.capabilities = replace(
            self.capabilities,
            uses_times=any(member.uses_times for member in each),
            uses_features=True,
        )

    # -- members -------------------------------------------------------------------------

    def unfitted_members(self) -> dict[str, Recommender]:
        """The members with their settings, by name; new ones, not fitted.

        Raises:
            UnknownNameError: there is no such model or setting; the message suggests the nearest.
            SettingError: `stars` names a model without stars, or a setting has no member.
        """
        predictor = member_named(self.stars, (*MEMBERS, Blend))
        if not predictor.capabilities.predicts_stars:
            raise SettingError(
                f"{self.name}: {self.stars} ranks items and does not predict stars; set stars to "
                "mf, bayes or blend."
            )
        kinds = self._kinds(self.stars, self.list_names())
        settings = settings_of_members(self.name, self.member_settings, tuple(kinds), self.seed)
        members: dict[str, Recommender] = {}
        for name, kind in kinds.items():
            given: dict[str, Any] = {}
            if name.endswith(ALL):
                given["threshold"] = EVERY_RATING
            if self.half_life > 0 and has_half_life(kind):
                given["half_life"] = self.half_life
            given |= settings[name]
            members[name] = kind.from_settings(given)
        return members

    def list_names(self) -> tuple[str, ...]:
        """The names of the members that make lists.

        Raises:
            SettingError: there is none, one is repeated, or its name is that of the member that
                predicts stars.
        """
        names = tuple(name.strip() for name in self.lists.split(","))
        for place, name in enumerate(names):
            if not name or name in names[:place] or name == self.stars:
                raise SettingError(
                    f"{self.name}: lists must be different names, such as ials,ease,ials-all, and "
                    f"none may be that of stars, unlike '{self.lists}'."
                )
        return names

    def _combine(self) -> None:
        """Sets the capabilities from those of the fitted members."""
        self.capabilities = combined(self.capabilities, (member for _, member in self._fitted()))

    def members(self) -> dict[str, Recommender]:
        """All its members by name, fitted or not."""
        return dict(self.members_)

    def set_members(self, members: Mapping[str, Recommender]) -> None:
        """Sets all its members, fitted or not, from a file."""
        unfitted = self.unfitted_members()
        if list(map(type, unfitted.values())) != list(map(type, members.values())) or list(
            unfitted
        ) != list(members):
            raise DataError(f"{self.name}: its members are not those of its settings")
        self.members_ = dict(members)
        expected = [self.has_stars, *(self.weights_ > 0).tolist()]
        if [member.is_fitted for member in self.members_.values()] != expected:
            raise DataError(f"{self.name}: weights_ does not fit its members")
        self._combine()

    def member_weights(self) -> dict[str, float]:
        """See `Recommender`; those of the members that make lists."""
        if not self.is_fitted:
            return {}
        return dict(zip(self.list_names(), self.weights_.tolist(), strict=True))

    def _fitted(self) -> Iterator[tuple[str, Recommender]]:
        for name, member in self.members_.items():
            if member.is_fitted:
                yield name, member

    @property
    def predictor(self) -> Recommender:
        """The member that predicts stars; not fitted if the table has none."""
        self.check_fitted()
        return self.members_[self.stars]

    # -- learning ------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        recency_weights(train, self.half_life, self.name)  # refuses a table without times
        names = self.list_names()
        stages = Stages(options, 2 * len(names) + 1)
        fitting = tuple(name for name in names if not _is_too_large(name, train)) or names
        weights = self.learn_weights(train, fitting, stages)
        weight_of = dict(zip(fitting, weights.tolist(), strict=True))
        self.weights_ = np.array([weight_of.get(name, 0.0) for name in names])
        self.members_ = self.unfitted_members()
        used = {name for name, weight in self.member_weights().items() if weight}
        if self.has_stars:
            used.add(self.stars)
        for name, member in self.members_.items():
            if name in used:
                stages.fit(name, member, train)
            else:
                stages.skip(name)
        self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
        self.features_, self.item_bias_ = item_content(train, float(self.global_mean_))
        by_user = train.by_user
        self.genre_tastes_ = genre_tastes(
            self._content, by_user.indptr, by_user.indices, by_user.value, float(self.global_mean_)
        )
        self.ends_ = self._vector_ends()
        self._combine()

    def learn_weights(self, train: Ratings, names: tuple[str, ...], stages: Stages) -> Doubles:
        """The weights of the members that make lists; the model itself stays as it is.

        Args:
            train: the ratings, a part of which the members are fitted on.
            names: of the M members.
            stages: of the training, where the members' fits are reported and saved.

        Returns: the weights, (M,).
        """
        usual = _usual_weights(names, has_stars=train.scale.has_stars)
        sample = _some_users(train, self.seed)
        too_few = round(len(sample) * self.holdout) < ENOUGH
        is_used = usual > 0
        if too_few or np.count_nonzero(is_used) == 1:
            return usual
        tried = list(itertools.compress(names, is_used))
        if (saved := stages.saved("weights", {"weights": usual})) is not None:
            for name in tried:
                stages.skip(name)
            return np.asarray(saved["weights"], np.float64)
        part, unfitted = random_split(sample, self.holdout, self.seed), self.unfitted_members()
        members = [stages.fit(f"{name} of a part", unfitted[name], part.train) for name in tried]
        weights = usual.copy()
        with one_blas_thread():  # with more, sums would depend on the number of cores
            candidates = _candidates(usual[is_used])
            weights[is_used] = chosen_weights(members, part, candidates, self.seed)
        stages.keep("weights", {"weights": weights})
        return weights

    def new_members(self, train: Ratings) -> dict[str, Recommender]:
        """The members of a model of some ratings, by name, not fitted.

        Args:
            train: the ratings.
        """
        del train
        return self.unfitted_members()

    def _vector_ends(self) -> Longs:
        return vector_ends(member for _, member in self._fitted())

    def check_arrays(self) -> None:
        """Checks that the vectors of the members have the expected lengths."""
        if not np.array_equal(self.ends_, self._vector_ends()):
            raise DataError(f"{self.name}: ends_ does not fit its members")

    def absorb(self, change: Change, n_threads: int | None) -> None:
        """Updates its members, and trains those that cannot be updated again; see `updating.py`.

        The weights stay, and so does the average that features are compared with.

        Args:
            change: the ratings after the news, and what they touch.
        """
        self.members_ = {
            name: after(member, change, n_threads) if member.is_fitted else member
            for name, member in self.members_.items()
        }
        history, mean, users = change.history, float(self.global_mean_), change.affected_users
        content = content_after(self._content, change, mean)
        self.features_, self.item_bias_ = content
        tastes = placed(self.genre_tastes_, change.user_source)
        _, item, value = history.rows(users)
        indptr = np.append(0, np.cumsum(history.counts[users]))
        tastes[users] = genre_tastes(content, indptr, item, value, mean)
        self.genre_tastes_ = tastes
        self.ends_ = self._vector_ends()
        self._combine()

    # -- people --------------------------------------------------------------------------

    @property
    def _content(self) -> ItemContent:
        return ItemContent(self.features_, self.item_bias_)

    def _user_vectors(self, user_index: Indices) -> Floats:
        parts = [member.user_vectors(user_index) for _, member in self._fitted()]
        return np.concatenate([*parts, self.genre_tastes_[user_index]], axis=1)

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        parts = [member.vector_of(item_index, value) for _, member in self._fitted()]
        taste = genre_taste(self._content, item_index, value, float(self.global_mean_))
        return np.concatenate([*parts, taste])

    def _split(self, vectors: Floats) -> dict[str, Floats]:
        """The part of each fitted member in the vectors, (B, D_m), by name."""
        parts = np.split(vectors, self.ends_, axis=1)[:-1]
        names = [name for name, _ in self._fitted()]
        return dict(zip(names, map(np.ascontiguousarray, parts), strict=True))

    def _own(self, profile: UserState, name: str) -> UserState:
        """A person as one member sees them."""
        vector = self._split(profile.vector[None])[name][0]
        weight = None
        if self.members_[name].half_life == self.half_life:
            weight = profile.weight
        return UserState(profile.item_index, profile.value, vector, weight)

    @cached_property
    def _average_stars(self) -> Floats:
        """The stars of the average person, (I,); not saved."""
        vector = self.predictor.fold_in({}).vector
        return np.asarray(self.predictor.stars_of(vector[None])[0])

    @cached_property
    def _popularity(self) -> Floats:
        """What popularity takes from the scores, (1, I); not saved."""
        counts = np.log1p(self.item_counts_)[None].astype(np.float32)
        return POPULARITY * standardized(counts)

    # -- stars ---------------------------------------------------------------------------

    def _predict_all(self, vectors: Floats) -> Floats:
        return self.predictor.stars_of(self._split(vectors)[self.stars])

    def _predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> Floats:
        return self.predictor.predict_at(user_index, item_index, timestamp)

    def _deviations(self, profile: UserState, item_index: Indices) -> Doubles | None:
        return self.predictor.deviations(self._own(profile, self.stars), item_index)

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        name = self.stars if self.has_stars else self.list_names()[0]
        return self.members_[name].attribute(self._own(profile, name), item_index)

    def learned_biases(self) -> Biases | None:
        """The biases of the member that predicts stars; None without stars."""
        if not self.has_stars:
            return None
        return self.predictor.learned_biases()

    def _score_new_items(self, profile: UserState, labels: ItemLabels) -> list[ScoredItem]:
        return self.predictor.score_new_items(self._own(profile, self.stars), labels)

    # -- lists ---------------------------------------------------------------------------

    def _scores(self, vectors: Floats) -> Floats:
        return self._scores_at(vectors, self.usual_taste)

    def _scores_at(self, vectors: Floats, taste: float) -> Floats:
        stars = self._predict_all(vectors) if self.has_stars else None
        return self._scores_given(stars, vectors, taste)

    def _scores_given(self, stars: Floats | None, vectors: Floats, taste: float) -> Floats:
        parts = self._split(vectors)
        choice = np.zeros((len(vectors), len(self.items_)))
        for name, weight in self.member_weights().items():
            if weight > 0:
                scores = self.members_[name].scores_of(parts[name])
                choice += 4 * weight * standardized(scores)
        choice -= self._popularity
        weight = MOST_CHOICE + (LEAST_CHOICE - MOST_CHOICE) * taste
        total = weight * np.log1p(np.logaddexp(0, choice))
        total -= CAUTION * (1 + taste) / np.sqrt(self.item_counts_ + 1.0)
        if stars is not None:
            total += self._stars_in_score(stars.astype(np.float64), vectors, taste)
        return total.astype(np.float32)

    def _stars_in_score(self, stars: Doubles, vectors: Floats, taste: float) -> Doubles:
        """What stars and genres add to the score, (B, I)."""
        unit = (self.scale_.highest - self.scale_.lowest) / 4
        genres = liking(self._content, vectors[:, self.ends_[-1] :], CLEAR * unit)
        lower = stars - caution(self.scale_, self.item_counts_) + GENRES_IN_LIKE * genres
        margin = (lower - liked_from(self.scale_)) / unit + 0.25
        beyond = stars - self._average_stars
        beyond -= beyond.mean(axis=1, keepdims=True)
        fit = (genres + BEYOND_AVERAGE * beyond) / unit
        return TASTE * taste * fit - LIKE * np.logaddexp(0, -margin / SPREAD)

    def because(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Longs]:
        """See `Recommender`; by the member of kind `ease` or else of the highest weight.

        A rating that adds less than `LEAST_REASON` is no reason.
        """
        weights = {name: weight for name, weight in self.member_weights().items() if weight > 0}
        name = max(weights, key=lambda name: (_kind(name) == "ease", weights[name]))
        attributions = self.members_[name].attribute(self._own(profile, name), item_index)
        liked = profile.value >= liked_from(self.scale_)
        found = []
        for parts in attributions:
            order = np.argsort(-parts.ratings, kind="stable")
            found.append(order[(parts.ratings[order] >= LEAST_REASON) & liked[order]])
        return found

    # -- similarity and tastes -----------------------------------------------------------

    def _similarity(self, item_index: int) -> Floats:
        return self._describing().likeness(item_index)

    def _item_vectors(self) -> Floats:
        return self._describing().item_vectors()

    def _tastes(self, vectors: Floats) -> Floats:
        member = self._describing()
        name = next(name for name, other in self._fitted() if other is member)
        return member.tastes(self._split(vectors)[name])

    def _describing(self) -> Recommender:
        """The first fitted member that learned item vectors, if any; else the first one."""
        for _, member in self._fitted():
            try:
                if member.item_vectors().any():
                    return member
            except UnsupportedError:
                continue
        return next(member for _, member in self._fitted())


def _usual_weights(names: tuple[str, ...], *, has_stars: bool) -> Doubles:
    """The weights to start from, (M,).

    Without stars, all ratings are likes, so that members of all ratings are others over again.
    """
    weights = [ALL_WEIGHT * has_stars if name.endswith(ALL) else 1.0 for name in names]
    if not any(weights):
        weights = [1.0] * len(names)
    return np.array(weights) / sum(weights)


def _candidates(usual: Doubles) -> Doubles:
    """Weights to choose from, (C, M): the usual ones; each member left out, tripled and alone."""
    candidates = [usual]
    for member in range(len(usual)):
        for factor in (0.0, 3.0):
            weights = usual.copy()
            weights[member] *= factor
            candidates.append(weights / weights.sum())
        candidates.append(np.eye(len(usual))[member])
    return np.stack(candidates)


def _is_too_large(name: str, train: Ratings) -> bool:
    """Whether a table has too many items for a member."""
    if _kind(name) != EASE.name:
        return False
    n_items = int(np.count_nonzero(train.item_counts))
    return n_items > MOST_ITEMS or not has_memory(n_items)


def _kind(name: str) -> str:
    """The name of the model of a member: ials for ials-all and ials-2."""
    kind, _, end = name.rpartition("-")
    if f"-{end}" == ALL or end.isdigit():
        return kind
    return name


def _some_users(train: Ratings, seed: int) -> Ratings:
    """The ratings of so many users, drawn at random, that there are at most `MOST_WEIGHED`."""
    if len(train) <= MOST_WEIGHED:
        return train
    order = np.random.default_rng(seed).permutation(train.n_users)
    n_kept = np.searchsorted(np.cumsum(train.user_counts[order]), MOST_WEIGHED)
    is_kept = np.zeros(train.n_users, bool)
    is_kept[order[: max(1, n_kept)]] = True
    return train.subset(is_kept[train.user_index])
