"""Matrix factorization against an independent solution, against the baseline, and on real ratings."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.data.ratings import Ratings
from matinee.data.reading.read import read
from matinee.data.split import Split, given_parts, given_rows, random_split
from matinee.data.vocabulary import Id
from matinee.evaluation.metrics import rmse
from matinee.linalg import top
from matinee.models import matrix_factorization
from matinee.models.baseline import Baseline
from matinee.models.declarations import state_of
from matinee.models.descent import DescentWeights, TrainingTable
from matinee.models.fold_in import ridge
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.recency import recency_weights
from matinee.progress import Step
from tests import reference
from tests.conftest import real_data, simulated

pytestmark = pytest.mark.usefixtures("all_parts_are_held_out")

# -- the objective -----------------------------------------------------------------------------------------------


def standardised(table: Ratings) -> list[reference.Row]:
    value = (table.value - table.value.mean(dtype=np.float64)) / table.value.std(dtype=np.float64)
    return list(
        zip(table.user_index.tolist(), table.item_index.tolist(), value.tolist(), strict=True)
    )


@pytest.mark.parametrize(
    "penalties",
    [reference.Penalties(0.04, 2.0, 5.0), reference.Penalties(0.1, 0.0, 1.0)],
    ids=["defaults", "no once"],
)
def test_many_small_steps_reach_the_minimum_that_exact_regressions_reach(
    penalties: reference.Penalties,
) -> None:
    table = simulated(40, 30, 600)
    rows, n_factors = standardised(table), 3
    settings = {"epochs": 2000, "learning_rate": 0.02, "final_rate": 0.02, "adapt": False}
    one = MatrixFactorization.from_settings(
        {"factors": n_factors} | settings | penalties._asdict()
    ).fit(table, n_threads=1)
    root = np.sqrt(
        float(one.deviation_)
    )  # of what a factor in stars has more than a standardised one
    found = (
        reference.Side(
            one.user_bias_.astype(np.float64) / root**2, one.user_factors_.astype(np.float64) / root
        ),
        reference.Side(
            one.item_bias_.astype(np.float64) / root**2, one.item_factors_.astype(np.float64) / root
        ),
    )
    exact = reference.alternating(rows, (table.n_users, table.n_items), n_factors, penalties)
    assert reference.objective(rows, *found, penalties) <= 1.02 * reference.objective(
        rows, *exact, penalties
    )


# -- fold-in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 3, 7, 8, 9, 40])
@pytest.mark.parametrize(("penalty", "bias_penalty"), [(0.5, 2.0), (3.0, 0.01)])
def test_folding_in_agrees_with_least_squares_for_fewer_and_for_more_ratings_than_factors(
    n: int, penalty: float, bias_penalty: float
) -> None:
    rng = np.random.default_rng(n)
    factors, residuals = (
        rng.normal(size=(n, 8)).astype(np.float32),
        rng.normal(size=n).astype(np.float32),
    )
    found = ridge(factors, residuals, penalty, bias_penalty)
    assert found.dtype == np.float32
    assert found.shape == (9,)
    np.testing.assert_allclose(
        found, reference.fold_in(factors, residuals, penalty, bias_penalty), atol=1e-5
    )
    if n == 0:
        assert not found.any()


@pytest.mark.parametrize("n", [0, 3, 8, 40])
def test_folding_in_without_any_pull_fits_as_well_as_can_be(n: int) -> None:
    rng = np.random.default_rng(n)
    factors, residuals = (
        rng.normal(size=(n, 8)).astype(np.float32),
        rng.normal(size=n).astype(np.float32),
    )
    found = ridge(factors, residuals, 0, 0)
    np.testing.assert_allclose(found, reference.fold_in(factors, residuals, 0, 0), atol=1e-3)


def test_a_new_person_is_given_the_minimum_of_the_objective_of_fit() -> None:
    table = simulated()
    one = MatrixFactorization().fit(table, n_threads=1)
    profile = one.fold_in(
        {table.items.id(item): stars for item, stars in ((1, 5.0), (7, 2.0), (30, 4.5))}
    )
    left = profile.value - float(one.global_mean_) - one.item_bias_[profile.item_index]
    regularization, shrinkage, bias_shrinkage = one.penalty_.tolist()
    pull = (regularization * 3 + shrinkage) * float(one.deviation_)
    expected = reference.fold_in(one.item_factors_[profile.item_index], left, pull, bias_shrinkage)
    np.testing.assert_allclose(profile.vector, expected, atol=1e-5)


def known_and_folded_in(one: MatrixFactorization, user: Id) -> tuple[Floats, Floats]:
    """The scores of all items for a known user, and for their ratings as a newcomer's."""
    item_index, value = one.history_.of(one.users_.index(user))
    given = dict(zip(one.items_.ids[item_index].tolist(), value.tolist(), strict=True))
    return one.scores(user), one.scores(given)


@pytest.mark.parametrize("signal", [0.0, 0.7])
@pytest.mark.parametrize("patience", [0, 3])
def test_a_known_person_gets_the_list_of_the_same_ratings_as_a_newcomer(
    signal: float, patience: int
) -> None:
    table = simulated(signal=signal)
    one = MatrixFactorization(factors=16, patience=patience).fit(table, n_threads=1)
    for user in range(1, 301, 10):
        known, folded_in = known_and_folded_in(one, user)
        np.testing.assert_allclose(known, folded_in, atol=1e-4)
        assert np.array_equal(top(known, 10), top(folded_in, 10))


def test_with_a_half_life_the_users_minimize_the_weighted_objective() -> None:
    table = simulated(60, 40, 900)
    one = MatrixFactorization(factors=8, half_life=300).fit(table, n_threads=1)
    weight = recency_weights(table, 300, "mf")
    assert weight is not None
    regularization, shrinkage, bias_shrinkage = one.penalty_.tolist()
    for user in range(0, 60, 7):
        rows = np.flatnonzero(table.user_index == user)
        root, item = np.sqrt(weight[rows]), table.item_index[rows]
        residual = table.value[rows] - float(one.global_mean_) - one.item_bias_[item]
        slopes = np.column_stack([np.ones(len(rows)), one.item_factors_[item]]) * root[:, None]
        pull = (regularization * root @ root + shrinkage) * float(one.deviation_)
        form = slopes.T @ slopes + np.diag([bias_shrinkage] + [pull] * 8)
        expected = np.linalg.solve(form, slopes.T @ (root * residual))
        found = np.append(one.user_bias_[user], one.user_factors_[user])
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_order_of_the_rows_changes_no_bit() -> None:
    table = simulated()
    order = np.random.default_rng(5).permutation(len(table))
    found = [
        state_of(MatrixFactorization(factors=8, half_life=half_life).fit(rows, n_threads=1))
        for half_life in (0, 100)
        for rows in (table, table.subset(order))
    ]
    for one, other in (found[:2], found[2:]):
        for name, array in one.items():
            assert np.array_equal(array, other[name], equal_nan=True), name


# -- early stopping and history ----------------------------------------------------------------------------------

OVERFITTING = {
    "factors": 8,
    "epochs": 60,
    "learning_rate": 0.1,
    "regularization": 0.0,
    "factor_shrinkage": 0.0,
}


def test_patience_stops_early_and_restores_the_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave_alone(table: TrainingTable, weights: DescentWeights, *rest: object) -> DescentWeights:
        del table, rest
        return weights

    monkeypatch.setattr(matrix_factorization, "solve_users", leave_alone)
    part = random_split(simulated(), 0.2)
    one = MatrixFactorization.from_settings({**OVERFITTING, "patience": 3})
    one.fit(part.train, valid=part.test, n_threads=1)
    valid = one.curve_.rows[:, 2]
    assert one.curve_.rows.shape == (valid.argmin() + 1 + 3, 3)
    assert len(valid) < 60
    assert valid[-1] > valid.min()
    assert rmse(part.test.value, one.predict_ratings(part.test)) == pytest.approx(
        valid.min(), abs=1e-6
    )


def test_without_patience_the_valid_part_is_only_watched() -> None:
    part = random_split(simulated(), 0.2)
    watched = MatrixFactorization(adapt=False).fit(part.train, valid=part.test, n_threads=1)
    alone = MatrixFactorization(adapt=False).fit(part.train, n_threads=1)
    assert np.array_equal(watched.predict_ratings(part.test), alone.predict_ratings(part.test))
    assert watched.curve_.rows.shape == alone.curve_.rows.shape == (20, 3)
    assert np.isnan(alone.curve_.rows[:, 2]).all()
    assert np.array_equal(watched.curve_.rows[:, :2], alone.curve_.rows[:, :2])
    error = rmse(part.test.value, watched.predict_ratings(part.test))
    assert error < watched.curve_.rows[-1, 2] + 0.01  # the users' side is solved after the epochs


def test_patience_without_a_valid_part_watches_a_twentieth_of_the_ratings() -> None:
    table = simulated()
    one = MatrixFactorization.from_settings({**OVERFITTING, "patience": 3}).fit(table, n_threads=1)
    assert len(one.curve_.rows) < 60
    assert np.isfinite(one.curve_.rows[:, 2]).all()
    assert len(one.history_.item_index) == len(table)  # who has seen what is known from all of them


def test_the_rate_falls_in_a_straight_line() -> None:
    one = MatrixFactorization(epochs=5, learning_rate=0.04, final_rate=0.5).fit(
        simulated(), n_threads=1
    )
    np.testing.assert_allclose(one.curve_.rows[:, 0], [0.04, 0.035, 0.03, 0.025, 0.02])
    assert np.all(np.diff(one.curve_.rows[:, 1]) < 0)


def test_progress_is_reported_after_each_epoch() -> None:
    steps: list[Step] = []
    one = MatrixFactorization(epochs=3).fit(simulated(), n_threads=1, progress=steps.append)
    assert steps == [
        Step(epoch + 1, 3, f"RMSE {one.curve_.rows[epoch, 1]:.4f}") for epoch in range(3)
    ]
    steps.clear()
    one.fit(simulated(), valid=simulated(seed=1), n_threads=1, progress=steps.append)
    assert [step.validation for step in steps] == one.curve_.rows[:, 2].tolist()


# -- threads -----------------------------------------------------------------------------------------------------


def test_a_table_of_many_blocks_gives_the_same_bits_with_any_number_of_threads() -> None:
    table = simulated(2_000, 800, 280_000)  # enough for 4 x 4 blocks
    fits = [
        MatrixFactorization(factors=8, epochs=4).fit(table, n_threads=threads)
        for threads in (1, 2, 3, 9)
    ]
    for other in fits[1:]:
        found = state_of(other)
        for name, array in state_of(fits[0]).items():
            assert np.array_equal(array, found[name], equal_nan=True), name


# -- against the baseline ----------------------------------------------------------------------------------------

SIGNALS = {"none": 0.0, "weak": 0.3, "strong": 0.7}
SHAPES = {
    "20 items": (500, 20, 5_000),
    "2000 items": (500, 2_000, 40_000),
    "very sparse": (1_000, 1_000, 3_000),
    "sparser still": (1_500, 1_500, 1_500),
    "very dense": (200, 100, 19_000),
    "tiny": (20, 20, 200),
}
KINDS = ["-10 to 10", "1 to 100", "0 or 1", "constant users", "one item dominates"]


def with_values(table: Ratings, value: NDArray[np.floating]) -> Ratings:
    return Ratings.from_ids(
        table.users.ids[table.user_index], table.items.ids[table.item_index], value
    )


def loved(n: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).choice(np.array([3, 4, 5], np.float32), n)


def variant(kind: str, table: Ratings) -> Ratings:
    """The table on another scale, or with odd users or items."""
    unit = (table.value - 1) / 4
    if kind == "-10 to 10":
        return with_values(table, np.round(unit * 20 - 10))
    if kind == "1 to 100":
        return with_values(table, np.round(unit * 99 + 1))
    if kind == "0 or 1":
        return with_values(table, np.floor(table.value / 3.5))
    if kind == "constant users":
        return with_values(table, np.where(table.user_index % 10 == 0, 3, table.value))
    if kind == "one item dominates":
        users = np.concatenate([table.users.ids[table.user_index], table.users.ids])
        items = np.concatenate(
            [table.items.ids[table.item_index], np.zeros(table.n_users, np.int64)]
        )
        return Ratings.from_ids(users, items, np.concatenate([table.value, loved(table.n_users)]))
    raise AssertionError(kind)


def tables(case: str, signal: str) -> Iterator[Ratings]:
    """One table; of tiny ones, several."""
    for seed in range(4 if case == "tiny" else 1):
        if case in SHAPES:
            yield simulated(*SHAPES[case], signal=SIGNALS[signal], seed=seed)
        else:
            shape = (1_000, 300, 1_500) if case == "one item dominates" else (300, 120, 9_000)
            yield variant(case, simulated(*shape, signal=SIGNALS[signal], seed=seed))


@pytest.mark.parametrize(
    ("case", "signal"),
    [*product(SHAPES, SIGNALS), *product(KINDS, ("none", "strong"))],
)
def test_it_never_loses_to_the_baseline_beyond_noise(case: str, signal: str) -> None:
    """Noise: two standard errors of the paired difference of squared errors, and 0.1% of the RMSE."""
    ours: list[NDArray[np.float64]] = []
    theirs: list[NDArray[np.float64]] = []
    for table in tables(case, signal):
        part = random_split(table, 0.2)
        for model, squares in ((MatrixFactorization(), ours), (Baseline(), theirs)):
            stars = model.fit(part.train, n_threads=1).predict_ratings(part.test)
            squares.append((stars.astype(np.float64) - part.test.value) ** 2)
    mine, bar = np.concatenate(ours), np.concatenate(theirs)
    noise = 2 * (mine - bar).std() / np.sqrt(len(bar)) + bar.mean() * (1.001**2 - 1)
    change = np.sqrt(mine.mean() / bar.mean()) - 1
    assert mine.mean() - bar.mean() <= noise, f"RMSE {100 * change:+.2f}%"


@pytest.mark.parametrize(
    ("case", "gain"),
    [("20 items", 0.08), ("very dense", 0.3), ("2000 items", 0.005), ("-10 to 10", 0.1)],
)
def test_it_learns_strong_tastes(case: str, gain: float) -> None:
    part = random_split(next(tables(case, "strong")), 0.2)
    one, bar = (
        rmse(part.test.value, model.fit(part.train, n_threads=1).predict_ratings(part.test))
        for model in (MatrixFactorization(), Baseline())
    )
    assert one < (1 - gain) * bar


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "shape", [(200, 100, 4_000), (300, 300, 6_000), (1_000, 300, 9_000)], ids=str
)
def test_on_small_tables_it_finds_what_item_knn_finds(
    shape: tuple[int, int, int], seed: int
) -> None:
    part = random_split(simulated(*shape, seed=seed), 0.2)
    one, neighbors = (
        rmse(part.test.value, model.fit(part.train, n_threads=1).predict_ratings(part.test))
        for model in (MatrixFactorization(), ItemKNN())
    )
    assert one < neighbors + 0.002


def test_settings_that_must_not_adapt_are_those_of_the_training() -> None:
    table = simulated(300, 300, 6_000)
    fixed, free = (MatrixFactorization(adapt=adapt) for adapt in (False, True))
    assert fixed.fit(table, n_threads=1).penalty_.tolist() == [0.04, 2.0, 5.0]
    assert free.fit(table, n_threads=1).penalty_.tolist() != [0.04, 2.0, 5.0]


def test_few_factors_find_strong_tastes_in_a_sparse_table() -> None:
    part = random_split(simulated(600, 200, 7_000, signal=1.0, seed=2), 0.2)
    one = MatrixFactorization().fit(part.train, n_threads=1)
    squares = np.mean(np.square(one.item_factors_), axis=0)
    assert 0 < np.count_nonzero(squares > 1e-3 * squares.max()) <= 8
    assert rmse(part.test.value, one.predict_ratings(part.test)) < 0.84


def strong_tastes(n_users: int, n_items: int, n: int, n_factors: int) -> Ratings:
    """Ratings whose tastes have a deviation of 1.2 times that of the noise."""
    rng = np.random.default_rng(8)
    pairs = rng.choice(n_users * n_items, n, replace=False)
    user, item = pairs // n_items, pairs % n_items
    tastes = [rng.standard_normal((size, n_factors)) for size in (n_users, n_items)]
    taste = (tastes[0][user] * tastes[1][item]).sum(axis=1) / np.sqrt(n_factors)
    stars = np.clip(np.round(3.5 + 0.85 * (1.2 * taste + rng.standard_normal(n))), 1, 5)
    return Ratings.from_ids(user + 1, item + 1, stars)


@pytest.mark.parametrize("n", [24_000, 8_000], ids=["dense", "sparse"])
def test_strong_tastes_get_as_many_factors_as_there_are(n: int) -> None:
    part = random_split(strong_tastes(400, 200, n, 3), 0.2)
    errors = []
    for one in (MatrixFactorization(), MatrixFactorization(adapt=False)):
        stars = one.fit(part.train, n_threads=1).predict_ratings(part.test)
        errors.append(rmse(part.test.value, stars))
        sizes = np.square(one.item_factors_).mean(axis=0)
        if one.adapt:
            assert np.count_nonzero(sizes > 0.05 * sizes.max()) == 3
    assert errors[0] < errors[1] - 0.01


def test_biases_are_shrunk_as_held_out_ratings_say() -> None:
    """People with few ratings each, who hardly differ, are better off with more shrinkage."""
    rng = np.random.default_rng(0)
    pairs = rng.choice(2000 * 100, 8000, replace=False)
    user, item = pairs // 100, pairs % 100
    bias = rng.normal(0, 0.15, 2000)[user] + rng.normal(0, 0.4, 100)[item]
    stars = np.clip(np.round(2 * (3.2 + bias + rng.normal(0, 0.9, 8000))) / 2, 1, 5)
    part = random_split(Ratings.from_ids(user + 1, item + 1, stars), 0.2)
    errors = [
        rmse(part.test.value, one.fit(part.train, n_threads=1).predict_ratings(part.test))
        for one in (MatrixFactorization(), MatrixFactorization(adapt=False))
    ]
    assert errors[0] < errors[1] - 0.005


# -- real ratings ------------------------------------------------------------------------------------------------


def error_on(part: Split) -> float:
    one = MatrixFactorization().fit(part.train, n_threads=1)
    return rmse(part.test.value, one.predict_ratings(part.test))


def test_movielens_100k_is_predicted_as_published() -> None:
    folder = real_data("ml-100k")
    folds = [
        given_parts(*(read(folder / f"u{fold}.{part}").ratings for part in ("base", "test")))
        for fold in range(1, 6)
    ]
    errors = [error_on(part) for part in folds]
    assert errors[0] <= 0.920
    assert np.mean(errors) <= 0.910


def test_movielens_1m_is_predicted_as_published() -> None:
    folder = real_data("ml-1m")
    rows = np.load(folder / "splits" / "random-10pct-seed1234-test-rows.npy")
    assert error_on(given_rows(read(folder).ratings, rows)) <= 0.840
