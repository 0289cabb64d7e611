"""Fits a model on the training part of a split and measures it on the test part."""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from matinee._types import Longs
from matinee.data.arguments import described
from matinee.data.split import Split
from matinee.errors import SettingError
from matinee.evaluation import metrics
from matinee.evaluation.calibration import count_inside, interval_coverage
from matinee.evaluation.held_out import (
    PredictedStars,
    Profiles,
    deviations_of,
    fold_in_all,
    lists_for,
    predict_new,
)
from matinee.evaluation.parts import PartsLike, parts_of
from matinee.evaluation.per_user import PerUserSums, error_sums, list_sums, pooled
from matinee.evaluation.ranking import judge, ranking_task
from matinee.evaluation.report import Report, split_note
from matinee.models.base import Recommender
from matinee.progress import Progress
from matinee.system import peak_memory_mb


@dataclass
class PartResult:
    """The measures of a model on one split.

    Attributes:
        measures: by name, as in `Report`; those that do not apply are missing.
        errors: the sums behind `rmse` and `mae`; None for a model that only ranks.
        lists: the sums behind the measures of lists; None if no lists were judged.
        inside: see `calibration.count_inside`; None for a model without intervals.
    """

    protocol: str
    note: str
    unit: str
    n_train: int
    n_test: int
    n_new_users: int
    n_new_items: int
    n_folded_in: int
    fit_seconds: float
    measures: dict[str, float] = field(default_factory=dict)
    errors: PerUserSums | None = None
    lists: PerUserSums | None = None
    inside: Longs | None = None
    predict_seconds: float = 0.0
    recommend_seconds: float | None = None
    peak_rss_mb: float = 0.0
    n_ranked_users: int = 0
    n_without_relevant: int = 0
    n_not_drawn: int = 0
    member_weights: dict[str, float] = field(default_factory=dict)


class Evaluation(NamedTuple):
    """A report, with the sums for comparing the model with others on the same splits.

    Attributes:
        errors: `rmse` and `mae` of all users with test ratings; None for a model that only
            ranks.
        lists: `ranking.PER_USER` of all users whose lists were judged; None if there are none.
    """

    report: Report
    errors: PerUserSums | None
    lists: PerUserSums | None


def evaluate(
    make_model: Callable[[], Recommender] | Recommender,
    parts: PartsLike,
    dataset: str | None = None,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
    with_ranking: bool = True,
) -> Report:
    """Fits a new model on the training part of each split and measures it on the test part.

    Args:
        make_model: makes an unfitted model: its class, or any function without arguments; or a
            model, of which copies are fitted.
        parts: one split, or several folds. Ratings, a `Dataset`, a frame or a path are split
            by "random:0.2".
        dataset: the name of the data, for the report; None: that of the `Dataset`, frame or
            file.
        with_ranking: judges the lists of all users as well (`matinee.ranking`). For models
            that only rank this is always done.

    Returns:
        The measures over the test parts of all splits together.

    Raises:
        SettingError: `make_model` makes no model.
        DataError: `parts` holds neither splits nor ratings.

    Example:
        >>> report = matinee.evaluate(matinee.Baseline, data, with_ranking=False)
        >>> report.protocol, report.n_test
        ('random:0.2', 19827)
        >>> 0.8 < report.rmse < 0.9
        True
    """
    make, given = _maker(make_model), parts_of(parts, dataset, "evaluate")
    results = []
    for part in given.splits:
        model = make()
        results.append(
            evaluate_part(
                model, part, n_threads=n_threads, progress=progress, with_ranking=with_ranking
            )
        )
    return summarize(results, make(), given.dataset).report


def _maker(make_model: Callable[[], Recommender] | Recommender) -> Callable[[], Recommender]:
    """A function that makes an unfitted model, and refuses to make anything else."""

    def make() -> Recommender:
        if isinstance(make_model, Recommender):
            return copy(make_model)
        made: object = make_model() if callable(make_model) else make_model
        if not isinstance(made, Recommender):
            raise SettingError(
                "evaluate takes a model class, a function that makes a model, or a model, such as "
                f"matinee.MatrixFactorization, not {described(made)}."
            )
        return made

    return make


def evaluate_part(
    model: Recommender,
    part: Split,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
    with_ranking: bool = True,
) -> PartResult:
    """Fits a model on one training part and measures it on the test part; see `evaluate`."""
    started = time.perf_counter()
    model.fit(part.train, n_threads=n_threads, progress=progress)
    result = PartResult(
        protocol=part.protocol,
        note=split_note(part),
        unit=part.train.unit,
        n_train=len(part.train),
        n_test=len(part.test),
        n_new_users=part.n_new_users,
        n_new_items=part.n_new_items,
        n_folded_in=len(part.folded_in) if part.folded_in is not None else 0,
        fit_seconds=time.perf_counter() - started,
    )
    started = time.perf_counter()
    profiles = fold_in_all(model, part)
    result.predict_seconds = time.perf_counter() - started
    if model.has_stars:
        _measure_errors(model, part, profiles, result)
    if with_ranking or not model.has_stars:
        _measure_lists(model, part, profiles, result, progress)
    result.member_weights = model.member_weights()
    return result


def summarize(results: Sequence[PartResult], model: Recommender, dataset: str) -> Evaluation:
    """The report on the results of all folds, and the sums over them.

    Measures are those of the errors and lists of all folds together, so value and interval are
    of the same quantity; measures without an interval (per user, coverage, gini) are means over
    the folds. Times and counts of users and items are sums, `n_train` and `n_test` are those of
    the first fold, memory is the maximum.

    Args:
        model: the report contains its name and hyperparameters; it need not be fitted.
    """
    errors = [result.errors for result in results if result.errors is not None]
    lists = [result.lists for result in results if result.lists is not None]
    evaluation = Evaluation(
        _without_measures(results, model, dataset),
        pooled(errors) if errors else None,
        pooled(lists) if lists else None,
    )
    intervals: dict[str, tuple[float, float]] = {}
    for sums in (evaluation.errors, evaluation.lists):
        if sums is not None:
            intervals |= sums.intervals()
    measures = _mean_measures(results)
    for sums in (evaluation.errors, evaluation.lists):
        if sums is not None and len(results) > 1:
            named = zip(sums.names, sums.values().tolist(), strict=True)
            measures |= {name: value for name, value in named if np.isfinite(value)}
    report = _with_measures(evaluation.report, measures)
    rmse_low, rmse_high = intervals.get("rmse", (None, None))
    report = replace(report, intervals=intervals, rmse_low=rmse_low, rmse_high=rmse_high)
    return evaluation._replace(report=report)


def _without_measures(results: Sequence[PartResult], model: Recommender, dataset: str) -> Report:
    first = results[0]
    settings = model.settings()
    seed = settings.pop("seed")
    lists = [result.recommend_seconds for result in results if result.recommend_seconds is not None]
    return Report(
        model=model.name,
        dataset=dataset,
        protocol=first.protocol,
        folds=len(results),
        n_train=first.n_train,
        n_test=first.n_test,
        n_new_users=sum(result.n_new_users for result in results),
        n_new_items=sum(result.n_new_items for result in results),
        n_folded_in=sum(result.n_folded_in for result in results),
        fit_seconds=round(sum(result.fit_seconds for result in results), 4),
        predict_seconds=round(sum(result.predict_seconds for result in results), 4),
        recommend_seconds=round(sum(lists), 4) if lists else None,
        peak_rss_mb=round(max(result.peak_rss_mb for result in results), 1),
        seed=seed,
        hyperparameters=settings,
        n_ranked_users=sum(result.n_ranked_users for result in results),
        n_without_relevant=sum(result.n_without_relevant for result in results),
        n_not_drawn=sum(result.n_not_drawn for result in results),
        interval_coverage=interval_coverage(
            [result.inside for result in results if result.inside is not None]
        ),
        member_weights=_mean_weights(results),
        unit=first.unit,
        note=first.note,
    )


def _with_measures(report: Report, measures: Mapping[str, float]) -> Report:
    return replace(
        report,
        rmse=measures.get("rmse"),
        mae=measures.get("mae"),
        rmse_per_user=measures.get("rmse_per_user"),
        mae_per_user=measures.get("mae_per_user"),
        ndcg_at_5=measures.get("ndcg_at_5"),
        ndcg_at_10=measures.get("ndcg_at_10"),
        ndcg_at_20=measures.get("ndcg_at_20"),
        ndcg_at_100=measures.get("ndcg_at_100"),
        map_at_5=measures.get("map_at_5"),
        map_at_10=measures.get("map_at_10"),
        map_at_20=measures.get("map_at_20"),
        precision_at_5=measures.get("precision_at_5"),
        precision_at_10=measures.get("precision_at_10"),
        precision_at_20=measures.get("precision_at_20"),
        recall_at_5=measures.get("recall_at_5"),
        recall_at_10=measures.get("recall_at_10"),
        recall_at_20=measures.get("recall_at_20"),
        recall_at_50=measures.get("recall_at_50"),
        hit_rate_at_5=measures.get("hit_rate_at_5"),
        hit_rate_at_10=measures.get("hit_rate_at_10"),
        hit_rate_at_20=measures.get("hit_rate_at_20"),
        mrr=measures.get("mrr"),
        coverage=measures.get("coverage"),
        gini=measures.get("gini"),
        mean_popularity=measures.get("mean_popularity"),
        novelty=measures.get("novelty"),
        diversity=measures.get("diversity"),
    )


def _measure_errors(
    model: Recommender, part: Split, profiles: Profiles | None, result: PartResult
) -> None:
    """Adds the errors of the predicted stars to the result, and how many intervals hold."""
    test = part.test
    started = time.perf_counter()
    if profiles is None:
        predictions = PredictedStars(model.predict_ratings(test))
    else:
        predictions = predict_new(model, test, profiles)
    result.predict_seconds += time.perf_counter() - started
    result.peak_rss_mb = peak_memory_mb()
    predicted, deviations = predictions
    errors = np.abs(predicted.astype(np.float64) - test.value)
    result.measures["rmse"] = metrics.rmse(test.value, predicted)
    result.measures["mae"] = metrics.mae(test.value, predicted)
    result.measures["rmse_per_user"] = float(
        np.sqrt(metrics.per_user_mean(test.user_index, errors**2))
    )
    result.measures["mae_per_user"] = metrics.per_user_mean(test.user_index, errors)
    result.errors = error_sums(test, predicted)
    if profiles is None:
        deviations = deviations_of(model, test)
    if deviations is not None:
        result.inside = count_inside(part, predicted, deviations)


def _measure_lists(
    model: Recommender,
    part: Split,
    profiles: Profiles | None,
    result: PartResult,
    progress: Progress | None,
) -> None:
    """Adds the measures of the lists to the result; none if no test item is relevant."""
    task = ranking_task(part.test)
    result.n_without_relevant = task.n_without
    result.n_not_drawn = task.n_not_drawn
    result.n_ranked_users = len(task.users)
    if len(task.users) == 0:
        result.peak_rss_mb = result.peak_rss_mb or peak_memory_mb()
        return
    started = time.perf_counter()
    lists = lists_for(model, task, profiles, progress)
    result.recommend_seconds = time.perf_counter() - started
    result.peak_rss_mb = peak_memory_mb()
    if not model.has_stars:
        result.predict_seconds += result.recommend_seconds
    ranked = judge(model, task, lists)
    for name, value in ranked.means().items():
        if np.isfinite(value):
            result.measures[name] = value
    result.lists = list_sums(ranked, part.test.n_users)


def _mean_measures(results: Sequence[PartResult]) -> dict[str, float]:
    """The mean of each measure over the folds that have it."""
    names = dict.fromkeys(name for result in results for name in result.measures)
    means = {}
    for name in names:
        values = [result.measures[name] for result in results if name in result.measures]
        means[name] = float(np.mean(values))
    return means


def _mean_weights(results: Sequence[PartResult]) -> dict[str, float]:
    """The mean weight of each member of a blend over the folds."""
    names = dict.fromkeys(name for result in results for name in result.member_weights)
    return {
        name: float(np.mean([result.member_weights.get(name, 0.0) for result in results]))
        for name in names
    }
