"""How good a model is: the same settings, trained anew on a random part of the ratings and tested
on the rest."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Reals
from matinee.data.ratings import Ratings
from matinee.data.split import Split, random_split
from matinee.errors import UnsupportedError
from matinee.evaluation import error_sums, list_sums, metrics, pooled
from matinee.evaluation.ranking import judge, ranking_task, top_lists
from matinee.evaluation.significance import sign_flip_test
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.implicit_feedback import liked_from
from matinee.models.popularity import Popularity
from matinee.progress import Progress
from matinee.text import counted, share, span

TEST_PART = 0.2
SURE = 0.05
"""A p-value below this is called more than chance."""
LACKING = (
    " This file was written by an earlier version of matinee, which saved neither timestamps nor "
    "features of users and items; this model may have learned from them, and the one that was "
    "measured did not."
)
FEW = 100
"""With fewer test ratings than this the figures are mostly chance."""


class Estimate(NamedTuple):
    """A measure and its 95% interval, which is None if only one user was tested."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Errors:
    """How far one way of predicting is off on the test part, in stars."""

    name: str
    words: str
    rmse: Estimate
    mae: Estimate


@dataclass(frozen=True)
class Ranking:
    """How well one way of ranking finds what people liked in the test part; see
    `matinee.ranking`."""

    name: str
    n_users: int
    ndcg_at_10: Estimate
    recall_at_20: Estimate
    hit_rate_at_10: Estimate
    coverage: float


@dataclass(frozen=True)
class Group:
    """Test ratings that have something in common, from `low` to `high`."""

    low: float
    high: float
    n: int
    predicted: float
    true: float
    mae: float


@dataclass(frozen=True, eq=False)
class Quality:
    """What was measured.

    Attributes:
        model: the one that was trained on the training part only.
        is_lacking: whether the file holds too little to train the same model: see `LACKING`.
        is_watched: whether its `curve_` holds the error on the test part too.
        predicted: (N,) its stars for the test ratings; None for a model that only ranks.
        errors: of the mean, the baseline and the model; empty for a model that only ranks.
        ranking: of popularity, the baseline and the model; empty if nobody liked a test item.
        comparison: whether the model is better than the baseline, in words.
        calibration: test ratings grouped by the stars predicted for them.
        by_activity, by_popularity: grouped by the number of training ratings of their user and of
            their item.
    """

    part: Split
    model: Recommender
    is_lacking: bool
    is_watched: bool
    predicted: NDArray[np.float32] | None
    errors: list[Errors]
    ranking: list[Ranking]
    comparison: str
    calibration: list[Group]
    by_activity: list[Group]
    by_popularity: list[Group]

    def protocol(self) -> str:
        """What was done, in two sentences."""
        n_train, n_test = len(self.part.train), len(self.part.test)
        unit = f"{self.part.train.unit}s"
        lacking = LACKING if self.is_lacking else ""
        few = (
            f" So few test {unit} say little: the figures are mostly chance."
            if n_test < FEW
            else ""
        )
        return (
            f"A model with the same settings was trained anew on a random {1 - TEST_PART:.0%} of the {unit} "
            f"({n_train:,}, drawn with seed {self.model.seed}) and tested on the other {n_test:,}, which it had never "
            f"seen. The model of this file learnt from all of them and should be about as good.{few}{lacking}"
        )

    def sentences(self) -> list[str]:
        """The errors in words; empty for a model that only ranks."""
        if self.predicted is None:
            return []
        errors = np.abs(self.predicted - self.part.test.value)
        room = _room(self.part.test)
        mine, mean = self.errors[-1], self.errors[0]
        return [
            f"On average {mine.name} is off by {mine.mae.value:.2f} stars, where giving everybody the mean is off by "
            f"{mean.mae.value:.2f}. Half of its predictions are within {np.median(errors):.2f} stars of the truth, "
            f"{share(float(np.mean(errors <= room)))} within {room:g} star{'s' * (room != 1)}.",
            *([self.comparison] if self.comparison else []),
        ]

    def calibration_sentence(self) -> str:
        """The largest gap between prediction and truth among groups of some size."""
        large = [
            group for group in self.calibration if group.n >= max(20, 0.01 * len(self.part.test))
        ]
        if not large:
            return "There are too few test ratings to say whether the predictions can be taken at their word."
        worst = max(large, key=lambda group: abs(group.predicted - group.true))
        return (
            f"The largest gap is where it predicts about {worst.predicted:.2f} stars: people gave {worst.true:.2f} "
            f"there on average ({counted(worst.n, 'test rating')})."
        )

    def group_sentence(self, kind: str) -> str:
        """The error of the quarter of the test ratings with the fewest training ratings, and of
        that with the most.

        Args:
            kind: "person" or "film", whose training ratings are counted.
        """
        groups, many = (
            (self.by_activity, "People") if kind == "person" else (self.by_popularity, "Films")
        )
        low, high = groups[0], groups[-1]
        if low is high:
            return f"{many} with {span(low.low, low.high)} training ratings: off by {low.mae:.2f} stars on average."
        return (
            f"{many} with {span(low.low, low.high)} training ratings: off by {low.mae:.2f} stars on average; with "
            f"{span(high.low, high.high)}: by {high.mae:.2f}."
        )

    def _about_groups(self) -> list[str]:
        if self.predicted is None:
            return []
        return [
            self.calibration_sentence(),
            self.group_sentence("person"),
            self.group_sentence("film"),
        ]

    def ranking_sentence(self) -> str:
        """How well liked items are found, beside the plainest way of ranking."""
        if not self.ranking:
            return "Nobody in the test part liked a film, so there is nothing that a ranking could find."
        popular = self.ranking[0]
        mine = next(one for one in self.ranking if one.name == self.model.name)
        has_stars = self.part.test.scale.has_stars
        liked = (
            f"A test rating of {_liked(self.part.test):g} or more"
            if has_stars
            else "Every pair of the test part"
        )
        said = (
            f"{liked} counts as liked. Lists were made for "
            f"{counted(mine.n_users, 'person', 'people')}; for {share(mine.hit_rate_at_10.value)} of them at least one "
            f"of the first ten films that {mine.name} recommends is one they turned out to like."
        )
        if mine.name == popular.name:
            return said
        return (
            f"{said} The {'most rated' if has_stars else 'best known'} films, the same for everybody, manage it for "
            f"{share(popular.hit_rate_at_10.value)}. People mostly watch what is well known, which favours popularity "
            "in this measure; it says nothing about whether they would have liked the rest."
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "protocol": self.protocol(),
            "n_train": len(self.part.train),
            "n_test": len(self.part.test),
            "sentences": [*self.sentences(), *self._about_groups()],
            "errors": [_as_dict(one) for one in self.errors],
            "ranking_sentence": self.ranking_sentence(),
            "ranking": [_as_dict(one) for one in self.ranking],
            "calibration": [asdict(one) for one in self.calibration],
            "by_activity": [asdict(one) for one in self.by_activity],
            "by_popularity": [asdict(one) for one in self.by_popularity],
        }


def measure(
    model: Recommender,
    ratings: Ratings,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Quality:
    """Trains a model of the same settings on four fifths of the ratings and tests it on the others.

    Raises:
        MatineeError: there are too few ratings to cut, or this machine cannot train such a model.
    """
    if model.capabilities.needs_module:
        raise UnsupportedError(
            "a network of somebody's own cannot be made anew from its file; matinee.evaluate measures it in Python."
        )
    part = random_split(ratings, TEST_PART, model.seed)
    anew = type(model).from_settings(model.settings())
    # The test part may be watched where nothing depends on it: then the learning curves show both
    # parts.
    is_watched = model.has_stars and not anew.needs_valid
    uses_more = model.capabilities.uses_times or model.capabilities.uses_features
    is_lacking = uses_more and not model.history_.is_complete
    anew.fit(
        part.train, valid=part.test if is_watched else None, n_threads=n_threads, progress=progress
    )
    popularity = Popularity().fit(part.train)
    baseline = Baseline().fit(part.train) if ratings.scale.has_stars else popularity
    rankers = {one.name: one for one in (popularity, baseline, anew)}
    ranking = [found for one in rankers.values() if (found := _ranking(one, part.test))]
    if not anew.has_stars:
        return Quality(part, anew, is_lacking, is_watched, None, [], ranking, "", [], [], [])
    true, predicted = part.test.value, anew.predict_ratings(part.test)
    mean = np.full(len(true), part.train.value.mean(dtype=np.float64))
    simple = baseline.predict_ratings(part.test)
    errors = [_errors("mean", "everybody gets the mean of all ratings", part.test, mean)]
    if not isinstance(anew, Baseline):
        errors.append(
            _errors(
                "baseline",
                "how generous the person is, how well liked the film is",
                part.test,
                simple,
            )
        )
    errors.append(_errors(anew.name, "this model", part.test, predicted))
    user_counts, item_counts = part.train.user_counts, part.train.item_counts
    return Quality(
        part,
        anew,
        is_lacking,
        is_watched,
        predicted,
        errors,
        ranking,
        "" if isinstance(anew, Baseline) else _comparison(anew.name, part.test, predicted, simple),
        _calibration(part.test, predicted),
        _by_count(user_counts[part.test.user_index], true, predicted),
        _by_count(item_counts[part.test.item_index], true, predicted),
    )


def _liked(ratings: Ratings) -> float:
    """The lowest rating of the scale that counts as liked."""
    lowest, _, step = ratings.scale
    liked = liked_from(ratings.scale)
    if not step:
        return liked
    return lowest + float(np.ceil((liked - lowest) / step - 1e-6)) * step


def _as_dict(one: Errors | Ranking) -> dict[str, Any]:
    """For JSON, each estimate with its names."""
    return {
        name: value._asdict() if isinstance(value, Estimate) else value
        for name, value in vars(one).items()
    }


def _room(ratings: Ratings) -> float:
    """How near a prediction must be to be called near: one star of five, in proportion on wider
    scales."""
    width = ratings.scale.highest - ratings.scale.lowest
    return 1.0 if width <= 10 else width / 10


def _errors(name: str, words: str, test: Ratings, predicted: Reals) -> Errors:
    intervals = pooled([error_sums(test, predicted)]).intervals()
    return Errors(
        name,
        words,
        rmse=_estimate(metrics.rmse(test.value, predicted), intervals.get("rmse")),
        mae=_estimate(metrics.mae(test.value, predicted), intervals.get("mae")),
    )


def _estimate(value: float, interval: tuple[float, float] | None) -> Estimate:
    if interval is None:
        return Estimate(value, None, None)
    low, high = interval
    return Estimate(value, low, high)


def _comparison(name: str, test: Ratings, predicted: Reals, simple: Reals) -> str:
    """Whether the squared errors differ from those of the baseline by more than chance: a paired
    test over users."""
    gains = (
        error_sums(test, simple).only("rmse").totals
        - error_sums(test, predicted).only("rmse").totals
    )  # (U, 1)
    gains = gains[test.user_counts > 0]
    p = float(sign_flip_test(gains)[0])
    if p >= SURE:
        return f"Between {name} and the baseline there is no difference that chance could not explain (p = {p:.2g})."
    word = "better" if gains.sum() > 0 else "worse"
    return f"That {name} is {word} than the baseline is more than chance ({'p < 0.001' if p < 0.001 else f'p = {p:.2g}'})."


def _ranking(model: Recommender, test: Ratings) -> Ranking | None:
    """The measures of a model's lists; None if no item of the test part is relevant to any user."""
    task = ranking_task(test)
    if len(task.users) == 0:
        return None
    ranked = judge(model, task, top_lists(model, task.users))
    intervals = pooled([list_sums(ranked, test.n_users)]).intervals()
    means = ranked.means()
    return Ranking(
        model.name,
        len(ranked.users),
        ndcg_at_10=_estimate(means["ndcg_at_10"], intervals.get("ndcg_at_10")),
        recall_at_20=_estimate(means["recall_at_20"], intervals.get("recall_at_20")),
        hit_rate_at_10=_estimate(means["hit_rate_at_10"], intervals.get("hit_rate_at_10")),
        coverage=ranked.coverage,
    )


def _groups(group: NDArray[np.integer], by: Reals, true: Reals, predicted: Reals) -> list[Group]:
    """One `Group` for each distinct number in `group`, (N,), with the range of `by`, (N,), in
    it."""
    found = []
    for number in np.unique(group).tolist():
        mine = group == number
        found.append(
            Group(
                float(by[mine].min()),
                float(by[mine].max()),
                int(mine.sum()),
                float(predicted[mine].mean(dtype=np.float64)),
                float(true[mine].mean(dtype=np.float64)),
                metrics.mae(true[mine], predicted[mine]),
            )
        )
    return found


def _calibration(test: Ratings, predicted: Reals) -> list[Group]:
    """Grouped into ninths of the scale, half a star each for stars from 1 to 5, the first and the
    last half as wide."""
    width = (test.scale.highest - test.scale.lowest) / 8 or 1.0
    return _groups(
        np.round((predicted - test.scale.lowest) / width).astype(int),
        predicted,
        test.value,
        predicted,
    )


def _by_count(counts: NDArray[np.integer], true: Reals, predicted: Reals) -> list[Group]:
    """Grouped into about equal quarters by the number of training ratings, (N,)."""
    cuts = np.unique(np.quantile(counts, [0.25, 0.5, 0.75]))
    return _groups(np.searchsorted(cuts, counts), counts.astype(float), true, predicted)
