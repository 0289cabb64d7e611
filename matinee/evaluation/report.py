"""The report on one model: what `matinee evaluate` prints."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from matinee._version import __version__
from matinee.data.split import Split
from matinee.errors import UnknownNameError
from matinee.evaluation.calibration import coverage_in_words
from matinee.models.members import in_words
from matinee.text import html_table, suggest

if TYPE_CHECKING:
    import polars as pl

MEASURES = (
    "rmse", "mae", "rmse_per_user", "mae_per_user",
    "ndcg_at_5", "ndcg_at_10", "ndcg_at_20", "ndcg_at_100",
    "map_at_5", "map_at_10", "map_at_20",
    "precision_at_5", "precision_at_10", "precision_at_20",
    "recall_at_5", "recall_at_10", "recall_at_20", "recall_at_50",
    "hit_rate_at_5", "hit_rate_at_10", "hit_rate_at_20",
    "mrr", "coverage", "gini", "mean_popularity", "novelty", "diversity",
)  # fmt: skip
"""The fields of a report that are measures of quality."""

NO_STARS = (
    "This data is implicit feedback, without ratings: only lists are judged, and every pair of the "
    "test part counts as relevant."
)


@dataclass(frozen=True)
class Report:
    """The measures of one model on one split.

    Errors are in stars, novelty is in bits, mean_popularity in training ratings; all other
    measures of lists are 0 to 1 (see `ranking` and `metrics`). With several folds, measures
    are those of all folds together and times are sums (see `summarize`). A measure that the
    model does not have, or that was not requested, is None.

    A report is also a mapping from the names of its measures to their values, without those
    that are None, and shows as a table in a notebook.

    Attributes:
        model, dataset, protocol: their names, such as "mf", "ml-100k" and "random:0.2".
        folds: the number of splits.
        n_train, n_test: the number of rows; with several folds, their sums.
        n_new_users, n_new_items: those with test ratings and without training ratings.
        fit_seconds: time to train.
        predict_seconds: time to predict the test part; to make the lists if the model only
            ranks.
        peak_rss_mb: the peak memory of the process up to the end of the evaluation.
        seed, hyperparameters: of the model.
        rmse, mae: root mean squared and mean absolute error of the predicted stars.
        rmse_low, rmse_high: the ends of the 95% interval of `rmse`.
        rmse_per_user, mae_per_user: the mean over the users of the errors of each.
        ndcg_at_5, ndcg_at_10, ndcg_at_20, ndcg_at_100: discounted cumulative gain of the first k
            items of a list, relative to that of the best possible list (Järvelin, Kekäläinen,
            "Cumulated gain-based evaluation of IR techniques", 2002).
        map_at_5, map_at_10, map_at_20: mean over the users of the average precision of the first k.
        precision_at_5, precision_at_10, precision_at_20: the share of the first k items that are
            relevant.
        recall_at_5, recall_at_10, recall_at_20, recall_at_50: the share of the relevant items that
            are among the first k.
        hit_rate_at_5, hit_rate_at_10, hit_rate_at_20: the share of users with a relevant item among
            the first k.
        mrr: mean over the users of 1 / the place of the first relevant item, 0 if it is not among
            the first 20.
        coverage: the share of all items that are in a list of 10.
        gini: the inequality of how often items are listed: 0 if all are listed equally often.
        mean_popularity: training ratings of a listed item, on average.
        novelty: bits: the mean of -log2 of the share of users who rated a listed item.
        diversity: the mean dissimilarity of two items of a list; None if nothing says how similar
            they are.
        n_folded_in: ratings of held-out users that the fitted model got by `fold_in`.
        n_ranked_users: users whose lists were judged.
        n_without_relevant: users left out because no item of their test part is relevant.
        n_not_drawn: users left out because more than `ranking.MOST_USERS` have relevant items.
        recommend_seconds: time to make the lists.
        intervals: the 95% interval of each measure by name, over samples of users
            (`significance.bootstrap`). Coverage and gini have none: a sample that holds some
            users twice covers fewer items, whatever the model.
        interval_coverage: the share of test ratings inside the 50, 80 and 95% intervals, for
            all, light and new users and rare items (see `calibration`); empty for a model
            without intervals.
        member_weights: the weight of each model that a blend or hybrid combines; empty for others.
        unit: what a row of the data is: a rating, or a pair of a user and an item.
        note: what to know when reading the results.
        version: of matinee.

    Example:
        >>> report = matinee.evaluate(matinee.Popularity, few)
        >>> report.keys()[:3]
        ['ndcg_at_5', 'ndcg_at_10', 'ndcg_at_20']
        >>> report["hit_rate_at_10"] == report.hit_rate_at_10
        True
        >>> print(report.rmse)
        None
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
    hyperparameters: Mapping[str, object]
    rmse: float | None = None
    rmse_low: float | None = None
    rmse_high: float | None = None
    mae: float | None = None
    rmse_per_user: float | None = None
    mae_per_user: float | None = None
    ndcg_at_5: float | None = None
    ndcg_at_10: float | None = None
    ndcg_at_20: float | None = None
    ndcg_at_100: float | None = None
    map_at_5: float | None = None
    map_at_10: float | None = None
    map_at_20: float | None = None
    precision_at_5: float | None = None
    precision_at_10: float | None = None
    precision_at_20: float | None = None
    recall_at_5: float | None = None
    recall_at_10: float | None = None
    recall_at_20: float | None = None
    recall_at_50: float | None = None
    hit_rate_at_5: float | None = None
    hit_rate_at_10: float | None = None
    hit_rate_at_20: float | None = None
    mrr: float | None = None
    coverage: float | None = None
    gini: float | None = None
    mean_popularity: float | None = None
    novelty: float | None = None
    diversity: float | None = None
    n_folded_in: int = 0
    n_ranked_users: int = 0
    n_without_relevant: int = 0
    n_not_drawn: int = 0
    recommend_seconds: float | None = None
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    interval_coverage: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    member_weights: Mapping[str, float] = field(default_factory=dict)
    unit: str = "rating"
    note: str = ""
    version: str = __version__

    def __len__(self) -> int:
        return len(self.keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __getitem__(self, measure: str) -> float:
        known = self.keys()
        if measure not in known:
            hint = suggest(str(measure), known, "Its measures")
            raise UnknownNameError(f"This report has no measure '{measure}'.{hint}")
        value: float = getattr(self, measure)
        return value

    def keys(self) -> list[str]:
        """The names of the measures that are not None."""
        return [name for name in MEASURES if getattr(self, name) is not None]

    def to_frame(self) -> "pl.DataFrame":
        """The measures as a Polars frame: `measure`, `value`, and the interval `low`, `high`."""
        import polars as pl  # slow to import

        ends = [self.intervals.get(name, (None, None)) for name in self]
        columns = {
            "measure": list(self),
            "value": [self[name] for name in self],
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
        }
        numbers = dict.fromkeys(("value", "low", "high"), pl.Float64)
        return pl.DataFrame(columns, schema_overrides={"measure": pl.String, **numbers})

    def _repr_html_(self) -> str:
        """The table of `rows` as notebooks show it."""
        title = f"{self.model} on {self.dataset}, {self.protocol}"
        return html_table((title, ""), self.rows(), [self.note])

    def to_dict(self) -> dict[str, Any]:
        """All fields, as `matinee evaluate --json` prints them."""
        intervals = {name: list(ends) for name, ends in self.intervals.items()}
        return asdict(self) | {"intervals": intervals}

    def rows(self) -> list[tuple[str, str]]:
        """Labels and values for a table."""
        folds = f", {self.folds} folds" if self.folds > 1 else ""
        rows = [
            ("trained on", f"{self.n_train:,} {self.unit}s{folds}"),
            ("tested on", f"{self.n_test:,} {self.unit}s"),
        ]
        if self.n_folded_in:
            rows.append(("folded in", f"{self.n_folded_in:,} {self.unit}s of held-out users"))
        if self.n_new_users or self.n_new_items:
            new = f"{self.n_new_users:,} users, {self.n_new_items:,} items"
            rows.append(("only in the test part", new))
        if self.rmse is not None:
            rows += self._error_rows()
        if self.interval_coverage:
            rows.append(("inside the 80% intervals", coverage_in_words(self.interval_coverage)))
        if self.ndcg_at_10 is not None:
            rows += self._ranking_rows()
        if self.member_weights:
            rows.append(("weights", in_words(self.member_weights)))
        rows.append(("fit time", f"{self.fit_seconds:.2f} s"))
        rows.append(("prediction time", f"{self.predict_seconds:.2f} s"))
        if self.recommend_seconds is not None:
            lists = f"{self.recommend_seconds:.2f} s for {self.n_ranked_users:,} users"
            rows.append(("recommendation time", lists))
        rows.append(("peak memory", f"{self.peak_rss_mb:.0f} MB"))
        return rows

    def _error_rows(self) -> list[tuple[str, str]]:
        return [
            ("RMSE", f"{self.rmse:.4f} stars{self._interval('rmse')}"),
            ("RMSE, mean over users", f"{self.rmse_per_user:.4f} stars"),
            ("MAE", f"{self.mae:.4f} stars{self._interval('mae')}"),
            ("MAE, mean over users", f"{self.mae_per_user:.4f} stars"),
        ]

    def _ranking_rows(self) -> list[tuple[str, str]]:
        users = f"{self.n_ranked_users:,} users"
        if self.folds > 1:
            users += ", summed over the folds"
        if self.n_not_drawn:
            users += f", sampled from {self.n_ranked_users + self.n_not_drawn:,}"
        if self.n_without_relevant:
            users += f"; {self.n_without_relevant:,} liked nothing in the test part"
        diversity = "-"
        if self.diversity is not None:
            diversity = f"{self.diversity:.3f}"
        return [
            ("lists for", users),
            ("NDCG@10", f"{self.ndcg_at_10:.4f}{self._interval('ndcg_at_10')}"),
            ("MAP@10", f"{self.map_at_10:.4f}{self._interval('map_at_10')}"),
            ("precision@10", f"{self.precision_at_10:.4f}{self._interval('precision_at_10')}"),
            ("recall@20", f"{self.recall_at_20:.4f}{self._interval('recall_at_20')}"),
            ("recall@50", f"{self.recall_at_50:.4f}{self._interval('recall_at_50')}"),
            ("NDCG@100", f"{self.ndcg_at_100:.4f}{self._interval('ndcg_at_100')}"),
            ("hit rate@10", f"{self.hit_rate_at_10:.4f}{self._interval('hit_rate_at_10')}"),
            ("MRR", f"{self.mrr:.4f}{self._interval('mrr')}"),
            ("coverage of items", f"{self.coverage:.1%}"),
            ("inequality of exposure (Gini)", f"{self.gini:.3f}"),
            (f"{self.unit}s per listed item", f"{self.mean_popularity:,.0f}"),
            ("novelty", f"{self.novelty:.2f} bits"),
            ("diversity", diversity),
        ]

    def _interval(self, name: str) -> str:
        """The interval of a measure as " (95% interval 0.91 to 0.93)", empty if it has none."""
        if name not in self.intervals:
            return ""
        low, high = self.intervals[name]
        return f" (95% interval {low:.4f} to {high:.4f})"


def split_note(part: Split) -> str:
    """What readers of a result on this split should know, empty if there is nothing."""
    notes = [part.note]
    if not part.train.scale.has_stars:
        notes = [NO_STARS, part.note]
    return " ".join(notes).strip()
