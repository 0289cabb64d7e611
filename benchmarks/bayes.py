"""Bayesian factorization: matinee's `bayes` and myFM on the same rows, in the same run.

    python benchmarks/bayes.py --setup                                once: makes .venv-bayes, about a minute
    python benchmarks/bayes.py --protocol u1                          ML-100K, the official fold
    python benchmarks/bayes.py --protocol ml-1m --only "bayes plain,myFM plain"
    python benchmarks/bayes.py --protocol ml-1m --sweeps 10           what a sweep takes, in minutes for all lines

Each fit is a fresh process with two threads (myFM trains with one, whatever it is given). The rounds are interleaved,
so that a slow minute of the machine meets everybody, and each number is the median of the rounds. A sweep draws all
unknowns once; its seconds are the median of those of a fit. Fit seconds are the fit call alone, after matinee has
fitted 1,000 rows, which keeps compilation out of the time. Excluded are the imports, reading the file, and building
what the library wants: for matinee its Ratings, for myFM sparse matrices. RMSE and MAE are of predictions clipped to
the scale. Memory is the greatest resident memory of the process, imports included, in MB of 10^6 bytes.

Everybody learns from the same: ids; and, where a line says so, the sets of who rated what (of training rows), the
features of users and films that matinee reads, and the times of ratings, of which myFM uses the day.

Publish only what an idle machine said: load_before tells how many processes were running before the first fit.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matinee.records import parts_of, protocol_named
from matinee.split import Split

HERE = Path(__file__).resolve().parent
PEER_VENV = HERE.parent / ".venv-bayes"
REQUIREMENTS = HERE / "requirements-bayes.txt"
SETUP = "python benchmarks/bayes.py --setup"

Settings = dict[str, Any]
Result = dict[str, Any]


class Contender(NamedTuple):
    """A line of the table: what to fit, with which settings."""

    library: str
    settings: Settings


PLAIN: Settings = {"sets": False, "side": False, "times": False}
IDS: Settings = {"sets": True, "side": False, "times": False}
SIDE: Settings = {"sets": True, "side": True, "times": False}
ALL: Settings = {"sets": True, "side": True, "times": True}

LINES: dict[str, dict[str, Contender]] = {
    "u1": {
        "bayes plain": Contender("matinee", PLAIN),
        "myFM plain": Contender("myfm", {**PLAIN, "rank": 10, "sweeps": 200}),
        "bayes ids": Contender("matinee", IDS),
        "myFM ids": Contender("myfm", {**IDS, "rank": 10, "sweeps": 300}),
        "bayes": Contender("matinee", ALL),
        "myFM": Contender("myfm", {**ALL, "rank": 10, "sweeps": 512}),
        "myFM probit": Contender("myfm", {**ALL, "rank": 10, "sweeps": 512, "probit": True}),
    },
    "ml-1m": {
        "bayes plain": Contender("matinee", {**PLAIN, "factors": 32}),
        "myFM plain": Contender("myfm", {**PLAIN, "rank": 32, "sweeps": 200}),
        "bayes ids": Contender("matinee", IDS),
        "myFM ids": Contender("myfm", {**IDS, "rank": 32, "sweeps": 300}),
        "bayes": Contender("matinee", SIDE),
        "myFM": Contender("myfm", {**SIDE, "rank": 32, "sweeps": 300}),
    },
}


def save_problem(file: Path, part: Split) -> None:
    """Writes both parts and all features for bayes_fit.py."""
    train = part.train
    tables = {"user": (train.user_features, train.n_users), "item": (train.item_features, train.n_items)}
    arrays: dict[str, Any] = {
        f"{side}_features": np.zeros((n, 0), np.float32) if features is None else features.table
        for side, (features, n) in tables.items()
    }
    for name, ratings in (("train", part.train), ("test", part.test)):
        arrays |= {f"{name}_user_index": ratings.user_index, f"{name}_item_index": ratings.item_index}
        arrays[f"{name}_value"] = ratings.value
        arrays[f"{name}_time"] = np.zeros(0, np.int64) if ratings.timestamp is None else ratings.timestamp
    np.savez(file, **arrays)


def fit_once(contender: Contender, problem: Path, seed: int, options: argparse.Namespace) -> Result:
    """One fit in a fresh process: its numbers, or the sentence that says why there are none."""
    python = Path(sys.executable) if contender.library == "matinee" else options.peer_python
    if not python.exists():
        return {"problem": f"not installed: no {PEER_VENV.name}; make it with: {SETUP}"}
    limits = {f"{pool}_NUM_THREADS": str(options.threads) for pool in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    settings = contender.settings | ({"sweeps": options.sweeps} if options.sweeps else {})
    command = [
        str(python),
        str(HERE / "bayes_fit.py"),
        contender.library,
        json.dumps(settings),
        str(problem),
        str(seed),
    ]
    done = subprocess.run(command, env={**os.environ, **limits}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"problem": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


MEASURES = ("fit_seconds", "sweeps", "sweep_seconds", "rmse", "mae", "peak_mb")


def summarize(name: str, contender: Contender, results: list[Result]) -> Result:
    """The medians over the rounds, and every round."""
    line = {"name": name, "library": contender.library, "settings": contender.settings, "rounds": results}
    problems = [result["problem"] for result in results if "problem" in result]
    if problems:
        return {**line, "problem": problems[0]}
    medians = {key: statistics.median(result[key] for result in results) for key in MEASURES}
    return {**line, "version": results[0]["version"], **medians}


def markdown(lines: list[Result]) -> str:
    """The table for people."""
    out = [
        "| model | sweeps | a sweep, s | fit, s | RMSE | MAE | peak MB | settings |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for line in lines:
        if "problem" in line:
            out.append(f"| {line['name']} | - | - | - | - | - | - | {line['problem']} |")
            continue
        settings = ", ".join(f"{key}={value}" for key, value in line["settings"].items() if key != "sweeps")
        numbers = f"{line['sweeps']:g} | {line['sweep_seconds']:.3f} | {line['fit_seconds']:.1f} | {line['rmse']:.4f}"
        rest = f"{line['mae']:.4f} | {line['peak_mb']:.0f} | {line['library']} {line['version']}: {settings}"
        out.append(f"| {line['name']} | {numbers} | {rest} |")
    return "\n".join(out)


def setup() -> None:
    """Make .venv-bayes with myFM."""
    python = PEER_VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
    for command in ([sys.executable, "-m", "venv", str(PEER_VENV)], pip):
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"Error: this step of the setup failed: {' '.join(command)}")
    print(f"{PEER_VENV.name} is ready.", file=sys.stderr)


def parse() -> argparse.Namespace:
    """The options."""
    usual = PEER_VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    parser = argparse.ArgumentParser(description="bayes and myFM: time, errors and memory.")
    parser.add_argument("--data", type=Path, help="the folder that holds ml-100k and ml-1m (default: $MATINEE_DATA)")
    parser.add_argument("--protocol", choices=list(LINES), default="ml-1m", help="which rows (default: ml-1m)")
    parser.add_argument("--only", help="names of the table, with commas between them")
    parser.add_argument("--sweeps", type=int, help="so many sweeps of everybody, to see what one takes")
    parser.add_argument("--rounds", type=int, default=1, help="fits of each, the median counts (default: 1)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each fit (default: 2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--setup", action="store_true", help=f"make {PEER_VENV.name} and stop")
    parser.add_argument(
        "--peer-python", type=Path, default=usual, help=f"a Python with myFM (default: {PEER_VENV.name})"
    )
    return parser.parse_args()


def contenders(protocol: str, only: str | None) -> dict[str, Contender]:
    """The lines of the table, by name."""
    known = LINES[protocol]
    chosen = only.split(",") if only else list(known)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        sys.exit(f"Error: no line '{unknown[0]}' in the table. There are: {', '.join(known)}.")
    return {name: known[name] for name in chosen}


def main() -> None:
    """Run the rounds and print the table."""
    options = parse()
    if options.setup:
        return setup()
    chosen = contenders(options.protocol, options.only)
    (part,) = parts_of(protocol_named(options.protocol), options.data)
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    results: dict[str, list[Result]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.npz"
        save_problem(problem, part)
        for seed in range(options.rounds):
            for name, contender in chosen.items():
                results[name].append(fit_once(contender, problem, seed, options))
                print(f"round {seed + 1}: {name}: {results[name][-1]}", file=sys.stderr)
    lines = [summarize(name, contender, results[name]) for name, contender in chosen.items()]
    about = {"protocol": options.protocol, "n_train": len(part.train), "n_test": len(part.test)}
    about |= {"cores": os.cpu_count(), "threads": options.threads, "rounds": options.rounds, "load_before": load}
    if options.json:
        print(json.dumps({**about, "results": lines}))
        return None
    print(", ".join(f"{key} {value}" for key, value in about.items()), end="\n\n")
    print(markdown(lines))
    return None


if __name__ == "__main__":
    main()
