"""Recommender: the contract of every model, and what every model can do.

A model speaks of ids and stars; titles and genres belong to `matinee.Guide`, which wraps a model for people.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.split import random_split
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import (
    DataError,
    NotFittedError,
    UnknownNameError,
    UnsupportedError,
)
from matinee.linalg import centered, cosines_with, top
from matinee.models.biases import Biases
from matinee.models.declarations import check_class
from matinee.models.history import History, Rows
from matinee.models.hyperparameters import Hyper, checked, hyper, learned
from matinee.models.interface import Capabilities, Fitting, Parts, Person, Profile, Scored, TrainingCurve, values_in
from matinee.progress import Progress
from matinee.text import did_you_mean
from matinee.threads import one_blas_thread, workers
from matinee.training.loop import Engine

USERS_AT_ONCE = 128

__all__ = ["Fitting", "Parts", "Person", "Profile", "Recommender", "Scored"]


@dataclass(kw_only=True, eq=False)
class Recommender(ABC):
    """Fits ratings, predicts stars, recommends; also for a person who was not there when it was fitted.

    A model is a subclass. What it declares is checked when the class is made, and its arrays when
    they come from a file.

    =================  ============================================================================
    declares           `name`, `summary`, `capabilities`; settings by `hyper()`, fitted arrays by
                       `learned()`, and `curve_` by `curve()` if it learns in epochs
    must write         `_fit`, `_user_vectors`, `_fold_in`, `_scores`, and `_predict` if it predicts
                       stars (or `_predict_at`, if it knows of time)
    may write          `_attribute`, `_deviations`, `_likeness`, `_item_vectors`, `_tastes`,
                       `learned_biases`, `engine`, `needs_valid`, `check_arrays`; `members`, `set_members`
    leaves after fit   `users_ items_ scale_ history_ item_counts_ item_means_`, its fitted arrays,
                       and `curve_`
    =================  ============================================================================

    A *vector*, (D,), is all that a model needs to know of one person; D depends on the model.
    """

    # -- a model declares --------------------------------------------------------------------------

    name: ClassVar[str]
    """The name on the command line."""
    summary: ClassVar[str]
    """What it does, in a sentence or two for film lovers."""
    capabilities: Capabilities = field(default=Capabilities(), init=False, repr=False)
    seed: int = hyper(0, low=0, high=2**31 - 1, help="seed of all random numbers")

    suggested: ClassVar[tuple[str, str]] = ("mf", "ials")
    """The models that can do most, named in messages: for ratings, and for implicit feedback."""

    # -- a model must write ------------------------------------------------------------------------

    @abstractmethod
    def _fit(self, train: Ratings, how: Fitting) -> None:
        """Sets every array that is declared by `learned`, and `curve_`."""

    @abstractmethod
    def _user_vectors(self, user_index: NDArray[Any]) -> NDArray[np.float32]:
        """The vectors of known users, (B, D)."""

    @abstractmethod
    def _fold_in(self, item_index: NDArray[np.int32], value: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vector of a new person, (D,), from the items they rated, (n,), and their ratings."""

    @abstractmethod
    def _scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of all items for each vector, (B, D) -> (B, I).

        They are stars before clipping if the model predicts them.
        """

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> NDArray[np.float32]:
        """Stars before clipping, (N,); an index of -1 is an unknown user or item."""
        return self._predict_at(user_index, item_index, None)

    # -- a model may write -------------------------------------------------------------------------

    def _predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> NDArray[np.float32]:
        """`_predict` of a model that knows of time."""
        del timestamp
        return self._predict(user_index, item_index)

    def _attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        """What the scores of some items, (K,), are made of."""
        del profile, item_index
        raise UnsupportedError(f"{self.name} cannot explain what it recommends; use {self.usual}.")

    def _deviations(self, profile: Profile, item_index: NDArray[Any]) -> NDArray[np.float64] | None:
        """See `deviations`."""
        del profile, item_index
        return None

    def _likeness(self, item_index: int) -> NDArray[np.float32]:
        """How alike an item is to each, (I,), -1 to 1; NaN where nothing is known."""
        return cosines_with(centered(self._item_vectors(), self.item_counts_ > 0), item_index)

    def _item_vectors(self) -> NDArray[np.float32]:
        """The vectors that `similar` compares, (I, F)."""
        raise UnsupportedError(f"{self.name} has no item factors, so it cannot say what is similar; use {self.usual}.")

    def _tastes(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of vectors that describes taste, (B, D) -> (B, F)."""
        del vectors
        raise UnsupportedError(f"{self.name} knows no tastes that could be compared; use {self.usual}.")

    def learned_biases(self) -> Biases | None:
        """What it learned of users and items by themselves; None if it learns no such thing."""
        return None

    def engine(self, train: Ratings) -> Engine:
        """Untrained weights that learn from batches of ratings.

        Raises:
            UnsupportedError: the model is not trained by gradient steps on batches.
        """
        del train
        raise UnsupportedError(f"{self.name} has no rate to find this way; dot-product, plain-mf and mlp have.")

    @property
    def needs_valid(self) -> bool:
        """Whether its settings choose the last epoch by the loss on the valid part."""
        return False

    def check_arrays(self) -> None:
        """Raises DataError if arrays from a file do not fit each other or the settings, in a way
        that their declarations cannot say."""
        return

    def members(self) -> "dict[str, Recommender]":
        """The models that it is made of, by name, also those that are not fitted; usually none."""
        return {}

    def set_members(self, members: "Mapping[str, Recommender]") -> None:
        """Takes its members from a file, after its own arrays are set."""
        if members:
            raise DataError(f"{self.name} is not made of {', '.join(members)}")

    # -- a model leaves after fit ------------------------------------------------------------------

    users_: Vocabulary = field(init=False, repr=False)
    items_: Vocabulary = field(init=False, repr=False)
    scale_: Scale = field(init=False, repr=False)
    history_: History = field(init=False, repr=False)
    item_counts_: NDArray[np.int64] = learned("I", dtype=np.int64, least=0)
    """Number of training ratings of each item."""
    item_means_: NDArray[np.float32] = learned("I", dtype=np.float32, allows_nan=True)
    """Their mean; NaN without any."""
    curve_: TrainingCurve | None = field(init=False, repr=False, default=None)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        writes = {name for one in cls.__mro__ if one is not Recommender for name in vars(one)}
        check_class(cls, predicts=bool(writes & {"_predict", "_predict_at"}))

    def __post_init__(self) -> None:
        for one in self.hypers():
            setattr(self, one.name, checked(one, getattr(self, one.name), self.name))

    def _rated_by(self, user_index: NDArray[Any]) -> Rows:
        """The ratings of known users, for a model that knows people by nothing else."""
        if self.history_.is_empty:
            raise UnsupportedError(
                f"{self.name} knows people by their ratings, and this file was saved without them: "
                "give the ratings, or train it without --no-history."
            )
        return self.history_.rows(user_index)

    # -- hyperparameters ---------------------------------------------------------------------------

    @classmethod
    def hypers(cls) -> list[Hyper]:
        """The declared hyperparameters, in the order of declaration."""
        return [Hyper(f.name, f.default, **f.metadata) for f in fields(cls) if "help" in f.metadata]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """A model from names and values, which may be text as on a command line.

        Raises:
            UnknownNameError: no hyperparameter has this name; the message suggests the nearest.
            SettingError: a value has the wrong type or is outside its range.
        """
        known = [one.name for one in cls.hypers()]
        for name in settings:
            if name not in known:
                hint = did_you_mean(name, known) or f" Its settings are: {', '.join(known)}."
                raise UnknownNameError(f"{cls.name} has no setting '{name}'.{hint}")
        return cls(**settings)

    def settings(self) -> dict[str, Any]:
        """The hyperparameters of this model, by name."""
        return {one.name: getattr(self, one.name) for one in self.hypers()}

    # -- fitting -----------------------------------------------------------------------------------

    def fit(
        self,
        train: Ratings,
        *,
        valid: Ratings | None = None,
        n_threads: int | None = None,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learns from `train` and forgets whatever was learnt before. The number of threads changes no number.

        Args:
            valid: ratings that are only watched: for the history and, where a model offers it, early stopping. Where
                `patience` or `keep_best` asks for such a part and none is given, it is a random twentieth of `train`.
            n_threads: None means all cores.
            progress: called after each step.
            checkpoint: a file that keeps the state after each epoch; if it is there already, training goes on from
                it, and ends with the same numbers as if it had never been interrupted. Removed at the end.
        """
        if checkpoint is not None and not self.capabilities.resumes:
            raise UnsupportedError(f"{self.name} trains too fast to need a checkpoint; leave it out.")
        if len(train) == 0:
            raise DataError("There are no ratings to train on.")
        if self.capabilities.needs_stars and train.scale == PAIRS:
            raise UnsupportedError(f"{self.name} learns from ratings, and here are none, only who has what; use ials.")
        valid = None if valid is None or len(valid) == 0 else valid
        needs = self.capabilities
        self.users_, self.items_, self.scale_ = train.users, train.items, train.scale
        self.history_ = History.from_ratings(train, times=needs.uses_times, features=needs.uses_features)
        self.item_counts_ = train.item_counts
        sums = np.bincount(train.item_index, train.value, minlength=train.n_items)
        rated = self.item_counts_ > 0
        self.item_means_ = np.where(rated, sums / np.maximum(self.item_counts_, 1), np.nan).astype(np.float32)
        if valid is None and self.needs_valid and len(train) > 1:
            part = random_split(train, max(0.05, 1 / len(train)), self.seed)
            train, valid = part.train, part.test
        self._fit(train, Fitting(valid, n_threads, progress, checkpoint))
        return self

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` has been called or the model was loaded."""
        return "users_" in vars(self)

    @property
    def has_stars(self) -> bool:
        """Whether it predicts stars, which no model can whose ratings were all the same, such as of who has what."""
        return self.capabilities.predicts_stars and self.scale_.has_stars

    @property
    def usual(self) -> str:
        """The name of the model that can do most on the same table."""
        return self.suggested[0 if self.scale_.has_stars else 1]

    def _require_fit(self) -> None:
        if not self.is_fitted:
            raise NotFittedError(f"This {self.name} model has learnt nothing yet: call fit(ratings), or load one.")

    # -- what other models ask, by index --------------------------------------------------------------

    def user_vectors(self, user_index: NDArray[Any]) -> NDArray[np.float32]:
        """The vectors of known users, (B, D)."""
        self._require_fit()
        return self._user_vectors(user_index)

    def vector_of(self, item_index: NDArray[np.int32], value: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vector of a new person, (D,); see `fold_in`."""
        self._require_fit()
        return self._fold_in(item_index, value)

    def scores_of(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of all items for each vector, (B, D) -> (B, I); see `scores`."""
        self._require_fit()
        return self._scores(vectors)

    def predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> NDArray[np.float32]:
        """Stars before clipping, (N,); an index of -1 is an unknown user or item."""
        self._require_stars()
        return self._predict_at(user_index, item_index, timestamp)

    def attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        """`parts_each` by index."""
        return self._attribute(profile, item_index)

    # -- what people ask ---------------------------------------------------------------------------------------

    def profile(self, person: Person) -> Profile:
        """A known user's profile by id, or a new person's from their ratings (`fold_in`)."""
        self._require_fit()
        if isinstance(person, Profile):
            return person
        if isinstance(person, Mapping):
            return self.fold_in(person)
        user = self.users_.index(person)
        return Profile(*self.history_.of(user), self._user_vectors(np.array([user]))[0])

    def fold_in(self, ratings: Mapping[Id, float]) -> Profile:
        """The profile of a new person from the ratings they just gave; nothing is retrained and nothing is kept.

        With no ratings at all it is the average person's.

        Raises:
            UnknownNameError: an item id is unknown.
            DataError: a rating is outside the scale.
        """
        self._require_fit()
        index, value = self.items_.indices(ratings), values_in(self.scale_, ratings)
        return Profile(index, value, self._fold_in(index, value))

    def predict(self, person: Person, item_id: Id) -> float:
        """The stars that somebody would give an item, clipped to the scale."""
        self._require_stars()
        scores = self._scores(self.profile(person).vector[None])  # (1, I)
        return float(np.clip(scores[0, self.items_.index(item_id)], *self.scale_[:2]))

    def parts(self, person: Person, item_id: Id) -> tuple[float, Parts]:
        """The score of an item for somebody, before clipping, and its parts, which add up to it but for a known user's
        rest (see `explain`). Raises UnsupportedError if the model cannot tell."""
        profile = self.profile(person)
        (parts,) = self.parts_each(profile, [item_id])
        return float(self.scores(profile)[self.items_.index(item_id)]), parts

    def parts_each(self, person: Person, item_ids: Sequence[Id]) -> list[Parts]:
        """The parts of several items, for which some models need hardly more time than for one."""
        return self._attribute(self.profile(person), self.items_.indices(item_ids))

    def predict_ratings(self, ratings: Ratings) -> NDArray[np.float32]:
        """Predicted stars for each row, (N,) float32, clipped to the scale; the values of `ratings` are not read.

        A user or item that the model has never seen gets the model's fallback: what it knows of the other side,
        and the global mean if it knows neither.
        """
        self._require_stars()
        user_index = ratings.users.indices_in(self.users_)[ratings.user_index]
        item_index = ratings.items.indices_in(self.items_)[ratings.item_index]
        stars = self._predict_at(user_index, item_index, ratings.timestamp)
        return np.clip(stars, *self.scale_[:2]).astype(np.float32)

    def recommend(
        self, person: Person, k: int = 10, *, allowed: NDArray[np.bool_] | None = None, include_seen: bool = False
    ) -> list[Scored]:
        """The k best items for somebody, best first; fewer only if fewer are allowed and unseen.

        Args:
            allowed: (I,) mask of the items to choose from; None means all.
            include_seen: keep the items that the person has rated.
        """
        profile = self.profile(person)
        scores, open_ = self.scores(profile), self._mask(allowed)  # (I,)
        if not include_seen:
            open_[profile.item_index] = False
        best = top(np.where(open_, scores, -np.inf), min(k, int(open_.sum())))
        return self.scored(profile, best, scores)

    def scored(self, profile: Profile | None, item_index: NDArray[Any], scores: NDArray[Any]) -> list[Scored]:
        """What is said of some items, in this order, with the scores of all, (I,); for a group there is no profile."""
        nothing: list[Any] = [None] * len(item_index)
        stars = np.clip(scores[item_index], *self.scale_[:2]).tolist() if self.has_stars else nothing
        deviations = self._deviations(profile, item_index) if profile and self.has_stars else None
        certainty = nothing if deviations is None else deviations.tolist()
        ids = self.items_.ids[item_index].tolist()
        return list(map(Scored, ids, scores[item_index].tolist(), stars, certainty))

    def scores(self, person: Person) -> NDArray[np.float32]:
        """What `recommend` sorts by, of all items, (I,); stars before clipping if the model predicts them."""
        return np.asarray(self._scores(self.profile(person).vector[None])[0], np.float32)

    def deviations(self, person: Person, item_index: NDArray[Any]) -> NDArray[np.float64] | None:
        """How far, in stars, somebody's ratings would be from the predictions, (n,); None if it cannot tell."""
        return self._deviations(self.profile(person), item_index)

    def top_items(self, user_index: NDArray[Any], k: int) -> NDArray[np.int64]:
        """The first k unseen items of known users by index, (B, K), best first; for evaluation, a block at a time.

        Who has fewer than k unseen items gets seen ones after them.
        """
        self._require_fit()
        from matinee.kernels.top_k import top_unseen  # compiled code takes half a second to load

        users = np.asarray(user_index, np.int64)
        best = np.empty((len(users), max(0, min(k, len(self.items_)))), np.int64)
        history = self.history_.indptr, self.history_.item_index

        def find(rows: slice) -> None:
            scores = np.ascontiguousarray(self._scores(self._user_vectors(users[rows])), np.float32)  # (B, I)
            top_unseen(scores, users[rows], history, best[rows])

        blocks = [slice(first, first + USERS_AT_ONCE) for first in range(0, len(users), USERS_AT_ONCE)]
        with one_blas_thread(), workers(None if self.capabilities.thread_safe else 1) as run:
            run(find, [(rows,) for rows in blocks if best.size])
        return best

    def similar(
        self, item_id: Id, k: int = 10, *, allowed: NDArray[np.bool_] | None = None, shrinkage: float = 0
    ) -> list[Scored]:
        """The k items most alike by the cosine of their factors `centered`, best first; not those never rated.

        Args:
            allowed: as for `recommend`.
            shrinkage: the score of an item with n ratings is multiplied by n / (n + shrinkage), since what is learnt
                from few ratings is mostly noise, and may lie close to anything.
        """
        self._require_fit()
        item = self.items_.index(item_id)
        likeness = self._likeness(item)  # (I,)
        open_ = self._mask(allowed) & ~np.isnan(likeness)
        if np.isnan(likeness).all():
            biases, what = self.learned_biases(), "nothing of it"
            if biases is not None and biases.item[item]:
                what = "nothing but its bias"
            raise UnsupportedError(f"Item '{item_id}' is like nothing that {self.name} knows: it learnt {what}.")
        open_[item] = False
        likeness *= (self.item_counts_ / np.maximum(self.item_counts_ + shrinkage, 1)).astype(np.float32)
        best = top(np.where(open_, likeness, -np.inf), min(k, int(open_.sum())))
        return [Scored(self.items_.id(i), float(likeness[i]), None) for i in best.tolist()]

    def likeness(self, item_index: int) -> NDArray[np.float32]:
        """How alike an item is to each in the eyes of the model, (I,), -1 to 1; NaN where it knows nothing.

        Raises:
            UnsupportedError: the model knows no likeness.
        """
        self._require_fit()
        return self._likeness(item_index)

    def item_vectors(self) -> NDArray[np.float32]:
        """The vectors that `similar` compares, (I, F); zeros for items that were never rated.

        Raises:
            UnsupportedError: the model has none.
        """
        self._require_fit()
        return self._item_vectors()

    def tastes(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What tells people's tastes apart, without how generous they are: (B, D) of profiles -> (B, F).

        Raises:
            UnsupportedError: the model has no such vectors.
        """
        self._require_fit()
        return self._tastes(vectors)

    def user_tastes(self, user_index: NDArray[Any]) -> NDArray[np.float32]:
        """`tastes` of known users by index, (B, F)."""
        self._require_fit()
        return self._tastes(self._user_vectors(user_index))

    def _mask(self, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """A mask of all items of our own to change, (I,)."""
        if allowed is None:
            return np.ones(len(self.items_), bool)
        if allowed.shape != (len(self.items_),):
            raise DataError(f"The mask of allowed items has shape {allowed.shape}; it needs ({len(self.items_)},).")
        return allowed.copy()

    def _require_stars(self) -> None:
        self._require_fit()
        if not self.scale_.has_stars:
            trained = f"{self.name} was trained on a table without ratings"
            raise UnsupportedError(f"{trained}, so it ranks and predicts no stars.")
        if not self.capabilities.predicts_stars:
            raise UnsupportedError(f"{self.name} only ranks and predicts no stars; use baseline or mf.")
