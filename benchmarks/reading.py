"""How long reading takes, next to `polars.read_csv` of the same file, in turns.

    python benchmarks/reading.py                    # the ratings of MovieLens-1M as CSV
    python benchmarks/reading.py --rows 20000000    # as many simulated rows, sorted and without repeats
    python benchmarks/reading.py --times iso        # 400,000 rows with ISO times with fractions, next to ISO times without

Prints the medians and their ratio, and the peak memory of a process that only reads.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

import matinee

SEED = 0


def simulated(n_rows: int) -> pl.DataFrame:
    """Distinct pairs of a user and an item, in order, with ratings and times."""
    rng = np.random.default_rng(SEED)
    n_users, n_items = max(n_rows // 145, 10), 26_744
    pairs = np.unique(rng.integers(0, n_users * n_items, n_rows + n_rows // 50))[:n_rows]
    return pl.DataFrame(
        {
            "userId": pairs // n_items + 1,
            "movieId": pairs % n_items + 1,
            "rating": rng.integers(1, 11, len(pairs)) / 2,
            "timestamp": rng.integers(956_703_932, 1_427_784_002, len(pairs)),
        }
    )


def movielens() -> pl.DataFrame:
    """MovieLens-1M; times are simulated where the copy has none."""
    ratings = matinee.load("ml-1m").ratings
    times = ratings.timestamp
    if times is None:
        times = np.random.default_rng(SEED).integers(956_703_932, 1_046_454_590, len(ratings))
    return pl.DataFrame(
        {
            "userId": ratings.users.ids[ratings.user_index],
            "movieId": ratings.items.ids[ratings.item_index],
            "rating": ratings.value,
            "timestamp": times,
        }
    )


def with_iso_times(frame: pl.DataFrame, layout: str) -> pl.DataFrame:
    """The same rows with times such as 2001-12-31T08:30:00.125."""
    moments = pl.from_epoch("timestamp", "s").dt.offset_by("125ms")
    return frame.with_columns(moments.dt.strftime(layout))


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def compare(names: tuple[str, str], calls: tuple[Callable[[], object], ...], rounds: int) -> None:
    """Calls both in turns and prints the medians."""
    took = [[seconds(call) for call in calls] for _ in range(rounds)]
    one, other = (statistics.median(column) for column in zip(*took, strict=True))
    print(
        f"{names[0]} {one * 1000:.0f} ms, {names[1]} {other * 1000:.0f} ms: {one / other:.2f} times"
    )


def peak(path: Path) -> int:
    """The peak memory of a process that reads a file, in MB (Linux)."""
    code = (
        "import sys, matinee; matinee.read(sys.argv[1]); "
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) // 1024


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, help="simulated rows instead of MovieLens-1M")
    parser.add_argument("--times", choices=["seconds", "iso"], default="seconds")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder) / "ratings.csv", Path(folder) / "plain.csv"
        if options.times == "iso":
            frame = simulated(options.rows or 400_000)
            with_iso_times(frame, "%Y-%m-%dT%H:%M:%S").write_csv(plain)
            with_iso_times(frame, "%Y-%m-%dT%H:%M:%S%.3f").write_csv(path)
            compare(
                ("ISO times with fractions", "without"),
                (lambda: matinee.read(path), lambda: matinee.read(plain)),
                options.rounds,
            )
            return
        frame = simulated(options.rows) if options.rows else movielens()
        frame.write_csv(path)
        compare(
            (f"matinee {frame.height:,} rows", "polars.read_csv"),
            (lambda: matinee.read(path), lambda: pl.read_csv(path)),
            options.rounds,
        )
        print(f"peak memory {peak(path):,} MB")


if __name__ == "__main__":
    main()
