"""One fit of one library that ranks, in a separate process: seconds, memory and lists.

    python -m benchmarks.ranking_peers LIBRARY SETTINGS_JSON PROBLEM.npz SEED LISTS.npz

`ranking.py` runs this, once with the project's Python (for matinee) and once with that of `.venv-ranking`, and
judges the lists. Each function below turns the pairs (who liked what) into the form that its library wants, which is
not timed, and returns three steps: fit and top, which are timed, and the figures among sampled candidates.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import Result, Settings, answer, n_threads, peak_mb

Index = NDArray[np.int64]

WARM_UP_PAIRS = 5_000
LIST, LONG_LIST = 10, 20
BLOCK = 512


class Steps(NamedTuple):
    """What a library can do."""

    fit: Callable[[], object]
    top: Callable[[int], Index]  # the first k items of every user that they do not have, (U, k)
    among_candidates: Callable[[], dict[str, float]]  # hit rate and NDCG at 10


class Problem(NamedTuple):
    """Who liked what, and which items to rank besides the full list."""

    user_index: Index  # (N,)
    item_index: Index  # (N,)
    candidates: Index  # (U, C), or (0, C)
    n_users: int
    n_items: int
    seed: int

    @classmethod
    def load(cls, file: str, seed: int) -> "Problem":
        """The problem that `ranking.py` wrote."""
        with np.load(file) as stored:
            n_users, n_items = stored["shape"].tolist()
            user_index, item_index, candidates = (stored[name] for name in cls._fields[:3])
        return cls(user_index, item_index, candidates, n_users, n_items, seed)

    def warm_up(self) -> "Problem":
        """A few pairs of it: fitting them first keeps compilation and the start of threads out of the time."""
        few = np.random.default_rng(0).permutation(len(self.user_index))[:WARM_UP_PAIRS]
        return self._replace(user_index=self.user_index[few], item_index=self.item_index[few])

    def matrix(self) -> Any:
        """The pairs as a sparse matrix of ones, (U, I)."""
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped,import-not-found,unused-ignore]

        ones = np.ones(len(self.user_index), np.float32)
        return csr_matrix(
            (ones, (self.user_index, self.item_index)), shape=(self.n_users, self.n_items)
        )


def matinee(settings: Settings, problem: Problem) -> Steps:
    """A model of this project, which the setting `model` names."""
    from matinee.data.ratings import Ratings, Scale
    from matinee.data.vocabulary import Vocabulary
    from matinee.evaluation.ranking import among_candidates
    from matinee.models import model_named

    users, items = (
        Vocabulary(np.arange(problem.n_users), "user"),
        Vocabulary(np.arange(problem.n_items), "item"),
    )
    columns = problem.user_index.astype(np.int32), problem.item_index.astype(np.int32)
    ratings = Ratings(
        users, items, *columns, np.ones(len(columns[0]), np.float32), None, Scale(1, 1, 0)
    )
    chosen = {name: value for name, value in settings.items() if name != "model"} | {
        "seed": problem.seed
    }
    model = model_named(settings["model"]).from_settings(chosen)
    return Steps(
        lambda: model.fit(ratings, n_threads=n_threads()),
        lambda k: model.top_items(np.arange(problem.n_users), k),
        lambda: among_candidates(model, list(enumerate(problem.candidates.tolist()))),
    )


def among(score: Callable[[int, int], NDArray[Any]], problem: Problem) -> dict[str, float]:
    """What `matinee.ranking.among_candidates` measures, of a library that scores all items for some users, (B, I)."""
    found = []
    for begin in range(0, len(problem.candidates), BLOCK):
        mine = problem.candidates[begin : begin + BLOCK]  # (B, C)
        scores = np.take_along_axis(np.asarray(score(begin, begin + len(mine))), mine, axis=1)
        better = (scores > scores[:, :1]) | ((scores == scores[:, :1]) & (mine < mine[:, :1]))
        found.append(better.sum(axis=1))
    rank = np.concatenate(found)  # (U,), of the first candidate, from 0
    gain = np.where(rank < LIST, 1 / np.log2(rank + 2), 0.0)
    return {"hit_rate_at_10": float(np.mean(rank < LIST)), "ndcg_at_10": float(np.mean(gain))}


def irspack(settings: Settings, problem: Problem) -> Steps:
    """A recommender of irspack, which the setting `recommender` names. It wants a sparse matrix."""
    from irspack import recommenders  # type: ignore[import-not-found,unused-ignore]
    from irspack.utils.id_mapping import (  # type: ignore[import-not-found,unused-ignore]
        retrieve_recommend_from_score,
    )

    chosen = {name: value for name, value in settings.items() if name != "recommender"}
    if settings["recommender"] == "IALSRecommender":
        chosen |= {"n_threads": n_threads(), "random_seed": problem.seed}
    model = getattr(recommenders, settings["recommender"])(problem.matrix(), **chosen)

    def top(k: int) -> Index:
        lists = []
        for begin in range(0, problem.n_users, BLOCK):
            scores = model.get_score_remove_seen_block(begin, min(begin + BLOCK, problem.n_users))
            lists += retrieve_recommend_from_score(scores, [], k, n_threads())
        return np.array([[item for item, _ in one] for one in lists])

    return Steps(model.learn, top, lambda: among(model.get_score_block, problem))


def implicit(settings: Settings, problem: Problem) -> Steps:
    """The ALS of implicit. It wants a sparse matrix."""
    from implicit.als import AlternatingLeastSquares  # type: ignore[import-not-found,unused-ignore]

    matrix = problem.matrix()
    model = AlternatingLeastSquares(**settings, num_threads=n_threads(), random_state=problem.seed)

    def top(k: int) -> Index:
        users = np.arange(problem.n_users)
        return np.asarray(
            model.recommend(users, matrix, N=k, filter_already_liked_items=True)[0], np.int64
        )

    def score(begin: int, end: int) -> NDArray[Any]:
        return np.asarray(model.user_factors[begin:end] @ model.item_factors.T)

    return Steps(lambda: model.fit(matrix, show_progress=False), top, lambda: among(score, problem))


LIBRARIES = {"matinee": matinee, "irspack": irspack, "implicit": implicit}


def bare_inverse(problem: Problem) -> float:
    """Seconds that BLAS takes for the inverse of the Gram matrix of all liked items, and no more."""
    table = np.zeros((problem.n_users, problem.n_items), np.float32)
    table[problem.user_index, problem.item_index] = 1
    table = table[:, table.any(axis=0)]
    gram = table.T @ table
    gram.flat[:: len(gram) + 1] += 300
    np.linalg.inv(gram[:200, :200])
    start = time.perf_counter()
    np.linalg.inv(gram)
    return time.perf_counter() - start


def measure(library: str, settings: Settings, problem: Problem, lists: str) -> Result:
    """Warm up, fit, recommend; the memory is read before the lists are judged."""
    prepare = LIBRARIES[library]
    warm = prepare(settings, problem.warm_up())
    warm.fit()
    warm.top(LIST)
    steps = prepare(settings, problem)
    start = time.perf_counter()
    steps.fit()
    fitted = time.perf_counter()
    steps.top(LIST)
    result: Result = {"version": version(library), "fit_seconds": fitted - start}
    result |= {"top_seconds": time.perf_counter() - fitted, "peak_mb": peak_mb()}
    if len(problem.candidates):
        result |= steps.among_candidates()
    else:
        np.savez(lists, top=steps.top(LONG_LIST))
    if settings.get("model") == "ease":
        result["inverse_seconds"] = bare_inverse(problem)
    return result


def main() -> None:
    """Print the measurement, or why there is none, as one JSON line."""
    library, settings, file, seed, lists = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):  # some libraries take all the cores that they see
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: n_threads()])
    answer(lambda: measure(library, json.loads(settings), Problem.load(file, int(seed)), lists))


if __name__ == "__main__":
    main()
