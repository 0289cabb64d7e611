"""Recommender: the contract of every model, and what every model can do.

A model works with ids and stars. Titles and genres belong to `matinee.Guide`, which wraps a
model for people.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee._types import Floats, Indices, Longs, Reals
from matinee.data.arguments import (
    RatingsLike,
    mask_of,
    person_of,
    ratings_of,
    rows_to_predict,
    whole_number,
)
from matinee.data.ratings import Ratings, Scale
from matinee.data.split import random_split
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError, NotFittedError, UnsupportedError
from matinee.linalg import centered, cosines_with, top
from matinee.models.biases import Biases
from matinee.models.configurable import Configurable
from matinee.models.declarations import check_class, forget_cached
from matinee.models.finite import finite, finite_parts, solvable
from matinee.models.history import History, UserRows, item_means
from matinee.models.hyperparameters import hyper, learned
from matinee.models.interface import (
    Attribution,
    Capabilities,
    FitOptions,
    ItemLabels,
    Person,
    Ranking,
    ScoredItem,
    TrainingCurve,
    UserState,
    values_in,
)
from matinee.models.list_scores import caution, check_taste, distinguished
from matinee.models.top_lists import top_items
from matinee.progress import Progress
from matinee.training.checkpoints import Checkpoint, resuming
from matinee.training.loop import Engine

_NO_RATINGS = np.empty(0, np.int32), np.empty(0, np.float32)

__all__ = [
    "Attribution",
    "FitOptions",
    "Person",
    "Recommender",
    "ScoredItem",
    "UserState",
]


@dataclass(kw_only=True, eq=False)
class Recommender(Configurable, ABC):
    """Fits ratings, predicts stars and recommends, also for people who joined after the fit.

    Every model is a subclass. Its declarations are checked when the class is created, and its
    arrays when they are loaded from a file.

    - A model declares `name`, `summary` and `capabilities`, its settings by `hyper()`, its fitted
      arrays by `learned()`, and `curve_` by `curve()` if it learns in epochs.
    - It must implement `_fit`, `_user_vectors` and `_fold_in`. A model that predicts stars must
      implement `_predict_all`, and `_predict` (or `_predict_at` if its predictions depend on
      time); a model that only ranks must implement `_scores`.
    - It may implement `_scores`, if lists are not to be sorted by cautious stars, `_scores_at`,
      `_attribute`, `because`, `_scores_given`, `_deviations`, `_similarity`, `_item_vectors`,
      `_tastes`, `learned_biases`, `member_weights`, `engine`, `needs_valid`, `check_arrays`,
      `members`, `set_members` and `_score_new_items`.
    - `fit` leaves `users_`, `items_`, `scale_`, `history_`, `item_counts_`, `item_means_`, the
      fitted arrays and `curve_`.

    A model answers two questions. The *stars* say what a rating would be; the *score* is what
    lists are sorted by. A model that only ranks has no stars. The score of a model that only
    predicts stars is a lower bound of them (`caution`), so that an item that few have rated must
    earn its place.

    A *vector*, (D,), holds everything that a model needs to know about one person; D depends
    on the model.
    """

    # -- declared by a model -------------------------------------------------------------

    name: ClassVar[str]
    """The name on the command line."""
    summary: ClassVar[str]
    """What the model does, in a sentence or two for film lovers."""
    capabilities: Capabilities = field(default=Capabilities(), init=False, repr=False)
    seed: int = hyper(0, low=0, high=2**31 - 1, help="seed of all random numbers")

    suggested: ClassVar[tuple[str, str]] = ("hybrid", "ials")
    """The most capable models, named in messages: for ratings, and for implicit feedback."""
    usual_taste: ClassVar[float] = 0.0
    """The taste of lists for which none is given; see `scores`."""
    half_life = 0.0  # a model with `recency_weights` makes it a setting

    def __post_init__(self) -> None:
        super().__post_init__()
        timed = [getattr(self, setting.name) for setting in self.hypers() if setting.needs_times]
        if timed:
            self.capabilities = replace(self.capabilities, uses_times=any(timed))

    # -- required of a model -------------------------------------------------------------

    @abstractmethod
    def _fit(self, train: Ratings, options: FitOptions) -> None:
        """Sets every array declared by `learned`, and `curve_`."""

    @abstractmethod
    def _user_vectors(self, user_index: Indices) -> NDArray[np.float32]:
        """The vectors of known users, (B, D)."""

    @abstractmethod
    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        """The vector of a new person, (D,), from their items, (n,), and ratings, (n,)."""

    def _predict_all(self, vectors: Floats) -> Floats:
        """Stars of all items before clipping for each vector, (B, D) -> (B, I)."""
        del vectors
        raise self._only_ranks()

    def _scores(self, vectors: Floats) -> Floats:
        """What lists are sorted by: a score of all items for each vector, (B, D) -> (B, I)."""
        stars = self._predict_all(vectors)
        if self.has_stars:
            stars = stars - caution(self.scale_, self.item_counts_)
        return stars

    def _scores_given(self, stars: Floats, vectors: Floats, taste: float) -> Floats:
        """`_scores_at` for known stars of all items, (B, I); saves predicting them again."""
        if self.ranks_by_stars and taste == self.usual_taste:
            return np.asarray(stars - caution(self.scale_, self.item_counts_))
        return self.scores_of(vectors, taste)

    def _scores_at(self, vectors: Floats, taste: float) -> Floats:
        """`_scores` at another taste than the usual one, (B, D) -> (B, I)."""
        average = self._scores(self._fold_in(*_NO_RATINGS)[None])[0]
        return distinguished(self._scores(vectors), average, taste)

    def _predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Stars before clipping, (N,); an index of -1 is an unknown user or item."""
        return self._predict_at(user_index, item_index, None)

    # -- optional for a model ------------------------------------------------------------

    def _predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> NDArray[np.float32]:
        """`_predict` for a model whose predictions depend on time."""
        del timestamp
        return self._predict(user_index, item_index)

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        """The attribution of the scores of some items, (K,)."""
        del profile, item_index
        raise UnsupportedError(f"{self.name} cannot explain what it recommends; use {self.usual}.")

    def because(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Longs]:
        """Why lists hold some items, (K,): for each, the positions in the profile of the liked
        ratings that most put it there, strongest first; none if the model cannot tell.

        Args:
            profile: of a known user or a new person.
            item_index: (K,) indices of the items.
        """
        del profile
        return [np.empty(0, np.int64)] * len(item_index)

    def _deviations(self, profile: UserState, item_index: Indices) -> NDArray[np.float64] | None:
        """See `deviations`."""
        del profile, item_index
        return None

    def _similarity(self, item_index: int) -> NDArray[np.float32]:
        """The similarity of an item to every item, (I,), -1 to 1; NaN where it is unknown."""
        return cosines_with(centered(self._item_vectors(), self.item_counts_ > 0), item_index)

    def _item_vectors(self) -> NDArray[np.float32]:
        """The vectors that `similar` compares, (I, F)."""
        raise UnsupportedError(
            f"{self.name} has no item factors, so it cannot say what is similar; use {self.usual}."
        )

    def _tastes(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of each vector that describes taste, (B, D) -> (B, F)."""
        del vectors
        raise UnsupportedError(f"{self.name} has no taste vectors to compare; use {self.usual}.")

    def learned_biases(self) -> Biases | None:
        """The learned user and item biases; None if the model has none."""
        return None

    def member_weights(self) -> dict[str, float]:
        """The weights of the models that it combines, by name; empty if it is not fitted."""
        return {}

    def engine(self, train: Ratings) -> Engine:
        """An untrained engine, which learns from batches of ratings.

        Args:
            train: the ratings to learn from.

        Raises:
            UnsupportedError: the model is not trained by gradient steps on batches.
        """
        del train
        raise UnsupportedError(
            f"{self.name} has no learning rate to find; use dot-product, plain-mf or mlp."
        )

    def _score_new_items(self, profile: UserState, labels: ItemLabels) -> list[ScoredItem]:
        """See `score_new_items`."""
        del profile, labels
        raise UnsupportedError(
            f"{self.name} needs ratings of an item to predict it; only bayes, trained with "
            "features of the items such as genres, does not."
        )

    @property
    def needs_valid(self) -> bool:
        """Whether the settings choose the last epoch by the loss on the validation part."""
        return False

    def check_arrays(self) -> None:
        """Checks arrays from a file beyond what their declarations can express.

        Raises:
            DataError: the arrays do not fit each other or the settings.
        """
        return

    def members(self) -> "dict[str, Recommender]":
        """The models that this one combines, by name, fitted or not; usually none."""
        return {}

    def set_members(self, members: "Mapping[str, Recommender]") -> None:
        """Sets the members loaded from a file, after the arrays are set.

        Args:
            members: by name, as `members` returns them.

        Raises:
            DataError: it has members, but this model combines none.
        """
        if members:
            raise DataError(f"{self.name} has no members, unlike the file: {', '.join(members)}")

    # -- left by fit ---------------------------------------------------------------------

    users_: Vocabulary = field(init=False, repr=False)
    items_: Vocabulary = field(init=False, repr=False)
    scale_: Scale = field(init=False, repr=False)
    history_: History = field(init=False, repr=False)
    item_counts_: NDArray[np.int64] = learned("I", dtype=np.int64, least=0)
    """The number of training ratings of each item."""
    item_means_: NDArray[np.float32] = learned("I", dtype=np.float32, allows_nan=True)
    """The mean training rating of each item; NaN for an item without ratings."""
    curve_: TrainingCurve | None = field(init=False, repr=False, default=None)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        implemented: set[str] = set()
        for base in cls.__mro__:
            if base is not Recommender:
                implemented.update(vars(base))
        check_class(cls, implemented)

    def _rated_by(self, user_index: Indices) -> UserRows:
        """The ratings of known users, for a model that represents users by their ratings
        alone."""
        if self.history_.is_empty:
            raise UnsupportedError(
                f"{self.name} represents users by their ratings, which were not saved in this "
                "file: give the ratings, or train it without --no-history."
            )
        return self.history_.rows(user_index)

    # -- fitting -------------------------------------------------------------------------

    def fit(
        self,
        train: RatingsLike,
        *,
        valid: "RatingsLike | None" = None,
        n_threads: int | None = None,
        progress: Progress | None = None,
        checkpoint: "Path | Checkpoint | None" = None,
    ) -> Self:
        """Learns from `train` and discards everything learned before.

        The result does not depend on the number of threads.

        Args:
            train: `Ratings`; a `Dataset`, a frame or a path is read as `matinee.read` does.
            valid: ratings to measure the loss on, for the curve and, in models that offer it,
                early stopping. If `patience` or `keep_best` needs such a part and none is
                given, a random twentieth of `train` is used.
            n_threads: None means all cores.
            progress: called after each step.
            checkpoint: a file for the state of the training, which is saved after an epoch
                whenever that takes less than a tenth of the time, and when `progress` raises an
                exception. If it exists, training resumes from it, with the same result as without
                the interruption. It is removed at the end. If it cannot be written meanwhile,
                there is a warning, and the training goes on.

        Returns:
            The model itself.

        Raises:
            DataError: the ratings do not suit the model.
            UnsupportedError: a checkpoint was given to a model that trains too fast to need one.
        """
        train = ratings_of(train, "fit")
        if valid is not None:
            valid = ratings_of(valid, "fit")
        if checkpoint is not None and not self.capabilities.resumes:
            raise UnsupportedError(
                f"{self.name} trains too fast to need a checkpoint; leave it out."
            )
        self.capabilities.check(self.name, train)
        if valid is not None and len(valid) == 0:
            valid = None
        self.users_, self.items_, self.scale_ = train.users, train.items, train.scale
        times, features = self.capabilities.uses_times, self.capabilities.uses_features
        self.history_ = History.from_ratings(train, times=times, features=features)
        self.item_counts_ = train.item_counts
        self.item_means_ = item_means(self.item_counts_, train.item_index, train.value)
        if valid is None and self.needs_valid and len(train) > 1:
            part = random_split(train, max(0.05, 1 / len(train)), self.seed)
            train, valid = part.train, part.test
        forget_cached(self)
        with resuming(checkpoint, {"model": self.name} | self.settings(), train, valid) as saver:
            self._fit(train, FitOptions(valid, n_threads, progress, saver))
        return self

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` has been called or the model was loaded."""
        return "users_" in vars(self)

    @property
    def has_stars(self) -> bool:
        """Whether it predicts stars: no model does if all its ratings were equal."""
        return self.capabilities.predicts_stars and self.scale_.has_stars

    @property
    def ranks_by_stars(self) -> bool:
        """Whether lists are sorted by stars, less the caution about items that few have rated."""
        return self.has_stars and type(self)._scores is Recommender._scores

    @property
    def usual(self) -> str:
        """The name of the most capable model for the same table."""
        for_stars, for_implicit_feedback = self.suggested
        if self.scale_.has_stars:
            return for_stars
        return for_implicit_feedback

    def check_fitted(self) -> None:
        """Raises NotFittedError unless `fit` has been called or the model was loaded."""
        if not self.is_fitted:
            raise NotFittedError(
                f"This {self.name} model is not fitted: call fit(ratings), or load a saved model."
            )

    # -- used by other models, by index --------------------------------------------------

    def user_vectors(self, user_index: Indices) -> NDArray[np.float32]:
        """The vectors of known users, (B, D).

        Args:
            user_index: (B,) indices of users.
        """
        self.check_fitted()
        return self._user_vectors(user_index)

    def vector_of(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        """The vector of a new person, (D,); see `fold_in`.

        Args:
            item_index: (n,) indices of the items that the person rated.
            value: (n,) their ratings, in stars.
        """
        self.check_fitted()
        with solvable(self.name):
            return self._fold_in(item_index, value)

    def scores_of(self, vectors: Floats, taste: float | None = None) -> Floats:
        """The scores of all items for each vector, (B, D) -> (B, I); see `scores`.

        Args:
            vectors: (B, D) profile vectors.
            taste: as for `scores`.
        """
        self.check_fitted()
        if taste is None or taste == self.usual_taste:
            return finite(self.name, self._scores(vectors))
        check_taste(taste)
        return finite(self.name, self._scores_at(vectors, taste))

    def stars_of(self, vectors: Floats) -> Floats:
        """The stars of all items for each vector, (B, D) -> (B, I); see `all_stars`.

        Args:
            vectors: (B, D) profile vectors.
        """
        self._require_stars()
        return finite(self.name, self._predict_all(vectors))

    def predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> NDArray[np.float32]:
        """The stars of pairs by index before clipping, (N,); an index of -1 is an unknown user or
        item.

        Args:
            user_index, item_index: (N,) the pairs.
            timestamp: (N,) seconds since 1970, for models with effects of time; None: unknown.
        """
        self._require_stars()
        return finite(self.name, self._predict_at(user_index, item_index, timestamp))

    def attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        """`parts_each` by index, (K,).

        Args:
            profile: of a known user or a new person.
            item_index: (K,) indices of the items.
        """
        with solvable(self.name):
            return finite_parts(self.name, self._attribute(profile, item_index))

    # -- for people, by id ---------------------------------------------------------------

    def profile(self, person: Person) -> UserState:
        """The profile of a known user by id, or of a new person from their ratings
        (`fold_in`)."""
        self.check_fitted()
        if isinstance(person, UserState):
            return person
        known = person_of(person)
        if isinstance(known, Mapping):
            return self.fold_in(known)
        user = self.users_.index(known)
        item_index, value = self.history_.of(user)
        index = np.array([user])
        weight = self.history_.weights(index, self.half_life)
        return UserState(item_index, value, self._user_vectors(index)[0], weight)

    def fold_in(self, ratings: Mapping[Id, float]) -> UserState:
        """The profile of a new person from the ratings they just gave.

        Nothing is retrained or stored. Without ratings it is the profile of the average
        person.

        Args:
            ratings: item id -> stars.

        Raises:
            UnknownNameError: an item id is unknown.
            DataError: a rating is outside the scale.
        """
        self.check_fitted()
        ratings = person_of(ratings)
        if not isinstance(ratings, Mapping):
            raise DataError("Give the ratings of a new person as {item id: stars}.")
        index, value = self.items_.indices(ratings), values_in(self.scale_, ratings)
        return UserState(index, value, self.vector_of(index, value))

    def predict(self, person: Person, item_id: Id) -> float:
        """The stars that a person would give an item, clipped to the scale.

        Args:
            item_id: an id of the training data.

        Raises:
            UnknownNameError: the person or the item is unknown.
            UnsupportedError: the model predicts no stars.
        """
        stars = self.stars_of(self.profile(person).vector[None])  # (1, I)
        return float(self._clip(stars[0, self.items_.index(item_id)]))

    def _clip(self, stars: ArrayLike) -> Any:
        """Stars, limited to the scale."""
        return np.clip(stars, self.scale_.lowest, self.scale_.highest)

    def score_new_items(self, person: Person, labels: ItemLabels) -> list[ScoredItem]:
        """The expected scores, stars and deviations of items that nobody has rated.

        Args:
            labels: the features of each item, as in the training data, such as
                `["genre: Comedy", "year: 1995"]`. Labels that no item of the training data has
                are ignored.

        Returns:
            A prediction for each item, in the given order, with an empty item id.

        Raises:
            UnsupportedError: the model did not learn from features of items.
        """
        return self._score_new_items(self.profile(person), labels)

    def _scored_new(self, scores: Reals, deviations: Reals) -> list[ScoredItem]:
        """The results of `_score_new_items` from scores and deviations, (n,)."""
        stars = self._clip(scores).tolist() if self.has_stars else [None] * len(scores)
        columns = scores.tolist(), stars, deviations.tolist()
        return [ScoredItem("", *row) for row in zip(*columns, strict=True)]

    def predict_new_item(self, person: Person, labels: Sequence[str]) -> float:
        """The stars that a person would give an item that nobody has rated, from its features.

        For `labels` and errors see `score_new_items`.
        """
        self._require_stars()
        (scored,) = self.score_new_items(person, [labels])
        return float(self._clip(scored.score))

    def parts(self, person: Person, item_id: Id) -> tuple[float, Attribution]:
        """The stars of an item for a person, before clipping, and their attribution.

        For a model that only ranks it is the score. The parts add up to it except for the
        training residual of a known user (see `explain`).

        Args:
            item_id: an id of the training data.

        Raises:
            UnsupportedError: the model cannot attribute its scores.
        """
        profile = self.profile(person)
        (parts,) = self.parts_each(profile, [item_id])
        return float(self.attributed(profile)[self.items_.index(item_id)]), parts

    def attributed(self, person: Person) -> Floats:
        """What `parts` add up to, (I,): the stars, or the scores of a model that only ranks."""
        if self.has_stars:
            return self.all_stars(person)
        return self.scores(person)

    def parts_each(self, person: Person, item_ids: Sequence[Id]) -> list[Attribution]:
        """The attribution of several items, in some models as fast as of one; see `parts`.

        Args:
            item_ids: ids of the training data.
        """
        return self.attribute(self.profile(person), self.items_.indices(item_ids))

    def predict_ratings(self, ratings: RatingsLike) -> NDArray[np.float32]:
        """Predicted stars for each row, (N,) float32, clipped to the scale.

        The values of `ratings` are not used. For a user or item without training ratings, the
        prediction uses what the model knows of the other side, or the global mean if it knows
        neither.

        Args:
            ratings: `Ratings`; a `Dataset`, a frame or a path is read as `matinee.read` does,
                and must hold each pair once.
        """
        self._require_stars()
        ratings = rows_to_predict(ratings)
        user_index = ratings.users.indices_in(self.users_)[ratings.user_index]
        item_index = ratings.items.indices_in(self.items_)[ratings.item_index]
        return self.predict_known(user_index, item_index, ratings.timestamp)

    def predict_known(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> NDArray[np.float32]:
        """Predicted stars of pairs of known users and items by index, (N,), clipped to the
        scale.

        Args:
            user_index, item_index: (N,) the pairs.
            timestamp: (N,) seconds since 1970, for models with effects of time; None: unknown.
        """
        stars = self.predict_at(user_index, item_index, timestamp)
        return np.asarray(self._clip(stars), np.float32)

    def recommend(
        self,
        person: Person,
        k: int = 10,
        *,
        allowed: NDArray[np.bool_] | Iterable[Id] | None = None,
        include_seen: bool = False,
    ) -> list[ScoredItem]:
        """The k best items for a person, best first; fewer if fewer are allowed and unseen.

        Args:
            allowed: the items to choose from, as a list of ids or a mask, (I,); None means all.
            include_seen: keep the items that the person has rated.

        Raises:
            UnknownNameError: the person or an allowed item is unknown.
        """
        k = whole_number(k, "k")
        profile = self.profile(person)
        (scores, stars), candidates = self.ranking(profile), mask_of(allowed, self.items_)  # (I,)
        if not include_seen:
            candidates[profile.item_index] = False
        best = top(np.where(candidates, scores, -np.inf), min(k, int(candidates.sum())))
        return self.scored(profile, best, scores, stars)

    def scored(
        self,
        profile: UserState | None,
        item_index: Indices,
        scores: Reals,
        stars: Reals | None = None,
    ) -> list[ScoredItem]:
        """Some items with their scores, stars and deviations, in the given order.

        Args:
            profile: None for a group, which has no deviations.
            item_index: (n,) indices of items.
            scores: of all items, (I,).
            stars: of all items, (I,); None: those of the profile. Ignored if the model only
                ranks.
        """
        clipped: list[float | None] = [None] * len(item_index)
        deviations: list[float | None] = [None] * len(item_index)
        if self.has_stars and stars is None and profile is not None:
            stars = self.stars_of(profile.vector[None])[0]
        if self.has_stars and stars is not None:
            clipped = self._clip(stars[item_index]).tolist()
        if self.has_stars and profile is not None:
            known = self._deviations(profile, item_index)
            if known is not None:
                deviations = finite(self.name, known).tolist()
        ids = self.items_.ids[item_index].tolist()
        return list(map(ScoredItem, ids, scores[item_index].tolist(), clipped, deviations))

    def scores(self, person: Person, taste: float | None = None) -> NDArray[np.float32]:
        """The scores of all items, (I,), by which `recommend` sorts.

        Args:
            taste: from 0, what the person is likely to choose, to 1, what fits their taste; None
                means `usual_taste`.
        """
        vector = self.profile(person).vector
        return np.asarray(self.scores_of(vector[None], taste)[0], np.float32)

    def ranking(self, person: Person, taste: float | None = None) -> Ranking:
        """`scores` and `all_stars` at once, in less time.

        Args:
            taste: as for `scores`.
        """
        vectors = self.profile(person).vector[None]
        if not self.has_stars:
            return Ranking(np.asarray(self.scores_of(vectors, taste)[0], np.float32), None)
        taste = self.usual_taste if taste is None else taste
        check_taste(taste)
        stars = self.stars_of(vectors)
        scores = finite(self.name, self._scores_given(stars, vectors, taste))
        return Ranking(np.asarray(scores[0], np.float32), np.asarray(stars[0], np.float32))

    def all_stars(self, person: Person) -> NDArray[np.float32]:
        """The predicted stars of all items before clipping, (I,).

        Raises:
            UnsupportedError: the model predicts no stars.
        """
        return np.asarray(self.stars_of(self.profile(person).vector[None])[0], np.float32)

    def deviations(self, person: Person, item_index: Indices) -> NDArray[np.float64] | None:
        """The standard deviations of a person's ratings about the predictions, (n,), in stars.

        None if the model cannot estimate them.

        Args:
            item_index: (n,) indices of items.
        """
        known = self._deviations(self.profile(person), item_index)
        return None if known is None else finite(self.name, known)

    def top_items(self, user_index: Indices, k: int) -> NDArray[np.int64]:
        """The first k unseen items of known users by index, (B, K), best first; for
        evaluation.

        For a user with fewer than k unseen items, seen items follow the unseen ones.

        Args:
            user_index: (B,) indices of users.
        """
        self.check_fitted()
        return top_items(self, user_index, k)

    def similar(
        self,
        item_id: Id,
        k: int = 10,
        *,
        allowed: NDArray[np.bool_] | Iterable[Id] | None = None,
        shrinkage: float = 0,
    ) -> list[ScoredItem]:
        """The k most similar items, best first, without items that were never rated.

        Similarity is the cosine of the centered item vectors, unless the model defines its
        own.

        Args:
            item_id: an id of the training data.
            allowed: the items to choose from, as a list of ids or a mask, (I,); None means all.
            shrinkage: the score of an item with n ratings is multiplied by n / (n +
                shrinkage), because factors learned from few ratings are mostly noise and can
                be close to anything.

        Raises:
            UnknownNameError: the item is unknown.
            UnsupportedError: the model knows nothing about the item, or no similarities.
        """
        self.check_fitted()
        k = whole_number(k, "k")
        item = self.items_.index(item_id)
        similarity = self._similarity(item)  # (I,)
        candidates = mask_of(allowed, self.items_) & np.isfinite(similarity)
        if np.isnan(similarity).all():
            biases, learned_of_it = self.learned_biases(), "nothing about it"
            if biases is not None and biases.item[item]:
                learned_of_it = "only its bias"
            raise UnsupportedError(
                f"Item '{item_id}' has no similar items: {self.name} learned {learned_of_it}."
            )
        candidates[item] = False
        trust = self.item_counts_ / np.maximum(self.item_counts_ + shrinkage, 1)
        similarity *= trust.astype(np.float32)
        best = top(np.where(candidates, similarity, -np.inf), min(k, int(candidates.sum())))
        return [ScoredItem(self.items_.id(i), float(similarity[i]), None) for i in best.tolist()]

    def likeness(self, item_index: int) -> NDArray[np.float32]:
        """The model's similarity of an item to every item, (I,), -1 to 1; NaN where unknown.

        Args:
            item_index: the index of the item.

        Raises:
            UnsupportedError: the model has no similarity.
        """
        self.check_fitted()
        return self._similarity(item_index)

    def item_vectors(self) -> NDArray[np.float32]:
        """The vectors that `similar` compares, (I, F); zeros for items that were never rated.

        Raises:
            UnsupportedError: the model has none.
        """
        self.check_fitted()
        return self._item_vectors()

    def tastes(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of profile vectors that describes taste, without biases, (B, D) -> (B, F).

        Args:
            vectors: (B, D) profile vectors.

        Raises:
            UnsupportedError: the model has no such vectors.
        """
        self.check_fitted()
        return self._tastes(vectors)

    def user_tastes(self, user_index: Indices) -> NDArray[np.float32]:
        """`tastes` of known users by index, (B, F).

        Args:
            user_index: (B,) indices of users.
        """
        self.check_fitted()
        return self._tastes(self._user_vectors(user_index))

    def _require_stars(self) -> None:
        self.check_fitted()
        if not self.scale_.has_stars:
            raise UnsupportedError(
                f"{self.name} was trained on a table without ratings, "
                "so it ranks items and does not predict stars."
            )
        if not self.capabilities.predicts_stars:
            raise self._only_ranks()

    def _only_ranks(self) -> UnsupportedError:
        return UnsupportedError(
            f"{self.name} ranks items and does not predict stars; use baseline or mf."
        )
