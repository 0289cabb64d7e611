"""Several models on the same split: one table of quality, time and memory, and which differences are more than chance.

Each model is trained in a fresh process, one after the other, so that none pays for the memory or the compiled code of
another, and one that asks for more memory than there is stops nothing but itself.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from matinee.contests import CONTESTS, Contest, contest
from matinee.errors import MatineeError, SettingError
from matinee.evaluation import Evaluation, Report, evaluate_part, split_note, summarize
from matinee.models import MODELS, model_named
from matinee.models.base import Recommender
from matinee.progress import Progress, Step
from matinee.ratings import Ratings
from matinee.split import Split
from matinee.system import peak_memory_mb
from matinee.text import joined

HEADINGS = ("model", "RMSE", "NDCG@10", "recall@20", "coverage", "fit s", "stars s", "lists s", "MB")


@dataclass(frozen=True)
class Entry:
    """One model of the comparison.

    Attributes:
        name: what it is called here.
        report: None if it could not be measured; `problem` is then the sentence that says why.
        memory_mb: by how much the process grew to train, predict and recommend, beyond the libraries and the data;
            None where it had no process of its own.
    """

    name: str
    model: str
    report: Report | None = None
    memory_mb: float | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the report, and what is said here."""
        own = {"name": self.name, "model": self.model, "memory_mb": self.memory_mb, "problem": self.problem}
        return own | (self.report.to_dict() if self.report else {})


@dataclass(frozen=True)
class Comparison:
    """What was found: models that predict stars by RMSE, then those that only rank by NDCG@10, then the problems."""

    dataset: str
    protocol: str
    n_train: int
    n_test: int
    entries: list[Entry]
    contests: list[Contest]
    note: str = ""
    unit: str = "rating"
    """What a row of the data is: a rating, or a pair of a user and an item."""

    def to_dict(self) -> dict[str, Any]:
        """What `matinee compare --json` prints."""
        contests = {one.measure: one.to_dict() for one in self.contests}
        own = {name: getattr(self, name) for name in ("dataset", "protocol", "n_train", "n_test", "unit", "note")}
        return own | {"models": [one.to_dict() for one in self.entries], "contests": contests}

    def title(self) -> str:
        """The data and the split."""
        counts = f"{self.n_train:,} {self.unit}s to train on, {self.n_test:,} to test on"
        return f"{self.dataset}, {self.protocol}: {counts}"

    def rows(self) -> list[tuple[str, ...]]:
        """A line of the table, under HEADINGS, for each model that was measured."""
        return [self._row(one.name, one.report, one.memory_mb) for one in self.entries if one.report]

    def _row(self, name: str, report: Report, memory_mb: float | None) -> tuple[str, ...]:
        return (
            name,
            *(self._with_interval(name, report, measure) for measure in CONTESTS),
            _figure(report.recall_at_20, "{:.4f}"),
            _figure(report.coverage, "{:.1%}"),
            _figure(report.fit_seconds, "{:.2f}"),
            _figure(report.predict_seconds if report.rmse is not None else None, "{:.2f}"),
            _figure(report.recommend_seconds, "{:.2f}"),
            _figure(memory_mb, "{:,.0f}"),
        )

    def _with_interval(self, name: str, report: Report, measure: str) -> str:
        """0.9203 ±0.0061 *"""
        value = getattr(report, measure)
        if value is None:
            return "-"
        low, high = report.intervals.get(measure, (np.nan, np.nan))
        half = f" ±{(high - low) / 2:.4f}" if np.isfinite(high - low) else ""
        return f"{value:.4f}{half} {self.mark(measure, name)}".rstrip()

    def mark(self, measure: str, name: str) -> str:
        """* for the best by a measure, = for a model that is as good, and nothing for one that is worse."""
        return "".join(one.mark(name) for one in self.contests if one.measure == measure)

    def sentences(self) -> list[str]:
        """What the table does not say by itself."""
        said = [f"{one.name}: {one.problem}" for one in self.entries if one.problem]
        said += [one.sentence() for one in self.contests]
        if any(one.others for one in self.contests):
            said.append(
                "* is the best and = as good. ± is half of the 95% interval over people like these: it says how sure a "
                "figure is, not a difference, for people differ more than models do. Differences are tested person by "
                "person at 5%, corrected for all pairs of models."
            )
        return [*said, *self._about_lists()]

    def _about_lists(self) -> list[str]:
        """What must be known where models that predict stars stand beside others."""
        rankers = [one.name for one in self.entries if one.report and one.report.rmse is None]
        if not rankers or len(rankers) == len([one for one in self.entries if one.report]):
            return []
        return [
            f"{joined(rankers)} {'predicts' if len(rankers) == 1 else 'predict'} no stars. Models that do list first "
            "what somebody would rate highest; the others what somebody is likely to choose and like, which is what "
            "NDCG@10 and recall@20 measure."
        ]


def compare(
    models: Mapping[str, Recommender],
    parts: Sequence[Split],
    dataset: str = "unnamed",
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
    isolated: bool = True,
) -> Comparison:
    """Trains and tests each model on the same split, or on the same folds.

    Args:
        models: not fitted, by the names they get in the table.
        progress: called before each model with its name, and at the end.
        isolated: each in a fresh process, which takes a second to start. Otherwise, and for models of your own, all
            are trained in this one, and what memory they take is not known.

    Raises:
        SettingError: there are no models.
    """
    if not models:
        raise SettingError("There are no models to compare: name at least one.")
    data = as_task(parts, dataset, n_threads)
    found = {}
    for number, (name, model) in enumerate(models.items()):
        if progress:
            progress(Step(number, len(models), name))
        alone = isolated and type(model) in MODELS
        found[name] = in_a_process(model, data) if alone else _attempt(model, parts, dataset, n_threads)
    if progress:
        progress(Step(len(models), len(models), "done"))
    return gathered({name: (model.name, found[name]) for name, model in models.items()}, parts, dataset)


def gathered(found: Mapping[str, tuple[str, "Found"]], parts: Sequence[Split], dataset: str) -> Comparison:
    """The comparison of what was found of each model, {name here: (name of the model, what was found)}."""
    entries = [
        Entry(name, model, one.outcome and one.outcome.report, one.memory_mb, one.problem)
        for name, (model, one) in found.items()
    ]
    entries.sort(key=_order)
    outcomes = {name: one.outcome for name, (_, one) in found.items() if one.outcome}
    contests = [one for one in (contest(outcomes, measure) for measure in CONTESTS) if one]
    first = parts[0]
    note = split_note(first)
    counts = len(first.train), len(first.test)
    return Comparison(dataset, first.protocol, *counts, entries, contests, note, first.train.unit)


def _order(entry: Entry) -> tuple[int, float]:
    if entry.report is None:
        return 2, 0.0
    if entry.report.rmse is not None:
        return 0, entry.report.rmse
    return 1, -(entry.report.ndcg_at_10 or 0.0)


def _figure(value: float | None, pattern: str) -> str:
    return "-" if value is None else pattern.format(value)


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
    code = "from matinee.comparison import _work; _work()"
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
