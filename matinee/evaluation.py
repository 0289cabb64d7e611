"""Model + split -> Report: fits on one part, predicts the other, and says how well, how fast and at what cost."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee import metrics
from matinee._version import __version__
from matinee.models.base import Recommender
from matinee.models.blend import in_words, weights_of
from matinee.progress import Progress
from matinee.ranking import PER_USER, Ranked, judge, ranking_task, top_lists
from matinee.ratings import Ratings
from matinee.significance import DRAWS, bootstrap, interval
from matinee.split import Split
from matinee.system import peak_memory_mb

RATING_MEASURES = ("rmse", "mae", "rmse_per_user", "mae_per_user")
NO_STARS = "There are no ratings here, only who has what: lists are judged, and every pair of the test part counts."
RANKING_MEASURES = ("ndcg_at_10", "recall_at_20", "hit_rate_at_10", "mrr")
"""The best known of those in `ranking.PER_USER`."""


@dataclass(frozen=True)
class Report:
    """What was measured; `to_dict` is what `matinee evaluate --json` prints.

    Errors are in stars, novelty in bits, mean_popularity in training ratings; all other measures of lists are 0 to 1
    (see `ranking` and `metrics`). For several folds all measures are means over the folds, times are sums. A measure
    that the model cannot have, or that was not asked for, is None.

    Attributes:
        intervals: by measure, the 95% interval over samples of users like these (`significance.bootstrap`). Coverage
            and gini have none: a sample with the same people twice covers fewer items, whatever the model.
        n_ranked_users: whose lists were judged; n_without_relevant: who liked nothing in the test part and so were
            left out; n_not_drawn: who were left out because they are more than `ranking.MOST_USERS`.
        unit: what a row of the data is: a rating, or a pair of a user and an item.
        predict_seconds: for the stars of the test part; for the lists if the model only ranks.
        recommend_seconds: for the lists of the ranked users.
        member_weights: of a blend, the weight of each of its models; usually empty.
        peak_rss_mb: the most memory that this process has held until the lists were made, whatever for.
    """

    model: str
    dataset: str
    protocol: str
    folds: int
    n_train: int
    n_test: int
    n_new_users: int
    n_new_items: int
    fit_seconds: float
    predict_seconds: float
    peak_rss_mb: float
    seed: int
    hyperparameters: Mapping[str, Any]
    rmse: float | None = None
    rmse_low: float | None = None
    rmse_high: float | None = None
    mae: float | None = None
    rmse_per_user: float | None = None
    mae_per_user: float | None = None
    ndcg_at_5: float | None = None
    ndcg_at_10: float | None = None
    ndcg_at_20: float | None = None
    map_at_5: float | None = None
    map_at_10: float | None = None
    map_at_20: float | None = None
    precision_at_5: float | None = None
    precision_at_10: float | None = None
    precision_at_20: float | None = None
    recall_at_5: float | None = None
    recall_at_10: float | None = None
    recall_at_20: float | None = None
    hit_rate_at_5: float | None = None
    hit_rate_at_10: float | None = None
    hit_rate_at_20: float | None = None
    mrr: float | None = None
    coverage: float | None = None
    gini: float | None = None
    mean_popularity: float | None = None
    novelty: float | None = None
    diversity: float | None = None
    n_ranked_users: int = 0
    n_without_relevant: int = 0
    n_not_drawn: int = 0
    recommend_seconds: float | None = None
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    member_weights: Mapping[str, float] = field(default_factory=dict)
    unit: str = "rating"
    note: str = ""
    version: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self) | {"intervals": {name: list(ends) for name, ends in self.intervals.items()}}

    def rows(self) -> list[tuple[str, str]]:
        """What was measured, in words and figures, for a table."""
        folds = f", {self.folds} folds" if self.folds > 1 else ""
        unit = f"{self.unit}s"
        rows = [("trained on", f"{self.n_train:,} {unit}{folds}"), ("tested on", f"{self.n_test:,} {unit}")]
        if self.n_new_users or self.n_new_items:
            rows.append(("new in the test part", f"{self.n_new_users:,} users, {self.n_new_items:,} items"))
        if self.rmse is not None:
            rows.append(("RMSE", f"{self.rmse:.4f} stars{self._interval('rmse')}"))
            rows.append(("RMSE, mean over users", f"{self.rmse_per_user:.4f} stars"))
            rows.append(("MAE", f"{self.mae:.4f} stars{self._interval('mae')}"))
            rows.append(("MAE, mean over users", f"{self.mae_per_user:.4f} stars"))
        if self.ndcg_at_10 is not None:
            rows += self._ranking_rows()
        if self.member_weights:
            rows.append(("weights", in_words(self.member_weights)))
        rows.append(("time to fit, to predict", f"{self.fit_seconds:.2f} s, {self.predict_seconds:.2f} s"))
        if self.recommend_seconds is not None:
            rows.append(("time for the lists", f"{self.recommend_seconds:.2f} s for {self.n_ranked_users:,} users"))
        return [*rows, ("most memory", f"{self.peak_rss_mb:.0f} MB")]

    def _ranking_rows(self) -> list[tuple[str, str]]:
        drawn = f", drawn from {self.n_ranked_users + self.n_not_drawn:,}" if self.n_not_drawn else ""
        without = f"; {self.n_without_relevant:,} liked nothing in the test part" if self.n_without_relevant else ""
        rows = [("lists of", f"{self.n_ranked_users:,} users{drawn}{without}")]
        rows.append(("NDCG@10", f"{self.ndcg_at_10:.4f}{self._interval('ndcg_at_10')}"))
        rows.append(("MAP@10", f"{self.map_at_10:.4f}{self._interval('map_at_10')}"))
        rows.append(("precision@10", f"{self.precision_at_10:.4f}{self._interval('precision_at_10')}"))
        rows.append(("recall@20", f"{self.recall_at_20:.4f}{self._interval('recall_at_20')}"))
        rows.append(("hit rate@10", f"{self.hit_rate_at_10:.4f}{self._interval('hit_rate_at_10')}"))
        rows.append(("MRR", f"{self.mrr:.4f}{self._interval('mrr')}"))
        rows.append(("items in somebody's first ten", f"{self.coverage:.1%}"))
        rows.append(("inequality of their places (Gini)", f"{self.gini:.3f}"))
        rows.append((f"{self.unit}s of a listed item", f"{self.mean_popularity:,.0f}"))
        rows.append(("novelty", f"{self.novelty:.2f} bits"))
        return [*rows, ("diversity", "-" if self.diversity is None else f"{self.diversity:.3f}")]

    def _interval(self, name: str) -> str:
        if name not in self.intervals:
            return ""
        low, high = self.intervals[name]
        return f" (95% between {low:.4f} and {high:.4f})"


class Sums(NamedTuple):
    """Measures as sums over users: of the totals, divided by that of the counts; the RMSE is the root of that."""

    names: tuple[str, ...]
    totals: NDArray[np.float64]  # (U, M)
    counts: NDArray[np.float64]  # (U, M)

    def only(self, name: str) -> "Sums":
        """One measure alone."""
        column = [self.names.index(name)]
        return Sums((name,), self.totals[:, column], self.counts[:, column])

    def values(self) -> NDArray[np.float64]:
        """Each measure, (M,); NaN where it applies to nobody."""
        totals, counts = self.totals.sum(axis=0), self.counts.sum(axis=0)
        return self._rooted(np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0))

    def samples(self) -> NDArray[np.float64]:
        """Each measure for samples of users, (draws, M); see `significance.bootstrap`. None (0, M) from a single
        user, whom chance cannot replace by another.
        """
        draws = DRAWS if len(self.totals) > 1 else 0
        return self._rooted(bootstrap(self.totals, self.counts, draws))

    def _rooted(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        is_root = np.array([name == "rmse" for name in self.names])
        return np.where(is_root, np.sqrt(np.abs(means)), means)

    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95% interval of each measure, as far as there is one."""
        ends = (interval(column) for column in self.samples().T)
        return {name: both for name, both in zip(self.names, ends, strict=True) if np.isfinite(both).all()}


class Outcome(NamedTuple):
    """A report, and what is needed to compare it with that of another model on the same parts."""

    report: Report
    errors: Sums | None
    """Of everybody with a test rating: `rmse` and `mae`; None for a model that only ranks."""
    lists: Sums | None
    """Of everybody whose lists were judged: `ranking.PER_USER`; None if there is nobody."""


def evaluate(
    make_model: Callable[[], Recommender],
    parts: Iterable[Split],
    dataset: str,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
    with_ranking: bool = True,
) -> Report:
    """Fits a fresh model on the train part of each split and measures it on the test part.

    Args:
        with_ranking: judge everybody's lists as well (`matinee.ranking`); models that only rank always do.
    """
    return measure(make_model, parts, dataset, n_threads=n_threads, progress=progress, with_ranking=with_ranking).report


def measure(
    make_model: Callable[[], Recommender],
    parts: Iterable[Split],
    dataset: str,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
    with_ranking: bool = True,
) -> Outcome:
    """As `evaluate`, with the sums that `comparison` needs besides the report."""
    rows: list[dict[str, Any]] = []
    errors: list[Sums] = []
    lists: list[Sums] = []
    for part in parts:
        model = make_model()
        started = time.perf_counter()
        model.fit(part.train, n_threads=n_threads, progress=progress)
        row: dict[str, Any] = {"fit_seconds": time.perf_counter() - started}
        if model.has_stars:
            errors.append(_predict(model, part.test, row))
        if with_ranking or not model.has_stars:
            lists += _recommend(model, part.test, row, progress)
        row.setdefault("predict_seconds", row.get("recommend_seconds", 0.0))
        row |= {"n_train": len(part.train), "n_test": len(part.test), "protocol": part.protocol}
        no_stars = "" if part.train.scale.has_stars else NO_STARS
        row |= {"unit": part.train.unit, "note": f"{no_stars} {part.note}".strip()}
        row |= {"n_new_users": part.n_new_users, "n_new_items": part.n_new_items}
        row["member_weights"] = weights_of(model)
        rows.append(row)
    settings = make_model().settings()
    sums = [pooled(of) if of else None for of in (errors, lists)]
    intervals = {name: ends for of in sums if of for name, ends in of.intervals().items()}
    low, high = intervals.get("rmse", (None, None))
    report = Report(
        model=make_model().name,
        dataset=dataset,
        folds=len(rows),
        rmse_low=low,
        rmse_high=high,
        intervals=intervals,
        seed=settings.pop("seed"),
        hyperparameters=settings,
        **_over_folds(rows),
    )
    return Outcome(report, sums[0], sums[1])


def _predict(model: Recommender, test: Ratings, row: dict[str, Any]) -> Sums:
    """Measures of the stars, into `row`."""
    started = time.perf_counter()
    predicted = model.predict_ratings(test)
    row["predict_seconds"] = time.perf_counter() - started
    row["peak_rss_mb"] = peak_memory_mb()
    errors = np.abs(predicted.astype(np.float64) - test.value)
    row["rmse"], row["mae"] = metrics.rmse(test.value, predicted), metrics.mae(test.value, predicted)
    row["rmse_per_user"] = float(np.sqrt(metrics.per_user_mean(test.user_index, errors**2)))
    row["mae_per_user"] = metrics.per_user_mean(test.user_index, errors)
    return error_sums(test, predicted)


def _recommend(model: Recommender, test: Ratings, row: dict[str, Any], progress: Progress | None) -> list[Sums]:
    """Measures of the lists, into `row`; nothing if no test item is relevant to anybody."""
    task = ranking_task(test)
    row["n_without_relevant"], row["n_not_drawn"] = task.n_without, task.n_not_drawn
    row["n_ranked_users"] = len(task.users)
    if len(task.users) == 0:
        row.setdefault("peak_rss_mb", peak_memory_mb())
        return []
    started = time.perf_counter()
    shown = top_lists(model, task.users, progress)
    row["recommend_seconds"] = time.perf_counter() - started
    row["peak_rss_mb"] = peak_memory_mb()
    ranked = judge(model, task, shown)
    row |= {name: value for name, value in ranked.means().items() if np.isfinite(value)}
    return [list_sums(ranked, test.n_users)]


def error_sums(test: Ratings, predicted: NDArray[np.floating]) -> Sums:
    """`rmse` and `mae` of predicted stars, (N,), as sums over the ratings of each user."""
    errors = np.abs(predicted.astype(np.float64) - test.value)
    totals = [np.bincount(test.user_index, of, minlength=test.n_users) for of in (errors**2, errors)]
    counts = np.repeat(test.user_counts[:, None].astype(np.float64), 2, axis=1)
    return Sums(("rmse", "mae"), np.stack(totals, axis=1), counts)


def list_sums(ranked: Ranked, n_users: int) -> Sums:
    """All measures of lists, with a row for each of all users, of zeros for those who were not ranked for."""
    known = np.isfinite(ranked.values)
    totals, counts = np.zeros((n_users, len(PER_USER))), np.zeros((n_users, len(PER_USER)))
    totals[ranked.users], counts[ranked.users] = np.where(known, ranked.values, 0), known
    return Sums(PER_USER, totals, counts)


def pooled(folds: list[Sums]) -> Sums:
    """Everybody's sums over all folds; without those who were in none."""
    totals, counts = sum(of.totals for of in folds), sum(of.counts for of in folds)
    tested = np.any(np.asarray(counts) > 0, axis=1)
    return Sums(folds[0].names, np.asarray(totals)[tested], np.asarray(counts)[tested])


def ranking_measures(model: Recommender, test: Ratings) -> dict[str, float]:
    """NDCG@10, recall@20, hit rate@10, MRR and coverage of a fitted model; nothing if no test item is relevant."""
    task = ranking_task(test)
    if len(task.users) == 0:
        return {}
    means = judge(model, task, top_lists(model, task.users)).means()
    return {name: means[name] for name in (*RANKING_MEASURES, "coverage")}


COUNTS = ("n_train", "n_test", "n_new_users", "n_new_items", "n_ranked_users", "n_without_relevant", "n_not_drawn")
SECONDS = ("fit_seconds", "predict_seconds", "recommend_seconds")


def _over_folds(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means of measures, sums of times, the most memory; counts and words are of the first fold."""
    out: dict[str, Any] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if name in row]
        if name in SECONDS:
            out[name] = round(sum(values), 4)
        elif name == "member_weights":
            names = dict.fromkeys(member for of in values for member in of)
            out[name] = {member: float(np.mean([of.get(member, 0.0) for of in values])) for member in names}
        elif name == "peak_rss_mb":
            out[name] = round(max(values), 1)
        elif name in COUNTS or isinstance(values[0], str):
            out[name] = values[0]
        else:
            out[name] = float(np.mean(values))
    return out
