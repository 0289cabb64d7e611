"""What reading, training and lists of simulated tables cost, next to the limits of the machine and to other libraries.

    python benchmarks/scale.py                                     5 million ratings, in the shape of ml-25m
    python benchmarks/scale.py --ratings 25e6 --only mf,ials --peers .venv-peers/bin/python
    python benchmarks/scale.py --growth 1e6,3e6,10e6,30e6          how seconds and memory grow

The limits are measured in the same run, before and after everything else: bytes per second of the sum of two long
arrays ("stream"), and operations per second of the product of two matrices of single precision ("product"). For each
kernel the operations and bytes that its arithmetic needs are known; divided by its seconds and by the limits they
say which limit is nearer, and how near. All shares use seconds of the processor, which other programs disturb less.

An epoch (a sweep) is timed from one progress report to the next; each number is the median. Peers run in processes of
their own, with the Python that --peers names, on the same ratings and with as many threads: implicit's ALS (3 steps
where `ials` takes 2), Cornac's MF and LibMF. What is not installed there is left out. Each size of --growth is a process of
its own, whose peak memory counts everything: the table, the model and the imports.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # a script has only its own folder there
from benchmarks.contest import ROOT, peak_mb

PARTS = ("reading", "mf", "bayes", "ials", "top")
STREAM_FLOATS, PRODUCT_SIZE = 2**24, 1_024
LIST = 10
Line = dict[str, Any]


class Settings(NamedTuple):
    """The options that every part reads."""

    threads: int
    epochs: int
    factors: int
    vector: int
    """Factors of `ials` and of the lists."""
    users: int
    """Whose lists are made."""
    peers: str


class Clock(NamedTuple):
    """Two clocks at some moment: of the wall and of the processor."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Clock":
        """The present moment."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, before: "Clock") -> "Clock":
        """What has passed."""
        return Clock(self.wall - before.wall, self.cpu - before.cpu)


def median(times: list[Clock]) -> Line:
    """The medians as a line."""
    return {
        "seconds": statistics.median(one.wall for one in times),
        "cpu_seconds": statistics.median(one.cpu for one in times),
    }


def in_turns(actions: dict[str, Callable[[], object]], repeats: int) -> dict[str, Line]:
    """The medians of some calls in turns, after one of each that is not counted."""
    times: dict[str, list[Clock]] = {name: [] for name in actions}
    for _ in range(repeats + 1):
        for name, action in actions.items():
            before = Clock.now()
            action()
            times[name].append(Clock.now().since(before))
    return {name: median(every[1:]) for name, every in times.items()}


# -- the machine -------------------------------------------------------------------------------------------------


def limits(threads: int, floats: int) -> Line:
    """Bytes and operations per second, of the wall and of the processor."""
    from matinee.threads import one_blas_thread, workers

    one, other, out = (np.ones((threads, floats // threads), np.float32) for _ in range(3))
    size = min(PRODUCT_SIZE, max(64, floats // 4096))
    tables = [np.ones((size, size), np.float32) for _ in range(2)]
    products, parts = np.empty((threads, size, size), np.float32), range(threads)
    with one_blas_thread(), workers(threads) as run:
        actions: dict[str, Callable[[], object]] = {
            "stream": lambda: run(np.add, [(one[i], other[i], out[i]) for i in parts]),
            "product": lambda: run(np.matmul, [(*tables, products[i]) for i in parts]),
        }
        found = in_turns(actions, 5)
    gbytes, gflop = 3e-9 * out.nbytes, 2e-9 * threads * size**3
    return {
        "gbytes_per_second": gbytes / found["stream"]["seconds"],
        "gbytes_per_cpu_second": gbytes / found["stream"]["cpu_seconds"],
        "gflop_per_second": gflop / found["product"]["seconds"],
        "gflop_per_cpu_second": gflop / found["product"]["cpu_seconds"],
    }


def against(line: Line, gflop: float, gbytes: float, machine: Line) -> Line:
    """A line with what its arithmetic needs, and the shares of the limits."""
    needed = {
        "product": gflop / machine["gflop_per_cpu_second"],
        "stream": gbytes / machine["gbytes_per_cpu_second"],
    }
    bound = max(needed, key=lambda name: needed[name])
    shares = {f"of_{name}": seconds / line["cpu_seconds"] for name, seconds in needed.items()}
    return line | {"gflop": gflop, "gbytes": gbytes, "bound": bound} | shares


# -- parts -------------------------------------------------------------------------------------------------------


class Table(NamedTuple):
    """The simulated ratings: in memory, and as files."""

    ratings: Any
    folder: Path
    machine: Line

    @property
    def sizes(self) -> tuple[int, int]:
        """Ratings, and users and items together."""
        return len(self.ratings), self.ratings.n_users + self.ratings.n_items


def reading(table: Table, _: Settings) -> dict[str, Line]:
    """Files to ratings, in turns with Polars."""
    import polars as pl

    import matinee

    csv, parquet = table.folder / "ratings.csv", table.folder / "ratings.parquet"
    found = in_turns(
        {
            "reading csv": lambda: matinee.read(csv),
            "polars csv": lambda: pl.read_csv(csv),
            "reading parquet": lambda: matinee.read(parquet),
            "polars parquet": lambda: pl.read_parquet(parquet),
        },
        3,
    )
    found["reading csv"]["megabytes"] = csv.stat().st_size / 1e6
    return found


def epochs_of(model: Any, table: Table, threads: int, drop: int = 0) -> Line:
    """The median epoch; the last ones can be left out."""
    ends: list[Clock] = []
    begin = Clock.now()
    model.fit(table.ratings, n_threads=threads, progress=lambda *_: ends.append(Clock.now()))
    whole = Clock.now().since(begin)
    times = [after.since(before) for before, after in pairwise(ends)]
    line = median(times[: len(times) - drop])
    return line | {"fit_seconds": whole.wall, "fit_cpu_seconds": whole.cpu}


def mf(table: Table, settings: Settings) -> dict[str, Line]:
    """Epochs of gradient descent.

    A rating costs a product of two vectors and two updates; bytes are those of its record, and
    of the factors of each block, which are read and written once a block.
    """
    from matinee.kernels.vectors import padded
    from matinee.models.descent import BLOCK_BYTES
    from matinee.models.matrix_factorization import MatrixFactorization

    (n, n_rows), factors = table.sizes, settings.factors
    one = MatrixFactorization(factors=factors, epochs=settings.epochs, adapt=False)
    line = epochs_of(one, table, settings.threads)
    row_bytes = 4 * (padded(factors) + 4)
    n_groups = max(1.0, n_rows * row_bytes / BLOCK_BYTES)
    gbytes = (8 * n + 2 * n_groups * n_rows * row_bytes) / 1e9
    return {"mf": against(line, 8e-9 * factors * n, gbytes, table.machine)}


def bayes(table: Table, settings: Settings) -> dict[str, Line]:
    """Sweeps of the Gibbs sampler, from ids alone.

    A rating adds half of a matrix on both sides and costs a product for its error; a row costs
    a Cholesky decomposition. Bytes are those of the vectors that are read for each rating.
    """
    from matinee.models.bayes.model import BayesianMF

    (n, n_rows), size = table.sizes, settings.factors + 1
    plain = {"sets": False, "side": False, "times": False, "tolerance": 0}
    sizes = {"factors": settings.factors, "samples": settings.epochs, "burn_in": 2}
    one = BayesianMF.from_settings(plain | sizes)
    line = epochs_of(one, table, settings.threads)
    gflop = (2 * n * size * (size + 1) + 2 * n * size + n_rows * size**3 / 3) / 1e9
    return {"bayes": against(line, gflop, 3 * n * (4 * size + 8) / 1e9, table.machine)}


def ials(table: Table, settings: Settings) -> dict[str, Line]:
    """Epochs of implicit alternating least squares, each without the last, longer one.

    A rating, on both sides, costs a product and an update for the start and for each step;
    bytes are those of its vector, read once.
    """
    from matinee.models.ials import ImplicitALS

    (n, _), factors = table.sizes, settings.vector
    one = ImplicitALS(factors=factors, epochs=settings.epochs + 1, weights="linear")
    line = epochs_of(one, table, settings.threads, drop=1)
    gflop = 2 * n * (1 + one.steps) * 4 * factors / 1e9
    return {"ials": against(line, gflop, 2 * n * (4 * factors + 8) / 1e9, table.machine)}


def top(table: Table, settings: Settings) -> dict[str, Line]:
    """The first 10 films of some users, in turns with nothing but the matrix product."""
    from matinee.models.ials import ImplicitALS
    from matinee.models.top_lists import USERS_PER_TILE
    from matinee.threads import one_blas_thread, workers

    model = ImplicitALS(factors=settings.vector, epochs=1).fit(
        table.ratings, n_threads=settings.threads
    )
    users = np.random.default_rng(0).permutation(table.ratings.n_users)[: settings.users]
    vectors, items = model.user_vectors(users), model.item_factors_
    starts = range(0, len(users), USERS_PER_TILE)
    blocks = [vectors[first : first + USERS_PER_TILE] for first in starts]

    def bare() -> None:
        with one_blas_thread(), workers(settings.threads) as run:
            run(_products, [(block, items) for block in blocks])

    def lists() -> None:
        model.top_items(users, LIST)

    found = in_turns({"top": lists, "bare product": bare}, 3)
    gflop = 2e-9 * len(users) * items.size
    share = found["bare product"]["cpu_seconds"] / found["top"]["cpu_seconds"]
    found["top"] = against(found["top"], gflop, 0.0, table.machine) | {"of_bare_product": share}
    return found


def _products(vectors: NDArray[np.float32], items: NDArray[np.float32]) -> None:
    """The scores of all items, in the fastest pieces, into the same memory."""
    from matinee.models.top_lists import ITEMS_PER_TILE

    memory = np.empty(len(vectors) * ITEMS_PER_TILE, np.float32)
    for first in range(0, len(items), ITEMS_PER_TILE):
        some = items[first : first + ITEMS_PER_TILE]
        out = memory[: len(vectors) * len(some)].reshape(len(vectors), len(some))
        np.matmul(vectors, some.T, out=out)


MEASURES: dict[str, Callable[[Table, Settings], dict[str, Line]]] = {
    "reading": reading,
    "mf": mf,
    "bayes": bayes,
    "ials": ials,
    "top": top,
}


def peers_of(part: str, table: Table, settings: Settings) -> dict[str, Line]:
    """What other libraries take for the same, if they are installed."""
    libraries = {"mf": ("cornac", "libmf"), "ials": ("implicit",)}.get(part, ())
    if not libraries or not settings.peers:
        return {}
    path = table.folder / "ratings.npz"
    if not path.exists():
        columns = table.ratings.user_index, table.ratings.item_index, table.ratings.value
        np.savez(path, *columns)
    factors = settings.factors if part == "mf" else settings.vector
    numbers = [str(number) for number in (factors, settings.epochs, settings.threads)]
    environment = os.environ | {"OMP_NUM_THREADS": numbers[2], "OPENBLAS_NUM_THREADS": "1"}
    script, found = str(ROOT / "benchmarks" / "scale_peers.py"), {}
    for library in libraries:
        command = [settings.peers, script, library, str(path), *numbers]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            problem = (done.stderr.strip().splitlines() or ["no answer"])[-1]
            found[library] = {"problem": problem}
        else:
            found[library] = json.loads(done.stdout.splitlines()[-1])
    return found


# -- one size, and many ------------------------------------------------------------------------------------------


def measured(n_ratings: int, parts: list[str], settings: Settings, floats: int) -> Line:
    """All lines of one size."""
    import matinee

    simulation = matinee.simulate("ml-25m", n_ratings=n_ratings)
    before = limits(settings.threads, floats)
    lines: dict[str, Line] = {}
    with tempfile.TemporaryDirectory() as folder:
        if "reading" in parts:
            for kind in ("csv", "parquet"):
                simulation.write(Path(folder) / f"ratings.{kind}", n_threads=settings.threads)
        ratings = simulation.dataset(settings.threads).ratings
        table = Table(ratings, Path(folder), before)
        for part in parts:
            lines |= MEASURES[part](table, settings) | peers_of(part, table, settings)
    return {
        "ratings": len(ratings),
        "users": ratings.n_users,
        "items": ratings.n_items,
        "threads": settings.threads,
        "limits": before,
        "limits_after": limits(settings.threads, floats),
        "measures": lines,
        "peak_mb": peak_mb(),
    }


def growth(sizes: list[int], arguments: list[str]) -> Line:
    """Each size in its own process, and how the seconds and the memory grow."""
    found = []
    for size in sizes:
        command = [sys.executable, __file__, *arguments, "--ratings", str(size), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout))
    slopes = {
        name: slope(sizes, [one["measures"][name]["cpu_seconds"] for one in found])
        for name in found[0]["measures"]
        if all("cpu_seconds" in one["measures"].get(name, {}) for one in found)
    }
    return {"sizes": found, "slopes": slopes}


def slope(sizes: list[int], seconds: list[float]) -> float:
    """The power of the size that the seconds grow with, by least squares: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def show(found: Line) -> None:
    """One size as lines."""
    near = found["limits"]
    print(
        f"{found['ratings']:,} ratings, {found['users']:,} users, {found['items']:,} items, "
        f"{found['threads']} threads: stream {near['gbytes_per_cpu_second']:.1f} GB and product "
        f"{near['gflop_per_cpu_second']:.0f} GFLOP a CPU second; peak {found['peak_mb']:.0f} MB"
    )
    for name, line in found["measures"].items():
        if "problem" in line:
            print(f"{name:16} {line['problem']}")
            continue
        text = f"{name:16} {line['seconds']:9.3f} s {line['cpu_seconds']:9.3f} CPU s"
        if "bound" in line:
            text += f"  {line['of_' + line['bound']]:4.0%} of {line['bound']}"
        if "of_bare_product" in line:
            text += f"  {line['of_bare_product']:4.0%} of the bare product"
        print(text)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Costs of large tables and their limits.")
    add = parser.add_argument
    add("--ratings", type=float, default=5e6, help="ratings to simulate (default: 5e6)")
    add("--growth", default="", help="sizes, separated by commas, each in its own process")
    add("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}, separated by commas")
    add("--threads", type=int, default=2, help="of each measure (default: 2)")
    add("--epochs", type=int, default=5, help="epochs and sweeps to time (default: 5)")
    add("--factors", type=int, default=32, help="of mf and bayes (default: 32)")
    add("--vector", type=int, default=64, help="factors of ials and of the lists (default: 64)")
    add("--users", type=int, default=10_000, help="whose lists are made (default: 10000)")
    add("--peers", default="", help="the Python that has implicit, Cornac and LibMF")
    add("--floats", type=int, default=STREAM_FLOATS, help="length of the arrays of the stream test")
    add("--json", action="store_true", help="print one JSON object instead of lines")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    """Measures one size, or several."""
    options = parse(arguments)
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"Error: no part '{min(unknown)}'. There are: {', '.join(PARTS)}.")
    if options.growth:
        sizes = [int(float(size)) for size in options.growth.split(",")]
        rest = [f"--{name}={getattr(options, name)}" for name in (*Settings._fields, "only")]
        found = growth(sizes, [*rest, f"--floats={options.floats}"])
        if options.json:
            print(json.dumps(found))
            return
        for one in found["sizes"]:
            show(one)
        for name, power in found["slopes"].items():
            print(f"{name:16} grows with the ratings to the power of {power:.2f}")
        return
    settings = Settings(*(getattr(options, name) for name in Settings._fields))
    one = measured(int(options.ratings), parts, settings, options.floats)
    if options.json:
        print(json.dumps(one))
    else:
        show(one)


if __name__ == "__main__":
    main(sys.argv[1:])
