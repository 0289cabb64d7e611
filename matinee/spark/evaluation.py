"""How good a model is, measured on a cluster: errors of stars, and lists for some users.

The model has no users here: whoever has test ratings is folded in from the training ratings, by
the workers. Errors are those of all test ratings; lists are judged for about `ranking.MOST_USERS`
users at most, by the measures of `evaluation.ranking` without diversity, which needs all ratings.
"""

import time
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs
from matinee.evaluation import metrics
from matinee.evaluation.evaluate import PartResult, summarize
from matinee.evaluation.per_user import PerUserSums, list_sums
from matinee.evaluation.ranking import (
    FIRST,
    LONGEST,
    MOST_USERS,
    Ranked,
    mean_of_shown,
    measures_of_hits,
)
from matinee.evaluation.report import NO_STARS, Report
from matinee.models.base import Recommender
from matinee.models.implicit_feedback import liked_from
from matinee.models.top_lists import USERS_PER_BLOCK
from matinee.progress import Progress
from matinee.spark.encoding import ClusterRatings
from matinee.spark.people import UserBlock, over_users
from matinee.spark.splits import BUCKETS, TEST, ClusterSplit
from matinee.spark.training import Saved, train
from matinee.system import peak_memory_mb

MOST_WITH_INTERVALS = 1_000_000
"""Users with test ratings whose errors come to the driver, for intervals."""
SCHEMA = (
    "user int, known int, n int, squares double, absolutes double, "
    "measures array<double>, first array<int>"
)


def evaluate(
    model: Recommender,
    parts: Iterable[ClusterSplit],
    dataset: str,
    progress: Progress | None = None,
) -> Report:
    """Trains a model on each training part and measures it on the test part.

    Args:
        model: unfitted, of `settings.spark_model`; copies of it are trained.
        dataset: the name of the table, for the report.
    """
    results = [evaluate_part(copy(model), part, progress) for part in parts]
    return summarize(results, copy(model), dataset).report


class Judge(NamedTuple):
    """What the workers need to measure a model.

    Attributes:
        model: without users.
        n_drawn: of BUCKETS, so many users have their lists judged; 0 for none.
        information: the self-information of each item, in bits, (I,).
    """

    model: Recommender
    n_drawn: int
    seed: int
    information: Doubles


def evaluate_part(
    model: Recommender, part: ClusterSplit, progress: Progress | None = None
) -> PartResult:
    """Trains a model on one training part and measures it on the test part."""
    table = part.train
    started = time.perf_counter()
    train(model, table, Saved(users=False, history=False), progress)
    fitted = time.perf_counter()
    n_relevant_users, n_users = _relevant_users(part, table)
    share = min(1.0, MOST_USERS / max(1, n_relevant_users))
    n_known = max(1, table.frame.select("user").distinct().count())
    information = metrics.self_information(model.item_counts_, n_known)
    judge = Judge(model, int(np.ceil(share * BUCKETS)), model.seed, information)
    rows = _measured(part, judge)
    result = PartResult(
        protocol=part.protocol,
        note=" ".join(filter(None, (NO_STARS * (not table.scale.has_stars), part.note))),
        unit=table.unit,
        n_train=table.n_ratings,
        n_test=part.n_test,
        n_new_users=int(np.count_nonzero(rows.column("known").to_numpy() == 0)),
        n_new_items=int(np.count_nonzero(model.item_counts_ == 0)),
        n_folded_in=part.n_folded_in,
        fit_seconds=fitted - started,
        predict_seconds=time.perf_counter() - fitted,
        peak_rss_mb=peak_memory_mb(),
        member_weights=model.member_weights(),
    )
    if model.has_stars:
        _add_errors(rows, result)
    judged = rows.filter(pc.is_valid(rows.column("measures")))
    result.n_ranked_users = judged.num_rows
    result.n_without_relevant = n_users - n_relevant_users
    result.n_not_drawn = n_relevant_users - judged.num_rows
    if judged.num_rows:
        _add_lists(judged, len(table.items), result)
        result.recommend_seconds = result.predict_seconds
    return result


def _relevant_users(part: ClusterSplit, table: ClusterRatings) -> tuple[int, int]:
    """The users with a relevant test item, and all with test ratings."""
    from pyspark.sql import functions as f

    tested = part.frame.filter(f.col("part") == TEST)
    likes = (f.col("value") >= liked_from(table.scale)).cast("int")
    users = tested.groupBy("user").agg(f.max(likes).alias("liked"))
    told = users.agg(f.sum("liked"), f.count("*")).first()
    assert told is not None
    return int(told[0] or 0), int(told[1])


def _measured(part: ClusterSplit, judge: Judge) -> pa.Table:
    """A row of `SCHEMA` for each user with test ratings."""
    shared = part.train.cluster.session.sparkContext.broadcast(judge)

    def measured(block: UserBlock) -> Iterator[pa.Table]:
        yield from measure_users(block, shared.value)

    told = over_users(part.frame, measured, SCHEMA).toArrow()
    shared.unpersist()
    return told


def measure_users(block: UserBlock, judge: Judge) -> Iterator[pa.Table]:
    """The errors and lists of the users of a block, some users at a time."""
    assert block.extra is not None
    is_test = block.extra == TEST
    n_test = np.add.reduceat(is_test, block.indptr[:-1])
    tested = np.flatnonzero(n_test)
    for first in range(0, len(tested), USERS_PER_BLOCK):
        places = tested[first : first + USERS_PER_BLOCK]
        people = [_Person.of(block, place, is_test) for place in places.tolist()]
        yield _rows(people, block.users[places], judge)


class _Person(NamedTuple):
    """The ratings of a user that are known, and those to be predicted."""

    item: NDArray[np.int32]
    value: Floats
    test_item: NDArray[np.int32]
    test_value: Floats

    @classmethod
    def of(cls, block: UserBlock, place: int, is_test: NDArray[np.bool_]) -> "_Person":
        own = block.of_user(place)
        item, value, asked = block.item[own], block.value[own], is_test[own]
        return cls(item[~asked], value[~asked], item[asked], value[asked])


def _rows(people: list[_Person], users: NDArray[np.int32], judge: Judge) -> pa.Table:
    model = judge.model
    vectors = np.stack([model.vector_of(person.item, person.value) for person in people])
    squares, absolutes = np.zeros(len(people)), np.zeros(len(people))
    if model.has_stars:
        stars = np.clip(model.stars_of(vectors), model.scale_.lowest, model.scale_.highest)
        for place, person in enumerate(people):
            errors = np.abs(stars[place, person.test_item].astype(np.float64) - person.test_value)
            squares[place], absolutes[place] = errors @ errors, errors.sum()
    measures: list[list[float] | None] = [None] * len(people)
    shown: list[list[int] | None] = [None] * len(people)
    for place, values, first in _judged(people, users, vectors, judge):
        measures[place], shown[place] = values, first
    columns = {
        "user": users,
        "known": np.array([len(person.item) for person in people], np.int32),
        "n": np.array([len(person.test_item) for person in people], np.int32),
        "squares": squares,
        "absolutes": absolutes,
        "measures": pa.array(measures, pa.list_(pa.float64())),
        "first": pa.array(shown, pa.list_(pa.int32())),
    }
    return pa.table(columns)


def _judged(
    people: list[_Person], users: NDArray[np.int32], vectors: Floats, judge: Judge
) -> Iterator[tuple[int, list[float], list[int]]]:
    """The place, the measures and the first items of each user that is drawn."""
    from matinee.kernels.top_k import top_unseen

    model = judge.model
    liked = liked_from(model.scale_)
    relevant = [person.test_item[person.test_value >= liked] for person in people]
    places = [
        place
        for place, user in enumerate(users.tolist())
        if len(relevant[place]) and drawn_number(user, judge.seed) < judge.n_drawn
    ]
    if not places:
        return
    scores = np.ascontiguousarray(model.scores_of(vectors[places]), np.float32)
    n_items = scores.shape[1]
    seen = [people[place].item for place in places]
    indptr = np.append(0, np.cumsum([len(items) for items in seen]))
    best = np.empty((len(places), min(LONGEST, n_items)), np.int64)
    rows = np.arange(len(places))
    top_unseen(scores, rows, (indptr, np.concatenate(seen).astype(np.int32)), best)
    is_shown = np.arange(best.shape[1]) < (n_items - np.diff(indptr))[:, None]
    hits = np.zeros((len(places), LONGEST), bool)
    for row, place in enumerate(places):
        hits[row, : best.shape[1]] = np.isin(best[row], relevant[place]) & is_shown[row]
    n_relevant = np.array([len(relevant[place]) for place in places])
    columns = measures_of_hits(hits, n_relevant)
    first, is_first = best[:, :FIRST], is_shown[:, :FIRST]
    columns.append(mean_of_shown(model.item_counts_[first], is_first))
    columns.append(mean_of_shown(judge.information[first], is_first))
    columns.append(np.full(len(places), np.nan))  # diversity
    table = np.stack(columns, axis=1)
    for row, place in enumerate(places):
        yield place, table[row].tolist(), first[row][is_first[row]].tolist()


def drawn_number(user: int, seed: int) -> int:
    """A number below BUCKETS that follows from a user, as if drawn at random."""
    return int(np.random.default_rng([seed, user]).integers(BUCKETS))


# -- on the driver -----------------------------------------------------------------------


def _add_errors(rows: pa.Table, result: PartResult) -> None:
    n = rows.column("n").to_numpy().astype(np.float64)
    squares, absolutes = rows.column("squares").to_numpy(), rows.column("absolutes").to_numpy()
    result.measures["rmse"] = float(np.sqrt(squares.sum() / n.sum()))
    result.measures["mae"] = float(absolutes.sum() / n.sum())
    result.measures["rmse_per_user"] = float(np.sqrt(np.mean(squares / n)))
    result.measures["mae_per_user"] = float(np.mean(absolutes / n))
    if len(n) <= MOST_WITH_INTERVALS:
        totals, counts = np.stack([squares, absolutes], axis=1), np.stack([n, n], axis=1)
        result.errors = PerUserSums(("rmse", "mae"), totals, counts)


def _add_lists(judged: pa.Table, n_items: int, result: PartResult) -> None:
    values: Doubles = np.array(judged.column("measures").to_pylist(), np.float64)
    first: list[Any] = judged.column("first").combine_chunks().flatten().to_pylist()
    exposure: Longs = np.bincount(np.array(first, np.int64), minlength=n_items)
    ranked = Ranked(
        np.arange(len(values)),
        values,
        coverage=float(np.mean(exposure > 0)),
        gini=metrics.gini(exposure),
        n_without=result.n_without_relevant,
        n_not_drawn=result.n_not_drawn,
    )
    for name, value in ranked.means().items():
        if np.isfinite(value):
            result.measures[name] = value
    result.lists = list_sums(ranked, len(values))
