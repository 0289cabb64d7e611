"""Short names for the types of arrays, by the type of their elements."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Indices = NDArray[np.integer]
Longs = NDArray[np.int64]
Reals = NDArray[np.floating]

Real = TypeVar("Real", bound=np.floating)

#: Arrays of several types, by name.
Arrays = dict[str, NDArray[Any]]
