"""What all contests share: a fresh process for each fit, rounds that interleave, medians, and the printing.

This module measures nothing by itself and is not called. The scripts that are (`bayes.py`, `ranking.py`,
`rating_prediction.py`, and for a part `neural.py`) import it, and so do the workers that they start:

    python benchmarks/ranking.py --setup       `setup` makes the environment of the peers
    python benchmarks/ranking.py               `run_rounds` fits everybody in turn; for each fit `ask` starts
                                               python -m benchmarks.ranking_peers, which `answer`s with a JSON line

An environment of peers has neither matinee nor polars, so nothing more than NumPy is imported here.
"""

import argparse
import io
import json
import logging
import os
import statistics
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
POOLS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON", "LK")
"""Pools of threads, as their environment variables call them."""

Settings = dict[str, Any]
Result = dict[str, Any]
"""The numbers of a fit, or under `problem` the sentence that says why there are none."""
Line = TypeVar("Line")
"""Of a table: a contender, or whatever else a script has there."""


class Contender(NamedTuple):
    """A line of the table: what to fit, with which settings."""

    library: str
    settings: Settings


class Peers(NamedTuple):
    """Where the peers of a script are installed, and what one types to install them."""

    folder: Path
    python: Path
    requirements: Path
    command: str

    @classmethod
    def of(cls, script: str, name: str) -> "Peers":
        """Those of requirements-NAME.txt, in .venv-NAME."""
        folder = ROOT / f".venv-{name}"
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        requirements = ROOT / "benchmarks" / f"requirements-{name}.txt"
        return cls(folder, python, requirements, f"python benchmarks/{script} --setup")


def setup(peers: Peers, *installs: list[str]) -> None:
    """Make the environment. Each of `installs` is what one call of pip is told, by default the requirements."""
    pip = [str(peers.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = installs or (["-r", str(peers.requirements)],)
    for command in (
        [sys.executable, "-m", "venv", str(peers.folder)],
        *([*pip, *step] for step in steps),
    ):
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"Error: this step of the setup failed: {' '.join(command)}")
    print(f"{peers.folder.name} is ready.", file=sys.stderr)


# -- the script: what it is told ---------------------------------------------------------------------------------


def add_options(parser: argparse.ArgumentParser, peers: Peers, rounds: int) -> None:
    """The options that all have; `rounds` is how many there are if none are given."""
    parser.add_argument("--only", help="names of the table, with commas between them")
    fits = f"fits of each, the median counts (default: {rounds})"
    parser.add_argument("--rounds", type=int, default=rounds, help=fits)
    parser.add_argument("--threads", type=int, default=2, help="threads of each fit (default: 2)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of the table"
    )
    parser.add_argument("--setup", action="store_true", help=f"make {peers.folder.name} and stop")


def choose(
    known: Mapping[str, Line], only: str | None, refusal: str = "no line '{}' in the table"
) -> dict[str, Line]:
    """The lines of these names, which have commas between them; all, if none are given."""
    names = only.split(",") if only else list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"Error: {refusal.format(unknown[0])}. There are: {', '.join(known)}.")
    return {name: known[name] for name in names}


def held_out(rows: Path, n_ratings: int) -> NDArray[np.bool_]:
    """Which ratings are those of the test set, (N,), from a file of their row numbers."""
    if not rows.exists():
        sys.exit(
            f"Error: no file {rows} with the row numbers of the test set. Name one with --rows."
        )
    is_test = np.zeros(n_ratings, bool)
    is_test[np.load(rows)] = True
    return is_test


# -- the script: rounds ------------------------------------------------------------------------------------------


def load_before() -> float | None:
    """How many processes were running lately, where the system tells."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def circumstances(options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers depend on, besides the data. Ask before the first fit, which is a load itself."""
    asked = {"threads": options.threads, "rounds": options.rounds}
    return {"cores": os.cpu_count(), **asked, "load_before": load_before()}


def ask(
    worker: str, arguments: list[str], peers: Peers | None, threads: int, **pools: int
) -> Result:
    """What a module of this folder answers when it runs in a separate process.

    It runs with the Python of the peers, or with the project's for None. `pools` are those of `POOLS` that shall have
    another number of threads.
    """
    if peers and not peers.python.exists():
        return {"problem": f"not installed: no {peers.folder.name}; make it with: {peers.command}"}
    python = str(peers.python.absolute()) if peers else sys.executable
    limits = {
        f"{pool}_NUM_THREADS": str(n) for pool, n in (dict.fromkeys(POOLS, threads) | pools).items()
    }
    command, environment = (
        [python, "-m", f"benchmarks.{worker}", *arguments],
        {**os.environ, **limits},
    )
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return {"problem": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def fit_once(
    worker: str,
    contender: Contender,
    arguments: tuple[object, ...],
    peers: Peers,
    threads: int,
    **pools: int,
) -> Result:
    """What a worker answers that is told the library, its settings and then these arguments."""
    told = [contender.library, json.dumps(contender.settings), *map(str, arguments)]
    return ask(worker, told, None if contender.library == "matinee" else peers, threads, **pools)


def run_rounds(
    chosen: dict[str, Contender],
    problems: list[Path],
    n_rounds: int,
    fit: Callable[[Contender, Path, int], Result],
) -> list[Result]:
    """Fit everybody to every problem in each round, whose number is the seed; a line for each contender."""
    results: dict[str, list[Result]] = {name: [] for name in chosen}
    for seed in range(n_rounds):
        for problem in problems:
            for name, contender in chosen.items():
                results[name].append(fit(contender, problem, seed))
                print(f"round {seed + 1}: {name}: {results[name][-1]}", file=sys.stderr)
    return [summarize(name, contender, results[name]) for name, contender in chosen.items()]


def summarize(name: str, contender: Contender, results: list[Result]) -> Result:
    """The medians of all numbers over the rounds, and every round."""
    line = {
        "name": name,
        "library": contender.library,
        "settings": contender.settings,
        "rounds": results,
    }
    problems = [result["problem"] for result in results if "problem" in result]
    if problems:
        return {**line, "problem": problems[0]}
    numbers = [key for key, value in results[0].items() if not isinstance(value, str)]
    medians = {key: statistics.median(result[key] for result in results) for key in numbers}
    return {**line, "version": results[0]["version"], **medians}


def publish(
    about: dict[str, Any], lines: list[Result], table: Callable[[list[Result]], str], as_json: bool
) -> None:
    """Print what it was about and the table, or both as one JSON object."""
    if as_json:
        print(json.dumps({**about, "results": lines}))
        return
    print(", ".join(f"{key} {value}" for key, value in about.items()), end="\n\n")
    print(table(lines))


# -- the worker --------------------------------------------------------------------------------------------------


def n_threads() -> int:
    """The number of threads that the script gave, for the libraries that want to be told."""
    return int(os.environ["OMP_NUM_THREADS"])


def peak_mb() -> float:
    """The greatest resident memory of this process so far, in MB of 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would count the parent's memory at the fork, too
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def answer(measure: Callable[[], Result]) -> None:
    """Print the measurement, or why there is none, as one JSON line."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    try:
        with redirect_stdout(io.StringIO()):
            result = measure()
    except ImportError as error:
        result = {"problem": f"not installed: {error}"}
    print(json.dumps(result))
