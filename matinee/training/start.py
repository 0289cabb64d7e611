"""Random numbers that the weights start from."""

import numpy as np
from numpy.typing import NDArray

from matinee.errors import SettingError


def start_table(text: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Random numbers to start from, from a text such as "normal:0.1" or "uniform:0.05" (from 0 to .05)."""
    kind, _, size = text.partition(":")
    try:
        number = float(size)
    except ValueError:
        number = -1.0
    if kind == "normal" and 0 <= number < np.inf:
        return rng.standard_normal(shape, np.float32) * np.float32(number)
    if kind == "uniform" and 0 <= number < np.inf:
        return rng.random(shape, np.float32) * np.float32(number)
    raise SettingError(f"start must be normal:DEVIATION or uniform:HIGHEST, such as normal:0.1, not '{text}'.")
