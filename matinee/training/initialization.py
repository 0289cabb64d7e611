"""Random initialization of embedding tables."""

import numpy as np

from matinee._types import Floats
from matinee.errors import SettingError


def start_table(text: str, n_rows: int, width: int, rng: np.random.Generator) -> Floats:
    """A table of random numbers, (n_rows, width).

    Args:
        text: "normal:0.1" for a normal distribution with mean 0 and standard deviation 0.1;
            "uniform:0.05" for a uniform distribution from 0 to 0.05.

    Raises:
        SettingError: the text has another form.
    """
    kind, _, number = text.partition(":")
    try:
        size = float(number)
    except ValueError:
        size = -1.0
    if 0 <= size < np.inf:
        if kind == "normal":
            return rng.standard_normal((n_rows, width), np.float32) * np.float32(size)
        if kind == "uniform":
            return rng.random((n_rows, width), np.float32) * np.float32(size)
    raise SettingError(
        "The setting start must be normal:DEVIATION or uniform:HIGHEST, such as "
        f"normal:0.1, not '{text}'."
    )
