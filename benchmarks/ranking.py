"""Ranking: matinee's models of who likes what and their peers on the same pairs, in the same run.

    python benchmarks/ranking.py --setup            once: makes .venv-ranking, about a minute
    python benchmarks/ranking.py                    ML-1M, ratings of 4 and 5, the full ranking
    python benchmarks/ranking.py --protocol ncf     everybody's last rating among 99 items that they did not rate

Each fit is a fresh process with two threads. The rounds are interleaved, so that a slow minute of the machine
meets everybody, and each number is the median of the rounds. Every library first fits 5,000 pairs, which keeps
compilation and the start of threads out of the time.

Fit seconds are the fit call alone. Excluded are the imports, reading the file, and building the form that the
library wants: for the peers a sparse matrix, for matinee its Ratings. Top-10 seconds are those of the lists of all
users, what they have left out. Memory is the greatest resident memory of the process until those lists are made,
imports and data included, in MB of 10^6 bytes.

Publish only what an idle machine said: load_before tells how many processes were running before the first fit.
"""

import argparse
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.evaluation import metrics

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # a script has only its own folder there
from benchmarks import contest
from benchmarks.contest import Contender, Result, Settings

PEERS = contest.Peers.of("ranking.py", "ranking")
LIST, N_NEGATIVES = 10, 99

Index = NDArray[np.int64]

IRSPACK: Settings = {"recommender": "IALSRecommender"}
IALS: Settings = {"model": "ials", "regularization": 0.52, "epochs": 16}
EASE: Settings = {"recommender": "DenseSLIMRecommender"}
HYBRID: Settings = {
    "model": "hybrid",
    "lists": "ials,ease,ials-2",
    "ials.factors": 384,
    "ials-2.factors": 64,
}
# All settings but the defaults were chosen on pairs cut from the training part: a fifth of each user's, as --validate
# holds out, and for the full ranking of matinee's a tenth of them twice.
LINES: dict[str, dict[str, Contender]] = {
    "full": {
        "popularity": Contender("matinee", {"model": "popularity"}),
        "ials (defaults)": Contender("matinee", {"model": "ials"}),
        "ials 64": Contender("matinee", IALS | {"factors": 64}),
        "ials 192": Contender("matinee", IALS | {"factors": 192}),
        "ials 384": Contender("matinee", IALS | {"factors": 384}),
        "ease (defaults)": Contender("matinee", {"model": "ease"}),
        "ease with all weights": Contender("matinee", {"model": "ease", "entries": 10_000}),
        "hybrid": Contender("matinee", HYBRID | {"ials.regularization": 0.52, "ials.epochs": 16}),
        "irspack iALS 64": Contender(
            "irspack", IRSPACK | {"n_components": 64, "alpha0": 0.2, "reg": 0.01}
        ),
        "irspack iALS 192": Contender(
            "irspack", IRSPACK | {"n_components": 192, "alpha0": 0.2, "reg": 0.01}
        ),
        "implicit ALS 64": Contender(
            "implicit", {"factors": 64, "alpha": 12, "regularization": 100}
        ),
        "implicit ALS 192": Contender(
            "implicit", {"factors": 192, "alpha": 12, "regularization": 100}
        ),
        "irspack EASE": Contender("irspack", EASE | {"reg": 800}),
    },
    "ncf": {
        "popularity": Contender("matinee", {"model": "popularity"}),
        "ials (defaults)": Contender("matinee", {"model": "ials"}),
        "ials 64": Contender("matinee", {"model": "ials", "factors": 64, "regularization": 0.35}),
        "ials 192": Contender("matinee", {"model": "ials", "factors": 192, "regularization": 0.35}),
        "ials 384": Contender("matinee", {"model": "ials", "factors": 384, "regularization": 0.3}),
        "ease (defaults)": Contender("matinee", {"model": "ease"}),
        "ease with all weights": Contender("matinee", {"model": "ease", "entries": 10_000}),
        "hybrid": Contender(
            "matinee", HYBRID | {"ials.regularization": 0.3, "ials-2.regularization": 0.35}
        ),
        "irspack iALS 64": Contender(
            "irspack", IRSPACK | {"n_components": 64, "alpha0": 0.2, "reg": 0.0065}
        ),
        "irspack iALS 192": Contender(
            "irspack", IRSPACK | {"n_components": 192, "alpha0": 0.2, "reg": 0.0075}
        ),
        "implicit ALS 64": Contender("implicit", {"factors": 64, "alpha": 6, "regularization": 60}),
        "implicit ALS 192": Contender(
            "implicit", {"factors": 192, "alpha": 12, "regularization": 100}
        ),
        "irspack EASE": Contender("irspack", EASE | {"reg": 800}),
    },
}
MEASURES = {"full": ("ndcg_at_10", "recall_at_20"), "ncf": ("hit_rate_at_10", "ndcg_at_10")}


class Pairs(NamedTuple):
    """Who likes what, by index from 0."""

    user: Index  # (N,)
    item: Index  # (N,)

    def take(self, where: NDArray[np.bool_]) -> "Pairs":
        """The pairs for which the mask holds."""
        return Pairs(self.user[where], self.item[where])


class Task(NamedTuple):
    """What to learn from, and what to rank."""

    train: Pairs
    test: Pairs
    """Relevant, for the full ranking; one of each user otherwise."""
    candidates: Index
    """For each user the item held out and those beside it, (U, C); (0, 0) for the full ranking."""
    shape: tuple[int, int]


# -- tasks -------------------------------------------------------------------------------------------------------


def read_ratings(folder: Path) -> pl.DataFrame:
    """The ratings of ML-1M: user id, item id, stars, and the last two as indices from 0, by id."""
    columns = pl.read_csv(
        folder / "ratings.dat", separator=":", has_header=False, columns=[0, 2, 4]
    )
    columns = columns.rename(dict(zip(columns.columns, ("user", "item", "value"), strict=True)))
    index = {
        side: np.unique(columns[side].to_numpy(), return_inverse=True)[1]
        for side in ("user", "item")
    }
    return columns.with_columns(*(pl.Series(f"{side}_index", index[side]) for side in index))


def full_task(data: Path, rows: Path | None) -> Task:
    """Ratings of 4 and 5 count; those in the given rows are to be found."""
    ratings = read_ratings(data / "ml-1m")
    rows = rows or data / "ml-1m" / "splits" / "ranking-20pct-seed0-test-rows.npy"
    is_test = contest.held_out(rows, len(ratings))
    pairs, likes = _pairs(ratings), ratings["value"].to_numpy() >= 4
    shape = int(pairs.user.max()) + 1, int(pairs.item.max()) + 1
    return Task(
        pairs.take(likes & ~is_test), pairs.take(likes & is_test), np.empty((0, 0), np.int64), shape
    )


def ncf_task(data: Path) -> Task:
    """Every rating counts; each user's last one is ranked among 99 items (He et al., "Neural collaborative filtering",
    2017; their files ml-1m.test.rating and ml-1m.test.negative)."""
    ratings = read_ratings(data / "ml-1m")
    folder = data / "ml-1m-ncf"
    movie_of = dict(pl.read_csv(folder / "item_map.csv").select("ncf_item", "movie_id").iter_rows())
    index_of = dict(ratings.select("item", "item_index").unique().iter_rows())
    lines = [
        line.split("\t")
        for line in (folder / "ml-1m.test.negative").read_text("utf-8").splitlines()
    ]
    held_out = [tuple(map(int, line[0].strip("()").split(","))) for line in lines]
    items = [[one, *map(int, line[1:])] for (_, one), line in zip(held_out, lines, strict=True)]
    candidates = np.array([[index_of[movie_of[item]] for item in line] for line in items])
    if [user for user, _ in held_out] != list(range(len(candidates))):
        sys.exit(
            f"Error: {folder / 'ml-1m.test.negative'} has not one line for each user, in their order."
        )
    pairs = _pairs(ratings)
    shape = int(pairs.user.max()) + 1, int(pairs.item.max()) + 1
    test = Pairs(np.arange(len(candidates)), candidates[:, 0])
    is_test = np.isin(pairs.user * shape[1] + pairs.item, test.user * shape[1] + test.item)
    return Task(pairs.take(~is_test), test, candidates, shape)


def _pairs(ratings: pl.DataFrame) -> Pairs:
    return Pairs(
        ratings["user_index"].to_numpy().astype(np.int64),
        ratings["item_index"].to_numpy().astype(np.int64),
    )


def validation(task: Task) -> Task:
    """The same kind of task on the training part alone: of everybody a random fifth, or one pair among 99 items."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(task.train.user))
    order = order[np.argsort(task.train.user[order], kind="stable")]
    counts = np.bincount(task.train.user, minlength=task.shape[0])
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_valid = np.zeros(len(order), bool)
    if not len(task.candidates):
        is_valid[order] = place < counts[task.train.user[order]] // 5
        return Task(
            task.train.take(~is_valid), task.train.take(is_valid), task.candidates, task.shape
        )
    is_valid[order] = place == 0
    train, test = task.train.take(~is_valid), task.train.take(is_valid)
    test = Pairs(*(column[np.argsort(test.user)] for column in test))
    has = np.zeros(task.shape, bool)
    has[task.train.user, task.train.item] = True
    beside = [
        rng.choice(np.flatnonzero(~has[user]), N_NEGATIVES, replace=False)
        for user in range(task.shape[0])
    ]
    return Task(train, test, np.column_stack([test.item, np.array(beside)]), task.shape)


# -- rounds ------------------------------------------------------------------------------------------------------


def save_problem(file: Path, task: Task) -> None:
    """Write the training data for ranking_peers.py."""
    columns = {
        "user_index": task.train.user,
        "item_index": task.train.item,
        "candidates": task.candidates,
    }
    np.savez(file, **columns, shape=np.array(task.shape))  # type: ignore[arg-type]


def fit_once(contender: Contender, problem: Path, seed: int, task: Task, threads: int) -> Result:
    """One fit in a fresh process, and what its lists are worth."""
    file = problem.with_name("lists.npz")
    fewer = {"OPENBLAS": 1} if contender.library == "implicit" else {}  # as it asks for
    result = contest.fit_once(
        "ranking_peers", contender, (problem, seed, file), PEERS, threads, **fewer
    )
    if "problem" not in result and not len(task.candidates):
        with np.load(file) as lists:
            result |= judge(lists["top"], task)
    return result


def judge(lists: Index, task: Task) -> dict[str, float]:
    """What lists are worth, (U, 20), to those who have something in the test part."""
    relevant = task.test.user * task.shape[1] + task.test.item
    n_relevant = np.bincount(task.test.user, minlength=task.shape[0])
    users = np.flatnonzero(n_relevant)
    hits = np.isin(users[:, None] * task.shape[1] + lists[users], relevant)
    ndcg = metrics.ndcg(hits[:, :LIST], n_relevant[users])
    return {
        "ndcg_at_10": float(ndcg.mean()),
        "recall_at_20": float(metrics.recall(hits, n_relevant[users]).mean()),
    }


def markdown(lines: list[Result], measures: tuple[str, ...]) -> str:
    """The table for people."""
    titles = {"ndcg_at_10": "NDCG@10", "recall_at_20": "recall@20", "hit_rate_at_10": "HR@10"}
    head = " | ".join(titles[name] for name in measures)
    out = [
        f"| model | fit s | {head} | top-10 s | peak MB | library | settings |",
        f"|---|{'--:|' * 5}---|---|",
    ]
    for line in lines:
        settings = ", ".join(f"{key}={value}" for key, value in line["settings"].items())
        if "problem" in line:
            out.append(
                f"| {line['name']} | - | - | - | - | - | {line['library']} | {line['problem']} |"
            )
            continue
        quality = " | ".join(f"{line[name]:.4f}" for name in measures)
        numbers = f"{line['fit_seconds']:.2f} | {quality} | {line['top_seconds']:.3f} | {line['peak_mb']:.0f}"
        out.append(
            f"| {line['name']} | {numbers} | {line['library']} {line['version']} | {settings} |"
        )
        if "inverse_seconds" in line:
            ratio = statistics.median(
                r["fit_seconds"] / r["inverse_seconds"] for r in line["rounds"]
            )
            note = f"the bare inverse of its Gram matrix: {line['inverse_seconds']:.2f} s, {ratio:.2f} times that"
            out[-1] = out[-1].removesuffix(" |") + f"; {note} |"
    return "\n".join(out)


# -- the command -------------------------------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description="matinee and its peers: time, quality of lists, and memory."
    )
    parser.add_argument(
        "--data", type=Path, help="folder that holds ml-1m and ml-1m-ncf (default: $MATINEE_DATA)"
    )
    parser.add_argument(
        "--protocol", choices=list(LINES), default="full", help="what is ranked (default: full)"
    )
    parser.add_argument(
        "--rows", type=Path, help=".npy with the test row numbers of the full ranking"
    )
    parser.add_argument(
        "--validate", action="store_true", help="hold out pairs of the training part instead"
    )
    contest.add_options(parser, PEERS, rounds=3)
    return parser.parse_args()


def find_data(given: Path | None, protocol: str) -> Path:
    """The folder that holds the data."""
    data = given or Path(os.environ.get("MATINEE_DATA", "."))
    needed = ["ml-1m/ratings.dat"] + ["ml-1m-ncf/ml-1m.test.negative"] * (protocol == "ncf")
    for name in needed:
        if not (data / name).exists():
            sys.exit(
                f"Error: no file {data / name}. Name the folder that holds ml-1m: --data, or set MATINEE_DATA."
            )
    return data


def main() -> None:
    """Run the rounds and print the table."""
    options = parse()
    if options.setup:
        contest.setup(PEERS)
        return
    chosen = contest.choose(LINES[options.protocol], options.only)
    data = find_data(options.data, options.protocol)
    task = ncf_task(data) if options.protocol == "ncf" else full_task(data, options.rows)
    task = validation(task) if options.validate else task
    about = {
        "protocol": options.protocol,
        "n_train": len(task.train.user),
        "n_test": len(task.test.user),
    }
    about |= contest.circumstances(options)
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.npz"
        save_problem(problem, task)
        fit = partial(fit_once, task=task, threads=options.threads)
        lines = contest.run_rounds(chosen, [problem], options.rounds, fit)
    contest.publish(
        about, lines, partial(markdown, measures=MEASURES[options.protocol]), options.json
    )


if __name__ == "__main__":
    main()
