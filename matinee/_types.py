"""Short names for the types of arrays, by the type of their elements."""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Longs = NDArray[np.int64]
Reals = NDArray[np.floating]
