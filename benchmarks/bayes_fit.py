"""One fit of `bayes` or of myFM, in a separate process: seconds, seconds a sweep, errors and memory as a JSON line.

    python -m benchmarks.bayes_fit LIBRARY SETTINGS_JSON PROBLEM.npz SEED

`bayes.py` runs this, once with the project's Python (for matinee) and once with that of `.venv-bayes`.
"""

import io
import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import Settings, answer, n_threads, peak_mb

Doubles = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
WARM_UP_ROWS = 1_000
DAY = 86_400


class Fit(NamedTuple):
    """What a fit took, when each of its sweeps ended, and what it predicts of the test part, (N,)."""

    seconds: float
    ends: list[float]
    predicted: Doubles


# -- matinee -----------------------------------------------------------------------------------------------------


def matinee(settings: Settings, problem: Arrays, seed: int) -> Fit:
    """`bayes` with some settings; `sweeps` is how many there are in all, if not as many as it wants."""
    from matinee.data.features import Features
    from matinee.data.ratings import Ratings, Scale
    from matinee.data.vocabulary import Vocabulary
    from matinee.models.bayes.model import BayesianMF

    own = dict(settings)
    sweeps = own.pop("sweeps", None)
    if sweeps:
        own |= {"samples": max(1, sweeps - 1), "burn_in": min(1, sweeps - 1), "tolerance": 0}
    users = Vocabulary(np.arange(len(problem["user_features"])), "user")
    items = Vocabulary(np.arange(len(problem["item_features"])), "item")
    ends = problem["train_value"].min(), problem["train_value"].max()

    def ratings(part: str) -> Ratings:
        user, item, value = (
            problem[f"{part}_{name}"] for name in ("user_index", "item_index", "value")
        )
        features = []
        for side in ("user", "item"):
            table = problem[f"{side}_features"]
            features.append(
                Features(tuple(map(str, range(table.shape[1]))), table) if table.shape[1] else None
            )
        time_ = problem[f"{part}_time"] if len(problem[f"{part}_time"]) else None
        scale = Scale(float(ends[0]), float(ends[1]), 1.0)
        return Ratings(users, items, user, item, value, time_, scale, features[0], features[1])

    train, test = ratings("train"), ratings("test")
    warm = train.subset(np.random.default_rng(0).permutation(len(train))[:WARM_UP_ROWS])
    BayesianMF(**{**own, "samples": 2, "burn_in": 0, "kept": 2}).fit(warm, n_threads=n_threads())
    model, ends_ = BayesianMF(**own, seed=seed), []
    start = time.perf_counter()
    model.fit(train, n_threads=n_threads(), progress=lambda *_: ends_.append(time.perf_counter()))
    return Fit(time.perf_counter() - start, ends_, model.predict_ratings(test).astype(np.float64))


# -- myFM --------------------------------------------------------------------------------------------------------


def myfm(settings: Settings, problem: Arrays, seed: int) -> Fit:
    """A factorization machine: one block of relations for users and one for items, the day beside them.

    Settings: rank; sweeps; sets, side and times, as of `bayes`; and probit for its ordered regression. Every block
    has the ids, then the set of the other side's ids with 1 / sqrt(n) each, then the features; each of these is a
    group with its own prior.
    """
    import myfm as library  # type: ignore[import-not-found,unused-ignore]

    own = {"sets": False, "side": False, "times": False, "probit": False} | settings
    users, user_groups = _block(problem, "user", "item", own)
    items, item_groups = _block(problem, "item", "user", own)
    groups = user_groups + item_groups
    days: dict[str, Any] = dict.fromkeys(("train", "test"))
    if own["times"] and len(problem["train_time"]):
        days, n_days = _days(problem)
        groups = [n_days, *groups]

    def relations(part: str) -> list[Any]:
        places = problem[f"{part}_user_index"], problem[f"{part}_item_index"]
        return [
            library.RelationBlock(at.tolist(), data)
            for at, data in zip(places, (users, items), strict=True)
        ]

    value = problem["train_value"].astype(np.float64)
    kind = library.MyFMOrderedProbit if own["probit"] else library.MyFMGibbsRegressor
    model, target = kind(own["rank"], random_seed=seed), value
    if own["probit"]:
        target = (value - value.min()).astype(np.int64)
    ends: list[float] = []

    def tick(*_: object) -> tuple[bool, None]:
        ends.append(time.perf_counter())
        return False, None

    related = relations("train")
    start = time.perf_counter()
    model.fit(
        days["train"], target, related, n_iter=own["sweeps"], group_shapes=groups, callback=tick
    )
    seconds = time.perf_counter() - start
    if own["probit"]:
        chances = model.predict_proba(days["test"], relations("test"), n_workers=n_threads())
        return Fit(seconds, ends, chances @ np.arange(value.min(), value.max() + 1))
    return Fit(seconds, ends, model.predict(days["test"], relations("test"), n_workers=n_threads()))


def _block(problem: Arrays, side: str, other: str, own: Settings) -> tuple[Any, list[int]]:
    """What is known of each user (or item), (R, C), and how wide each group of its columns is."""
    from scipy import sparse  # type: ignore[import-untyped,unused-ignore]

    features = problem[f"{side}_features"]
    n_rows, n_others = len(features), len(problem[f"{other}_features"])
    parts = [sparse.identity(n_rows, format="csr")]
    if own["sets"]:
        rows, columns = problem[f"train_{side}_index"], problem[f"train_{other}_index"]
        each = 1 / np.sqrt(np.bincount(rows, minlength=n_rows)[rows])
        parts.append(sparse.csr_matrix((each, (rows, columns)), shape=(n_rows, n_others)))
    if own["side"] and features.shape[1]:
        parts.append(sparse.csr_matrix(features.astype(np.float64)))
    return sparse.hstack(parts, format="csr", dtype=np.float64), [part.shape[1] for part in parts]


def _days(problem: Arrays) -> tuple[dict[str, Any], int]:
    """A column for each day of the training ratings, (N, D) for both parts; nothing for other days."""
    from scipy import sparse

    days = {part: problem[f"{part}_time"] // DAY for part in ("train", "test")}
    known = np.unique(days["train"])
    tables = {}
    for part, day in days.items():
        column = np.searchsorted(known, day).clip(max=len(known) - 1)
        is_known = (known[column] == day).astype(np.float64)
        tables[part] = sparse.csr_matrix(
            (is_known, (np.arange(len(day)), column)), shape=(len(day), len(known))
        )
    return tables, len(known)


LIBRARIES: dict[str, Callable[[Settings, Arrays, int], Fit]] = {"matinee": matinee, "myfm": myfm}


def measure(library: str, settings: Settings, file: str, seed: int) -> dict[str, float | str]:
    """All numbers of one fit."""
    with np.load(file) as stored:
        problem = dict(stored)
    found = LIBRARIES[library](settings, problem, seed)
    true = problem["test_value"].astype(np.float64)
    off = (
        np.clip(found.predicted, problem["train_value"].min(), problem["train_value"].max()) - true
    )
    return {
        "version": version(library),
        "fit_seconds": found.seconds,
        "sweeps": len(found.ends),
        "sweep_seconds": float(np.median(np.diff(found.ends)))
        if len(found.ends) > 1
        else float("nan"),
        "rmse": math.sqrt(float(np.mean(off**2))),
        "mae": float(np.mean(np.abs(off))),
        "peak_mb": peak_mb(),
    }


def main() -> None:
    """Print the measurement, or why there is none, as one JSON line."""
    library, settings, file, seed = sys.argv[1:]
    with redirect_stderr(io.StringIO()):
        answer(lambda: measure(library, json.loads(settings), file, int(seed)))


if __name__ == "__main__":
    main()
