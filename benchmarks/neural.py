"""The tutorials that matinee starts from: their own way of training and matinee's, on the same rows, in the same run.

    python benchmarks/neural.py --setup                    once: makes .venv-fastai
    python benchmarks/neural.py                            all four tutorials; zaitsev alone takes minutes
    python benchmarks/neural.py --only fastai,embeddingnet --json
    python benchmarks/neural.py --table 162541x59047x25000000 --device cuda

Each training is a fresh process with two threads, once for each seed in every round. They are interleaved, so that a
slow minute of the machine meets everybody. What trains:

- matinee: the model with the tutorial's settings, those of `matinee reproduce`;
- loop: the same net, optimiser, schedule, batch size and number of epochs in plain PyTorch (`neural_loop.py`);
- learner, collab_learner: fastai itself (`neural_fastai.py`), with the call of its chapter 8 and without progress bars.

Seconds per epoch are those of the whole training, with the validation after each epoch, divided by the epochs: the
least and the median of all trainings. `times` is that median as a multiple of matinee's. CPU seconds are what the
process itself used of all cores, the median; other programs disturb them less. Imports, reading and the form that a
library wants are left out, as is a first short training on 1,000 rows. MSE is of predictions that are not clipped, the
mean over the seeds, after the last epoch and after the best. Memory is the greatest resident memory of the process, in
MB of 10^6 bytes.

Two tutorials take long in the loop, so all ways train for fewer epochs there: plain-mf for 5 of its 128, zaitsev for 1
of its 16. Their MSE says no more than that both ways do the same; --epochs asks for more.

--table makes up ratings of a shape, users x items x ratings, and trains dot-product on them for one epoch.

Publish only what an idle machine said: load_before tells how many processes were running before the first training.
On a busy one the second thread of PyTorch makes its small steps many times slower, as each waits for the other; then
--threads 1 is the fairer comparison.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matinee.data.datasets.load import load
from matinee.data.ratings import Ratings
from matinee.data.split import Split, by_mask, random_split
from matinee.errors import MatineeError
from matinee.experiments.tutorials import tutorial_named
from matinee.models import model_named

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # a script has only its own folder there
from benchmarks import contest
from benchmarks.contest import Result

PEERS = contest.Peers.of("neural.py", "fastai")


class Line(NamedTuple):
    """A tutorial in the table: who trains it, and for how many epochs if not for its own number."""

    ways: tuple[str, ...] = ("matinee", "loop")
    epochs: int | None = None


LINES = {
    "fastai": Line(("matinee", "loop", "learner", "collab_learner")),
    "embeddingnet": Line(),
    "plain-mf": Line(epochs=5),
    "zaitsev": Line(epochs=1),
}


def split(name: str, ratings: Ratings) -> Split:
    """A fifth of the rows; for EmbeddingNet those that scikit-learn's train_test_split takes with random_state=42."""
    if name != "embeddingnet":
        return random_split(ratings, 0.2, seed=42)
    is_test = np.zeros(len(ratings), bool)
    is_test[np.random.RandomState(42).permutation(len(ratings))[: -(-len(ratings) // 5)]] = True
    return by_mask(ratings, is_test, "train_test_split, random_state=42")


def save_problem(file: Path, parts: Split) -> None:
    """Write both parts in the form that `peers.Problem` reads."""
    arrays: dict[str, Any] = {}
    for name, part in (("train", parts.train), ("test", parts.test)):
        arrays |= {
            f"{name}_{side}_index": getattr(part, f"{side}_index").astype(np.int64)
            for side in ("user", "item")
        }
        arrays[f"{name}_value"] = part.value.astype(np.float64)
    np.savez(file, **arrays)


def train_once(job: dict[str, Any], threads: int) -> Result:
    """One training in a fresh process."""
    return contest.ask(
        "neural_worker", [json.dumps(job)], PEERS if "learner" in job["way"] else None, threads
    )


def run_tutorial(name: str, line: Line, options: argparse.Namespace, folder: Path) -> list[Result]:
    """All trainings of one tutorial, interleaved; one result for each way."""
    tutorial = tutorial_named(name)
    parts = split(name, load(tutorial.data).ratings)
    problem = folder / f"{name}.npz"
    save_problem(problem, parts)
    changes = {"device": options.device} | ({"epochs": line.epochs} if line.epochs else {})
    settings = (
        model_named(tutorial.model).from_settings({**tutorial.settings, **changes}).settings()
    )
    done: dict[str, list[Result]] = {way: [] for way in line.ways}
    for seed in list(range(options.seeds)) * options.rounds:
        for way in line.ways:
            job = {
                "way": way,
                "model": tutorial.model,
                "problem": str(problem),
                "settings": settings | {"seed": seed},
            }
            done[way].append(train_once(job, options.threads))
            print(f"{name}, seed {seed}: {way}: {done[way][-1]}", file=sys.stderr)
    about = {
        "tutorial": name,
        "data": tutorial.data,
        "protocol": parts.protocol,
        "settings": settings,
    }
    lines = [{**about, "way": way, **summary(results)} for way, results in done.items()]
    ours = lines[0].get("median_epoch_seconds")
    return [
        line
        | ({"times": line["median_epoch_seconds"] / ours} if ours and "software" in line else {})
        for line in lines
    ]


def summary(results: list[Result]) -> Result:
    """Least and median time, mean errors, and every training."""
    problems = [result["problem"] for result in results if "problem" in result]
    if problems:
        return {"problem": problems[0], "trainings": results}
    seconds = [result["epoch_seconds"] for result in results]
    return {
        "software": results[0]["software"],
        "epochs": results[0]["epochs"],
        "least_epoch_seconds": min(seconds),
        "median_epoch_seconds": statistics.median(seconds),
        "median_epoch_cpu_seconds": statistics.median(
            result["epoch_cpu_seconds"] for result in results
        ),
        "final_mse": statistics.mean(result["final_mse"] for result in results),
        "best_mse": statistics.mean(result["best_mse"] for result in results),
        "peak_mb": statistics.median(result["peak_mb"] for result in results),
        "trainings": results,
    }


def markdown(lines: list[Result]) -> str:
    """The table for people."""
    out = [
        "| tutorial | who | epochs | s/epoch, least | median | times | CPU s | final MSE | best MSE | MB | software |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for line in lines:
        start = f"| {line['tutorial']} | {line['way']} |"
        if "problem" in line:
            out.append(f"{start} - | - | - | - | - | - | - | - | {line['problem']} |")
            continue
        times = f"{line['times']:.1f}" if "times" in line else "-"
        seconds = (
            f"{line['least_epoch_seconds']:.3f} | {line['median_epoch_seconds']:.3f} | {times}"
        )
        seconds += f" | {line['median_epoch_cpu_seconds']:.3f}"
        errors = f"{line['final_mse']:.4f} | {line['best_mse']:.4f}"
        out.append(
            f"{start} {line['epochs']} | {seconds} | {errors} | {line['peak_mb']:.0f} | {line['software']} |"
        )
    return "\n".join(out)


def run_table(options: argparse.Namespace) -> list[Result]:
    """One epoch of dot-product on a simulated table, in each round."""
    try:
        n_users, n_items, n_ratings = (int(size) for size in options.table.split("x"))
    except ValueError:
        sys.exit(
            f"Error: --table wants users x items x ratings such as 2000x1000x100000, not '{options.table}'."
        )
    changes = {
        "factors": 64,
        "epochs": 1,
        "batch_size": options.batch_size,
        "device": options.device,
    }
    settings = model_named("dot-product").from_settings(changes).settings()
    shape = [n_users, n_items, n_ratings]
    job = {"way": "table", "model": "dot-product", "settings": settings, "table": shape}
    results = [train_once(job, options.threads) for _ in range(options.rounds)]
    return [{"table": options.table, "settings": settings, **result} for result in results]


def table_markdown(lines: list[Result]) -> str:
    """The rounds of the simulated table."""
    out = [
        "| table | device | batch | s/epoch | million ratings/s | peak MB | of it before training | device MB |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for line in lines:
        settings = line["settings"]
        start = f"| {line['table']} | {settings['device']} | {settings['batch_size']} |"
        if "problem" in line:
            out.append(f"{start} {line['problem']} | - | - | - | - |")
            continue
        speed = int(line["table"].split("x")[2]) / line["epoch_seconds"] / 1e6
        on_device = f"{line['device_mb']:.0f}" if "device_mb" in line else "-"
        memory = f"{line['peak_mb']:.0f} | {line['table_mb']:.0f} | {on_device}"
        out.append(f"{start} {line['epoch_seconds']:.3f} | {speed:.2f} | {memory} |")
    return "\n".join(out)


def setup() -> None:
    """Make .venv-fastai, from exact versions and without their dependencies: see the requirements.

    Any CPU build of torch that pip finds will do. If it finds none, point PIP_EXTRA_INDEX_URL to an index with CPU
    builds.
    """
    contest.setup(PEERS, ["--no-deps", "-r", str(PEERS.requirements)])


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description="The tutorials' own way of training and matinee's: time and error."
    )
    parser.add_argument("--only", help=f"tutorials, with commas between them: {', '.join(LINES)}")
    parser.add_argument(
        "--rounds", type=int, default=1, help="repetitions of everything (default: 1)"
    )
    parser.add_argument("--seeds", type=int, default=3, help="seeds in each round (default: 3)")
    parser.add_argument(
        "--epochs", type=int, help="epochs of every training, instead of each tutorial's"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of each training (default: 2)"
    )
    parser.add_argument(
        "--table", help="a simulated table instead, users x items x ratings: 162541x59047x25000000"
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=65_536,
        help="with --table: ratings a step (default: 65536)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of the table"
    )
    parser.add_argument("--setup", action="store_true", help="make .venv-fastai and stop")
    return parser.parse_args()


def chosen_lines(options: argparse.Namespace) -> dict[str, Line]:
    """The tutorials of the table, by name."""
    lines = contest.choose(LINES, options.only, "no tutorial '{}'")
    return {
        name: line._replace(epochs=options.epochs or line.epochs) for name, line in lines.items()
    }


def about_machine(options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers depend on."""
    has_sysconf = hasattr(os, "sysconf")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
        if has_sysconf
        else None,
        "threads": options.threads,
        "device": options.device,
        "rounds": options.rounds,
        "load_before": contest.load_before(),
    }


def main() -> None:
    """Run the trainings and print the table."""
    options = parse()
    if options.setup:
        setup()
        return
    about = about_machine(options)
    if options.table:
        lines = run_table(options)
    else:
        about["seeds"] = options.seeds
        lines = []
        with tempfile.TemporaryDirectory() as folder:
            for name, line in chosen_lines(options).items():
                lines += run_tutorial(name, line, options, Path(folder))
    contest.publish(about, lines, table_markdown if options.table else markdown, options.json)


if __name__ == "__main__":
    try:
        main()
    except MatineeError as error:
        sys.exit(f"Error: {error}")
