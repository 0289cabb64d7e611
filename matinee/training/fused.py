"""The engine for the dot product on the CPU: forward, gradient and Adam in one compiled kernel."""

import numpy as np
from numpy.typing import NDArray

from matinee.kernels.adam import Adam, Shape, Table, adam_epoch
from matinee.training.checkpoints import State
from matinee.training.loop import Batches
from matinee.training.schedules import Schedule


class FusedDotProduct:
    """Weights (U + I, C) with C = F, or F + 1 with the biases in the last column; see `kernels/adam.py`."""

    def __init__(self, weights: NDArray[np.float32], shape: Shape, adam: Adam) -> None:
        gradients, means, squares = np.zeros((3, *weights.shape), np.float32)
        rows = len(weights)
        self.table = Table(weights, gradients, means, squares, np.zeros(rows), np.zeros(rows, np.int64))
        self.shape, self.adam = shape, adam

    def epoch(
        self, batches: Batches, batch_size: int, schedule: Schedule, n_before: int, seed: int
    ) -> NDArray[np.float64]:
        """See `Engine`."""
        del seed  # nothing is random but the order
        return adam_epoch(batches, batch_size, (*schedule, n_before), self.shape, self.adam, self.table)

    def predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Engine`."""
        n_users, n_factors, low, high = self.shape
        out = np.empty(len(user_index), np.float32)
        for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
            p, q = self.table.weights[user_index[rows]], self.table.weights[item_index[rows] + n_users]  # (n, C)
            out[rows] = np.einsum("nf,nf->n", p[:, :n_factors], q[:, :n_factors])
            if p.shape[1] > n_factors:
                out[rows] += p[:, n_factors] + q[:, n_factors]
        return out if low == high else (low + (high - low) / (1 + np.exp(-out))).astype(np.float32)

    def state(self) -> State:
        """See `Engine`."""
        return {name: array.copy() for name, array in self.table._asdict().items()}

    def restore(self, state: State) -> None:
        """See `Engine`."""
        for name, array in self.table._asdict().items():
            array[:] = state[name]
