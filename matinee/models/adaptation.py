"""What a small or sparse table needs instead of the settings of `mf`: tried on held-out ratings.

The default number of epochs and penalties suit tables on which users and items have dozens of
ratings. With fewer, many factors need more steps to grow, and stronger penalties lest they learn
noise; a few are often better (`coordinate_descent.py`). Where tastes are strong, penalties that
follow from the ratings are often better. Held-out ratings decide, first on the shrinkage of the
biases, toward zero or toward what the popularity of an item predicts. Then several plans are
trained on a part of the ratings, and the users' side of each is solved for several strengths of its
factors. A plan is taken if it is better than no factors at all by more than its standard error. On
a large table, the ratings of random users are enough for all this.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.models.coordinate_descent import FIRST_PRIORS, descent_of
from matinee.models.descent import DescentWeights, FactorPlan, TrainingTable, solve_users
from matinee.models.item_priors import biases_of, without_prior
from matinee.threads import Run, workers

VARIANTS = ((3, 1, 2.5, 1), (1, 1, 1, 1), (3, 2, 2.5, 2), (3, 2, 2.5, 1))
"""What a plan multiplies epochs, learning rate, regularization and factor shrinkage by; the most
useful first."""
FEW_FACTORS = ((2, 1.0), (4, 1.0), (4, 2.0), (8, 1.0), (8, 2.0))
"""Plans with few factors: how many, and what the factor shrinkage is multiplied by."""
FEW_EPOCHS, FEW_DEVIATION = 30, 0.1
LEARNED_PRIORS, MOST_PRIORS = ((8, 5), (8, 30), (16, 30)), 1_500_000
"""Plans that learn the penalty of each factor: how many factors, and for how many epochs the
penalties are learned, after `FIRST_PRIORS` without; and the most ratings of a table on which they
are tried. On some sparse tables, the penalties of all factors grow without end."""
USER_SHRINKAGES = ITEM_SHRINKAGES = (2.0, 4.0)
"""What the shrinkage of the biases of users and items may be multiplied by."""
CLEAR_SHARE = 0.001
"""The share of the squared error that popularity must remove. Where it removes less, factors do
better alone."""
AT_LEAST, MOST_VISITS = 2, 100_000_000
"""On large tables, plans after the first two are tried up to this number of ratings visited."""
MOST_TRIED, MOST_USERS = 4_000_000, 300_000
"""The most ratings to try plans on, and the most users: their factors take memory, for each plan
and strength. The short chains of `bayes` have the same limits."""
STRENGTHS = (1.0, 0.7, 0.45, 0.25)
N_PARTS, ENOUGH_HELD_OUT = 5, 5_000
"""A fifth of the ratings is held out, and then the next, until so many have been: with fewer, the
choice would be chance."""


def adapted(base: FactorPlan, table: TrainingTable, seed: int, run: Run) -> FactorPlan:
    """The plan that predicts held-out ratings best; without factors if none predict them
    better."""
    n_ratings = len(table)
    table = table.sample_of_users(MOST_TRIED, MOST_USERS, seed)
    n = len(table)
    part = np.random.default_rng([seed, 1]).permutation(n) % N_PARTS
    n_parts = int(np.clip(np.ceil(ENOUGH_HELD_OUT * N_PARTS / n), 1, N_PARTS))
    splits = [(table.part(part != number), table.part(part == number)) for number in range(n_parts)]
    base, nothing = _with_shrinkages(base, splits)
    trials = [_without_prior_of_train(base, *split) for split in splits]
    plans = [variant(base, *factors) for factors in VARIANTS]
    visits = np.cumsum([n * plan.epochs for plan in plans])
    plans = plans[: max(AT_LEAST, int(np.searchsorted(visits, MOST_VISITS)))]
    plans += _few_factors(base)
    if n_ratings <= MOST_PRIORS:
        plans += _learned_priors(base)
    errors: list[list[list[Doubles]]] = [
        [[np.empty(0)] * len(STRENGTHS) for _ in plans] for _ in range(n_parts)
    ]

    def try_plan(number: int, place: int) -> None:
        errors[number][place] = _errors_of(plans[place], *trials[number], seed)

    run(try_plan, list(product(range(n_parts), range(len(plans)))))
    best, best_bound = base._replace(factors=0), 0.0
    for place, plan in enumerate(plans):
        for rank, strength in enumerate(STRENGTHS):
            each = np.concatenate([errors[number][place][rank] for number in range(n_parts)])
            gain = nothing - each
            bound = float(gain.mean() - gain.std() / np.sqrt(len(gain)))
            if bound > best_bound:
                best, best_bound = plan._replace(strength=strength), bound
    return best


def _with_shrinkages(
    base: FactorPlan, splits: list[tuple[TrainingTable, TrainingTable]]
) -> tuple[FactorPlan, Doubles]:
    """The plan with the shrinkages of biases that predict held-out ratings best without factors,
    first that of users, then that of items, then toward their popularity; and the squared errors
    of all these ratings."""

    def errors(plan: FactorPlan) -> Doubles:
        return np.concatenate([_errors_without(plan, *split) for split in splits])

    best, least = base, errors(base)
    for multiple in USER_SHRINKAGES:
        plan = base._replace(bias_shrinkage=multiple * base.bias_shrinkage)
        found = errors(plan)
        if found.mean() < least.mean():
            best, least = plan, found
    for multiple in ITEM_SHRINKAGES:
        plan = best._replace(item_bias_shrinkage=multiple * base.item_bias_shrinkage)
        found = errors(plan)
        if found.mean() < least.mean():
            best, least = plan, found
    plan = best._replace(follows_popularity=True)
    found = errors(plan)
    gain = least - found
    if gain.mean() > max(gain.std() / np.sqrt(len(gain)), CLEAR_SHARE * least.mean()):
        best, least = plan, found
    return best, least


def _few_factors(base: FactorPlan) -> list[FactorPlan]:
    """The plans with few factors."""
    few = _by_coordinates(base, FEW_EPOCHS)
    return [
        few._replace(factors=factors, factor_shrinkage=multiple * base.factor_shrinkage)
        for factors, multiple in FEW_FACTORS
        if factors <= base.factors
    ]


def _learned_priors(base: FactorPlan) -> list[FactorPlan]:
    """The plans that learn the penalty of each factor, for strong tastes."""
    return [
        _by_coordinates(base, FIRST_PRIORS + epochs)._replace(factors=factors, learns_priors=True)
        for factors, epochs in LEARNED_PRIORS
        if factors <= base.factors
    ]


def _by_coordinates(base: FactorPlan, epochs: int) -> FactorPlan:
    """The same plan with coordinate descent."""
    return base._replace(
        epochs=epochs, regularization=0.0, start_deviation=FEW_DEVIATION, by_coordinates=True
    )


def variant(
    base: FactorPlan, epochs: float, learning_rate: float, regularization: float, shrinkage: float
) -> FactorPlan:
    """A plan whose settings are these multiples of another's."""
    return base._replace(
        epochs=round(epochs * base.epochs),
        learning_rate=learning_rate * base.learning_rate,
        regularization=regularization * base.regularization,
        factor_shrinkage=shrinkage * base.factor_shrinkage,
    )


def _without_prior_of_train(
    plan: FactorPlan, train: TrainingTable, test: TrainingTable
) -> tuple[TrainingTable, TrainingTable]:
    """Both tables less the prior of the items that the first one gives."""
    train, _, prior = without_prior(train, plan)
    return train, test.minus(prior)


def _errors_of(
    plan: FactorPlan, train: TrainingTable, test: TrainingTable, seed: int
) -> list[Doubles]:
    """The squared errors of held-out ratings, (n,), for each strength.

    Args:
        train, test: less the prior of the items.
    """
    plan, rng = plan._replace(follows_popularity=False), np.random.default_rng(seed)
    weights = DescentWeights.start(train, plan, rng)
    with workers(1) as run:
        descent = descent_of(plan, train, weights, rng, run, 1)
        for rate in plan.rates():
            descent.epoch(rate)
        plan = descent.settled(plan, weights)
        found = []
        for strength in STRENGTHS:
            solved = solve_users(train, weights, plan._replace(strength=strength), run, 1)
            found.append(
                _squares(test, solved.predictions(test.ratings.user_index, test.ratings.item_index))
            )
    return found


def _errors_without(plan: FactorPlan, train: TrainingTable, test: TrainingTable) -> Doubles:
    """The squared errors of the biases alone, (n,)."""
    user_bias, item_bias = biases_of(train, plan)
    return _squares(test, user_bias[test.ratings.user_index] + item_bias[test.ratings.item_index])


def _squares(test: TrainingTable, predicted: NDArray[np.floating]) -> Doubles:
    squares: Doubles = (test.ratings.value.astype(np.float64) - predicted) ** 2
    if test.importance is not None:
        squares *= test.importance
    return squares
