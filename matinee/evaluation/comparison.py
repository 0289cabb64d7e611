"""Compares models on the same split: a table of quality, time and memory, and significance tests.

Each model is trained in a separate process, one after the other. So no model pays for the
memory or the compiled code of another, and a model that needs too much memory stops only
itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from matinee.data.split import Split
from matinee.errors import SettingError
from matinee.evaluation import Report, split_note
from matinee.evaluation.isolated import Measured, measure_here, measure_isolated, packed
from matinee.evaluation.paired_tests import MEASURES, PairedTests, paired_tests
from matinee.evaluation.parts import PartsLike, parts_of
from matinee.evaluation.report import MEASURES as QUALITY
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.progress import Progress, Step
from matinee.text import find_named, html_table, joined

if TYPE_CHECKING:
    import polars as pl

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

    It has a length and can be iterated, gives an entry by position or by name, and shows as a
    table in a notebook.

    Attributes:
        dataset, protocol: the names of the data and of the split.
        n_train, n_test: the number of rows; with several folds, their sums.
        entries: models that predict stars by RMSE, then models that only rank by NDCG@10, then
            models that could not be measured.
        contests: the paired tests by RMSE and by NDCG@10.
        note: what to know when reading the results; usually empty.
        unit: what a row of the data is: a rating, or a pair of a user and an item.

    Example:
        >>> models = [matinee.Popularity(), matinee.Baseline()]
        >>> comparison = matinee.compare(models, few, isolated=False)
        >>> comparison["baseline"].report.rmse < 1
        True
        >>> comparison.to_frame().shape[0]
        2
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

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[ComparedModel]:
        return iter(self.entries)

    @overload
    def __getitem__(self, key: int | str) -> ComparedModel: ...

    @overload
    def __getitem__(self, key: slice) -> list[ComparedModel]: ...

    def __getitem__(self, key: int | str | slice) -> ComparedModel | list[ComparedModel]:
        if not isinstance(key, str):
            return self.entries[key]
        return find_named("model", key, self.entries)

    def to_frame(self) -> "pl.DataFrame":
        """The comparison as a Polars frame, a row for each model.

        The columns are those of `ComparedModel`, the measures of `Report`, and the times;
        empty for models that could not be measured.
        """
        import polars as pl  # slow to import

        fields = (*QUALITY, "fit_seconds", "predict_seconds", "recommend_seconds")
        rows = []
        for entry in self.entries:
            row = {"name": entry.name, "model": entry.model, "problem": entry.problem}
            numbers = {name: getattr(entry.report, name, None) for name in fields}
            rows.append(row | numbers | {"memory_mb": entry.memory_mb})
        texts = dict.fromkeys(("name", "model", "problem"), pl.String)
        numbers_of = dict.fromkeys((*fields, "memory_mb"), pl.Float64)
        return pl.DataFrame(rows, schema={**texts, **numbers_of})

    def _repr_html_(self) -> str:
        """The table as notebooks show it, with its sentences."""
        notes = [self.title(), *self.sentences(), self.note]
        return html_table(HEADINGS, self.rows(), notes)

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
        """The mark of a model by a measure, see `PairedTests.mark`.

        Args:
            measure: "rmse" or "ndcg_at_10".
            name: of the entry.
        """
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
                "models): no difference was found, which does not mean that there is none; the "
                "interval of the difference says how large it may be. ± is half of the 95% "
                "interval of one value over users. It is larger than the uncertainty of a "
                "difference, because users differ more than models do."
            )
        rankers = [
            entry.name
            for entry in self._measured()
            if entry.report is not None and entry.report.rmse is None
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
    models: Mapping[str, Recommender] | Iterable[Recommender],
    parts: PartsLike,
    dataset: str | None = None,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
    isolated: bool = True,
) -> Comparison:
    """Trains and tests each model on the same split, or on the same folds.

    Models are compared user by user with a sign-flip test, corrected for the number of pairs of
    models (Holm, "A simple sequentially rejective multiple test procedure", 1979).

    Args:
        models: unfitted models, by their names in the table; or a list of different models.
        parts: one split, or several folds. Ratings, a `Dataset`, a frame or a path are split
            by "random:0.2".
        dataset: the name of the data; None: that of the `Dataset`, frame or file.
        progress: called before each model with its name, and at the end.
        isolated: measures each model in a separate process, which takes a second to start.
            Otherwise, and for models that are not in MODELS, everything runs in this process,
            and the memory of each model is unknown.

    Returns:
        The results, sorted, with a test of each difference from the best.

    Raises:
        SettingError: there are no models, or two in a list have the same name.
        DataError: `parts` holds neither splits nor ratings.

    Example:
        >>> models = [matinee.Baseline(), matinee.Popularity()]
        >>> comparison = matinee.compare(models, few, "a few people", isolated=False)
        >>> [entry.name for entry in comparison]
        ['baseline', 'popularity']
    """
    models = _by_name(models)
    parts, dataset = parts_of(parts, dataset, "compare")
    all_parts = list(parts)
    data = packed(all_parts, dataset, n_threads)
    results = {}
    for number, (name, model) in enumerate(models.items()):
        if progress:
            progress(Step(number, len(models), name))
        if isolated and type(model) in MODELS:
            results[name] = measure_isolated(model, data)
        else:
            results[name] = measure_here(model, all_parts, dataset, n_threads)
    if progress:
        progress(Step(len(models), len(models), "done"))
    return compared(
        results, {name: model.name for name, model in models.items()}, all_parts, dataset
    )


def _by_name(models: Mapping[str, Recommender] | Iterable[Recommender]) -> dict[str, Recommender]:
    """The models by their names in the table."""
    expected = "compare takes models by name, such as {'mf': matinee.MatrixFactorization()}"
    if isinstance(models, (str, Recommender)) or not isinstance(models, Iterable):
        raise SettingError(f"{expected}, or a list of models.")
    given = list(models.values()) if isinstance(models, Mapping) else list(models)
    if not given:
        raise SettingError("There are no models to compare: name at least one.")
    for model in given:
        if not isinstance(model, Recommender):
            raise SettingError(f"{expected}, not {model!r}.")
    names = list(models) if isinstance(models, Mapping) else [model.name for model in given]
    named = list(zip(names, given, strict=True))
    if len(dict(named)) < len(named):
        raise SettingError(f"Two models have the same name: {expected}.")
    return dict(named)


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
