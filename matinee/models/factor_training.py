"""The epochs of `mf`: one training with one plan, and its state in a checkpoint."""

from typing import NamedTuple

import numpy as np

from matinee._types import Doubles
from matinee.errors import DataError
from matinee.models.coordinate_descent import CoordinateDescent, descent_of
from matinee.models.descent import Descent, DescentWeights, FactorPlan, TrainingTable
from matinee.models.item_priors import without_prior
from matinee.threads import Run
from matinee.training.checkpoints import (
    State,
    check_finite,
    check_like,
    generator_state,
    number_of,
    prefixed,
    restore_generator,
    rows_of,
    with_prefix,
)

ENOUGH_STEPS = 0.15
"""The sum of the learning rates after which useful factors have grown, and can be tested.

In the default training it reaches 0.3 in the first half of the epochs."""
HELD_OUT, MOST_HELD_OUT = 0.05, 10_000
"""The part of the ratings that tests the factors, and the most ratings of it."""
MOST_EPOCHS = 30_000
"""Of a plan in a checkpoint."""


class FitTable(NamedTuple):
    """What does not change during one fit."""

    table: TrainingTable
    run: Run
    n_threads: int
    rng: np.random.Generator


class FactorTraining:
    """The state of a training with one plan.

    Attributes:
        losses: for each epoch the learning rate, and the RMSE on the training and the validation
            part, in stars.
    """

    def __init__(self, fit: FitTable, plan: FactorPlan, *, is_tested: bool) -> None:
        """Args:
        is_tested: whether a few ratings are held out to test the factors halfway.
        """
        self.plan, self.rng, self.is_tested = plan, fit.rng, is_tested
        self.began = generator_state(fit.rng)
        table, plan, self.prior = without_prior(fit.table, plan)
        self.weights = DescentWeights.start(table, plan, fit.rng)
        self.descent = descent_of(plan, table, self.weights, fit.rng, fit.run, fit.n_threads)
        self.rates, self.half = plan.rates(), plan.epochs // 2
        self.tested: Descent | None = None
        if is_tested and isinstance(self.descent, Descent):
            self.tested = self.descent
        self.holds_out = False
        if self.tested is not None:
            steps = sum(self.rates[: self.half]) * fit.table.mean_importance()
            self.holds_out = steps >= ENOUGH_STEPS
            if self.holds_out:
                self.tested.hold_out(min(HELD_OUT, MOST_HELD_OUT / len(fit.table)))
        self.losses: list[tuple[float, float, float]] = []
        self.best_rmse, self.best_epoch, self.best_weights = np.inf, 0, self.weights

    @property
    def n_epochs(self) -> int:
        """How many epochs are done."""
        return len(self.losses)

    def gain(self) -> float | None:
        """The gain of the factors, to be asked before the middle epoch; None if it is not
        measured."""
        if self.tested is None or self.n_epochs != self.half:
            return None
        return self.tested.gain_of_factors()

    def epoch(self) -> tuple[float, float]:
        """Takes one more pass over the ratings.

        Returns: the learning rate, and the RMSE in standard deviations.
        """
        rate = self.rates[self.n_epochs]
        return rate, self.descent.epoch(rate)

    def is_over(self, patience: int) -> bool:
        """Keeps the weights if they are the best so far; returns whether to stop early."""
        valid_rmse = self.losses[-1][2]
        if valid_rmse < self.best_rmse:
            self.best_rmse, self.best_epoch = valid_rmse, self.n_epochs - 1
            self.best_weights = self.weights.copy()
            return False
        return self.n_epochs - 1 - self.best_epoch >= patience

    def current(self) -> DescentWeights:
        """The weights for the ratings as they are, with the prior of the items."""
        return _with_prior(self.weights, self.prior)

    def result(self) -> tuple[DescentWeights, FactorPlan]:
        """The best weights in the same way, and the plan with the penalties that they were learned
        with. To be called once, at the end."""
        weights = _with_prior(self.best_weights, self.prior)
        return weights, self.descent.settled(self.plan, weights)

    # -- checkpoints ---------------------------------------------------------------------

    def state(self) -> State:
        """Everything that the next epoch depends on."""
        state = {
            "plan": np.array(self.plan, np.float64),
            "is_tested": np.array(float(self.is_tested)),
            "began": self.began,
            "rng": generator_state(self.rng),
            "losses": np.array(self.losses, np.float64).reshape(-1, 3),
            "best_rmse": np.array(self.best_rmse),
            "best_epoch": np.array(float(self.best_epoch)),
        }
        state |= prefixed(self.weights._asdict(), "weights.")
        if self.best_weights is not self.weights:
            state |= prefixed(self.best_weights._asdict(), "best.")
        if isinstance(self.descent, CoordinateDescent):
            state |= prefixed(_moments(self.descent), "moments.")
        return state

    def restore(self, state: State) -> None:
        """Goes back to a state.

        Raises:
            DataError, KeyError: it is not one of such a training.
        """
        weights = with_prefix(state, "weights.")
        check_like(weights, self.weights._asdict())
        losses = rows_of(state, "losses", 3)
        if not len(losses) <= self.plan.epochs:
            raise DataError(f"{len(losses)} epochs of {self.plan.epochs}")
        restore_generator(self.rng, state["rng"])
        for name, array in self.weights._asdict().items():
            array[:] = weights[name]
        if best := with_prefix(state, "best."):
            check_like(best, weights)
            self.best_weights = DescentWeights(**best)
        self.best_rmse = number_of(state, "best_rmse", 0, np.inf)
        self.best_epoch = int(number_of(state, "best_epoch", 0, self.plan.epochs))
        if isinstance(self.descent, CoordinateDescent):
            moments, own = with_prefix(state, "moments."), _moments(self.descent)
            check_like(moments, own)
            _check_moments(moments)
            for name, array in own.items():
                array[:] = moments[name]
            self.descent.n_epochs = len(losses)
        self.losses = [(rate, train, valid) for rate, train, valid in losses.tolist()]
        if self.tested is not None and self.n_epochs > self.half:
            self.tested.gain_of_factors()  # the ratings held out take part again


def _with_prior(weights: DescentWeights, prior: Doubles) -> DescentWeights:
    """The same weights with the prior in the biases of the items, in a copy."""
    item_side = weights.item_side.copy()
    item_side[:, 0] += prior
    return weights._replace(item_side=item_side)


def _moments(descent: CoordinateDescent) -> State:
    """What coordinate descent keeps between epochs, besides the weights."""
    return {
        "errors": descent.errors,
        "user_variances": descent.user_variances,
        "item_variances": descent.item_variances,
        "noise": descent.noise,
        "penalties": descent.penalties,
    }


def _check_moments(moments: State) -> None:
    """Raises DataError unless noise and penalties are positive and no variance is negative."""
    if min(moments[name].min(initial=1) for name in ("noise", "penalties")) <= 0:
        raise DataError("a noise or a penalty is not above 0")
    if min(moments[name].min(initial=0) for name in ("user_variances", "item_variances")) < 0:
        raise DataError("a variance is below 0")


def plan_of(state: State, most_factors: int) -> FactorPlan:
    """The plan of a saved training.

    Raises:
        DataError, KeyError: it is not one.
    """
    numbers: Doubles = state["plan"]
    if numbers.dtype != np.float64 or numbers.shape != (len(FactorPlan._fields),):
        raise DataError("the plan is not one")
    check_finite("plan", numbers)
    factors, epochs, *others = numbers.tolist()
    if min(others) < 0 or not (1 <= factors <= most_factors and 1 <= epochs <= MOST_EPOCHS):
        raise DataError(f"the plan is {numbers.tolist()}")
    plan = FactorPlan(*numbers.tolist())
    return plan._replace(
        factors=int(factors),
        epochs=int(epochs),
        by_coordinates=bool(plan.by_coordinates),
        learns_priors=bool(plan.learns_priors),
        follows_popularity=bool(plan.follows_popularity),
    )
