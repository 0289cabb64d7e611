"""Rating prediction: matinee and its peers on the same rows, in the same run.

    python benchmarks/rating_prediction.py --setup                       once: makes .venv-peers, about 5 minutes
    python benchmarks/rating_prediction.py --data ml-1m --rows FILE.npy  FILE: row numbers of the test set
    python benchmarks/rating_prediction.py --data ml-100k --fold u1
    python benchmarks/rating_prediction.py --data ml-100k --fold all --kind neighbours    the mean of the five folds

Each fit is a fresh process with two threads. The rounds are interleaved, so that a slow minute of the machine
meets everybody, and each number is the median of the rounds. Every library first fits 1,000 ratings, which keeps
compilation and the start of threads out of the time.

Fit seconds are the fit call alone. Excluded are the imports, reading the file, and building the form that the
library wants: for Surprise its Trainset, for Cornac and LensKit their Dataset, for cmfrec a sparse matrix, for
matinee its Ratings. Predict seconds are those for the test ratings, from that form to an array, one after the
other where the library has nothing for many at once. RMSE is of predictions clipped to the scale. Memory is the
greatest resident memory of the process until the fit ends, imports and ratings included, in MB of 10^6 bytes.

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
import polars as pl

HERE = Path(__file__).resolve().parent
PEERS_VENV = HERE.parent / ".venv-peers"
PEERS_PYTHON = PEERS_VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = HERE / "requirements-peers.txt"
SETUP = "python benchmarks/rating_prediction.py --setup"

Settings = dict[str, Any]
Result = dict[str, Any]


class Contender(NamedTuple):
    """A line of the table: what to fit, with which settings."""

    library: str
    settings: Settings


MATINEE: dict[str, dict[str, Settings]] = {
    "factors": {
        "mf 32 factors, 8 epochs": {"factors": 32, "epochs": 8, "learning_rate": 0.09, "regularization": 0.035},
        "mf (defaults)": {},
        "mf 128 factors": {"factors": 128},
        "mf 256 factors": {"factors": 256},
    },
    "neighbours": {"item-knn (defaults)": {"model": "item-knn"}, "user-knn (defaults)": {"model": "user-knn"}},
}

# Surprise runs with its defaults; the others' settings were chosen with --validate, on a tenth of the training rows.
SVD: Settings = {"model": "SVD"}
CORNAC: Settings = {"learning_rate": 0.01}
CMFREC: Settings = {"k": 50, "scale_lam": True}
FACTORS: dict[str, dict[str, Contender]] = {
    "ml-1m": {
        "Surprise SVD": Contender("scikit-surprise", SVD),
        "Cornac MF 32": Contender("cornac", CORNAC | {"k": 32, "max_iter": 25, "lambda_reg": 0.04}),
        "Cornac MF 64": Contender("cornac", CORNAC | {"k": 64, "max_iter": 30, "lambda_reg": 0.04}),
        "Cornac MF 128": Contender("cornac", CORNAC | {"k": 128, "max_iter": 25, "lambda_reg": 0.04}),
        "LensKit BiasedMF": Contender("lenskit", {"embedding_size": 50, "regularization": 0.08}),
        "cmfrec": Contender("cmfrec", CMFREC | {"lambda_": 0.07}),
        "cmfrec implicit": Contender("cmfrec", CMFREC | {"lambda_": 0.072, "add_implicit_features": True}),
    },
    "ml-100k": {
        "Surprise SVD": Contender("scikit-surprise", SVD),
        "Cornac MF 100": Contender("cornac", CORNAC | {"k": 100, "max_iter": 50, "lambda_reg": 0.08}),
        "LensKit BiasedMF": Contender("lenskit", {"embedding_size": 50, "regularization": 0.12}),
        "cmfrec": Contender("cmfrec", CMFREC | {"lambda_": 0.12}),
        "cmfrec implicit": Contender("cmfrec", CMFREC | {"lambda_": 0.12, "add_implicit_features": True}),
    },
}

# The settings are those of Surprise's own best figures and the libraries' defaults, but for k and the centring.
BASELINE: Settings = {"model": "KNNBaseline", "verbose": False}
NEIGHBOURS: dict[str, Contender] = {
    "Surprise KNNBaseline items": Contender(
        "scikit-surprise", BASELINE | {"sim_options": {"name": "pearson_baseline", "user_based": False}}
    ),
    "Surprise KNNBaseline users": Contender(
        "scikit-surprise", BASELINE | {"sim_options": {"name": "pearson_baseline", "user_based": True}}
    ),
    "LensKit ItemKNN": Contender("lenskit", {"model": "ItemKNN", "max_nbrs": 40}),
    "Cornac ItemKNN": Contender(
        "cornac", {"model": "ItemKNN", "k": 40, "similarity": "pearson", "mean_centered": True}
    ),
}
KINDS = tuple(MATINEE)


def read_table(file: Path, separator: str) -> pl.DataFrame:
    """The first three fields of a MovieLens file: user id, item id, stars."""
    width = len(separator)  # "::" is read as fields with empty ones between them
    columns = [0, width, 2 * width]
    table = pl.read_csv(file, separator=separator[0], has_header=False, columns=columns)
    return table.rename(dict(zip(table.columns, ("user", "item", "value"), strict=True)))


def read_parts(data: Path, fold: str, rows: Path | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The training and the test ratings."""
    if (data / "u.data").exists():
        return read_table(data / f"{fold}.base", "\t"), read_table(data / f"{fold}.test", "\t")
    ratings = data / "ratings.dat"
    if not ratings.exists():
        sys.exit(f"Error: {data} has neither u.data nor ratings.dat. Name an ml-100k or ml-1m folder: --data.")
    rows = rows or data / "splits" / "random-10pct-seed1234-test-rows.npy"
    if not rows.exists():
        sys.exit(f"Error: no file {rows} with the row numbers of the test set. Name one with --rows.")
    table = read_table(ratings, "::")
    is_test = np.zeros(len(table), bool)
    is_test[np.load(rows)] = True
    return table.filter(~is_test), table.filter(is_test)


def save_problem(file: Path, train: pl.DataFrame, test: pl.DataFrame) -> None:
    """Write both parts for peers.py, with ids as indices from 0."""
    both = pl.concat([train, test])
    index = {side: np.unique(both[side].to_numpy(), return_inverse=True)[1] for side in ("user", "item")}
    stars = both["value"].to_numpy().astype(np.float64)
    columns = {"user_index": index["user"], "item_index": index["item"], "value": stars}
    arrays: dict[str, Any] = {}
    for name, column in columns.items():
        arrays[f"train_{name}"], arrays[f"test_{name}"] = column[: len(train)], column[len(train) :]
    np.savez(file, **arrays)


def fit_once(contender: Contender, problem: Path, seed: int, threads: int) -> Result:
    """One fit in a fresh process: its numbers, or the sentence that says why there are none."""
    python = Path(sys.executable) if contender.library == "matinee" else PEERS_PYTHON
    if not python.exists():
        return {"problem": f"not installed: no {PEERS_VENV.name}; make it with: {SETUP}"}
    pools = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON", "LK")
    limits = {f"{pool}_NUM_THREADS": str(threads) for pool in pools}
    command = [str(python), str(HERE / "peers.py"), contender.library, json.dumps(contender.settings)]
    command += [str(problem), str(seed)]
    done = subprocess.run(command, env={**os.environ, **limits}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"problem": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def summarize(name: str, contender: Contender, results: list[Result]) -> Result:
    """The medians over the rounds, and every round; over several folds, the mean of their RMSE."""
    line = {"name": name, "library": contender.library, "settings": contender.settings, "rounds": results}
    problems = [result["problem"] for result in results if "problem" in result]
    if problems:
        return {**line, "problem": problems[0]}
    keys = ("fit_seconds", "predict_seconds", "rmse", "peak_mb")
    found = {key: statistics.median(r[key] for r in results) for key in keys}
    folds = {r["fold"] for r in results}
    if len(folds) > 1:
        of_fold = {fold: statistics.median(r["rmse"] for r in results if r["fold"] == fold) for fold in sorted(folds)}
        found |= {"rmse": statistics.mean(of_fold.values()), "rmse_by_fold": of_fold}
    return {**line, "version": results[0]["version"], **found}


def markdown(lines: list[Result]) -> str:
    """The table for people."""
    out = ["| model | fit s | predict s | RMSE | peak MB | library | settings |", "|---|--:|--:|--:|--:|---|---|"]
    for line in lines:
        settings = ", ".join(f"{key}={value}" for key, value in line["settings"].items()) or "defaults"
        if "problem" in line:
            out.append(f"| {line['name']} | - | - | - | - | {line['library']} | {line['problem']} |")
            continue
        seconds = f"{line['fit_seconds']:.2f} | {line['predict_seconds']:.2f}"
        numbers = f"{seconds} | {line['rmse']:.4f} | {line['peak_mb']:.0f}"
        out.append(f"| {line['name']} | {numbers} | {line['library']} {line['version']} | {settings} |")
    return "\n".join(out)


def setup() -> None:
    """Make .venv-peers. torch comes first and alone, since LensKit would take whichever build it met.

    Any CPU build that pip finds will do. A build with CUDA brings gigabytes that nothing here uses: if pip finds no
    other, point PIP_EXTRA_INDEX_URL to an index with CPU builds. Surprise and cmfrec need a C compiler.
    """
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    (torch,) = (line for line in REQUIREMENTS.read_text().splitlines() if line.startswith("torch=="))
    make = [sys.executable, "-m", "venv", str(PEERS_VENV)]
    for command in (make, [*pip, torch], [*pip, "-r", str(REQUIREMENTS)]):
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"Error: this step of the setup failed: {' '.join(command)}")
    print(f"{PEERS_VENV.name} is ready.", file=sys.stderr)


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="matinee and its peers: time, RMSE and memory.")
    parser.add_argument("--data", type=Path, help="ml-1m or ml-100k: a folder, or a name in $MATINEE_DATA")
    parser.add_argument("--rows", type=Path, help=".npy with the test row numbers of ml-1m")
    parser.add_argument("--fold", default="u1", help="official fold of ml-100k, or all five: all (default: u1)")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0], help="which models (default: factors)")
    parser.add_argument("--only", help="names of the table, with commas between them")
    parser.add_argument("--rounds", type=int, default=3, help="fits of each, the median counts (default: 3)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each fit (default: 2)")
    parser.add_argument("--validate", action="store_true", help="score a tenth of the training rows instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--setup", action="store_true", help="make .venv-peers and stop")
    return parser.parse_args()


def find_data(given: Path | None) -> Path:
    """The folder of the data: as given, or within the one that MATINEE_DATA names."""
    named = Path(os.environ.get("MATINEE_DATA", ".")) / (given or "ml-1m")
    found = next((folder for folder in (given, named) if folder and folder.is_dir()), None)
    if found is None:
        sys.exit(f"Error: no folder {named}. Name an ml-1m or ml-100k folder: --data, or set MATINEE_DATA.")
    return found


def contenders(data: Path, kind: str, only: str | None) -> dict[str, Contender]:
    """The lines of the table, by name."""
    factors = FACTORS["ml-100k" if (data / "u.data").exists() else "ml-1m"]
    peers = NEIGHBOURS if kind == "neighbours" else factors
    known = {name: Contender("matinee", settings) for name, settings in MATINEE[kind].items()} | peers
    names = only.split(",") if only else list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"Error: no line '{unknown[0]}' in the table. There are: {', '.join(known)}.")
    return {name: known[name] for name in names}


def run_rounds(chosen: dict[str, Contender], problems: dict[str, Path], n_rounds: int, threads: int) -> list[Result]:
    """Fits everybody on every fold in each round; a line for each."""
    results: dict[str, list[Result]] = {name: [] for name in chosen}
    for seed in range(n_rounds):
        for fold, problem in problems.items():
            for name, contender in chosen.items():
                results[name].append({"fold": fold, **fit_once(contender, problem, seed, threads)})
                print(f"round {seed + 1}: {name}: {results[name][-1]}", file=sys.stderr)
    return [summarize(name, contender, results[name]) for name, contender in chosen.items()]


def main() -> None:
    """Run the rounds and print the table."""
    options = parse()
    if options.setup:
        return setup()
    data = find_data(options.data)
    chosen = contenders(data, options.kind, options.only)
    folds = [f"u{number}" for number in range(1, 6)] if options.fold == "all" else [options.fold]
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory() as folder:
        problems = {}
        for fold in folds:
            train, test = read_parts(data, fold, options.rows)
            if options.validate:
                is_valid = np.random.default_rng(0).random(len(train)) < 0.1
                train, test = train.filter(~is_valid), train.filter(is_valid)
            problems[fold] = Path(folder) / f"{fold}.npz"
            save_problem(problems[fold], train, test)
        lines = run_rounds(chosen, problems, options.rounds, options.threads)
    about = {"data": data.name, "folds": len(folds), "n_train": len(train), "n_test": len(test)}
    about |= {"cores": os.cpu_count(), "threads": options.threads, "rounds": options.rounds, "load_before": load}
    if options.json:
        print(json.dumps({**about, "results": lines}))
        return None
    print(", ".join(f"{key} {value}" for key, value in about.items()), end="\n\n")
    print(markdown(lines))
    return None


if __name__ == "__main__":
    main()
