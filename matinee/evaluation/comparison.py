"""Compares models on the same split: a table of quality, time and memory, and significance tests.

Each model is trained in a separate process, one after the other. So no model pays for the
memory or the compiled code of another, and a model that needs too much memory stops only
itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matinee.data.split import Split
from matinee.errors import SettingError
from matinee.evaluation import Report, split_note
from matinee.evaluation.isolated import Measured, measure_here, measure_isolated, packed
from matinee.evaluation.paired_tests import MEASURES, PairedTests, paired_tests
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.progress import Progress, Step
from matinee.text import joined

HEADINGS = (
    "model",
    "RMSE",
    "NDCG@10",
    "recall@20",
    "coverage",
    "fit s",
    "stars s",
    "lists s",
    "MB",
)


@dataclass(frozen=True)
class ComparedModel:
    """One model of the comparison.

    Attributes:
        name: its name in the table.
        model: the name of the model.
        report: None if the model could not be measured; `problem` then says why.
        memory_mb: the growth of the process in training, predicting and recommending, without
            the libraries and the data; None if the model had no separate process.
    """

    name: str
    model: str
    report: Report | None = None
    memory_mb: float | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The fields of the entry and of its report, for JSON."""
        own = {
            "name": self.name,
            "model": self.model,
            "memory_mb": self.memory_mb,
            "problem": self.problem,
        }
        if self.report is None:
            return own
        return own | self.report.to_dict()


@dataclass(frozen=True)
class Comparison:
    """The results of several models on the same split.

    Attributes:
        entries: models that predict stars by RMSE, then models that only rank by NDCG@10, then
            models that could not be measured.
        contests: the paired tests by RMSE and by NDCG@10.
        unit: what a row of the data is: a rating, or a pair of a user and an item.
    """

    dataset: str
    protocol: str
    n_train: int
    n_test: int
    entries: list[ComparedModel]
    contests: list[PairedTests]
    note: str = ""
    unit: str = "rating"

    def to_dict(self) -> dict[str, Any]:
        """What `matinee compare --json` prints."""
        return {
            "dataset": self.dataset,
            "protocol": self.protocol,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "unit": self.unit,
            "note": self.note,
            "models": [entry.to_dict() for entry in self.entries],
            "contests": {tests.measure: tests.to_dict() for tests in self.contests},
        }

    def title(self) -> str:
        """The data set and the split, in one line."""
        counts = f"{self.n_train:,} {self.unit}s for training and {self.n_test:,} for testing"
        return f"{self.dataset}, {self.protocol}: {counts}"

    def rows(self) -> list[tuple[str, ...]]:
        """A row of the table, under HEADINGS, for each model that was measured."""
        rows = []
        for entry in self.entries:
            if entry.report is not None:
                rows.append(self._row(entry.name, entry.report, entry.memory_mb))
        return rows

    def _row(self, name: str, report: Report, memory_mb: float | None) -> tuple[str, ...]:
        predict_seconds = "-"
        if report.rmse is not None:
            predict_seconds = f"{report.predict_seconds:.2f}"
        return (
            name,
            *(self._with_interval(name, report, measure) for measure in MEASURES),
            _formatted(report.recall_at_20, "{:.4f}"),
            _formatted(report.coverage, "{:.1%}"),
            _formatted(report.fit_seconds, "{:.2f}"),
            predict_seconds,
            _formatted(report.recommend_seconds, "{:.2f}"),
            _formatted(memory_mb, "{:,.0f}"),
        )

    def _with_interval(self, name: str, report: Report, measure: str) -> str:
        """A measure with half of its interval and its mark, such as "0.9203 ±0.0061 *"."""
        value = getattr(report, measure)
        if value is None:
            return "-"
        words = [f"{value:.4f}"]
        low, high = report.intervals.get(measure, (np.nan, np.nan))
        if np.isfinite(high - low):
            words.append(f"±{(high - low) / 2:.4f}")
        words.append(self.mark(measure, name))
        return " ".join(words).rstrip()

    def mark(self, measure: str, name: str) -> str:
        """The mark of a model by a measure, see `PairedTests.mark`."""
        for tests in self.contests:
            if tests.measure == measure:
                return tests.mark(name)
        return ""

    def sentences(self) -> list[str]:
        """The problems, the results of the tests, and how to read the table."""
        sentences = [f"{entry.name}: {entry.problem}" for entry in self.entries if entry.problem]
        sentences += [tests.sentence() for tests in self.contests]
        if any(tests.others for tests in self.contests):
            sentences.append(
                "* marks the best model, and = the models that are not significantly worse (paired "
                "randomization test over users at the 5% level, corrected for all pairs of "
                "models). ± is half of the 95% interval of one value over users. It is larger than "
                "the uncertainty of a difference, because users differ more than models do."
            )
        rankers = [
            entry.name for entry in self._measured() if entry.report and entry.report.rmse is None
        ]
        if 0 < len(rankers) < len(self._measured()):
            verb = "does" if len(rankers) == 1 else "do"
            sentences.append(
                f"{joined(rankers)} {verb} not predict stars. Models that predict stars rank first "
                "the items that a user would rate highest; the others rank first the items that a "
                "user is likely to choose and like, which is what NDCG@10 and recall@20 measure."
            )
        return sentences

    def _measured(self) -> list[ComparedModel]:
        return [entry for entry in self.entries if entry.report is not None]


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
        models: unfitted models, by their names in the table.
        progress: called before each model with its name, and at the end.
        isolated: measures each model in a separate process, which takes a second to start.
            Otherwise, and for models that are not in MODELS, everything runs in this process,
            and the memory of each model is unknown.

    Raises:
        SettingError: there are no models.
    """
    if not models:
        raise SettingError("There are no models to compare: name at least one.")
    data = packed(parts, dataset, n_threads)
    results = {}
    for number, (name, model) in enumerate(models.items()):
        if progress:
            progress(Step(number, len(models), name))
        if isolated and type(model) in MODELS:
            results[name] = measure_isolated(model, data)
        else:
            results[name] = measure_here(model, parts, dataset, n_threads)
    if progress:
        progress(Step(len(models), len(models), "done"))
    return compared(results, {name: model.name for name, model in models.items()}, parts, dataset)


def compared(
    results: Mapping[str, Measured], models: Mapping[str, str], parts: Sequence[Split], dataset: str
) -> Comparison:
    """The comparison of models that have been measured.

    Args:
        results, models: the results and the names of the models, by their names in the table.
    """
    entries = []
    evaluations = {}
    for name, result in results.items():
        report = None
        if result.evaluation is not None:
            report = result.evaluation.report
            evaluations[name] = result.evaluation
        entries.append(ComparedModel(name, models[name], report, result.memory_mb, result.problem))
    entries.sort(key=_order)
    tests = [paired_tests(evaluations, measure) for measure in MEASURES]
    first = parts[0]
    return Comparison(
        dataset=dataset,
        protocol=first.protocol,
        n_train=len(first.train),
        n_test=len(first.test),
        entries=entries,
        contests=[of_measure for of_measure in tests if of_measure is not None],
        note=split_note(first),
        unit=first.train.unit,
    )


def _order(entry: ComparedModel) -> tuple[int, float]:
    if entry.report is None:
        return 2, 0.0
    if entry.report.rmse is not None:
        return 0, entry.report.rmse
    return 1, -(entry.report.ndcg_at_10 or 0.0)


def _formatted(value: float | None, pattern: str) -> str:
    if value is None:
        return "-"
    return pattern.format(value)
