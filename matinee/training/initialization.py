"""Random initialization of embedding tables."""

import numpy as np
from numpy.typing import NDArray

from matinee.errors import SettingError


def start_table(text: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A table of random numbers.

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
            return rng.standard_normal(shape, np.float32) * np.float32(size)
        if kind == "uniform":
            return rng.random(shape, np.float32) * np.float32(size)
    raise SettingError(
        "The setting start must be normal:DEVIATION or uniform:HIGHEST, such as "
        f"normal:0.1, not '{text}'."
    )
