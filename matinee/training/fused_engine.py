"""Engine for the dot product on the CPU: forward pass, gradient and Adam in one compiled
kernel."""

import numpy as np
from numpy.typing import NDArray

from matinee.kernels.adam import Adam, Shape, Table, adam_epoch
from matinee.training.checkpoints import State, check_like
from matinee.training.loop import Batches
from matinee.training.schedules import Schedule


class FusedDotProduct:
    """Trains a table of weights, (U + I, C); see `kernels/adam.py`.

    C is F, or F + 1 with the biases in the last column.
    """

    def __init__(self, weights: NDArray[np.float32], shape: Shape, adam: Adam) -> None:
        n_rows = len(weights)
        self.table = Table(
            weights=weights,
            gradients=np.zeros_like(weights),
            means=np.zeros_like(weights),
            squares=np.zeros_like(weights),
            decayed=np.zeros(n_rows),
            touched=np.zeros(n_rows, np.int64),
        )
        self.shape = shape
        self.adam = adam

    def epoch(
        self, batches: Batches, batch_size: int, schedule: Schedule, n_before: int, seed: int
    ) -> NDArray[np.float64]:
        """See `Engine`."""
        del seed  # only the order of the ratings is random
        steps = (schedule.rates, schedule.momenta, n_before)
        return adam_epoch(batches, batch_size, steps, self.shape, self.adam, self.table)

    def predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """See `Engine`."""
        n_users, n_factors, low, high = self.shape
        out = np.empty(len(user_index), np.float32)
        for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
            p = self.table.weights[user_index[rows]]  # (n, C)
            q = self.table.weights[item_index[rows] + n_users]
            out[rows] = np.einsum("nf,nf->n", p[:, :n_factors], q[:, :n_factors])
            if p.shape[1] > n_factors:
                out[rows] += p[:, n_factors] + q[:, n_factors]
        if low == high:
            return out
        return (low + (high - low) / (1 + np.exp(-out))).astype(np.float32)

    def state(self) -> State:
        """See `Engine`."""
        return {name: array.copy() for name, array in self.table._asdict().items()}

    def restore(self, state: State) -> None:
        """See `Engine`."""
        arrays = self.table._asdict()
        check_like(state, arrays)
        for name, array in arrays.items():
            array[:] = state[name]
