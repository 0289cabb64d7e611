"""Mini-batch Adam for the dot product with biases: forward pass, gradient and update, no
autograd.

All parameters are in one table, (U + I, C): a row for each user, then a row for each item. The
first F columns are the factors; with biases there is one more column, so C = F + 1. The loss
of a batch is the mean squared error. The update is Adam (Kingma, Ba, "Adam: a method for
stochastic optimization", 2015), or AdamW if the weight decay is decoupled (Loshchilov, Hutter,
"Decoupled weight decay regularization", 2019).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel

F32 = np.float32
TINY = F32(1e-30)


class Table(NamedTuple):
    """Parameters and the state of Adam, all (U + I, C) float32; changed in place."""

    weights: NDArray[np.float32]
    gradients: NDArray[np.float32]  # zero between batches
    means: NDArray[np.float32]
    squares: NDArray[np.float32]
    decayed: NDArray[np.float64]  # (U + I,), lazy form: sum of the log-decays applied to a row
    touched: NDArray[np.int64]  # (U + I,), lazy form: the last step that updated a row


class Shape(NamedTuple):
    """What does not change during training."""

    n_users: int
    n_factors: int
    low: float  # predictions are low + (high - low) * sigmoid(...), or raw if low == high
    high: float


class Adam(NamedTuple):
    """The optimizer. Weight decay is AdamW's if decoupled; otherwise it is part of the
    gradient."""

    square_momentum: float
    epsilon: float
    weight_decay: float
    decoupled: bool
    lazy: bool


@kernel(fastmath=True)
def batch_gradients(
    users: NDArray[np.int32],
    items: NDArray[np.int32],
    values: NDArray[np.float32],
    shape: Shape,
    table: Table,
) -> float:
    """Adds the gradients of one batch to table.gradients; returns the sum of its squared
    errors."""
    n_users, n_factors, low, high = shape
    weights, gradients = table.weights, table.gradients
    has_bias = weights.shape[1] > n_factors
    span = F32(high - low)
    scale = F32(2.0 / len(users))
    loss = 0.0
    for row in range(len(users)):
        user, item = users[row], items[row] + n_users
        p, q = weights[user], weights[item]  # (C,)
        dot = F32(0)
        for f in range(n_factors):
            dot += p[f] * q[f]
        if has_bias:
            dot += p[n_factors] + q[n_factors]
        slope = F32(1)
        if span > 0:
            sigmoid = F32(1) / (F32(1) + np.exp(-dot))
            dot = F32(low) + span * sigmoid
            slope = span * sigmoid * (F32(1) - sigmoid)
        error = dot - values[row]
        loss += error * error
        pull = scale * error * slope
        grad_p, grad_q = gradients[user], gradients[item]
        for f in range(n_factors):
            grad_p[f] += pull * q[f]
            grad_q[f] += pull * p[f]
        if has_bias:
            grad_p[n_factors] += pull
            grad_q[n_factors] += pull
    return loss


@kernel(fastmath=True)
def adam_row(
    w: NDArray[np.float32],
    g: NDArray[np.float32],
    m: NDArray[np.float32],
    v: NDArray[np.float32],
    rates: tuple[np.float32, np.float32, np.float32, np.float32, np.float32],
    decays: tuple[np.float32, np.float32],
) -> None:
    """Updates the parameters w, (n,), with the gradient g, and sets g to zero.

    Args:
        m, v: moving averages of the gradient and of its square, (n,).
        rates: corrected step size, momentum, square momentum, correction of the root, epsilon.
        decays: coupled weight decay, whose product with w is added to g, and the factor that
            multiplies w.
    """
    step, momentum, square_momentum, correction, epsilon = rates
    coupled, keep = decays
    for c in range(len(w)):
        gradient = g[c] + coupled * w[c]
        mean = momentum * m[c] + (F32(1) - momentum) * gradient
        square = square_momentum * v[c] + (F32(1) - square_momentum) * gradient * gradient
        # The moments of rows that no batch touches decay to denormal numbers, with which CPUs
        # compute a hundred times slower.
        mean = mean if abs(mean) > TINY else F32(0)
        square = square if square > TINY else F32(0)
        g[c], m[c], v[c] = F32(0), mean, square
        w[c] = keep * w[c] - step * mean / (np.sqrt(square) * correction + epsilon)


@kernel()
def settle(table: Table, rows: NDArray[np.integer], log_decay: float) -> None:
    """Lazy form: applies to some rows the weight decay since their last update."""
    for row in rows:
        if table.decayed[row] != log_decay:
            keep = F32(np.exp(log_decay - table.decayed[row]))
            for c in range(
                table.weights.shape[1]
            ):  # a product of rows takes two seconds more to compile
                table.weights[row, c] *= keep
            table.decayed[row] = log_decay


@kernel(fastmath=True)
def adam_epoch(
    ratings: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]],
    batch_size: int,
    schedule: tuple[NDArray[np.float64], NDArray[np.float64], int],
    shape: Shape,
    adam: Adam,
    table: Table,
) -> NDArray[np.float64]:
    """One pass over the ratings, batch by batch.

    In the dense form every step updates all rows of the table, as torch.optim.Adam does. In
    the lazy form it updates only the rows of the batch: the moments of other rows do not
    change, and a decoupled weight decay is applied when the row is next used (and at the end
    for all rows), so that it equals that of the dense form.

    Args:
        ratings: users, items, values, (N,), ordered by batch.
        schedule: learning rate and momentum of each step, and the number of steps taken
            before.
    Returns: the mean squared error of each batch before its step, (steps,).
    """
    users, items, values = ratings
    learning_rates, momenta, n_before = schedule
    losses = np.empty(len(learning_rates))
    flat = (
        table.weights.ravel(),
        table.gradients.ravel(),
        table.means.ravel(),
        table.squares.ravel(),
    )
    log_decay = table.decayed[0]
    for step in range(len(learning_rates)):
        first, stop = step * batch_size, min((step + 1) * batch_size, len(users))
        u, i = users[first:stop], items[first:stop]
        if adam.lazy:
            settle(table, u, log_decay)
            settle(table, i + shape.n_users, log_decay)
        losses[step] = batch_gradients(u, i, values[first:stop], shape, table) / (stop - first)
        count = n_before + step + 1
        rate, momentum = learning_rates[step], momenta[step]
        rates = (
            F32(rate / (1 - momentum**count)),
            F32(momentum),
            F32(adam.square_momentum),
            F32(1 / np.sqrt(1 - adam.square_momentum**count)),
            F32(adam.epsilon),
        )
        coupled, keep = F32(adam.weight_decay), F32(1)
        if adam.decoupled:
            coupled, keep = F32(0), F32(1 - rate * adam.weight_decay)
        if not adam.lazy:
            adam_row(flat[0], flat[1], flat[2], flat[3], rates, (coupled, keep))
            continue
        log_decay += np.log(keep)
        for position in range(2 * len(u)):
            row = u[position] if position < len(u) else i[position - len(u)] + shape.n_users
            if table.touched[row] == count:
                continue
            table.touched[row] = count
            table.decayed[row] = log_decay
            w, g, m, v = (
                table.weights[row],
                table.gradients[row],
                table.means[row],
                table.squares[row],
            )
            adam_row(w, g, m, v, rates, (coupled, keep))
    if adam.lazy:
        settle(table, np.arange(len(table.weights)), log_decay)
    return losses
