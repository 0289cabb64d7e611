"""Rating prediction: matinee and its peers on the same rows, in the same run.

    python benchmarks/rating_prediction.py --setup                       once: makes .venv-peers, about 5 minutes
    python benchmarks/rating_prediction.py --data ml-1m --rows FILE.npy  FILE: row numbers of the test set
    python benchmarks/rating_prediction.py --data ml-100k --fold u1
    python benchmarks/rating_prediction.py --data ml-100k --fold all --kind neighbors     the mean of the five folds

Each fit is a fresh process with two threads. The rounds are interleaved, so that a slow minute of the machine
affects every library, and each number is the median of the rounds. Every library first fits 1,000 ratings, which keeps
compilation and the start of threads out of the time.

Fit seconds are the fit call alone. Excluded are the imports, reading the file, and building the form that the
library wants: for Surprise its Trainset, for Cornac and LensKit their Dataset, for cmfrec a sparse matrix, for
matinee its Ratings. Predict seconds are those for the test ratings, from that form to an array, one after the
other where the library has nothing for many at once. RMSE is of predictions clipped to the scale. Memory is the
greatest resident memory of the process until the fit ends, imports and ratings included, in MB of 10^6 bytes.

Publish only what an idle machine said: load_before tells how many processes were running before the first fit.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # a script has only its own folder there
from benchmarks import contest
from benchmarks.contest import Contender, Result, Settings

PEERS = contest.Peers.of("rating_prediction.py", "peers")

MATINEE: dict[str, dict[str, Settings]] = {
    "factors": {
        "mf factors=32, epochs=8, learning_rate=.09, regularization=.035": {
            "factors": 32,
            "epochs": 8,
            "learning_rate": 0.09,
            "regularization": 0.035,
        },
        "mf (defaults)": {},
        "mf 128 factors": {"factors": 128},
        "mf 256 factors": {"factors": 256},
    },
    "neighbors": {
        "item-knn (defaults)": {"model": "item-knn"},
        "user-knn (defaults)": {"model": "user-knn"},
    },
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
        "Cornac MF 128": Contender(
            "cornac", CORNAC | {"k": 128, "max_iter": 25, "lambda_reg": 0.04}
        ),
        "LensKit BiasedMF": Contender("lenskit", {"embedding_size": 50, "regularization": 0.08}),
        "cmfrec": Contender("cmfrec", CMFREC | {"lambda_": 0.07}),
        "cmfrec implicit": Contender(
            "cmfrec", CMFREC | {"lambda_": 0.072, "add_implicit_features": True}
        ),
    },
    "ml-100k": {
        "Surprise SVD": Contender("scikit-surprise", SVD),
        "Cornac MF 100": Contender(
            "cornac", CORNAC | {"k": 100, "max_iter": 50, "lambda_reg": 0.08}
        ),
        "LensKit BiasedMF": Contender("lenskit", {"embedding_size": 50, "regularization": 0.12}),
        "cmfrec": Contender("cmfrec", CMFREC | {"lambda_": 0.12}),
        "cmfrec implicit": Contender(
            "cmfrec", CMFREC | {"lambda_": 0.12, "add_implicit_features": True}
        ),
    },
}

# The settings are those of Surprise's own best figures and the libraries' defaults, except for k and the centering.
BASELINE: Settings = {"model": "KNNBaseline", "verbose": False}
NEIGHBORS: dict[str, Contender] = {
    "Surprise KNNBaseline items": Contender(
        "scikit-surprise",
        BASELINE | {"sim_options": {"name": "pearson_baseline", "user_based": False}},
    ),
    "Surprise KNNBaseline users": Contender(
        "scikit-surprise",
        BASELINE | {"sim_options": {"name": "pearson_baseline", "user_based": True}},
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
        sys.exit(
            f"Error: {data} has neither u.data nor ratings.dat. Name an ml-100k or ml-1m folder: --data."
        )
    rows = rows or data / "splits" / "random-10pct-seed1234-test-rows.npy"
    table = read_table(ratings, "::")
    is_test = contest.held_out(rows, len(table))
    return table.filter(~is_test), table.filter(is_test)


def save_problem(file: Path, train: pl.DataFrame, test: pl.DataFrame) -> None:
    """Write both parts for peers.py, with ids as indices from 0."""
    both = pl.concat([train, test])
    index = {
        side: np.unique(both[side].to_numpy(), return_inverse=True)[1] for side in ("user", "item")
    }
    stars = both["value"].to_numpy().astype(np.float64)
    columns = {"user_index": index["user"], "item_index": index["item"], "value": stars}
    arrays: dict[str, Any] = {}
    for name, column in columns.items():
        arrays[f"train_{name}"], arrays[f"test_{name}"] = column[: len(train)], column[len(train) :]
    np.savez(file, **arrays)


def with_mean_of_folds(line: Result) -> Result:
    """A line whose RMSE is, over several folds, the mean of theirs."""
    folds = sorted({result["fold"] for result in line["rounds"]})
    if "problem" in line or len(folds) == 1:
        return line
    by_fold = {
        fold: statistics.median(
            result["rmse"] for result in line["rounds"] if result["fold"] == fold
        )
        for fold in folds
    }
    return line | {"rmse": statistics.mean(by_fold.values()), "rmse_by_fold": by_fold}


def markdown(lines: list[Result]) -> str:
    """The table for people."""
    out = [
        "| model | fit s | predict s | RMSE | peak MB | library | settings |",
        "|---|--:|--:|--:|--:|---|---|",
    ]
    for line in lines:
        settings = (
            ", ".join(f"{key}={value}" for key, value in line["settings"].items()) or "defaults"
        )
        if "problem" in line:
            out.append(
                f"| {line['name']} | - | - | - | - | {line['library']} | {line['problem']} |"
            )
            continue
        seconds = f"{line['fit_seconds']:.2f} | {line['predict_seconds']:.2f}"
        numbers = f"{seconds} | {line['rmse']:.4f} | {line['peak_mb']:.0f}"
        out.append(
            f"| {line['name']} | {numbers} | {line['library']} {line['version']} | {settings} |"
        )
    return "\n".join(out)


def setup() -> None:
    """Make .venv-peers. torch comes first and alone, since LensKit would take whichever build it met.

    Any CPU build that pip finds will do. A build with CUDA brings gigabytes that nothing here uses: if pip finds no
    other, point PIP_EXTRA_INDEX_URL to an index with CPU builds. Surprise and cmfrec need a C compiler.
    """
    (torch,) = (
        line for line in PEERS.requirements.read_text().splitlines() if line.startswith("torch==")
    )
    contest.setup(PEERS, [torch], ["-r", str(PEERS.requirements)])


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="matinee and its peers: time, RMSE and memory.")
    parser.add_argument(
        "--data", type=Path, help="ml-1m or ml-100k: a folder, or a name in $MATINEE_DATA"
    )
    parser.add_argument("--rows", type=Path, help=".npy with the test row numbers of ml-1m")
    parser.add_argument(
        "--fold", default="u1", help="official fold of ml-100k, or all five: all (default: u1)"
    )
    parser.add_argument(
        "--kind", choices=KINDS, default=KINDS[0], help="which models (default: factors)"
    )
    parser.add_argument(
        "--validate", action="store_true", help="score a tenth of the training rows instead"
    )
    contest.add_options(parser, PEERS, rounds=3)
    return parser.parse_args()


def find_data(given: Path | None) -> Path:
    """The folder of the data: as given, or within the one that MATINEE_DATA names."""
    named = Path(os.environ.get("MATINEE_DATA", ".")) / (given or "ml-1m")
    found = next((folder for folder in (given, named) if folder and folder.is_dir()), None)
    if found is None:
        sys.exit(
            f"Error: no folder {named}. Name an ml-1m or ml-100k folder: --data, or set MATINEE_DATA."
        )
    return found


def contenders(data: Path, kind: str) -> dict[str, Contender]:
    """All lines of the table, by name."""
    factors = FACTORS["ml-100k" if (data / "u.data").exists() else "ml-1m"]
    peers = NEIGHBORS if kind == "neighbors" else factors
    return {
        name: Contender("matinee", settings) for name, settings in MATINEE[kind].items()
    } | peers


def main() -> None:
    """Run the rounds and print the table."""
    options = parse()
    if options.setup:
        setup()
        return
    data = find_data(options.data)
    chosen = contest.choose(contenders(data, options.kind), options.only)
    folds = [f"u{number}" for number in range(1, 6)] if options.fold == "all" else [options.fold]
    circumstances = contest.circumstances(options)

    def fit(contender: Contender, problem: Path, seed: int) -> Result:
        found = contest.fit_once("peers", contender, (problem, seed), PEERS, options.threads)
        return {"fold": problem.stem, **found}

    with tempfile.TemporaryDirectory() as folder:
        problems = []
        for fold in folds:
            train, test = read_parts(data, fold, options.rows)
            if options.validate:
                is_valid = np.random.default_rng(0).random(len(train)) < 0.1
                train, test = train.filter(~is_valid), train.filter(is_valid)
            problems.append(Path(folder) / f"{fold}.npz")
            save_problem(problems[-1], train, test)
        lines = contest.run_rounds(chosen, problems, options.rounds, fit)
    about = {
        "data": data.name,
        "folds": len(folds),
        "n_train": len(train),
        "n_test": len(test),
    } | circumstances
    contest.publish(about, [with_mean_of_folds(line) for line in lines], markdown, options.json)


if __name__ == "__main__":
    main()
