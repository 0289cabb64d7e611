"""Blend: several models in one, each with the weight that it earned on ratings held out.

    stars(u, i) = intercept + sum w_m stars_m(u, i)          where all its models predict stars
    score(u, i) = sum w_m (s_m(u, i) - mean) / deviation     otherwise: mean and deviation of s_m(u, .) over all items

A part of the training ratings is held out and the models are fitted on the rest. The weights are a ridge regression of
the held-out stars on what the models predict, with w >= 0 (Breiman, "Stacked regressions", 1996); then the models are
fitted again, on all ratings, except those whose weight is 0. What is different here: the pull is towards equal
weights, not towards 0, so that with few ratings this is the mean of the models.

Weights for ranking come from pairs: a liked item that was held out should be ahead of each of the 500 items that the
models on average would sooner recommend, out of those that the person has not rated or does not like. What is
regressed is 1 on the differences of the scores in each such pair, and then the weights are divided by their sum. All
items in place of those 500 measure how well models tell apart what nobody would recommend.

The defaults were chosen on parts of the training rows of MovieLens-100K (fold u1) and -1M.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.ratings import Grouped, Ratings
from matinee.data.split import Split, random_split
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.hyperparameters import hyper, learned
from matinee.models.implicit_feedback import AUTO, find_threshold
from matinee.models.registry import member_named
from matinee.models.stacking import nonnegative_ridge, pairs_of, standardised
from matinee.progress import Progress, Step
from matinee.threads import one_blas_thread

FOR_STARS, FOR_LIKES = ("mf", "item-knn"), ("ials", "ease")
"""The models of "auto", by whether the table has stars."""
BESIDE, FEWEST, MOST = "dot-product", 10_000, 300_000
"""A third for tables with so many stars: with more of them it adds nothing and takes the longest by far."""
ENOUGH = 100
"""Held-out ratings, or likes, with fewer of which all weights are equal."""
MOST_PEOPLE, PEOPLE_AT_ONCE = 1000, 64
"""To weigh models that rank."""


@dataclass(kw_only=True, eq=False)
class Blend(Recommender):
    """A weighted sum of other models. It predicts stars, explains and is safe to share as far as all of them are.

    Settings of its models are written with their names: `from_settings({"mf.factors": 32})`, or on the command line
    --set mf.factors=32. `similar` goes by the weighted mean of the likenesses that the models know, where one that
    does not know an item counts as 0; tastes and item vectors are those of the model with the most weight that has any.
    """

    name: ClassVar[str] = "blend"
    summary: ClassVar[str] = (
        "It asks several other models and adds up their answers, each times a weight that "
        "it earned on ratings kept aside."
    )

    models: str = hyper(
        AUTO,
        help=f"names with commas; auto: {','.join(FOR_STARS)}, and {BESIDE} for {FEWEST:,} to {MOST:,} ratings; "
        f"without stars {','.join(FOR_LIKES)}",
    )
    member_settings: str = hyper("", help="settings of the models, with spaces: mf.factors=32 item-knn.k=50")
    holdout: float = hyper(0.1, low=0.01, high=0.5, help="part of the training ratings that the weights are learnt on")
    regularization: float = hyper(
        30.0, low=0, high=1e6, help="pull to equal weights, as if so many ratings held out wanted them"
    )

    members_: list[Recommender] = field(init=False, repr=False, default_factory=list)
    """The models, in the order of their names; those of weight 0 are not fitted."""
    weights_: Doubles = learned("M", dtype=np.float64, least=0)
    """The weight of each model, (M,), 0 or more; for stars about 1 together, otherwise exactly."""
    intercept_: Doubles = learned(dtype=np.float64)
    ends_: NDArray[np.int64] = learned("R", dtype=np.int64)
    """Where the vector of each model that takes part ends within ours, at most (M,)."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """As for any model; a name with a dot is that of a model's setting."""
        dotted = [f"{name}={value}" for name, value in settings.items() if "." in name]
        own = {name: value for name, value in settings.items() if "." not in name}
        if dotted:
            own["member_settings"] = " ".join([str(own.get("member_settings", "")), *dotted]).strip()
        return super().from_settings(own)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.models = ",".join(name.strip() for name in self.models.split(","))
        named = self._unfitted(self._names(None))
        each = [one.capabilities for one in named]
        self.capabilities = replace(
            self.capabilities,
            predicts_stars=self.models == AUTO or all(one.predicts_stars for one in each),
            uses_times=any(one.uses_times for one in each),
            uses_features=any(one.uses_features for one in each),
        )

    # -- its models --------------------------------------------------------------------------------------------

    def _names(self, n_ratings: int | None) -> tuple[str, ...]:
        """The models for a table of this size; None: all that could be."""
        if self.models != AUTO:
            return tuple(self.models.split(","))
        if n_ratings is None:
            return (*FOR_STARS, BESIDE, *FOR_LIKES)
        if not self.has_stars:
            return FOR_LIKES
        return (*FOR_STARS, BESIDE) if FEWEST <= n_ratings <= MOST else FOR_STARS

    def _unfitted(self, names: tuple[str, ...]) -> list[Recommender]:
        """New models with these names, and their settings.

        Raises:
            UnknownNameError: there is no such model or setting; the message suggests the nearest.
            SettingError: a name is there twice, is `blend`, or a setting is of a model that is not among them.
        """
        for place, name in enumerate(names):
            if not name:
                raise SettingError(
                    f"blend: models must be names with commas, such as mf,item-knn, not '{self.models}'."
                )
            if name == self.name:
                raise SettingError("blend: no blend can be in a blend; give the names of its models.")
            if name in names[:place]:
                raise SettingError(f"blend: {name} is there twice; give each model once.")
        settings: dict[str, dict[str, Any]] = {name: {"seed": self.seed} for name in self._names(None)}
        for text in self.member_settings.split():
            name, dot, rest = text.partition(".")
            key, equals, value = rest.partition("=")
            if not (dot and key and equals and value):
                raise SettingError(
                    f"blend: member_settings must be such as mf.factors=32 item-knn.k=50, and '{text}' is not."
                )
            if name not in settings:
                among = ", ".join(settings)
                raise SettingError(f"blend: '{text}' is for '{name}', which is not among its models: {among}.")
            settings[name][key] = value
        return [member_named(name).from_settings(settings[name]) for name in names]

    def _combine(self) -> None:
        """Sets what this blend can do and needs, by what the models that take part do."""
        each = [one.capabilities for _, one in self._used()]
        self.capabilities = replace(
            self.capabilities,
            needs_history=any(one.needs_history for one in each),
            thread_safe=all(one.thread_safe for one in each),
        )

    def members(self) -> dict[str, Recommender]:
        """Its models by name, with those that are not fitted."""
        return {one.name: one for one in self.members_}

    def set_members(self, members: Mapping[str, Recommender]) -> None:
        """From a file, with those that are not fitted."""
        self.members_ = list(members.values())
        if [one.is_fitted for one in self.members_] != (self.weights_ > 0).tolist():
            raise DataError(f"{self.name}: weights_ do not fit its models")
        self._combine()

    def member_weights(self) -> dict[str, float]:
        """The weight of each model, by name."""
        self._require_fit()
        return dict(zip((one.name for one in self.members_), self.weights_.tolist(), strict=True))

    def _used(self) -> Iterator[tuple[float, Recommender]]:
        """The models that take part, and their weights: those that are not 0."""
        both = zip(self.weights_.tolist(), self.members_, strict=True)
        return ((weight, one) for weight, one in both if weight > 0)

    def _heaviest(self) -> list[Recommender]:
        """The models that take part, the most weight first."""
        return [one for _, one in sorted(self._used(), key=lambda both: -both[0])]

    # -- learning ----------------------------------------------------------------------------------------------

    def _fit(self, train: Ratings, how: Fitting) -> None:
        names = self._names(len(train))
        self.weights_, self.intercept_ = np.full(len(names), 1 / len(names)), np.array(0.0)
        n_held = round(len(train) * self.holdout)
        steps = _Steps(how.progress, 2 * len(names))
        if n_held >= ENOUGH:
            part = random_split(train, self.holdout, self.seed)
            self.members_ = self._unfitted(names)
            for one in self.members_:
                one.fit(part.train, n_threads=how.n_threads, progress=steps.next(one.name))
            with one_blas_thread():  # with more, sums would depend on the number of cores
                if self.has_stars:
                    self.weights_, self.intercept_ = self._weigh_stars(part)
                else:
                    self.weights_ = self._weigh_likes(part)
        self.members_ = self._unfitted(names)  # one after the other, so that no model is in memory twice
        for _, one in self._used():
            one.fit(train, n_threads=how.n_threads, progress=steps.next(one.name))
        self.ends_ = self._vector_ends()
        self._combine()

    def _vector_ends(self) -> NDArray[np.int64]:
        widths = [len(one.fold_in({}).vector) for _, one in self._used()]
        return np.cumsum(widths, dtype=np.int64)

    def check_arrays(self) -> None:
        """The vectors of the models are as long as they were."""
        if not np.array_equal(self.ends_, self._vector_ends()):
            raise DataError(f"{self.name}: ends_ do not fit its models")

    def _weigh_stars(self, part: Split) -> tuple[Doubles, Doubles]:
        """Weights, (M,), and intercept, from the stars of the test part. Both stars and predictions are taken less the
        mean, so that weights that add up to less than 1 pull predictions to it; the intercept is pulled to what that
        mean alone needs."""
        test, mean, n = part.test, part.train.value.mean(dtype=np.float64), len(part.test)
        predicted = [one.predict_at(test.user_index, test.item_index, test.timestamp) for one in self.members_]
        inputs, stars = np.stack(predicted).astype(np.float64) - mean, test.value - mean  # (M, n), (n,)
        sums, weight = inputs.sum(axis=1), 1 / (n + self.regularization)
        gram = np.einsum("an,bn->ab", inputs, inputs) - weight * np.outer(sums, sums)
        towards = np.einsum("an,n->a", inputs, stars) - weight * sums * stars.sum()
        weights = nonnegative_ridge(gram, towards, self.regularization / n)
        if not weights.any():  # each by itself is worse than the mean: then let them make up for each other
            return self.weights_, self.intercept_
        intercept = weight * (stars.sum() - weights @ sums)
        return weights, np.array(intercept + mean * (1 - weights.sum()))

    def _weigh_likes(self, part: Split) -> Doubles:
        """Weights, (M,), from which items people like in the test part."""
        threshold = find_threshold(AUTO, part.train, self.name)
        held, rated = part.test.by_user, part.train.by_user
        people = np.unique(part.test.user_index[part.test.value >= threshold])
        people = np.random.default_rng(self.seed).permutation(people)[:MOST_PEOPLE]
        gram, towards, n_likes = np.zeros((len(self.members_),) * 2), np.zeros(len(self.members_)), 0
        for first in range(0, len(people), PEOPLE_AT_ONCE):
            block = people[first : first + PEOPLE_AT_ONCE]
            scores = np.stack([standardised(one.scores_of(one.user_vectors(block))) for one in self.members_])
            for row, user in enumerate(block.tolist()):
                liked = held.index[_mine(held, user)][held.value[_mine(held, user)] >= threshold]
                squares, differences = pairs_of(scores[:, row], liked, rated.index[_mine(rated, user)])
                gram += len(liked) * squares
                towards += len(liked) * differences
                n_likes += len(liked)
        if n_likes < ENOUGH or towards.sum() <= 0:
            return self.weights_
        # In the unit in which the best multiple of equal weights, which they are pulled to, are those that sum to 1.
        towards *= gram.sum() / (len(gram) * towards.sum())
        weights = nonnegative_ridge(gram, towards, self.regularization / n_likes)
        return np.asarray(weights / weights.sum())

    # -- people ------------------------------------------------------------------------------------------------

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        return np.concatenate([one.user_vectors(user_index) for _, one in self._used()], axis=1)

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        return np.concatenate([one.vector_of(item_index, value) for _, one in self._used()])

    def _each(self, vectors: Floats) -> Iterator[tuple[float, Recommender, Floats]]:
        """Weight, model and its own vectors, (B, D_m), of those that take part."""
        for (weight, one), own in zip(self._used(), np.split(vectors, self.ends_[:-1], axis=1), strict=True):
            yield weight, one, np.ascontiguousarray(own)

    def _scores(self, vectors: Floats) -> Floats:
        total = np.full((len(vectors), len(self.items_)), self.intercept_, np.float32)
        for weight, one, own in self._each(vectors):
            scores = one.scores_of(own)
            total += np.float32(weight) * (scores if self.has_stars else standardised(scores))
        return total

    def _deviations(self, profile: Profile, item_index: NDArray[Any]) -> Doubles | None:
        """Those of the model with the most weight that can tell."""
        vectors = {one.name: of[0] for _, one, of in self._each(profile.vector[None])}
        for one in self._heaviest():
            own = Profile(profile.item_index, profile.value, vectors[one.name])
            deviations = one.deviations(own, item_index) if one.has_stars else None
            if deviations is not None:
                return deviations
        return None

    def _predict_at(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32], timestamp: NDArray[np.int64] | None
    ) -> Floats:
        total = np.full(len(user_index), self.intercept_, np.float32)
        for weight, one in self._used():
            total += np.float32(weight) * one.predict_at(user_index, item_index, timestamp)
        return total

    def _attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        return [self._parts(profile, item) for item in item_index.tolist()]

    def _parts(self, profile: Profile, item_index: int) -> Parts:
        """The weighted sum of the parts of its models. Of scores that are standardised, the mean and deviation are
        taken as they are, although each rating moves them a little."""
        mean, user, item = float(self.intercept_), 0.0, 0.0
        ratings, without = np.zeros(len(profile.value)), np.full(len(profile.value), mean)
        is_exact = self.has_stars
        for weight, one, vector in self._each(profile.vector[None]):
            own = Profile(profile.item_index, profile.value, vector[0])
            parts = self._parts_of(one, own, item_index)
            centre = 0.0
            if not self.has_stars:
                scores = one.scores_of(vector)[0].astype(np.float64)
                deviation = scores.std()
                centre, weight = scores.mean(), weight / deviation if deviation > 0 else 0.0
            mean += weight * (parts.mean - centre)
            user, item = user + weight * parts.user, item + weight * parts.item
            is_exact &= parts.is_exact
            if len(parts.ratings) == len(ratings):
                ratings += weight * parts.ratings
                without += weight * (parts.without - centre)
            else:  # all count alike, in the user's part
                without += weight * (_without(one, own, item_index) - centre)
        return Parts(mean, user, item, ratings, without, is_exact)

    def _parts_of(self, one: Recommender, profile: Profile, item_index: int) -> Parts:
        try:
            return one.attribute(profile, np.array([item_index], np.int32))[0]
        except UnsupportedError:
            raise UnsupportedError(
                f"{self.name} cannot explain what it recommends, since {one.name} in it cannot; use mf."
            ) from None

    # -- looking into it ---------------------------------------------------------------------------------------

    def _likeness(self, item_index: int) -> Floats:
        total, known, weights = np.zeros(len(self.items_), np.float32), np.zeros(len(self.items_), bool), 0.0
        for weight, one in self._used():
            try:
                likeness = one.likeness(item_index)
            except UnsupportedError:
                continue
            weights += weight
            known |= ~np.isnan(likeness)
            total += np.float32(weight) * np.nan_to_num(likeness)
        if weights == 0:
            return super()._likeness(item_index)
        return np.where(known, total / np.float32(weights), np.float32(np.nan))

    def _item_vectors(self) -> Floats:
        for one in self._heaviest():
            try:
                return one.item_vectors()
            except UnsupportedError:
                continue
        return super()._item_vectors()

    def _tastes(self, vectors: Floats) -> Floats:
        own = {one.name: of for _, one, of in self._each(vectors)}
        for one in self._heaviest():
            try:
                return one.tastes(own[one.name])
            except UnsupportedError:
                continue
        return super()._tastes(vectors)


def weights_of(model: Recommender) -> dict[str, float]:
    """The weights of the models of a blend, by name; nothing for any other model."""
    return model.member_weights() if isinstance(model, Blend) and model.is_fitted else {}


def in_words(weights: Mapping[str, float]) -> str:
    """Such as 0.55 mf + 0.45 item-knn."""
    return " + ".join(f"{weight:.2f} {name}" for name, weight in weights.items())


def _mine(group: Grouped, user: int) -> slice:
    return slice(group.indptr[user], group.indptr[user + 1])


def _without(model: Recommender, profile: Profile, item_index: int) -> Doubles:
    """The score of an item had one of the ratings not been given, (n,): each time all is done again."""
    out = []
    for one in range(len(profile.value)):
        vector = model.vector_of(np.delete(profile.item_index, one), np.delete(profile.value, one))
        out.append(float(model.scores_of(vector[None])[0, item_index]))
    return np.array(out)


class _Steps:
    """The progress of several models, one after the other, as one."""

    def __init__(self, progress: Progress | None, n_models: int) -> None:
        self.progress, self.n_models, self.n_begun = progress, n_models, 0

    def next(self, name: str) -> Progress | None:
        """The progress of the next one, in hundredths; None if nobody watches."""
        before, total, progress = 100 * self.n_begun, 100 * self.n_models, self.progress
        self.n_begun += 1
        if progress is None:
            return None

        def report(step: Step) -> None:
            done = before + 100 * step.done // max(step.total, 1)
            progress(Step(done, total, f"{name} {step.text}"))

        return report
