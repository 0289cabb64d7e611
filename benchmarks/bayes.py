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
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from matinee.data.split import Split
from matinee.experiments.published_results import parts_of, protocol_named

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # a script has only its own folder there
from benchmarks import contest
from benchmarks.contest import Contender, Result, Settings

PEERS = contest.Peers.of("bayes.py", "bayes")

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
    tables = {
        "user": (train.user_features, train.n_users),
        "item": (train.item_features, train.n_items),
    }
    arrays: dict[str, Any] = {
        f"{side}_features": np.zeros((n, 0), np.float32) if features is None else features.table
        for side, (features, n) in tables.items()
    }
    for name, ratings in (("train", part.train), ("test", part.test)):
        arrays |= {
            f"{name}_user_index": ratings.user_index,
            f"{name}_item_index": ratings.item_index,
        }
        arrays[f"{name}_value"] = ratings.value
        arrays[f"{name}_time"] = (
            np.zeros(0, np.int64) if ratings.timestamp is None else ratings.timestamp
        )
    np.savez(file, **arrays)


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
        settings = ", ".join(
            f"{key}={value}" for key, value in line["settings"].items() if key != "sweeps"
        )
        numbers = f"{line['sweeps']:g} | {line['sweep_seconds']:.3f} | {line['fit_seconds']:.1f} | {line['rmse']:.4f}"
        rest = f"{line['mae']:.4f} | {line['peak_mb']:.0f} | {line['library']} {line['version']}: {settings}"
        out.append(f"| {line['name']} | {numbers} | {rest} |")
    return "\n".join(out)


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="bayes and myFM: time, errors and memory.")
    parser.add_argument(
        "--data", type=Path, help="the folder that holds ml-100k and ml-1m (default: $MATINEE_DATA)"
    )
    parser.add_argument(
        "--protocol", choices=list(LINES), default="ml-1m", help="which rows (default: ml-1m)"
    )
    parser.add_argument(
        "--sweeps", type=int, help="so many sweeps of everybody, to see what one takes"
    )
    usual = f"a Python with myFM (default: {PEERS.folder.name})"
    parser.add_argument("--peer-python", type=Path, default=PEERS.python, help=usual)
    contest.add_options(parser, PEERS, rounds=1)
    return parser.parse_args()


def main() -> None:
    """Run the rounds and print the table."""
    options = parse()
    if options.setup:
        contest.setup(PEERS)
        return
    chosen = contest.choose(LINES[options.protocol], options.only)
    (part,) = parts_of(protocol_named(options.protocol), options.data)
    about = {"protocol": options.protocol, "n_train": len(part.train), "n_test": len(part.test)}
    about |= contest.circumstances(options)
    peers = PEERS._replace(python=options.peer_python)
    changes = {"sweeps": options.sweeps} if options.sweeps else {}

    def fit(contender: Contender, problem: Path, seed: int) -> Result:
        changed = Contender(contender.library, contender.settings | changes)
        return contest.fit_once("bayes_fit", changed, (problem, seed), peers, options.threads)

    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.npz"
        save_problem(problem, part)
        lines = contest.run_rounds(chosen, [problem], options.rounds, fit)
    contest.publish(about, lines, markdown, options.json)


if __name__ == "__main__":
    main()
