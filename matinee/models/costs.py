"""What a training will cost: its time, from two short probes, and its memory, from the sizes of
arrays.

A probe trains for a few epochs on the ratings of some users, drawn at random, whose number of
ratings is small beside that of the table. The time of the preparation, and that of an epoch, are
about linear in the number of ratings, users and items; two probes of different sizes tell the
slope.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from matinee._types import Doubles, Longs
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Vocabulary
from matinee.models.base import Recommender
from matinee.models.blend import Blend
from matinee.models.ease import EASE
from matinee.models.hybrid import MOST_ITEMS, MOST_WEIGHED, Hybrid
from matinee.progress import Step
from matinee.threads import one_blas_thread

PROBES = (50_000, 150_000)
"""Ratings of the two probes."""
ENOUGH = 500_000
"""With fewer ratings, a probe would take a good part of the time that it foretells."""
WARM_UP = 2_000
"""Ratings of a training before the probes, which loads the compiled kernels."""
PROBE_EPOCHS = 3
RATINGS_PER_ROW = 30
"""What a user or an item costs beside its ratings, in ratings."""
LEAST_SLOPE = 0.5
"""Of the time by the number of ratings, as a part of their ratio."""
SHORTENED: dict[str, Any] = {
    "epochs": PROBE_EPOCHS,
    "burn_in": 1,
    "samples": PROBE_EPOCHS - 1,
    "kept": 1,
    "tolerance": 0.0,
    "seconds": 0.0,
    "patience": 0,
    "keep_best": False,
    "adapt": False,
}
"""The settings of a probe, as far as a model has them."""
BYTES_PER_RATING = {"mf": 50, "ials": 60, "bayes": 120}
OTHER_BYTES = 60
"""Memory during the training for each rating, besides the table; that of other models."""
SIDE, PAIR_SECONDS = 1000, 1e-9
"""Of the matrix whose inverse is timed; for each pair of items that a user likes."""
COPIES = {"mf": 6, "ials": 5}
"""How many times the factors are in memory, with the model file; twice in other models."""


class Cost(NamedTuple):
    """What a training will cost."""

    seconds: float
    n_bytes: float
    """The most memory besides the table."""

    def plus(self, other: "Cost") -> "Cost":
        """The cost of one training after the other, whose model stays."""
        return Cost(self.seconds + other.seconds, max(self.n_bytes, other.n_bytes))


def estimated_cost(
    model: Recommender,
    train: Ratings,
    n_threads: int | None,
    clock: Callable[[], float] = time.perf_counter,
) -> Cost | None:
    """About what `fit` will cost; None for a table on which it is short.

    Args:
        model: unfitted; not changed.
        clock: measures the probes.
    """
    if len(train) < ENOUGH:
        return None
    cost, kept = Cost(0.0, 0.0), 0.0
    probes: dict[str, _Line] = {}
    n_users, n_items = (np.count_nonzero(each) for each in (train.user_counts, train.item_counts))
    for member, n_ratings, stays in _fits(model, train):
        key = repr(member)
        if key not in probes:
            probes[key] = _line_of(member, train, n_threads, clock)
        n_bytes = kept + memory_of(member, train, n_ratings)
        share = n_ratings / len(train)  # of the users; items that many have rated stay
        seconds = probes[key].seconds(_work(n_ratings, share * n_users + n_items))
        cost = cost.plus(Cost(seconds, n_bytes))
        if stays:
            kept += _model_bytes(member, train)
    return cost


def memory_of(model: Recommender, train: Ratings, n_ratings: int) -> float:
    """The most memory of one fit on so many ratings of a table, besides the table, in bytes."""
    per_rating = BYTES_PER_RATING.get(model.name, OTHER_BYTES)
    if train.stored is not None and _walks(model, train):
        per_rating = 0
    return per_rating * n_ratings + COPIES.get(model.name, 2) * _model_bytes(model, train)


def _walks(model: Recommender, train: Ratings) -> bool:
    """Whether a training on a table on a disk holds nothing that is as long as the table."""
    if model.name != "bayes":
        return model.name in BYTES_PER_RATING
    settings = model.settings()
    is_timed = bool(settings["times"]) and train.timestamp is not None
    return not is_timed and settings["likelihood"] == "regression"


def _model_bytes(model: Recommender, train: Ratings) -> float:
    """The size of a fitted model."""
    settings = model.settings()
    n_rows, width = train.n_users + train.n_items, int(settings.get("factors", 1))
    if model.name == "bayes":  # of the draws, and of the features of the sets
        n_draws = min(int(settings["kept"]), int(settings["samples"]))
        rank = min(int(settings["set_rank"]), train.n_users, train.n_items)
        return 4.0 * n_rows * (n_draws * (width + 1) + 5 * rank * bool(settings["sets"]))
    if model.name == EASE.name:
        return 4.0 * float(np.count_nonzero(train.item_counts)) ** 2
    return 4.0 * n_rows * width


def _fits(model: Recommender, train: Ratings) -> Iterator[tuple[Recommender, int, bool]]:
    """The fits of a training: unfitted models, their numbers of ratings, and whether they stay."""
    if not isinstance(model, (Blend, Hybrid)):
        yield model, len(train), True
        return
    unfitted = type(model).from_settings(model.settings())
    unfitted.scale_ = train.scale
    members = unfitted.new_members(train)
    most = len(train)
    if isinstance(model, Hybrid):
        most = MOST_WEIGHED
        if np.count_nonzero(train.item_counts) > MOST_ITEMS:
            members = {key: each for key, each in members.items() if each.name != EASE.name}
    for name, member in members.items():
        if not isinstance(model, Hybrid) or name != model.stars:
            yield member, int((1 - model.holdout) * min(most, len(train))), False
    for member in members.values():
        yield from _fits(member, train)


class _Line(NamedTuple):
    """The time of a fit by its work."""

    sizes: Doubles  # (2,), see `_work`
    preparation: Doubles  # (2,), in seconds
    epoch: Doubles  # (2,)
    n_epochs: int

    def seconds(self, work: float) -> float:
        """The time of so much work."""
        return self._at(self.preparation, work) + self.n_epochs * self._at(self.epoch, work)

    def _at(self, times: Doubles, work: float) -> float:
        first, second = self.sizes.tolist()
        slope = (times[1] - times[0]) / (second - first)
        slope = max(slope, LEAST_SLOPE * times[1] / second)
        return float(max(0.0, times[1] + slope * (work - second)))


def _line_of(
    model: Recommender, train: Ratings, n_threads: int | None, clock: Callable[[], float]
) -> _Line:
    """The time of a model, from two probes."""
    if model.name == EASE.name:
        return _line_of_ease(train, clock)
    settings = model.settings()
    n_epochs = int(settings.get("epochs", 0))
    if "burn_in" in settings:
        n_epochs = int(settings["burn_in"]) + int(settings["samples"])
    given = settings | {name: value for name, value in SHORTENED.items() if name in settings}
    if settings.get("start") == "auto":
        given["start"] = "near"
    order = np.random.default_rng(0).permutation(train.n_users)
    found = []
    for size in (WARM_UP, *PROBES):
        part = _some_users(train, order, size)
        probe = type(model).from_settings(given)
        times: list[float] = []

        def note(_: Step, times: list[float] = times) -> None:
            times.append(clock())

        began = clock()
        probe.fit(part, n_threads=n_threads, progress=note)
        total = clock() - began
        steps = [after - before for before, after in pairwise(times)]
        epoch = min(steps, default=0.0)
        work = _work(len(part), part.n_users + part.n_items)
        found.append((work, max(0.0, total - len(times) * epoch), epoch))
    columns = np.array(found[1:], np.float64).T
    return _Line(columns[0], columns[1], columns[2], n_epochs)


def _some_users(train: Ratings, order: Longs, n_ratings: int) -> Ratings:
    """About so many ratings, of the first users of an order, with vocabularies of their own."""
    sums = np.cumsum(train.user_counts[order])
    part = train.of_users(np.sort(order[: max(1, int(np.searchsorted(sums, n_ratings)))]))
    users, user_index = np.unique(part.user_index, return_inverse=True)
    items, item_index = np.unique(part.item_index, return_inverse=True)
    user_features, item_features = part.user_features, part.item_features
    return replace(
        part,
        users=Vocabulary(part.users.ids[users], "user"),
        items=Vocabulary(part.items.ids[items], "item"),
        user_index=user_index.astype(np.int32),
        item_index=item_index.astype(np.int32),
        user_features=None if user_features is None else user_features.take(users),
        item_features=None if item_features is None else item_features.take(items),
    )


def _work(n_ratings: float, n_rows: float) -> float:
    """What the time of an epoch grows with."""
    return n_ratings + RATINGS_PER_ROW * n_rows


def _line_of_ease(train: Ratings, clock: Callable[[], float]) -> _Line:
    """The time of `ease`, most of which is that of the inverse of a matrix, (I, I)."""
    table = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    form = table @ table.T + SIDE * np.eye(SIDE, dtype=np.float32)
    seconds = []
    with one_blas_thread():
        for _ in range(2):
            began = clock()
            np.linalg.inv(form)
            seconds.append(clock() - began)
    n_items = int(np.count_nonzero(train.item_counts))
    whole = min(seconds) * (n_items / SIDE) ** 3
    pairs = PAIR_SECONDS * float(np.square(train.user_counts, dtype=np.float64).sum())
    sizes = np.array([0.0, len(train)])
    return _Line(sizes, np.array([whole, whole + pairs]), np.zeros(2), 0)
