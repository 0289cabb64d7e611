"""Measures a model in a separate process, so that models do not share memory or compiled code.

A fresh interpreter gets the model and the data through a pipe. `multiprocessing` would not do:
with "spawn" it runs the main module of the caller again. The pickled data never leaves the
machine, and both ends are the same program.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

from matinee.data.ratings import Ratings
from matinee.data.split import Split
from matinee.errors import MatineeError
from matinee.evaluation.evaluate import Evaluation, evaluate_part, summarize
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.system import peak_memory_mb


class Measured(NamedTuple):
    """The result of measuring one model.

    Attributes:
        evaluation: None if the model could not be measured; `problem` then says why.
        memory_mb: the growth of the process; None if the model had no separate process.
    """

    evaluation: Evaluation | None
    memory_mb: float | None = None
    problem: str = ""


def packed(parts: Sequence[Split], dataset: str, n_threads: int | None = None) -> bytes:
    """The data for `measure_isolated`, made once for all models."""
    return pickle.dumps((list(parts), dataset, n_threads))


def measure_here(
    model: Recommender, parts: Sequence[Split], dataset: str, n_threads: int | None
) -> Measured:
    """Measures a model in this process; errors become the problem of the result."""
    try:
        results = [evaluate_part(copy(model), part, n_threads=n_threads) for part in parts]
        return Measured(summarize(results, model, dataset))
    except MatineeError as error:
        return Measured(None, problem=str(error))
    except MemoryError:
        return Measured(None, problem="Out of memory.")


def measure_isolated(model: Recommender, data: bytes) -> Measured:
    """Measures one of MODELS in a separate process.

    Args:
        model: its name and settings are passed on; it need not be fitted.
        data: as made by `packed`.
    """
    code = "from matinee.evaluation.isolated import work; work()"
    task = pickle.dumps((model.name, model.settings())) + data
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], input=task, capture_output=True, env=environment
    )
    if done.returncode == 0:
        measured: Measured = pickle.loads(done.stdout)
        return measured
    if done.returncode < 0:
        problem = (
            f"The process was killed by signal {-done.returncode}, probably because memory ran out."
        )
        return Measured(None, problem=problem)
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else "no message"
    return Measured(None, problem=f"Unexpected error: {last}")


def work() -> None:
    """The program of the process: reads a task from stdin and writes the result to stdout."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answer:
        # What a library prints must not get into the answer.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        name, settings = pickle.load(sys.stdin.buffer)
        parts, dataset, n_threads = pickle.load(sys.stdin.buffer)
        model = model_named(name).from_settings(settings)
        _warm_up(model)
        before = peak_memory_mb()
        measured = measure_here(model, parts, dataset, n_threads)
        if measured.evaluation is not None:
            growth = measured.evaluation.report.peak_rss_mb - before
            measured = measured._replace(memory_mb=round(max(0.0, growth), 1))
        pickle.dump(measured, answer)


def _warm_up(model: Recommender) -> None:
    """Does everything once on a small table, to load libraries and compiled code."""
    users, items = np.divmod(np.arange(600), 30)
    table = Ratings.from_ids(users, items, 1.0 + (users + items) % 5)
    part = Split(table.subset(items % 7 > 0), table.subset(items % 7 == 0), "small")
    measure_here(model, [part], "small", 1)
