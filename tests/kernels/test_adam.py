"""The fused Adam kernel against autograd with PyTorch's own optimisers."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from matinee.kernels.adam import Adam, Shape, Table, adam_epoch

N_USERS, N_ITEMS, N_FACTORS, BATCH = 15, 10, 4, 16
SQUARE_MOMENTUM = 0.99

Columns = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


class Case(NamedTuple):
    """What is trained, and how."""

    biases: bool = True
    bounds: tuple[float, float] = (0.0, 5.5)
    decay: float = 0.0
    decoupled: bool = False
    lazy: bool = False


CASES = [
    Case(),
    Case(biases=False),
    Case(bounds=(0.0, 0.0)),
    Case(biases=False, bounds=(0.0, 0.0)),
    Case(decay=0.3),
    Case(decay=0.3, decoupled=True),
    Case(biases=False, bounds=(-1.0, 7.0), decay=0.1, decoupled=True),
    Case(biases=False, bounds=(0.0, 0.0), decay=0.1),
]
LAZY_CASES = [
    Case(lazy=True),
    Case(lazy=True, biases=False, bounds=(0.0, 0.0)),
    Case(lazy=True, decay=0.5, decoupled=True),
]


def columns(n: int = 3 * BATCH, n_users: int = N_USERS) -> Columns:
    """Ratings by the first users, some of them twice in a batch."""
    rng = np.random.default_rng(1)
    users, items = (
        rng.integers(n_users, size=n, dtype=np.int32),
        rng.integers(N_ITEMS, size=n, dtype=np.int32),
    )
    return users, items, rng.integers(1, 6, n).astype(np.float32)


def new_table(case: Case) -> Table:
    rng = np.random.default_rng(2)
    weights = rng.normal(0, 0.5, (N_USERS + N_ITEMS, N_FACTORS + case.biases)).astype(np.float32)
    gradients, means, squares = np.zeros((3, *weights.shape), np.float32)
    rows = len(weights)
    return Table(weights, gradients, means, squares, np.zeros(rows), np.zeros(rows, np.int64))


def steps(n_steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A learning rate and a momentum that change from step to step."""
    return np.linspace(0.02, 0.05, n_steps), np.linspace(0.95, 0.85, n_steps)


def fused(case: Case, ratings: Columns, n_epochs: int = 1) -> tuple[Table, NDArray[np.float64]]:
    """The kernel, epoch after epoch, and all its losses."""
    table, n = new_table(case), -(-len(ratings[0]) // BATCH)
    rates, momenta = steps(n * n_epochs)
    adam = Adam(SQUARE_MOMENTUM, 1e-8, case.decay, case.decoupled, case.lazy)
    losses = [
        adam_epoch(
            ratings,
            BATCH,
            (rates[before : before + n], momenta[before : before + n], before),
            Shape(N_USERS, N_FACTORS, *case.bounds),
            adam,
            table,
        )
        for before in range(0, n * n_epochs, n)
    ]
    return table, np.concatenate(losses)


def stars(case: Case, table: Any, users: Any, items: Any) -> Any:
    p, q = (
        torch.nn.functional.embedding(rows, table, sparse=case.lazy)
        for rows in (users, items + N_USERS)
    )
    raw = (p[:, :N_FACTORS] * q[:, :N_FACTORS]).sum(1) + (p + q)[:, N_FACTORS:].sum(1)
    low, high = case.bounds
    return low + (high - low) * torch.sigmoid(raw) if high > low else raw


def optimizer_of(case: Case, table: Any) -> Any:
    settings: dict[str, Any] = {"betas": (0.9, SQUARE_MOMENTUM), "eps": 1e-8}
    if case.lazy:
        return torch.optim.SparseAdam([table], **settings)
    kind = torch.optim.AdamW if case.decoupled else torch.optim.Adam
    return kind([table], weight_decay=case.decay, **settings)


def twin(
    case: Case, ratings: Columns, n_epochs: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same in float64 by autograd; the decay of the lazy form falls on every row at every step."""
    table = torch.tensor(new_table(case).weights, dtype=torch.float64, requires_grad=True)
    optimizer, losses = optimizer_of(case, table), []
    users, items, values = (torch.from_numpy(column) for column in ratings)
    starts = [*range(0, len(users), BATCH)] * n_epochs
    for start, rate, momentum in zip(starts, *steps(len(starts)), strict=True):
        part = slice(start, start + BATCH)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.param_groups[0]["betas"] = (momentum, SQUARE_MOMENTUM)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(
            stars(case, table, users[part], items[part]), values[part].double()
        )
        loss.backward()
        if case.lazy:
            table.data *= 1 - rate * case.decay
        optimizer.step()
        losses.append(loss.item())
    return table.detach().numpy(), np.array(losses)


def assert_agree(case: Case, ratings: Columns, n_epochs: int = 1) -> None:
    (table, losses), (weights, expected) = (
        fused(case, ratings, n_epochs),
        twin(case, ratings, n_epochs),
    )
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(table.weights, weights, rtol=1e-3, atol=1e-4)


every_case = pytest.mark.parametrize("case", [*CASES, *LAZY_CASES], ids=str)
every_lazy_case = pytest.mark.parametrize("case", LAZY_CASES, ids=str)


@every_case
def test_one_batch_is_a_step_of_the_optimiser(case: Case) -> None:
    assert_agree(case, columns(BATCH))


@every_case
def test_many_batches_over_several_epochs_are_as_many_steps_of_the_optimiser(case: Case) -> None:
    assert_agree(case, columns(), n_epochs=4)


@every_case
def test_the_last_batch_may_be_smaller(case: Case) -> None:
    assert_agree(case, columns(2 * BATCH + 3), n_epochs=2)


@every_case
def test_gradients_are_zero_between_two_batches(case: Case) -> None:
    assert not fused(case, columns())[0].gradients.any()


def test_the_step_count_goes_on_from_epoch_to_epoch() -> None:
    case, ratings = Case(), columns()
    twice = tuple(np.concatenate([column, column]) for column in ratings)
    one, two = fused(case, (twice[0], twice[1], twice[2])), fused(case, ratings, n_epochs=2)
    assert np.array_equal(one[0].weights, two[0].weights)
    assert np.array_equal(one[1], two[1])


# -- the lazy form -----------------------------------------------------------------------------------------------


@every_lazy_case
def test_only_rows_of_the_batches_are_updated(case: Case) -> None:
    ratings = columns(2 * BATCH, n_users=6)
    table, _ = fused(case, ratings)
    expected = np.zeros(N_USERS + N_ITEMS, bool)
    expected[ratings[0]] = expected[ratings[1] + N_USERS] = True
    assert np.array_equal((table.means != 0).any(axis=1), expected)
    assert np.array_equal((table.squares != 0).any(axis=1), expected)
    assert np.array_equal(table.touched > 0, expected)
    assert 0 < expected.sum() < len(expected)


def test_a_row_is_updated_once_for_each_batch_that_has_it() -> None:
    """Seen by its mean: a row that a batch leaves out keeps it, which the dense form would shrink."""
    case, ratings = Case(lazy=True), columns(2 * BATCH)
    after_one, after_two = (fused(case, tuple(c[: n * BATCH] for c in ratings))[0] for n in (1, 2))  # type: ignore[arg-type]
    in_second = np.zeros(N_USERS + N_ITEMS, bool)
    in_second[ratings[0][BATCH:]] = in_second[ratings[1][BATCH:] + N_USERS] = True
    changed = (after_one.means != after_two.means).any(axis=1)
    # The first step's rate and momentum are the same in both, though the rest of the schedule is not.
    assert np.array_equal(changed, in_second)
    assert 0 < changed.sum() < len(changed)


def test_without_decay_an_untouched_row_keeps_its_bits() -> None:
    case = Case(lazy=True)
    table, _ = fused(case, columns(n_users=6), n_epochs=3)
    assert np.array_equal(table.weights[6:N_USERS], new_table(case).weights[6:N_USERS])


def test_a_row_never_touched_has_had_the_decay_of_every_step() -> None:
    case, n_epochs = Case(lazy=True, decay=0.5, decoupled=True), 3
    table, losses = fused(case, columns(n_users=6), n_epochs)
    kept = np.prod(1 - steps(len(losses))[0] * case.decay)
    np.testing.assert_allclose(
        table.weights[6:N_USERS], kept * new_table(case).weights[6:N_USERS], rtol=1e-5
    )


def test_a_coupled_decay_falls_only_on_the_rows_of_the_batch() -> None:
    case = Case(lazy=True, decay=0.5)
    table, _ = fused(case, columns(n_users=6))
    before = new_table(case).weights
    assert np.array_equal(table.weights[6:N_USERS], before[6:N_USERS])
    dense, _ = fused(case._replace(lazy=False), columns(BATCH))
    lazy, _ = fused(case, columns(BATCH))
    rows = np.unique(np.concatenate([columns(BATCH)[0], columns(BATCH)[1] + N_USERS]))
    np.testing.assert_allclose(lazy.weights[rows], dense.weights[rows], rtol=1e-6)
