"""Several models on the same split: one table of quality, time and memory, and which differences are more than chance.

Each model is trained in a fresh process, one after the other, so that none pays for the memory or the compiled code of
another, and one that asks for more memory than there is stops nothing but itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matinee.data.split import Split
from matinee.errors import SettingError
from matinee.evaluation import Report, split_note
from matinee.evaluation.isolated import Found, _attempt, as_task, in_a_process
from matinee.evaluation.paired_tests import CONTESTS, Contest, contest
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.progress import Progress, Step
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
