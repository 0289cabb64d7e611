"""The kernels of neighbors against their slow twins, and against similarities worked out by hand."""

from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.kernels import knn, read_only
from matinee.kernels.knn import Measure, People, Rows, Rule
from matinee.threads import workers
from tests.reference import Values, similarity_twin, weighted_twin

NAN = float("nan")

# -- a small table -----------------------------------------------------------------------------------------------

N_ROWS, N_GROUPS = 23, 31
MEASURES = {
    "all": Measure(False, False, 3.0, 1),
    "all, not shrunken": Measure(False, False, 0.0, 1),
    "all, of three": Measure(False, False, 3.0, 3),
    "co-rated": Measure(True, False, 0.0, 1),
    "co-rated, shrunken": Measure(True, False, 10.0, 2),
    "centred": Measure(True, True, 0.0, 1),
    "centred, of four": Measure(True, True, 5.0, 4),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


def make_table() -> list[Values]:
    """Rows of 0 to 20 ratings; two are alike, and in one all ratings are equal."""
    rng = np.random.default_rng(3)
    table = [
        dict(
            zip(
                rng.choice(N_GROUPS, n, replace=False).tolist(),
                rng.normal(size=n).tolist(),
                strict=True,
            )
        )
        for n in rng.integers(0, 21, N_ROWS)
    ]
    table[4], table[7], table[11] = {}, dict.fromkeys(range(6), 0.5), table[9]
    return table


def by_row(table: list[Values]) -> Rows:
    starts = np.cumsum([0, *(len(row) for row in table)])
    pairs = [pair for row in table for pair in sorted(row.items())]
    return Rows(
        starts,
        read_only(np.array([group for group, _ in pairs], np.int32)),
        read_only(np.array([value for _, value in pairs], np.float32)),
    )


def by_group(table: list[Values]) -> Rows:
    return by_row(
        [
            {row: ratings[group] for row, ratings in enumerate(table) if group in ratings}
            for group in range(N_GROUPS)
        ]
    )


def lengths(table: list[Values]) -> NDArray[np.float32]:
    return np.array([sqrt(sum(value**2 for value in row.values())) for row in table], np.float32)


def dense(rows: list[Values], n: int = N_GROUPS) -> NDArray[np.float32]:
    return np.array([[row.get(group, NAN) for group in range(n)] for row in rows], np.float32)


# -- similarity -----------------------------------------------------------------------------------------------

ONE, OTHER = {1: 5.0, 2: 3.0, 3: 4.0, 4: 1.0}, {1: 4.0, 2: 2.0, 3: 5.0, 5: 1.0}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (Measure(False, False, 0.0, 1), 46 / 51**0.5 / 46**0.5),
        (Measure(False, False, 10.0, 1), 46 / (51**0.5 * 46**0.5 + 10)),
        (Measure(True, False, 0.0, 1), 46 / 50**0.5 / 45**0.5),
        (Measure(True, True, 0.0, 1), 2 / 2**0.5 / (42 / 9) ** 0.5),
        (Measure(True, False, 100.0, 1), 46 / 50**0.5 / 45**0.5 * 2 / 102),
        (Measure(True, False, 0.0, 4), 0.0),
        (Measure(False, False, 0.0, 4), 0.0),
    ],
    ids=[
        "cosine of all",
        "shrunken",
        "Surprise's cosine",
        "Surprise's pearson",
        "its shrinkage",
        "overlap",
        "of all",
    ],
)
def test_similarities_computed_by_hand(measure: Measure, expected: float) -> None:
    table = [{group - 1: value for group, value in row.items()} for row in (ONE, OTHER)]
    rows = by_row(table)
    found = knn.similarities(
        rows.other[:4], rows.value[:4], by_group(table), lengths(table), measure
    )
    assert found[1] == pytest.approx(expected, abs=1e-6)


@every_measure
def test_similarities_agree_with_the_twin(measure: Measure) -> None:
    table = make_table()
    rows, groups = by_row(table), by_group(table)
    for row, ratings in enumerate(table):
        here = slice(rows.starts[row], rows.starts[row + 1])
        found = knn.similarities(
            rows.other[here], rows.value[here], groups, lengths(table), measure
        )
        assert found.dtype == np.float32
        np.testing.assert_allclose(
            found, [similarity_twin(ratings, other, measure) for other in table], atol=2e-6
        )


# -- the nearest -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 5, 40, 1000])
def test_the_nearest_come_first_and_equal_ones_in_the_order_of_the_rows(most: int) -> None:
    rng = np.random.default_rng(most)
    alike = rng.choice(np.array([-0.5, 0.0, 1e-30, 0.1, 0.2, 0.9, 1.0], np.float32), 60)
    keys = knn.nearest_first(alike, most)
    expected = [row for row in np.argsort(-alike, kind="stable").tolist() if alike[row] > 0][:most]
    assert (keys & np.uint64(2**32 - 1)).tolist() == expected


@every_measure
@pytest.mark.parametrize("most", [1, 6, N_ROWS])
def test_the_stored_neighbors_agree_with_the_twin(measure: Measure, most: int) -> None:
    table = make_table()
    kept = np.full((N_ROWS, most), 99, np.int32), np.full((N_ROWS, most), NAN, np.float32)
    knn.keep_nearest(
        np.arange(N_ROWS), by_row(table), by_group(table), lengths(table), measure, kept
    )
    for row, ratings in enumerate(table):
        alike = [similarity_twin(ratings, other, measure) for other in table]
        expected = sorted(alike, reverse=True)[:most]
        np.testing.assert_allclose(kept[1][row], np.maximum(expected, 0), atol=2e-6)
        found = kept[0][row][kept[1][row] > 0]
        assert len(set(found.tolist())) == len(found)
        np.testing.assert_allclose(
            [alike[other] for other in found], kept[1][row, : len(found)], atol=2e-6
        )


def test_threads_change_no_bit() -> None:
    table = make_table()
    both = by_row(table), by_group(table)
    results = []
    for n_threads, n_parts in ((1, 1), (3, 7)):
        kept = np.empty((N_ROWS, 9), np.int32), np.empty((N_ROWS, 9), np.float32)
        with workers(n_threads) as run:
            parts = [np.arange(part, N_ROWS, n_parts) for part in range(n_parts)]
            run(
                knn.keep_nearest,
                [(some, *both, lengths(table), MEASURES["all"], kept) for some in parts],
            )
        results.append(kept)
    assert all(np.array_equal(one, other) for one, other in zip(*results, strict=True))


# -- what they say -----------------------------------------------------------------------------------------------

RULES = {
    "mean of 3": Rule(3, 1.5, 0.1, True),
    "mean of all": Rule(99, 1.0, 0.0, True),
    "sum of 5": Rule(5, 2.0, 0.1, False),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def asked(n_people: int, n_items: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each person some items, in any order and some twice; for the first person none."""
    rng = np.random.default_rng(5)
    starts = np.cumsum([0, 0, *rng.integers(0, 9, n_people - 1)])
    return starts, rng.integers(0, n_items, starts[-1], dtype=np.int32)


@every_rule
def test_nearest_items_agree_with_the_twin(rule: Rule) -> None:
    people = make_table()
    rng = np.random.default_rng(1)
    similarities = np.where(rng.random((N_GROUPS, 8)) < 0.2, 0, rng.random((N_GROUPS, 8)))
    similarities = -np.sort(-similarities, axis=1)
    kept = np.array([rng.choice(N_GROUPS, 8, replace=False) for _ in range(N_GROUPS)], np.int32)

    def twin(person: int, item: int) -> float:
        places = zip(similarities[item].tolist(), range(8), kept[item].tolist(), strict=True)
        return weighted_twin(
            [(like, place, people[person][j]) for like, place, j in places if j in people[person]],
            rule,
        )

    weights = (similarities**rule.amplification).astype(np.float32)
    out = np.full((N_ROWS, N_GROUPS), NAN, np.float32)
    knn.items_for_all(dense(people), (kept, weights), rule, out)
    expected = [[twin(person, item) for item in range(N_GROUPS)] for person in range(N_ROWS)]
    np.testing.assert_allclose(out, expected, atol=1e-5)
    pairs = asked(N_ROWS, N_GROUPS)
    few = np.full(len(pairs[1]), NAN, np.float32)
    knn.items_for_pairs(dense(people), pairs, (kept, weights), rule, few)
    assert np.array_equal(few, out[np.repeat(np.arange(N_ROWS), np.diff(pairs[0])), pairs[1]])


@every_rule
@every_measure
def test_nearest_people_agree_with_the_twin(rule: Rule, measure: Measure) -> None:
    known = make_table()
    new: list[Values] = [{}, {3: 1.0, 8: -0.5, 20: 0.3}, known[2], {5: 0.0}]
    of_person, of_item = np.linspace(2, 4, N_ROWS), np.linspace(-1, 1, N_GROUPS)
    stars = [
        {i: value + of_person[row] + of_item[i] for i, value in given.items()}
        for row, given in enumerate(known)
    ]
    raters = by_group(known)
    offsets = of_person.astype(np.float32), of_item.astype(np.float32)
    people = People(raters, raters.value, lengths(known), by_row(stars), offsets)

    def twin(person: Values, item: int) -> float:
        alike = [similarity_twin(person, other, measure) for other in known]
        return weighted_twin(
            [(alike[v], v, known[v][item]) for v in range(N_ROWS) if item in known[v]], rule
        )

    out = np.full((len(new), N_GROUPS), NAN, np.float32)
    knn.people_for_all(dense(new), people, measure, rule, out)
    expected = [[twin(person, item) for item in range(N_GROUPS)] for person in new]
    np.testing.assert_allclose(out, expected, atol=1e-5)
    pairs = asked(len(new), N_GROUPS)
    few = np.full(len(pairs[1]), NAN, np.float32)
    knn.people_for_pairs(dense(new), pairs, people, measure, rule, few)
    np.testing.assert_allclose(
        few, out[np.repeat(np.arange(len(new)), np.diff(pairs[0])), pairs[1]], atol=1e-6
    )


def test_what_is_compared_may_differ_from_what_is_averaged() -> None:
    known: list[Values] = [{0: 1.0, 1: 2.0}, {0: 1.0, 1: -2.0}]
    raters = by_group(known)
    compared = by_group([{0: 5.0, 1: 4.0}, {0: -5.0, 1: 4.0}])
    offsets = np.zeros(2, np.float32), np.zeros(N_GROUPS, np.float32)
    people = People(raters, compared.value, np.ones(2, np.float32), by_row(known), offsets)
    out = np.empty((1, N_GROUPS), np.float32)
    knn.people_for_all(dense([{0: 3.0}]), people, MEASURES["co-rated"], RULES["mean of all"], out)
    assert out[0, :2].tolist() == [1, 2]  # the second person is the opposite
    few = np.empty(2, np.float32)
    pairs = np.array([0, 2]), np.array([1, 0], np.int32)
    knn.people_for_pairs(
        dense([{0: 3.0}]), pairs, people, MEASURES["co-rated"], RULES["mean of all"], few
    )
    assert few.tolist() == [2, 1]
