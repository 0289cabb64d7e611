"""Epochs of another library, for `scale.py`: seconds as one JSON line.

    python benchmarks/scale_peers.py LIBRARY RATINGS.npz FACTORS EPOCHS THREADS

`scale.py` runs this with the Python of its --peers. Nothing of matinee is imported.
"""

import contextlib
import json
import statistics
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]
Seconds = list[list[float]]


def implicit(columns: Columns, factors: int, epochs: int, threads: int) -> Seconds:
    """The ALS of implicit: wall and processor seconds of each epoch but the first."""
    from implicit.als import AlternatingLeastSquares  # type: ignore[import-not-found,unused-ignore]
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped,import-not-found,unused-ignore]

    user, item, value = columns
    table = csr_matrix((value, (user, item)))
    ends: Seconds = []

    def told(*_: Any) -> None:
        ends.append([time.perf_counter(), time.process_time()])

    model = AlternatingLeastSquares(
        factors=factors, iterations=epochs + 1, num_threads=threads, random_state=0
    )
    model.fit(table, show_progress=False, callback=told)
    taken: Seconds = np.diff(np.array(ends), axis=0).tolist()
    return taken


def cornac(columns: Columns, factors: int, epochs: int, threads: int) -> Seconds:
    """The MF of Cornac: a fit of some more epochs less a fit of one."""
    from cornac.data import Dataset  # type: ignore[import-not-found,unused-ignore]
    from cornac.models import MF  # type: ignore[import-not-found,unused-ignore]

    train = Dataset.build(list(zip(*(column.tolist() for column in columns), strict=True)))
    taken = []
    for n in (1, 1 + epochs):
        model = MF(k=factors, max_iter=n, num_threads=threads, early_stop=False, use_bias=True)
        before = time.perf_counter(), time.process_time()
        model.fit(train)
        taken.append([time.perf_counter() - before[0], time.process_time() - before[1]])
    one, many = np.array(taken)
    return [((many - one) / epochs).tolist()]


def libmf(columns: Columns, factors: int, epochs: int, threads: int) -> Seconds:
    """LibMF: a fit of some more epochs less a fit of one."""
    with contextlib.redirect_stdout(sys.stderr):  # it prints where it was found
        from libmf.mf import MF  # type: ignore[import-not-found,unused-ignore]
    table, taken = np.column_stack(columns).astype(np.float32), []
    for n in (1, 1 + epochs):
        model = MF(k=factors, nr_iters=n, nr_threads=threads, eta=0.05, quiet=True)
        before = time.perf_counter(), time.process_time()
        model.fit(table)
        taken.append([time.perf_counter() - before[0], time.process_time() - before[1]])
    one, many = np.array(taken)
    return [((many - one) / epochs).tolist()]


LIBRARIES = {"implicit": implicit, "cornac": cornac, "libmf": libmf}


def main() -> None:
    """Prints the medians."""
    library, path, *numbers = sys.argv[1:]
    with np.load(path) as stored:
        columns = stored["arr_0"], stored["arr_1"], stored["arr_2"]
    wall, cpu = zip(*LIBRARIES[library](columns, *map(int, numbers)), strict=True)
    print(json.dumps({"seconds": statistics.median(wall), "cpu_seconds": statistics.median(cpu)}))


if __name__ == "__main__":
    main()
