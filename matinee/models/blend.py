"""Blend: a weighted sum of several models, with weights learned on held-out ratings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Indices
from matinee.data.ratings import Ratings
from matinee.data.split import Split, random_split
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.hyperparameters import hyper, learned
from matinee.models.implicit_feedback import AUTO
from matinee.models.interface import Capabilities
from matinee.models.members import (
    ENOUGH,
    Stages,
    combined,
    gathered,
    list_weights,
    settings_of_members,
    vector_ends,
)
from matinee.models.registry import member_named
from matinee.models.stacking import nonnegative_ridge, standardized
from matinee.threads import one_blas_thread

FOR_STARS, FOR_LIKES = ("mf", "item-knn"), ("ials", "ease")
"""The models of "auto", by whether the table has stars."""
THIRD, FEWEST, MOST = "dot-product", 10_000, 300_000
"""A third model of "auto", for FEWEST to MOST stars: for more it adds time but no accuracy."""


@dataclass(kw_only=True, eq=False)
class Blend(Recommender):
    """A weighted sum of other models.

        stars(u, i) = intercept + sum w_m stars_m(u, i)          if all its models predict stars
        score(u, i) = sum w_m (s_m(u, i) - mean) / deviation     otherwise

    where mean and deviation are those of s_m(u, .) over all items.

    A part of the training ratings is held out and the models are fitted on the rest. The weights
    are a ridge regression of the held-out stars on the predictions of the models, with w >= 0
    (Breiman, "Stacked regressions", 1996). Then all models with a positive weight are fitted
    again, on all ratings. Unlike the paper, the penalty pulls towards equal weights, not towards
    0, so that with few ratings the blend is the mean of the models.

    Weights for ranking come from pairs: a liked item that was held out should rank above each of
    the 500 items with the highest mean score, of those that the person has not rated or does not
    like. The target is 1 for the difference of the scores in each such pair; then the weights are
    divided by their sum. Pairs with all items instead of those 500 would measure how well models
    tell apart items that nobody would recommend.

    The defaults were chosen on parts of the training rows of MovieLens-100K (fold u1) and -1M.

    It predicts stars, explains its scores and is thread-safe if all its models are.

    Settings of its models are prefixed with their names: `from_settings({"mf.factors": 32})`,
    or --set mf.factors=32 on the command line. `similar` uses the weighted mean of the
    similarities, where an item that a model does not know counts as 0. Tastes and item vectors
    are those of the model with the highest weight that has any.

    Example:
        >>> blend = matinee.Blend.from_settings({"models": "baseline,item-knn"}).fit(few)
        >>> sorted(blend.member_weights())
        ['baseline', 'item-knn']
    """

    name: ClassVar[str] = "blend"
    summary: ClassVar[str] = (
        "It adds up the answers of several other models, each multiplied by a weight that "
        "was learned on held-out ratings."
    )
    capabilities = Capabilities(resumes=True)

    models: str = hyper(
        AUTO,
        help=f"comma-separated names; auto: {','.join(FOR_STARS)}, and {THIRD} for {FEWEST:,} to "
        f"{MOST:,} ratings; without stars {','.join(FOR_LIKES)}",
    )
    member_settings: str = hyper(
        "", help="space-separated settings of the models: mf.factors=32 item-knn.k=50"
    )
    holdout: float = hyper(
        0.1,
        low=0.01,
        high=0.5,
        help="fraction of the training ratings on which the weights are learned",
    )
    regularization: float = hyper(
        30.0,
        low=0,
        high=1e6,
        help="penalty of unequal weights, in held-out ratings",
    )

    members_: list[Recommender] = field(init=False, repr=False, default_factory=list)
    """The models, in the order of their names; those of weight 0 are not fitted."""
    weights_: Doubles = learned("M", dtype=np.float64, least=0)
    """The weights of the models, (M,), at least 0; their sum is about 1 for stars, else 1."""
    intercept_: Doubles = learned(dtype=np.float64)
    ends_: NDArray[np.int64] = learned("R", dtype=np.int64)
    """The end of the vector of each model with a weight above 0, at most (M,)."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """See `Recommender`; a name with a dot is the setting of a member."""
        return super().from_settings(gathered(settings))

    def __post_init__(self) -> None:
        super().__post_init__()
        models = ",".join(name.strip() for name in self.models.split(","))
        if models != self.models:  # the given object stays, as scikit-learn's clone asks
            self.models = models
        each = [model.capabilities for model in self._unfitted(self._names(None))]
        self.capabilities = replace(
            self.capabilities,
            predicts_stars=self.models == AUTO or all(member.predicts_stars for member in each),
            uses_times=any(member.uses_times for member in each),
            uses_features=any(member.uses_features for member in each),
        )

    # -- members -------------------------------------------------------------------------

    def _names(self, n_ratings: int | None) -> tuple[str, ...]:
        """The names of the models for a table of this size; None: all possible ones."""
        if self.models != AUTO:
            return tuple(self.models.split(","))
        if n_ratings is None:
            return (*FOR_STARS, THIRD, *FOR_LIKES)
        if not self.has_stars:
            return FOR_LIKES
        if FEWEST <= n_ratings <= MOST:
            return (*FOR_STARS, THIRD)
        return FOR_STARS

    def _unfitted(self, names: tuple[str, ...]) -> list[Recommender]:
        """New models with these names and their settings.

        Raises:
            UnknownNameError: there is no such model or setting; the message suggests the
                nearest.
            SettingError: a name is repeated or is `blend`, or a setting has no model.
        """
        for place, name in enumerate(names):
            if not name:
                raise SettingError(
                    "blend: models must be comma-separated names, such as mf,item-knn, "
                    f"not '{self.models}'."
                )
            if name == self.name:
                raise SettingError(
                    "blend: A blend cannot contain a blend; give the names of its models."
                )
            if name in names[:place]:
                raise SettingError(f"blend: {name} is repeated; give each model once.")
        settings = settings_of_members(
            self.name, self.member_settings, self._names(None), self.seed
        )
        return [member_named(name).from_settings(settings[name]) for name in names]

    def _combine(self) -> None:
        """Sets the capabilities from those of the models with a weight above 0."""
        self.capabilities = combined(self.capabilities, (model for _, model in self._used()))

    def members(self) -> dict[str, Recommender]:
        """All its models by name, fitted or not."""
        return {model.name: model for model in self.members_}

    def set_members(self, members: Mapping[str, Recommender]) -> None:
        """Sets all its models, fitted or not, from a file."""
        self.members_ = list(members.values())
        possible = [self._names(None)]
        if self.models == AUTO:
            possible = [FOR_LIKES, FOR_STARS, (*FOR_STARS, THIRD)]
        if tuple(members) not in possible or list(self.members()) != list(members):
            raise DataError(f"{self.name}: its members are not those of its settings")
        if [model.is_fitted for model in self.members_] != (self.weights_ > 0).tolist():
            raise DataError(f"{self.name}: weights_ does not fit its models")
        self._combine()

    def member_weights(self) -> dict[str, float]:
        """See `Recommender`."""
        if not self.is_fitted:
            return {}
        names = [model.name for model in self.members_]
        return dict(zip(names, self.weights_.tolist(), strict=True))

    def _used(self) -> Iterator[tuple[float, Recommender]]:
        """The weights and models of those with a weight above 0."""
        for weight, model in zip(self.weights_.tolist(), self.members_, strict=True):
            if weight > 0:
                yield weight, model

    def _heaviest(self) -> list[Recommender]:
        """The models with a weight above 0, in descending order of weight."""
        return [model for _, model in sorted(self._used(), key=lambda pair: -pair[0])]

    # -- learning ------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        names = self._names(len(train))
        self.weights_, self.intercept_ = np.full(len(names), 1 / len(names)), np.array(0.0)
        n_held = round(len(train) * self.holdout)
        stages = Stages(options, 2 * len(names))
        if n_held >= ENOUGH:
            self._learn_weights(random_split(train, self.holdout, self.seed), stages)
        self.members_ = self._unfitted(names)  # frees the fitted models before the next fit
        for _, model in self._used():
            stages.fit(model.name, model, train)
        self.ends_ = self._vector_ends()
        self._combine()

    def _learn_weights(self, part: Split, stages: Stages) -> None:
        """Sets weights and intercept by the held-out ratings."""
        names = self._names(len(part.train) + len(part.test))
        own = {"weights": self.weights_, "intercept": self.intercept_}
        if (saved := stages.saved("weights", own)) is not None:
            for name in names:
                stages.skip(name)
            self.weights_, self.intercept_ = saved["weights"], saved["intercept"]
            return
        self.members_ = self._unfitted(names)
        for model in self.members_:
            stages.fit(f"{model.name} of a part", model, part.train)
        with one_blas_thread():  # with more, sums would depend on the number of cores
            if self.has_stars:
                self.weights_, self.intercept_ = self._weigh_stars(part)
            else:
                weights = list_weights(self.members_, part, self.seed, self.regularization)
                self.weights_ = self.weights_ if weights is None else weights
        stages.keep("weights", {"weights": self.weights_, "intercept": self.intercept_})

    def new_members(self, train: Ratings) -> dict[str, Recommender]:
        """The members of a model of some ratings, by name, not fitted.

        Args:
            train: the ratings.
        """
        return {model.name: model for model in self._unfitted(self._names(len(train)))}

    def _vector_ends(self) -> NDArray[np.int64]:
        return vector_ends(model for _, model in self._used())

    def check_arrays(self) -> None:
        """Checks that the vectors of the models have the expected lengths."""
        if not np.array_equal(self.ends_, self._vector_ends()):
            raise DataError(f"{self.name}: ends_ does not fit its models")

    def _weigh_stars(self, part: Split) -> tuple[Doubles, Doubles]:
        """Weights, (M,), and intercept, learned from the held-out stars.

        The mean is subtracted from stars and predictions, so that weights with a sum below 1
        shrink predictions to the mean. The penalty of the intercept shrinks it to the value
        for the mean alone.
        """
        test, mean, n = part.test, part.train.value.mean(dtype=np.float64), len(part.test)
        predicted = [
            model.predict_at(test.user_index, test.item_index, test.timestamp)
            for model in self.members_
        ]
        inputs = np.stack(predicted).astype(np.float64) - mean  # (M, n)
        stars = test.value - mean  # (n,)
        sums, weight = inputs.sum(axis=1), 1 / (n + self.regularization)
        gram = np.einsum("an,bn->ab", inputs, inputs) - weight * np.outer(sums, sums)
        right = np.einsum("an,n->a", inputs, stars) - weight * sums * stars.sum()
        weights = nonnegative_ridge(gram, right, self.regularization / n)
        if not weights.any():  # all are worse than the mean: equal weights cancel some errors
            return self.weights_, self.intercept_
        intercept = weight * (stars.sum() - weights @ sums)
        return weights, np.array(intercept + mean * (1 - weights.sum()))

    # -- people --------------------------------------------------------------------------

    def _user_vectors(self, user_index: Indices) -> Floats:
        return np.concatenate([model.user_vectors(user_index) for _, model in self._used()], axis=1)

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        return np.concatenate([model.vector_of(item_index, value) for _, model in self._used()])

    def _each(self, vectors: Floats) -> Iterator[tuple[float, Recommender, Floats]]:
        """Each model with a weight above 0: weight, model, its part of the vectors, (B,
        D_m)."""
        parts = np.split(vectors, self.ends_[:-1], axis=1)
        for (weight, model), part in zip(self._used(), parts, strict=True):
            yield weight, model, np.ascontiguousarray(part)

    @property
    def ranks_by_stars(self) -> bool:
        """Whether it predicts stars: then it ranks by them."""
        return self.has_stars

    def _predict_all(self, vectors: Floats) -> Floats:
        total = np.full((len(vectors), len(self.items_)), self.intercept_, np.float32)
        for weight, model, part in self._each(vectors):
            total += np.float32(weight) * model.stars_of(part)
        return total

    def _scores(self, vectors: Floats) -> Floats:
        if self.has_stars:
            return super()._scores(vectors)
        total = np.zeros((len(vectors), len(self.items_)), np.float32)
        for weight, model, part in self._each(vectors):
            total += np.float32(weight) * standardized(model.scores_of(part))
        return total

    def _deviations(self, profile: UserState, item_index: Indices) -> Doubles | None:
        """The deviations of the model with the highest weight that has any."""
        vectors = {model.name: part[0] for _, model, part in self._each(profile.vector[None])}
        for model in self._heaviest():
            if not model.has_stars:
                continue
            own = UserState(profile.item_index, profile.value, vectors[model.name])
            deviations = model.deviations(own, item_index)
            if deviations is not None:
                return deviations
        return None

    def _predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> Floats:
        total = np.full(len(user_index), self.intercept_, np.float32)
        for weight, model in self._used():
            total += np.float32(weight) * model.predict_at(user_index, item_index, timestamp)
        return total

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        return [self._parts(profile, item) for item in item_index.tolist()]

    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        """The weighted sum of the attributions of its models.

        For standardized scores, the mean and deviation are treated as constants, although each
        rating changes them a little. What a model's scores subtract from its stars is a part of
        the item.
        """
        mean, user, item = float(self.intercept_), 0.0, 0.0
        ratings, without = np.zeros(len(profile.value)), np.full(len(profile.value), mean)
        is_exact = self.has_stars
        for weight, model, vectors in self._each(profile.vector[None]):
            own = UserState(profile.item_index, profile.value, vectors[0])
            parts = self._parts_of(model, own, item_index)
            center, less = 0.0, 0.0
            if not self.has_stars:
                scores = model.scores_of(vectors)[0].astype(np.float64)
                center, deviation = scores.mean(), scores.std()
                if model.has_stars:
                    less = float(model.stars_of(vectors)[0, item_index]) - scores[item_index]
                if deviation > 0:
                    weight /= deviation
                else:
                    weight = 0.0
            mean += weight * (parts.mean - center)
            user, item = user + weight * parts.user, item + weight * (parts.item - less)
            is_exact &= parts.is_exact
            if len(parts.ratings) == len(ratings):
                ratings += weight * parts.ratings
                without += weight * (parts.without - center - less)
            else:  # all ratings are in the part of the user
                others = _without(model, own, item_index)
                without += weight * (others - center - less)
        return Attribution(mean, user, item, ratings, without, is_exact)

    def _parts_of(self, model: Recommender, profile: UserState, item_index: int) -> Attribution:
        try:
            return model.attribute(profile, np.array([item_index], np.int32))[0]
        except UnsupportedError:
            raise UnsupportedError(
                f"{self.name} cannot explain what it recommends, "
                f"because {model.name} in it cannot; use {self.usual}."
            ) from None

    # -- similarity and tastes -----------------------------------------------------------

    def _similarity(self, item_index: int) -> Floats:
        n_items, weights = len(self.items_), 0.0
        total, known = np.zeros(n_items, np.float32), np.zeros(n_items, bool)
        for weight, model in self._used():
            try:
                similarity = model.likeness(item_index)
            except UnsupportedError:
                continue
            weights += weight
            known |= ~np.isnan(similarity)
            total += np.float32(weight) * np.nan_to_num(similarity)
        if weights == 0:
            return super()._similarity(item_index)
        return np.where(known, total / np.float32(weights), np.float32(np.nan))

    def _item_vectors(self) -> Floats:
        for model in self._heaviest():
            try:
                return model.item_vectors()
            except UnsupportedError:
                continue
        return super()._item_vectors()

    def _tastes(self, vectors: Floats) -> Floats:
        parts = {model.name: part for _, model, part in self._each(vectors)}
        for model in self._heaviest():
            try:
                return model.tastes(parts[model.name])
            except UnsupportedError:
                continue
        return super()._tastes(vectors)


def _without(model: Recommender, profile: UserState, item_index: int) -> Doubles:
    """The score of an item without each of the ratings, (n,), by folding in the others."""
    scores = []
    for left_out in range(len(profile.value)):
        item_indices = np.delete(profile.item_index, left_out)
        value = np.delete(profile.value, left_out)
        own = UserState(item_indices, value, model.vector_of(item_indices, value))
        scores.append(float(model.attributed(own)[item_index]))
    return np.array(scores)
