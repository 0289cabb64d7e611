"""One fit of one library, in a separate process: seconds, error and memory as one JSON line.

    python -m benchmarks.peers LIBRARY SETTINGS_JSON PROBLEM.npz SEED

`rating_prediction.py` runs this, once with the project's Python (for matinee) and once with that of
`.venv-peers`. Each function below turns the training ratings into the form that its library wants,
which is not timed, and returns two steps: fit, which is timed, and predict, which is not.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import Result, Settings, answer, n_threads, peak_mb

if TYPE_CHECKING:
    from matinee.data.ratings import Ratings

Floats = NDArray[np.float64]
Steps = tuple[Callable[[], object], Callable[[], Floats]]

WARM_UP_ROWS = 1_000


class Part(NamedTuple):
    """Ratings as three columns: indices from 0, and stars."""

    user_index: NDArray[np.int64]  # (N,)
    item_index: NDArray[np.int64]  # (N,)
    value: Floats  # (N,)

    def take(self, rows: NDArray[np.int64]) -> "Part":
        """The given rows."""
        return Part(self.user_index[rows], self.item_index[rows], self.value[rows])


class Problem(NamedTuple):
    """What to learn from, and what to predict."""

    train: Part
    test: Part
    n_users: int
    n_items: int
    seed: int

    @classmethod
    def load(cls, file: str, seed: int) -> "Problem":
        """The problem that `rating_prediction.py` wrote."""
        with np.load(file) as stored:
            train, test = (
                Part(*(stored[f"{part}_{name}"] for name in Part._fields))
                for part in ("train", "test")
            )
        n_users, n_items = (int(max(train[side].max(), test[side].max())) + 1 for side in (0, 1))
        return cls(train, test, n_users, n_items, seed)

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest rating."""
        return float(self.train.value.min()), float(self.train.value.max())

    def warm_up(self) -> "Problem":
        """A few rows of it: fitting them first keeps compilation and the start of threads out of the time."""
        few = np.random.default_rng(0).permutation(len(self.train.value))[:WARM_UP_ROWS]
        return self._replace(train=self.train.take(few), test=self.test.take(np.arange(1)))


def matinee_ratings(problem: Problem) -> "tuple[Ratings, Ratings]":
    """Both parts as this project wants them."""
    from matinee.data.ratings import Ratings, Scale
    from matinee.data.vocabulary import Vocabulary

    users = Vocabulary(np.arange(problem.n_users), "user")
    items = Vocabulary(np.arange(problem.n_items), "item")
    scale = Scale.of(problem.train.value.astype(np.float32))

    def ratings(part: Part) -> Ratings:
        user, item, value = part
        columns = user.astype(np.int32), item.astype(np.int32), value.astype(np.float32)
        return Ratings(users, items, *columns, None, scale)

    return ratings(problem.train), ratings(problem.test)


def matinee(settings: Settings, problem: Problem) -> Steps:
    """A model of this project; settings: its name, and what is set."""
    from matinee.models import model_named

    train, test = matinee_ratings(problem)
    own: Settings = {"model": "mf", "seed": problem.seed} | settings
    model = model_named(own.pop("model")).from_settings(own)
    return lambda: model.fit(train, n_threads=n_threads()), lambda: model.predict_ratings(
        test
    ).astype(np.float64)


def surprise(settings: Settings, problem: Problem) -> Steps:
    """An algorithm of Surprise; settings: its name, and what is set. It wants a Trainset: lists of tuples."""
    import pandas as pd
    import surprise.prediction_algorithms as algorithms  # type: ignore[import-not-found,unused-ignore]
    from surprise import Dataset, Reader  # type: ignore[import-not-found,unused-ignore]

    frame = pd.DataFrame(problem.train._asdict())
    train = Dataset.load_from_df(frame, Reader(rating_scale=problem.scale)).build_full_trainset()
    test = list(zip(*(column.tolist() for column in problem.test), strict=True))
    own = dict(settings)
    name = own.pop("model")
    model = getattr(algorithms, name)(
        **own, **({"random_state": problem.seed} if name == "SVD" else {})
    )
    return lambda: model.fit(train), lambda: np.array([row.est for row in model.test(test)])


def cornac(settings: Settings, problem: Problem) -> Steps:
    """MF or ItemKNN of Cornac; settings: the name, and what is set. It wants a Dataset."""
    from cornac import models  # type: ignore[import-not-found,unused-ignore]
    from cornac.data import Dataset  # type: ignore[import-not-found,unused-ignore]

    train = Dataset.build(list(zip(*(column.tolist() for column in problem.train), strict=True)))
    own: Settings = {"model": "MF"} | settings
    if own["model"] == "MF":
        own |= {"use_bias": True, "early_stop": False}
    # Without a seed, which would force one thread.
    model = getattr(models, own.pop("model"))(**own, num_threads=n_threads(), verbose=False)

    def predict() -> Floats:
        users = [
            train.uid_map.get(user, train.num_users) for user in problem.test.user_index.tolist()
        ]
        items = [
            train.iid_map.get(item, train.num_items) for item in problem.test.item_index.tolist()
        ]
        return np.array([model.rate(user, item) for user, item in zip(users, items, strict=True)])

    return lambda: model.fit(train), predict


def lenskit(settings: Settings, problem: Problem) -> Steps:
    """BiasedMF or ItemKNN of LensKit; settings: the name, and the parameters. It needs a Dataset. Where a model has no
    prediction (for unknown films, or without neighbors), LensKit's bias model predicts."""
    import pandas as pd
    from lenskit.als import BiasedMFScorer  # type: ignore[import-not-found,unused-ignore]
    from lenskit.basic import BiasModel  # type: ignore[import-not-found,unused-ignore]
    from lenskit.data import ItemList, from_interactions_df  # type: ignore[import-not-found,unused-ignore]
    from lenskit.knn import ItemKNNScorer  # type: ignore[import-not-found,unused-ignore]
    from lenskit.training import TrainingOptions  # type: ignore[import-not-found,unused-ignore]

    names = ["user_id", "item_id", "rating"]
    train = from_interactions_df(pd.DataFrame(dict(zip(names, problem.train, strict=True))))
    own: Settings = {"model": "BiasedMF"} | settings
    model = {"BiasedMF": BiasedMFScorer, "ItemKNN": ItemKNNScorer}[own.pop("model")](**own)

    def predict() -> Floats:
        bias = getattr(model, "bias", None) or BiasModel.learn(train, damping=5.0)
        predicted = np.empty(len(problem.test.value))
        order = np.argsort(problem.test.user_index, kind="stable")
        ends = np.flatnonzero(np.diff(problem.test.user_index[order])) + 1
        for rows in np.split(order, ends):
            user = int(problem.test.user_index[rows[0]])
            items = ItemList(item_ids=problem.test.item_index[rows])
            scores = model(user, items).scores()
            by_bias, _ = bias.compute_for_items(items, user)
            predicted[rows] = np.where(np.isnan(scores), by_bias, scores)
        return predicted

    return lambda: model.train(train, TrainingOptions(rng=problem.seed)), predict


def cmfrec(settings: Settings, problem: Problem) -> Steps:
    """The CMF of cmfrec. It wants a sparse matrix."""
    from cmfrec import CMF  # type: ignore[import-not-found,unused-ignore]
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped,import-not-found,unused-ignore]

    user, item, value = problem.train
    train = coo_matrix(
        (value.astype(np.float32), (user, item)), shape=(problem.n_users, problem.n_items)
    )
    model = CMF(**settings, nthreads=n_threads(), random_state=problem.seed, verbose=False)
    return lambda: model.fit(train), lambda: np.asarray(
        model.predict(problem.test.user_index, problem.test.item_index), np.float64
    )


LIBRARIES = {
    "matinee": matinee,
    "scikit-surprise": surprise,
    "cornac": cornac,
    "lenskit": lenskit,
    "cmfrec": cmfrec,
}


def measure(library: str, settings: Settings, problem: Problem) -> Result:
    """Warm up, fit, predict; the memory is read before the predictions are made."""
    prepare = LIBRARIES[library]
    warm_fit, warm_predict = prepare(settings, problem.warm_up())
    warm_fit()
    warm_predict()
    fit, predict = prepare(settings, problem)
    start = time.perf_counter()
    fit()
    fit_seconds = time.perf_counter() - start
    memory = peak_mb()
    start = time.perf_counter()
    predicted = np.clip(predict(), *problem.scale)
    seconds = {"fit_seconds": fit_seconds, "predict_seconds": time.perf_counter() - start}
    rmse = math.sqrt(float(np.mean((predicted - problem.test.value) ** 2)))
    return {"version": version(library), **seconds, "rmse": rmse, "peak_mb": memory}


def main() -> None:
    """Print the measurement, or why there is none, as one JSON line."""
    library, settings, file, seed = sys.argv[1:]
    answer(lambda: measure(library, json.loads(settings), Problem.load(file, int(seed))))


if __name__ == "__main__":
    main()
