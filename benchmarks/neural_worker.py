"""One training, in a separate process: seconds, errors and memory as one JSON line. `neural.py` starts it.

    python -m benchmarks.neural_worker JOB_JSON

Each way below turns the ratings into the form that its library wants, which is not timed, and returns the training,
which is, with the validation after each epoch. It trains on a few rows first, which keeps compilation out as well.
The errors are mean squared errors on the validation part after each epoch, of predictions that are not clipped.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from benchmarks.contest import Result, Settings, answer, n_threads, peak_mb
from benchmarks.peers import Problem, matinee_ratings

Training = Callable[[], list[float]]
"""What is timed; returns the validation error after each epoch."""


class Job(NamedTuple):
    """What to train.

    Attributes:
        way: matinee, loop, learner, collab_learner (see `neural.py`), or table.
        problem: the file with the ratings.
        table: for the way "table", the number of users, items and ratings to make up instead.
    """

    way: str
    model: str
    settings: Settings
    problem: str = ""
    table: tuple[int, int, int] = (0, 0, 0)


def matinee(job: Job, problem: Problem) -> Training:
    """This project's model, through its public names."""
    from matinee.models import model_named

    train, valid = matinee_ratings(problem)
    model: Any = model_named(job.model).from_settings(job.settings)

    def run() -> list[float]:
        errors: list[float] = (
            model.fit(train, valid=valid, n_threads=n_threads()).curve_.rows[:, 2].tolist()
        )
        return errors

    return run


def loop(job: Job, problem: Problem) -> Training:
    """The tutorial's own way, in plain PyTorch."""
    from benchmarks import neural_loop

    net = neural_loop.make_net(job.model, (problem.n_users, problem.n_items), job.settings)
    parts = [neural_loop.tensors(*part) for part in (problem.train, problem.test)]
    return lambda: neural_loop.train(net, parts[0], parts[1], job.settings)


def fastai(job: Job, problem: Problem) -> Training:
    """fastai itself."""
    from benchmarks.neural_fastai import make_learner

    learner = make_learner(job.way, problem, job.settings)
    epochs, rate, decay = (
        job.settings[name] for name in ("epochs", "learning_rate", "weight_decay")
    )

    def run() -> list[float]:
        with learner.no_bar(), learner.no_logging():
            learner.fit_one_cycle(epochs, rate, wd=decay)
        return [row[1] for row in learner.recorder.values]

    return run


WAYS = {"matinee": matinee, "loop": loop, "learner": fastai, "collab_learner": fastai}
PACKAGES = {"loop": "torch", "learner": "fastai", "collab_learner": "fastai"}


def measure(job: Job) -> Result:
    """Warm up and train on the ratings of `neural.py`."""
    problem = Problem.load(job.problem, job.settings["seed"])
    prepare = WAYS[job.way]
    prepare(job._replace(settings=job.settings | {"epochs": 1}), problem.warm_up())()
    train = prepare(job, problem)
    started, cpu_started = time.perf_counter(), time.process_time()
    errors = train()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    package = PACKAGES.get(job.way, "matinee")
    return {
        "software": f"{package} {version(package)}",
        "epochs": len(errors),
        "epoch_seconds": seconds / len(errors),
        "epoch_cpu_seconds": cpu_seconds / len(errors),
        "final_mse": errors[-1],
        "best_mse": min(errors),
        "valid_mse": errors,
        **memory(job),
    }


def measure_table(job: Job) -> Result:
    """One epoch on a simulated table: users alike, films from rarely to often rated, stars from 1 to 5."""
    from matinee.data.ratings import Ratings, Scale
    from matinee.data.vocabulary import Vocabulary
    from matinee.models import model_named

    n_users, n_items, n_ratings = job.table
    rng = np.random.default_rng(0)
    user = rng.integers(0, n_users, n_ratings, dtype=np.int32)
    item = (n_items * rng.random(n_ratings, np.float32) ** 3).astype(np.int32).clip(max=n_items - 1)
    stars = rng.integers(1, 6, n_ratings, dtype=np.int8).astype(np.float32)
    vocabularies = Vocabulary(np.arange(n_users), "user"), Vocabulary(np.arange(n_items), "item")
    train = Ratings(*vocabularies, user, item, stars, None, Scale(1.0, 5.0, 1.0))
    model: Any = model_named(job.model).from_settings(job.settings)
    before = peak_mb()
    model.fit(train.subset(np.arange(min(1_000, n_ratings))))
    started = time.perf_counter()
    model.fit(train, n_threads=n_threads())
    seconds = time.perf_counter() - started
    return {
        "software": f"matinee {version('matinee')}",
        "epoch_seconds": seconds,
        "train_mse": float(model.curve_.rows[-1, 1]),
        "table_mb": before,
        **memory(job),
    }


def memory(job: Job) -> dict[str, float]:
    """The most that the process has held so far, and the most that tensors held on an accelerator; MB of 10^6 bytes."""
    found = {"peak_mb": peak_mb()}
    if job.settings["device"].startswith("cuda"):
        import torch

        found["device_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return found


def main() -> None:
    """Print the measurement, or why there is none, as one JSON line."""
    job = Job(**json.loads(sys.argv[1]))
    answer(lambda: measure_table(job) if job.way == "table" else measure(job))


if __name__ == "__main__":
    main()
