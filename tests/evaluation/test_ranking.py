"""Measures of lists against a slow direct computation, and what happens at the edges."""

import csv
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.data.datasets.load import load
from matinee.data.ratings import Ratings, Scale
from matinee.data.split import Split, by_mask, random_split
from matinee.errors import DataError
from matinee.evaluation import ranking
from matinee.evaluation.ranking import (
    CUTS,
    PER_USER,
    Ranked,
    among_candidates,
    judge,
    ranking_task,
    top_lists,
)
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from tests.conftest import real_data, simulated

TABLE = simulated(60, 50, 1_500)


def ranked(model: Recommender, test: Ratings) -> Ranked:
    task = ranking_task(test)
    return judge(model, task, top_lists(model, task.users))


def slow(model: Recommender, part: Split, liked: float) -> dict[str, float]:
    """The same measures, one user and one item at a time."""
    train, test = part.train, part.test
    raters = {
        item: set(train.user_index[train.item_index == item].tolist())
        for item in range(train.n_items)
    }
    n_users = len(set(train.user_index.tolist()))
    rows, exposure = [], [0] * train.n_items
    for user in sorted(set(test.user_index.tolist())):
        relevant = set(test.item_index[(test.user_index == user) & (test.value >= liked)].tolist())
        if not relevant:
            continue
        top = [test.items.index(one.item_id) for one in model.recommend(test.users.id(user), 100)]
        row = slow_accuracy([item in relevant for item in top], len(relevant))
        places = [place for place, item in enumerate(top[:20], 1) if item in relevant]
        row["mrr"] = 1 / places[0] if places else 0
        for item in top[:10]:
            exposure[item] += 1
        row["mean_popularity"] = float(np.mean([len(raters[item]) for item in top[:10]]))
        row["novelty"] = float(
            np.mean([math.log2(n_users / max(1, len(raters[item]))) for item in top[:10]])
        )
        row["diversity"] = slow_diversity([raters[item] for item in top[:10]])
        rows.append(row)
    known = {name: [row[name] for row in rows if not math.isnan(row[name])] for name in PER_USER}
    found = {name: float(np.mean(values)) if values else math.nan for name, values in known.items()}
    gaps = sum(abs(one - other) for one in exposure for other in exposure)
    gini = gaps / (2 * len(exposure) * sum(exposure))
    return found | {"coverage": float(np.mean([count > 0 for count in exposure])), "gini": gini}


def slow_accuracy(hits: list[bool], n_relevant: int) -> dict[str, float]:
    row: dict[str, float] = {}
    for k in CUTS:
        places = [place for place, hit in enumerate(hits[:k], 1) if hit]
        best = min(k, n_relevant)
        ideal = sum(1 / math.log2(place + 1) for place in range(1, best + 1))
        row[f"ndcg_at_{k}"] = sum(1 / math.log2(place + 1) for place in places) / ideal
        row[f"map_at_{k}"] = sum(number / place for number, place in enumerate(places, 1)) / best
        row[f"precision_at_{k}"] = len(places) / k
        row[f"recall_at_{k}"] = len(places) / best
        row[f"hit_rate_at_{k}"] = float(bool(places))
    row["recall_at_50"] = sum(hits[:50]) / min(50, n_relevant)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(100, n_relevant) + 1))
    gains = (1 / math.log2(place + 1) for place, hit in enumerate(hits, 1) if hit)
    row["ndcg_at_100"] = sum(gains) / ideal
    return row


def slow_diversity(raters: list[set[int]]) -> float:
    likeness = [
        len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0
        for place, one in enumerate(raters)
        for other in raters[:place]
    ]
    return 1 - sum(likeness) / len(likeness) if likeness else math.nan


@pytest.mark.parametrize("model", [Baseline, Popularity, MatrixFactorization])
def test_all_measures_agree_with_a_direct_computation(model: type[Recommender]) -> None:
    part = random_split(simulated(700, 50, 10_000), 0.3)  # more users than are ranked at once
    fitted = model().fit(part.train, n_threads=1)
    found = ranked(fitted, part.test).means()
    assert list(found) == [*PER_USER, "coverage", "gini"]
    assert found == pytest.approx(slow(fitted, part, liked=4.0))


def test_ties_are_measured_as_the_lists_show_them() -> None:
    """Everything is equally popular, so that lists are in the order of the items."""
    users, items = np.divmod(np.arange(40 * 30), 30)
    table = Ratings.from_ids(users, items, 1.0 + (users * 7 + items) % 5)
    part = by_mask(table, (users + items) % 3 == 0, "mine")
    fitted = Popularity().fit(part.train)
    assert len(set(fitted.item_counts_.tolist())) < 3
    assert ranked(fitted, part.test).means() == pytest.approx(slow(fitted, part, liked=4.0))


def test_lists_longer_than_there_are_items_have_misses_at_their_end() -> None:
    part = random_split(simulated(60, 8, 300), 0.3)
    fitted = Popularity().fit(part.train)
    found = ranked(fitted, part.test).means()
    assert found == pytest.approx(slow(fitted, part, liked=4.0))
    assert found["precision_at_20"] == pytest.approx(found["precision_at_10"] / 2)
    assert found["recall_at_20"] == found["recall_at_10"]


def test_users_who_have_seen_nearly_everything_are_shown_nothing_twice() -> None:
    part = random_split(simulated(20, 12, 230), 0.1)
    fitted = Popularity().fit(part.train)
    found = ranked(fitted, part.test)
    assert found.means() == pytest.approx(slow(fitted, part, liked=4.0))
    n_unseen = 12 - part.train.user_counts[found.users]
    assert np.isnan(found.values[n_unseen == 1, PER_USER.index("diversity")]).all()
    assert np.isfinite(found.values[n_unseen > 1]).all()
    assert (n_unseen == 1).any()


def test_users_without_a_relevant_item_are_left_out_and_counted() -> None:
    value = np.where(TABLE.user_index < 7, np.minimum(TABLE.value, 3.5), TABLE.value).astype(
        np.float32
    )
    part = random_split(replace(TABLE, value=value), 0.5)
    task = ranking_task(part.test)
    assert task.users.min() >= 7
    assert task.n_without == len(np.unique(part.test.user_index)) - len(task.users) >= 7
    fitted = Popularity().fit(part.train)
    assert judge(fitted, task, top_lists(fitted, task.users)).means() == pytest.approx(
        slow(fitted, part, liked=4.0)
    )


def test_where_nobody_likes_anything_there_is_nobody_to_rank_for() -> None:
    task = ranking_task(TABLE.subset(TABLE.value < 4))
    assert (len(task.users), len(task.relevant), task.n_without) == (0, 0, 60)


def test_an_item_is_liked_in_the_upper_quarter_of_any_scale() -> None:
    users, items = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    for low, high in ((1, 5), (0, 1), (-10, 10), (1, 100)):
        value = np.where(items == 3, high, low)
        table = Ratings.from_ids(users, items, value, scale=Scale(low, high, 1))
        part = by_mask(table, (items == 3) & (users < 2) | (items == 2) & (users == 3), "mine")
        fitted = Popularity().fit(part.train)
        assert ranked(fitted, part.test).means() == pytest.approx(
            slow(fitted, part, liked=high), nan_ok=True
        )


@pytest.mark.parametrize("model", [Baseline, Popularity])
def test_the_order_of_the_users_changes_nothing(model: type[Recommender]) -> None:
    part = random_split(TABLE, 0.3)
    new = np.random.default_rng(1).permutation(60)
    other = [
        Ratings.from_ids(new[of.user_index], of.item_index, of.value, scale=of.scale)
        for of in (part.train, part.test)
    ]
    found, again = (
        ranked(model().fit(train), test).means()
        for train, test in ((part.train, part.test), (other[0], other[1]))
    )
    assert again == pytest.approx(found)


def test_of_very_many_users_some_are_drawn_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    part = random_split(simulated(700, 50, 10_000), 0.3)
    fitted = Popularity().fit(part.train)
    whole = ranked(fitted, part.test)
    monkeypatch.setattr(ranking, "MOST_USERS", 400)
    task = ranking_task(part.test)
    assert (len(task.users), task.n_not_drawn) == (400, len(whole.users) - 400)
    assert task.n_without == whole.n_without
    np.testing.assert_array_equal(task.users, ranking_task(part.test).users)
    drawn = ranked(fitted, part.test)
    np.testing.assert_allclose(drawn.values, whole.values[np.isin(whole.users, drawn.users)])


def test_diversity_can_be_estimated_from_some_of_the_raters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = random_split(simulated(1_500, 50, 30_000), 0.1)
    fitted = MatrixFactorization().fit(part.train)
    column = PER_USER.index("diversity")
    whole = ranked(fitted, part.test).values[:, column]
    monkeypatch.setattr(ranking, "MOST_RATERS", 700)
    some = ranked(fitted, part.test).values[:, column]
    assert (some != whole).all()
    np.testing.assert_allclose(some, whole, atol=0.05)


# -- sampled negatives -----------------------------------------------------------------------------------------------


def test_a_held_out_item_is_ranked_among_its_candidates_only() -> None:
    fitted = Popularity().fit(TABLE)
    order = [one.item_id for one in fitted.recommend(1, 50, include_seen=True)]
    cases: list[Any] = [
        (1, [order[0], *order[5:15]]),
        (2, [order[3], *order[:3], *order[20:30]]),
        (3, order[::-1]),
    ]
    found = among_candidates(fitted, cases)
    assert found == pytest.approx(
        {"hit_rate_at_10": 2 / 3, "ndcg_at_10": (1 + 1 / math.log2(5)) / 3}
    )
    assert among_candidates(fitted, cases, k=1) == {"hit_rate_at_1": 1 / 3, "ndcg_at_1": 1 / 3}


def test_an_unknown_held_out_item_is_never_found() -> None:
    assert among_candidates(Popularity().fit(TABLE), [(1, [99_999, 1, 2])])["hit_rate_at_10"] == 0


def test_without_a_case_there_is_nothing_to_measure() -> None:
    with pytest.raises(DataError, match=r"^There are no candidates to rank\.$"):
        among_candidates(Popularity().fit(TABLE), [])


def test_popularity_reaches_what_others_report_for_the_same_candidates() -> None:
    """As irspack measures it on the files of He et al.; the order of equally popular items is another."""
    folder = real_data("ml-1m-ncf")
    ratings = load("ml-1m").ratings
    with (folder / "item_map.csv").open() as file:
        movie = {row["ncf_item"]: int(row["movie_id"]) for row in csv.DictReader(file)}
    cases = []
    for line in (folder / "ml-1m.test.negative").read_text().splitlines():
        pair, *negatives = line.split("\t")
        user, item = pair.strip("()").split(",")
        cases.append((int(user) + 1, [movie[item], *(movie[one] for one in negatives)]))
    users, items = (
        ratings.users.lookup([user for user, _ in cases]),
        ratings.items.lookup([of[0] for _, of in cases]),
    )
    train = ratings.subset(
        ~np.isin(pairs(ratings.user_index, ratings.item_index), pairs(users, items))
    )
    assert len(ratings) - len(train) == 6_040
    found = among_candidates(Popularity().fit(train), cases)
    assert found == pytest.approx({"hit_rate_at_10": 0.4533, "ndcg_at_10": 0.2542}, abs=5e-4)


def pairs(users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.int64]:
    return users.astype(np.int64) * 10_000 + items
