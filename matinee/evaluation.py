"""Model + split -> Report: fits on one part, predicts the other, and says how well, how fast and at what cost."""

import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee import metrics
from matinee._version import __version__
from matinee.models.base import Recommender
from matinee.progress import Progress
from matinee.ratings import Ratings
from matinee.split import Split

RANKING_K = 20
USERS_AT_ONCE = 512
RATING_MEASURES = ("rmse", "rmse_low", "rmse_high", "mae", "rmse_per_user", "mae_per_user")
RANKING_MEASURES = ("ndcg_at_10", "recall_at_20", "hit_rate_at_10", "mrr")


@dataclass(frozen=True)
class Report:
    """What was measured; `to_dict` is what `matinee evaluate --json` prints.

    Errors are in stars. For several folds all measures are means over the folds, times are sums, and the interval is
    that of the mean of the folds' squared errors. A measure that the model cannot have is None.
    """

    model: str
    dataset: str
    protocol: str
    folds: int
    n_train: int
    n_test: int
    n_new_users: int
    n_new_items: int
    rmse: float | None
    rmse_low: float | None
    rmse_high: float | None
    mae: float | None
    rmse_per_user: float | None
    mae_per_user: float | None
    ndcg_at_10: float | None
    recall_at_20: float | None
    hit_rate_at_10: float | None
    mrr: float | None
    coverage: float | None
    fit_seconds: float
    predict_seconds: float
    peak_rss_mb: float
    seed: int
    hyperparameters: Mapping[str, Any]
    note: str = ""
    version: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """What was measured, in words and figures, for a table."""
        folds = f", {self.folds} folds" if self.folds > 1 else ""
        rows = [("trained on", f"{self.n_train:,} ratings{folds}"), ("tested on", f"{self.n_test:,} ratings")]
        if self.n_new_users or self.n_new_items:
            rows.append(("new in the test part", f"{self.n_new_users:,} users, {self.n_new_items:,} items"))
        if self.rmse is not None and self.rmse_low is not None and self.rmse_high is not None:
            rows.append(("RMSE", f"{self.rmse:.4f} stars (95% between {self.rmse_low:.4f} and {self.rmse_high:.4f})"))
            rows.append(("RMSE, mean over users", f"{self.rmse_per_user:.4f} stars"))
            rows.append(("MAE", f"{self.mae:.4f} stars"))
            rows.append(("MAE, mean over users", f"{self.mae_per_user:.4f} stars"))
        if self.ndcg_at_10 is not None:
            rows.append(("NDCG@10", f"{self.ndcg_at_10:.4f}"))
            rows.append(("recall@20", f"{self.recall_at_20:.4f}"))
            rows.append(("hit rate@10", f"{self.hit_rate_at_10:.4f}"))
            rows.append(("MRR", f"{self.mrr:.4f}"))
            rows.append(("items in somebody's first ten", f"{self.coverage:.1%}"))
        rows.append(("time to fit, to predict", f"{self.fit_seconds:.2f} s, {self.predict_seconds:.2f} s"))
        return [*rows, ("most memory", f"{self.peak_rss_mb:.0f} MB")]


def evaluate(
    make_model: Callable[[], Recommender],
    parts: Iterable[Split],
    dataset: str,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Fits a fresh model on the train part of each split and measures it on the test part.

    Ranking measures come from the full ranking of all items that the user has not rated in the train part; an item is
    relevant if its test rating is in the upper quarter of the scale (4 and above of 1 to 5). MRR looks at 20 places.
    """
    rows: list[dict[str, Any]] = []
    for part in parts:
        model = make_model()
        started = time.perf_counter()
        model.fit(part.train, n_threads=n_threads, progress=progress)
        fitted = time.perf_counter()
        row = _rating_measures(model, part.test) if model.predicts_stars else {}
        predicted = time.perf_counter()
        row |= {} if model.predicts_stars else ranking_measures(model, part.test)
        seconds = predicted - fitted if model.predicts_stars else time.perf_counter() - fitted
        row |= {
            "fit_seconds": fitted - started,
            "predict_seconds": seconds,
            "protocol": part.protocol,
            "note": part.note,
        }
        row |= {"n_train": len(part.train), "n_test": len(part.test)}
        row |= {"n_new_users": part.n_new_users, "n_new_items": part.n_new_items}
        rows.append(row)
    settings = make_model().settings()
    return Report(
        model=make_model().name,
        dataset=dataset,
        folds=len(rows),
        peak_rss_mb=round(peak_memory_mb(), 1),
        seed=settings.pop("seed"),
        hyperparameters=settings,
        **_over_folds(rows),
    )


def _rating_measures(model: Recommender, test: Ratings) -> dict[str, Any]:
    predicted = model.predict_ratings(test)
    low, high = metrics.rmse_interval(test.value, predicted)
    errors = np.abs(predicted.astype(np.float64) - test.value)
    return {
        "rmse": metrics.rmse(test.value, predicted),
        "rmse_low": low,
        "rmse_high": high,
        "mae": metrics.mae(test.value, predicted),
        "rmse_per_user": float(np.sqrt(metrics.per_user_mean(test.user_index, errors**2))),
        "mae_per_user": metrics.per_user_mean(test.user_index, errors),
    }


def ranking_measures(model: Recommender, test: Ratings) -> dict[str, float]:
    """NDCG@10, recall@20, hit rate@10 and MRR, means over the users with a relevant test item, and the coverage:
    the part of all items that is in somebody's first ten; nothing if no test item is relevant. No users x items
    matrix is made, only a block of users.
    """
    liked = test.value >= test.scale.lowest + 0.75 * (test.scale.highest - test.scale.lowest)
    user_index, item_index = test.user_index[liked], test.item_index[liked]
    users = np.unique(user_index)
    if len(users) == 0:
        return {}
    n_unseen = test.n_items - np.diff(model.history_indptr_)  # (U,)
    is_relevant = np.zeros((USERS_AT_ONCE, test.n_items), bool)
    parts, shown = [], np.zeros(test.n_items, bool)
    for block in np.array_split(users, -(-len(users) // USERS_AT_ONCE)):
        top = model.top_items(block, RANKING_K)  # (B, K)
        is_unseen = np.arange(top.shape[1]) < n_unseen[block, None]  # (B, K); after them come seen ones
        mine = np.isin(user_index, block)
        row = np.searchsorted(block, user_index[mine])
        is_relevant[row, item_index[mine]] = True
        hits = np.take_along_axis(is_relevant[: len(block)], top, axis=1) & is_unseen  # (B, K)
        n_relevant = np.bincount(row, minlength=len(block))
        is_relevant[row, item_index[mine]] = False
        shown[top[:, :10][is_unseen[:, :10]]] = True
        parts.append(_ranking_row(hits, n_relevant))
    means = np.concatenate(parts).mean(axis=0)
    return dict(zip(RANKING_MEASURES, means.tolist(), strict=True)) | {"coverage": float(shown.mean())}


def _ranking_row(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64]) -> NDArray[np.float64]:
    first = hits[:, :10]
    columns = (
        metrics.ndcg(first, n_relevant),
        metrics.recall(hits, n_relevant),
        metrics.hit_rate(first),
        metrics.reciprocal_rank(hits),
    )
    return np.stack(columns, axis=1)  # (B, 4)


def _over_folds(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means of measures, sums of times; counts are of the first fold's size."""
    first = rows[0]
    names = [*RATING_MEASURES, *RANKING_MEASURES, "coverage"]
    out: dict[str, Any] = {}
    for name in names:
        values = [row[name] for row in rows if name in row]
        out[name] = float(np.mean(values)) if values else None
    if len(rows) > 1 and out["rmse"] is not None:
        # The folds' test parts are disjoint, so the interval of their mean is narrower than each of theirs.
        half = np.sqrt(sum((row["rmse_high"] - row["rmse_low"]) ** 2 for row in rows)) / (2 * len(rows))
        out["rmse_low"], out["rmse_high"] = out["rmse"] - half, out["rmse"] + half
    for name in ("n_train", "n_test", "n_new_users", "n_new_items", "protocol", "note"):
        out[name] = first[name]
    for name in ("fit_seconds", "predict_seconds"):
        out[name] = round(sum(row[name] for row in rows), 4)
    return out


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
