"""The quality of a model: its settings, trained on a part of the ratings, tested on the
rest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Reals
from matinee.data.ratings import Ratings
from matinee.data.split import Split, random_split
from matinee.errors import UnsupportedError
from matinee.evaluation import error_sums, list_sums, metrics, pooled
from matinee.evaluation.ranking import judge, ranking_task, top_lists
from matinee.evaluation.significance import differences_of, sign_flip_test
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.implicit_feedback import liked_from
from matinee.models.popularity import Popularity
from matinee.progress import Progress
from matinee.text import counted, share, span

TEST_PART = 0.2
#: A difference with a p-value below this is called significant.
SIGNIFICANT = 0.05
LACKING = (
    " This file was written by an earlier version of matinee, which saved neither timestamps nor "
    "features of users and items; this model may have learned from them, and the one that was "
    "measured did not."
)
#: With fewer test ratings the figures are mostly chance.
FEW = 100
#: Fewer test ratings say nothing about the calibration.
_FEW_IN_A_GROUP = 20


class Estimate(NamedTuple):
    """A measure and its 95% interval, which is None if only one user was tested."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Errors:
    """The errors of one predictor on the test part, in stars."""

    name: str
    words: str
    rmse: Estimate
    mae: Estimate


@dataclass(frozen=True)
class RankingMeasures:
    """How well a model's lists find what people liked in the test part
    (`evaluation.ranking`)."""

    name: str
    n_users: int
    ndcg_at_10: Estimate
    recall_at_20: Estimate
    hit_rate_at_10: Estimate
    coverage: float


@dataclass(frozen=True)
class QualityBin:
    """The test ratings with a quantity between `low` and `high`; the rest are their means."""

    low: float
    high: float
    n: int
    predicted: float
    true: float
    mae: float


@dataclass(frozen=True, eq=False)
class Quality:
    """The measurements.

    Attributes:
        model: the model trained on the training part only.
        is_lacking: the file lacks data that the same model needs for training; see `LACKING`.
        is_watched: the `curve_` of the model includes the error on the test part.
        predicted: (N,) its stars for the test ratings; None for a model that only ranks.
        errors: of the mean, the baseline and the model; empty for a model that only ranks.
        ranking: of popularity, the baseline and the model; empty if nobody liked a test item.
        comparison: whether the model is better than the baseline, in words.
        calibration: test ratings grouped by their prediction.
        by_activity: test ratings grouped by the number of training ratings of the user.
        by_popularity: test ratings grouped by the number of training ratings of the item.
    """

    part: Split
    model: Recommender
    is_lacking: bool
    is_watched: bool
    predicted: NDArray[np.float32] | None
    errors: list[Errors]
    ranking: list[RankingMeasures]
    comparison: str
    calibration: list[QualityBin]
    by_activity: list[QualityBin]
    by_popularity: list[QualityBin]

    def protocol(self) -> str:
        """How the quality was measured."""
        n_train, n_test = len(self.part.train), len(self.part.test)
        unit = f"{self.part.train.unit}s"
        text = (
            f"A model with the same settings was trained on a random {1 - TEST_PART:.0%} of the "
            f"{unit} ({n_train:,}, drawn with seed {self.model.seed}) and tested on the other "
            f"{n_test:,}, which it had never seen. The model in this file learned from all of them "
            "and should be about as good."
        )
        if n_test < FEW:
            text += f" There are so few test {unit} that the figures are mostly chance."
        if self.is_lacking:
            text += LACKING
        return text

    def sentences(self) -> list[str]:
        """The errors in words; empty for a model that only ranks."""
        if self.predicted is None:
            return []
        errors = np.abs(self.predicted - self.part.test.value)
        width = _near(self.part.test)
        near = f"{share(float(np.mean(errors <= width)))} within {width:g} stars"
        if width == 1:
            near = near.removesuffix("s")
        mean, mine = self.errors[0], self.errors[-1]
        sentences = [
            f"On average, {mine.name} is off by {mine.mae.value:.2f} stars; predicting the mean "
            f"for every film is off by {mean.mae.value:.2f}. Half of its predictions are within "
            f"{np.median(errors):.2f} stars of the true rating, {near}."
        ]
        if self.comparison:
            sentences.append(self.comparison)
        return sentences

    def calibration_sentence(self) -> str:
        """The largest gap between the prediction and the true mean, among groups of some
        size."""
        smallest = max(_FEW_IN_A_GROUP, 0.01 * len(self.part.test))
        large = [group for group in self.calibration if group.n >= smallest]
        if not large:
            return "There are too few test ratings to tell whether this holds."
        worst = max(large, key=lambda group: abs(group.predicted - group.true))
        return (
            f"The largest gap is at predictions of about {worst.predicted:.2f} stars: people gave "
            f"{worst.true:.2f} on average ({counted(worst.n, 'test rating')})."
        )

    def group_sentence(self, kind: str) -> str:
        """The errors of the test ratings with the fewest and with the most training ratings.

        Args:
            kind: "person" or "film": whose training ratings count.
        """
        groups, subject = self.by_popularity, "films"
        if kind == "person":
            groups, subject = self.by_activity, "people"
        low, high = groups[0], groups[-1]
        sentence = (
            f"For {subject} with {span(low.low, low.high)} training ratings, the predictions are "
            f"off by {low.mae:.2f} stars on average"
        )
        if high is not low:
            sentence += f"; with {span(high.low, high.high)}, by {high.mae:.2f}"
        return f"{sentence}."

    def _about_groups(self) -> list[str]:
        if self.predicted is None:
            return []
        by_person = self.group_sentence("person")
        by_film = self.group_sentence("film")
        return [self.calibration_sentence(), by_person, by_film]

    def ranking_sentence(self) -> str:
        """How well the lists find liked items, compared with popularity."""
        if not self.ranking:
            return (
                "Nobody liked a film of the test part, so there is nothing for a ranking to find."
            )
        popular = self.ranking[0]
        mine = next(ranking for ranking in self.ranking if ranking.name == self.model.name)
        liked, most = "Every pair of the test part", "best known"
        if self.part.test.scale.has_stars:
            liked, most = f"A test rating of {_liked(self.part.test):g} or more", "most rated"
        sentence = (
            f"{liked} counts as liked. {mine.name} made lists of ten films for "
            f"{counted(mine.n_users, 'person', 'people')}; for {share(mine.hit_rate_at_10.value)} "
            "of them, the list has at least one film that they liked."
        )
        if mine.name == popular.name:
            return sentence
        return (
            f"{sentence} A list of the {most} films, the same for all people, achieves this for "
            f"{share(popular.hit_rate_at_10.value)}. People mostly watch well-known films, so this "
            "measure favors popularity; it does not tell whether they would have liked the others."
        )

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        return {
            "protocol": self.protocol(),
            "n_train": len(self.part.train),
            "n_test": len(self.part.test),
            "sentences": [*self.sentences(), *self._about_groups()],
            "errors": [_as_dict(errors) for errors in self.errors],
            "ranking_sentence": self.ranking_sentence(),
            "ranking": [_as_dict(ranking) for ranking in self.ranking],
            "calibration": [asdict(group) for group in self.calibration],
            "by_activity": [asdict(group) for group in self.by_activity],
            "by_popularity": [asdict(group) for group in self.by_popularity],
        }


def measure(
    model: Recommender,
    ratings: Ratings,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Quality:
    """Trains a model with the same settings on four fifths of the ratings; tests it on the
    rest.

    Raises:
        MatineeError: there are too few ratings to split, or this machine cannot train the
            model.
    """
    if model.capabilities.needs_module:
        raise UnsupportedError(
            "A network of your own cannot be trained from its file; measure it in Python with "
            "matinee.evaluate."
        )
    part = random_split(ratings, TEST_PART, model.seed)
    trained = type(model).from_settings(model.settings())
    # Unless the model uses validation errors in training, watching the test part changes
    # nothing,
    # and the learning curves show both parts.
    is_watched = model.has_stars and not trained.needs_valid
    trained.fit(
        part.train,
        valid=part.test if is_watched else None,
        n_threads=n_threads,
        progress=progress,
    )
    popularity = Popularity().fit(part.train)
    baseline: Recommender = popularity
    if ratings.scale.has_stars:
        baseline = Baseline().fit(part.train)
    uses_more = model.capabilities.uses_times or model.capabilities.uses_features
    quality = Quality(
        part=part,
        model=trained,
        is_lacking=uses_more and not model.history_.is_complete,
        is_watched=is_watched,
        predicted=None,
        errors=[],
        ranking=_rankings([popularity, baseline, trained], part.test),
        comparison="",
        calibration=[],
        by_activity=[],
        by_popularity=[],
    )
    if not trained.has_stars:
        return quality
    return _with_errors(quality, baseline)


def _with_errors(quality: Quality, baseline: Recommender) -> Quality:
    """The same with the errors of the predicted stars."""
    train, test, name = quality.part.train, quality.part.test, quality.model.name
    predicted = quality.model.predict_ratings(test)
    mean = np.full(len(test), train.value.mean(dtype=np.float64))
    errors = [_errors("mean", "every prediction is the mean of all ratings", test, mean)]
    comparison = ""
    if not isinstance(quality.model, Baseline):
        by_baseline = baseline.predict_ratings(test)
        words = "how generous the person is, how well liked the film is"
        errors.append(_errors("baseline", words, test, by_baseline))
        comparison = _comparison(name, test, predicted, by_baseline)
    errors.append(_errors(name, "this model", test, predicted))
    return replace(
        quality,
        predicted=predicted,
        errors=errors,
        comparison=comparison,
        calibration=_calibration(test, predicted),
        by_activity=_by_count(train.user_counts[test.user_index], test.value, predicted),
        by_popularity=_by_count(train.item_counts[test.item_index], test.value, predicted),
    )


def _liked(ratings: Ratings) -> float:
    """The lowest rating of the scale that counts as liked."""
    lowest, _, step = ratings.scale
    liked = liked_from(ratings.scale)
    if not step:
        return liked
    return lowest + float(np.ceil((liked - lowest) / step - 1e-6)) * step


def _as_dict(row: Errors | RankingMeasures) -> dict[str, object]:
    """Converts to plain values, for JSON, with the estimates as objects."""
    fields = dict(vars(row))
    for name, value in fields.items():
        if isinstance(value, Estimate):
            fields[name] = value._asdict()
    return fields


def _near(ratings: Ratings) -> float:
    """The error of a prediction that counts as near: one star, or a tenth of a wider scale."""
    width = ratings.scale.highest - ratings.scale.lowest
    return max(1.0, width / 10)


def _errors(name: str, words: str, test: Ratings, predicted: Reals) -> Errors:
    intervals = pooled([error_sums(test, predicted)]).intervals()
    return Errors(
        name,
        words,
        rmse=_estimate("rmse", metrics.rmse(test.value, predicted), intervals),
        mae=_estimate("mae", metrics.mae(test.value, predicted), intervals),
    )


def _estimate(measure: str, value: float, intervals: Mapping[str, tuple[float, float]]) -> Estimate:
    """The value of a measure with its interval, if there is one."""
    low, high = intervals.get(measure, (None, None))
    return Estimate(value, low, high)


def _comparison(name: str, test: Ratings, predicted: Reals, by_baseline: Reals) -> str:
    """Whether the squared errors differ from the baseline's: a paired test over users."""
    baseline_errors = error_sums(test, by_baseline).only("rmse").totals  # (U, 1)
    own_errors = error_sums(test, predicted).only("rmse").totals  # (U, 1)
    has_ratings = test.user_counts > 0
    gains = differences_of(baseline_errors[has_ratings], own_errors[has_ratings])
    p = float(sign_flip_test(gains)[0])
    if p >= SIGNIFICANT:
        return f"No significant difference between {name} and the baseline was found (p = {p:.2g})."
    p_value = f"p = {p:.2g}"
    if p < 0.001:
        p_value = "p < 0.001"
    if gains.sum() > 0:
        return f"{name} is significantly better than the baseline ({p_value})."
    return f"{name} is significantly worse than the baseline ({p_value})."


def _rankings(models: list[Recommender], test: Ratings) -> list[RankingMeasures]:
    """The measures of the lists of each model, once per name."""
    rankings = []
    for model in {model.name: model for model in models}.values():
        ranking = _ranking(model, test)
        if ranking is not None:
            rankings.append(ranking)
    return rankings


def _ranking(model: Recommender, test: Ratings) -> RankingMeasures | None:
    """The measures of a model's lists; None if no item of the test part is relevant to any
    user."""
    task = ranking_task(test)
    if len(task.users) == 0:
        return None
    ranked = judge(model, task, top_lists(model, task.users))
    intervals = pooled([list_sums(ranked, test.n_users)]).intervals()
    means = ranked.means()
    return RankingMeasures(
        name=model.name,
        n_users=len(ranked.users),
        ndcg_at_10=_estimate("ndcg_at_10", means["ndcg_at_10"], intervals),
        recall_at_20=_estimate("recall_at_20", means["recall_at_20"], intervals),
        hit_rate_at_10=_estimate("hit_rate_at_10", means["hit_rate_at_10"], intervals),
        coverage=ranked.coverage,
    )


def _groups(
    group_index: NDArray[np.integer], quantity: Reals, true: Reals, predicted: Reals
) -> list[QualityBin]:
    """One `Group` for each distinct number in `group_index`; all (N,)."""
    groups = []
    for number in np.unique(group_index).tolist():
        is_in = group_index == number
        group = QualityBin(
            low=float(quantity[is_in].min()),
            high=float(quantity[is_in].max()),
            n=int(is_in.sum()),
            predicted=float(predicted[is_in].mean(dtype=np.float64)),
            true=float(true[is_in].mean(dtype=np.float64)),
            mae=metrics.mae(true[is_in], predicted[is_in]),
        )
        groups.append(group)
    return groups


def _calibration(test: Ratings, predicted: Reals) -> list[QualityBin]:
    """Groups by predictions rounded to eighths of the scale: to half stars for 1 to 5."""
    width = (test.scale.highest - test.scale.lowest) / 8 or 1.0
    eighth = np.round((predicted - test.scale.lowest) / width).astype(int)  # (N,)
    return _groups(eighth, predicted, test.value, predicted)


def _by_count(counts: NDArray[np.integer], true: Reals, predicted: Reals) -> list[QualityBin]:
    """Four groups of about equal size by the number of training ratings, (N,)."""
    cuts = np.unique(np.quantile(counts, [0.25, 0.5, 0.75]))
    return _groups(np.searchsorted(cuts, counts), counts.astype(float), true, predicted)
