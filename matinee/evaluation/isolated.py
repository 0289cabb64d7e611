"""One model at a time in a fresh process, so that each is measured alone."""

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
from matinee.evaluation import Evaluation, evaluate_part, summarize
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.system import peak_memory_mb

# -- a process for each model ----------------------------------------------------------------------------------------


class Found(NamedTuple):
    """What was measured of a model, the memory in MB that it took if it had a process of its own, or the problem."""

    outcome: Evaluation | None
    memory_mb: float | None = None
    problem: str = ""


def as_task(parts: Sequence[Split], dataset: str, n_threads: int | None = None) -> bytes:
    """The data as `in_a_process` wants it, made once for all models."""
    return pickle.dumps((list(parts), dataset, n_threads))


def _attempt(model: Recommender, parts: Sequence[Split], dataset: str, n_threads: int | None) -> Found:
    """Measures a model, or says in a sentence why that is impossible."""
    try:
        results = [evaluate_part(copy(model), part, n_threads=n_threads) for part in parts]
        return Found(summarize(results, model, dataset))
    except MatineeError as error:
        return Found(None, problem=str(error))
    except MemoryError:
        return Found(None, problem="it needs more memory than there is.")


def in_a_process(model: Recommender, data: bytes) -> Found:
    """Measures one of MODELS in a fresh process, which gets its name and settings, and the data `as_task`."""
    code = "from matinee.evaluation.isolated import _work; _work()"
    task = pickle.dumps((model.name, model.settings())) + data
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-P", "-c", code], input=task, capture_output=True, env=environment)
    if done.returncode == 0:
        found: Found = pickle.loads(done.stdout)
        return found
    if done.returncode < 0:
        problem = f"the system ended it with signal {-done.returncode}; most likely memory ran out."
        return Found(None, problem=problem)
    last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
    return Found(None, problem=f"it failed in a way that it should not: {last}")


def _work() -> None:
    """What the fresh process does: reads a task from standard input, and writes what it found to standard output."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answer:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not get into the answer
        name, settings = pickle.load(sys.stdin.buffer)
        parts, dataset, n_threads = pickle.load(sys.stdin.buffer)
        model = model_named(name).from_settings(settings)
        _warm_up(model)
        before = peak_memory_mb()
        found = _attempt(model, parts, dataset, n_threads)
        if found.outcome:
            found = found._replace(memory_mb=round(max(0.0, found.outcome.report.peak_rss_mb - before), 1))
        pickle.dump(found, answer)


def _warm_up(model: Recommender) -> None:
    """Loads libraries and compiled code by doing everything once on a small table, so that no time counts it."""
    users, items = np.divmod(np.arange(600), 30)
    table = Ratings.from_ids(users, items, 1.0 + (users + items) % 5)
    part = Split(table.subset(items % 7 > 0), table.subset(items % 7 == 0), "small")
    _attempt(model, [part], "small", 1)
