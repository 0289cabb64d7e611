"""Slow, obvious twins of the kernels and solvers, in plain Python and float64: what the fast ones must agree with."""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels.knn import Measure, Rule

Floats = NDArray[Any]
GOLDEN = 0x9E3779B97F4A7C15
WORD = 2**64 - 1

Row = tuple[int, int, float]
"""A rating: user, item, value."""
Values = dict[int, float]
"""The ratings of one row, by group."""


class SplitMix64:
    """Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014."""

    def __init__(self, state: int) -> None:
        self.state = state & WORD

    def next(self) -> int:
        """The next number, 0 to 2**64 - 1."""
        self.state = (self.state + GOLDEN) & WORD
        mixed = ((self.state ^ (self.state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & WORD
        return mixed ^ (mixed >> 31)


def arrange(
    rows: list[Row], user_group: list[int], item_group: list[int], n_groups: int
) -> list[list[Row]]:
    """The rows of each of the G * G blocks, in their old order."""
    blocks: list[list[Row]] = [[] for _ in range(n_groups * n_groups)]
    for user, item, value in rows:
        blocks[user_group[user] * n_groups + item_group[item]].append((user, item, value))
    return blocks


def shuffle(rows: list[Row], block: int, seed: int) -> list[Row]:
    """One block's rows in the order that Fisher and Yates give them with the block's own random numbers."""
    rows = list(rows)
    random = SplitMix64(seed * GOLDEN + ((block + 1) << 32))
    for last in range(len(rows) - 1, 0, -1):
        other = random.next() % (last + 1)
        rows[last], rows[other] = rows[other], rows[last]
    return rows


class Weights(NamedTuple):
    """What a sweep changes, float64: factors (U, F) and (I, F); a side row is bias, factor decay, bias decay."""

    user_factors: Floats
    item_factors: Floats
    user_side: Floats
    item_side: Floats


def sweep(rows: list[Row], weights: Weights, learning_rate: float) -> float:
    """One gradient step for each row, in order, changing the weights; returns the sum of the squared errors."""
    loss = 0.0
    for user, item, value in rows:
        p, q = weights.user_factors[user].copy(), weights.item_factors[item].copy()
        bias_u, decay_p, decay_bias_u = weights.user_side[user]
        bias_i, decay_q, decay_bias_i = weights.item_side[item]
        error = value - (bias_u + bias_i + p @ q)
        loss += error**2
        weights.user_factors[user] = p + learning_rate * (error * q - decay_p * p)
        weights.item_factors[item] = q + learning_rate * (error * p - decay_q * q)
        weights.user_side[user, 0] = bias_u + learning_rate * (error - decay_bias_u * bias_u)
        weights.item_side[item, 0] = bias_i + learning_rate * (error - decay_bias_i * bias_i)
    return loss


def ridge(inputs: Floats, target: Floats, penalty: Floats) -> Floats:
    """The x that minimises |target - inputs x|^2 + sum penalty x^2: least squares with a row for each penalty."""
    rows = np.vstack([inputs.astype(np.float64), np.diag(np.sqrt(penalty))])
    return np.asarray(
        np.linalg.lstsq(rows, np.append(target.astype(np.float64), 0 * penalty), rcond=None)[0]
    )


def fold_in(
    item_factors: Floats, residuals: Floats, factor_ridge: float, bias_ridge: float
) -> Floats:
    """Bias and factors of a new person, (1 + F,)."""
    n, n_factors = item_factors.shape
    penalty = np.array([bias_ridge] + [factor_ridge] * n_factors)
    return ridge(np.column_stack([np.ones(n), item_factors]), residuals, penalty)


def biases(
    user: NDArray[Any],
    item: NDArray[Any],
    residual: Floats,
    shape: tuple[int, int],
    shrinkage: tuple[float, float],
) -> tuple[Floats, Floats]:
    """The user and item biases, (U,) and (I,), of the ridge regression on one dummy variable for each."""
    n_users, n_items = shape
    inputs = np.zeros((len(residual), n_users + n_items))
    inputs[np.arange(len(residual)), user] = 1
    inputs[np.arange(len(residual)), n_users + item] = 1
    solution = ridge(inputs, residual, np.repeat(shrinkage, shape))
    return solution[:n_users], solution[n_users:]


class Side(NamedTuple):
    """One side of a factor model: biases (U,) and factors (U, F)."""

    bias: Floats
    factors: Floats


class Penalties(NamedTuple):
    """The pulls towards zero of `MatrixFactorization`, with the same meaning."""

    regularization: float
    factor_shrinkage: float
    bias_shrinkage: float


def objective(rows: list[Row], users: Side, items: Side, penalties: Penalties) -> float:
    """The sum that matrix factorization minimises, as its module says it, one rating at a time."""
    total = 0.0
    for user, item, value in rows:
        predicted = users.bias[user] + items.bias[item] + users.factors[user] @ items.factors[item]
        total += (value - predicted) ** 2
        total += penalties.regularization * float(
            np.sum(users.factors[user] ** 2) + np.sum(items.factors[item] ** 2)
        )
    for side in (users, items):
        total += penalties.factor_shrinkage * float(np.sum(side.factors**2))
        total += penalties.bias_shrinkage * float(np.sum(side.bias**2))
    return total


def alternating(
    rows: list[Row], shape: tuple[int, int], n_factors: int, penalties: Penalties
) -> tuple[Side, Side]:
    """Users and items that minimise `objective`, by exact ridge regressions for one side and the other in turn."""
    rng = np.random.default_rng(0)
    sides = [Side(np.zeros(size), rng.normal(0, 0.3, (size, n_factors))) for size in shape]
    pairs, values = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
    for step in range(150):
        mine, other = (step + 1) % 2, step % 2  # items first
        for one in np.unique(pairs[:, mine]):
            own = pairs[:, mine] == one
            partners = pairs[own, other]
            inputs = np.column_stack([np.ones(own.sum()), sides[other].factors[partners]])
            left = values[own] - sides[other].bias[partners]
            pull = penalties.regularization * own.sum() + penalties.factor_shrinkage
            solution = ridge(
                inputs, left, np.array([penalties.bias_shrinkage] + [pull] * n_factors)
            )
            sides[mine].bias[one], sides[mine].factors[one] = solution[0], solution[1:]
    return sides[0], sides[1]


# -- neighbors ---------------------------------------------------------------------------------------------------


def similarity_twin(x: Values, y: Values, measure: Measure) -> float:
    """How alike two rows are, by the definitions."""
    both = sorted(x.keys() & y.keys())
    n = len(both)
    if n < max(1, measure.min_overlap):
        return 0.0
    if not measure.co_rated:
        length = sqrt(sum(value**2 for value in x.values())) * sqrt(
            sum(value**2 for value in y.values())
        )
        return sum(x[group] * y[group] for group in both) / (length + measure.shrinkage or 1)
    a, b = np.array([x[group] for group in both]), np.array([y[group] for group in both])
    if measure.centered:
        a, b = a - a.mean(), b - b.mean()
    length = sqrt(a @ a) * sqrt(b @ b)
    trust = (n - 1) / (n - 1 + measure.shrinkage) if measure.shrinkage else 1.0
    return trust * float(a @ b) / length if length > 1e-6 else 0.0


def weighted_twin(found: list[tuple[float, int, float]], rule: Rule) -> float:
    """The mean or the sum over the k nearest of (similarity, row, value)."""
    near = sorted((-like, row, value) for like, row, value in found if like > 0)[: rule.k]
    weights: list[float] = [(-like) ** rule.amplification for like, _, _ in near]
    total = sum(weight * value for weight, (_, _, value) in zip(weights, near, strict=True))
    return total / ((sum(weights) + rule.damping) or 1) if rule.is_mean else total


# -- simulated ratings -------------------------------------------------------------------------------------------


def chance_of_choice(weight: Floats, n_chosen: int) -> Floats:
    """How probable it is that each item is among the first few that are drawn by weight, none twice: by all sets."""
    n = len(weight)
    reached = {0: 1.0}  # sets of items as bits, with the probability that they are the first ones
    for _ in range(n_chosen):
        following: dict[int, float] = {}
        for chosen, chance in reached.items():
            left = [item for item in range(n) if not chosen >> item & 1]
            total = sum(float(weight[item]) for item in left)
            for item in left:
                more = chosen | 1 << item
                following[more] = following.get(more, 0) + chance * float(weight[item]) / total
        reached = following
    return np.array(
        [sum(chance for chosen, chance in reached.items() if chosen >> i & 1) for i in range(n)]
    )
