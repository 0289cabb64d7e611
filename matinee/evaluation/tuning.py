"""Searches the settings of a model: many trainings on one part of the training rows, each judged on the other.

The search knows the ranges that the model declares (`hyper(search=...)`) and starts from the defaults. It sees training
rows only: whatever is kept for a test is looked at once, at the end, with the defaults beside the best.
"""

import shlex
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from math import isfinite
from typing import Any

from matinee.data.ratings import Ratings
from matinee.data.split import Split, splits
from matinee.errors import SettingError, UnsupportedError
from matinee.evaluation import PerUserSums
from matinee.evaluation.paired_tests import LEVEL, against_first
from matinee.evaluation.tuning_study import ERRORS, METRICS, Judge, Plan, Trial, run_trials, searched_settings
from matinee.models.base import Recommender
from matinee.progress import Progress
from matinee.text import did_you_mean

NAMES = {name: name.upper() if name in (*ERRORS, "mrr") else name for name in METRICS}
MANY = 500_000
"""With so many training rows, a part of them tells settings apart; with fewer, every row is predicted once."""


@dataclass(frozen=True)
class Gain:
    """By how much the best settings are better than the defaults on the same ratings; below 0 they are worse.

    Attributes:
        low, high: 95% interval, paired, over users.
        p_value: of the sign-flip test over users.
    """

    n_ratings: int
    default: float
    best: float
    gain: float
    low: float
    high: float
    p_value: float

    def words(self) -> str:
        """better by 0.0093 (95% between 0.0070 and 0.0115)"""
        word = "better" if self.gain >= 0 else "worse"
        low, high = (self.low, self.high) if self.gain >= 0 else (-self.high, -self.low)
        ends = f" (95% between {low:.4f} and {high:.4f})" if isfinite(low) else ""
        chance = "" if self.p_value < LEVEL else ", no more than chance explains"
        return f"{word} by {abs(self.gain):.4f}{ends}{chance}"


@dataclass(frozen=True)
class Tuning:
    """What was found.

    Attributes:
        best: the number of the best trial; 0, the defaults, unless another is better by more than chance explains.
        settings: what to train with, as far as it differs from the defaults.
        gain: on the validation part, on which the best was chosen, so it is a little too large; None if the defaults
            are best.
        test: on the test part, which was looked at once, with the best and the defaults; None without one.
        note: why the search ended early, and which trial was better by chance, as far as that is so.
    """

    model: str
    metric: str
    split: str
    n_train: int
    n_valid: int
    seed: int
    trials: list[Trial]
    best: int
    settings: dict[str, Any]
    gain: Gain | None
    test: Gain | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What `matinee tune --json` prints."""
        return asdict(self)

    def rows(self) -> list[tuple[str, ...]]:
        """The history as lines of a table, under `headings`; the best is marked with *."""
        return [
            (
                f"{one.number}",
                *(_written(value) for value in one.settings.values()),
                "-" if one.value is None else f"{one.value:.4f}",
                "*" if one.number == self.best else "",
                one.remark or ("the defaults" if one.number == 0 else ""),
            )
            for one in self.trials
        ]

    def headings(self) -> tuple[str, ...]:
        """Of the table of `rows`."""
        return ("trial", *self.trials[0].settings, self.metric, "", "")

    def sentences(self) -> list[str]:
        """What was gained."""
        name = NAMES[self.metric]
        said = [self.note] if self.note else []
        if self.gain is None:
            first = self.trials[0].value
            said.append(
                f"No trial was better than the defaults beyond chance, {name} {first:.4f} on the validation part."
            )
        else:
            said.append(
                f"{name} on validation parts of {self.n_valid:,} training rows: {self.gain.best:.4f} instead of "
                f"{self.gain.default:.4f}, so it is {self.gain.words()}. The best of many trials looks better on "
                "the rows it was chosen on than it is."
            )
        if self.test is not None and self.best:
            said.append(
                f"{name} on the test part, {self.test.n_ratings:,} ratings looked at once: {self.test.best:.4f}; the "
                f"defaults have {self.test.default:.4f}, so it is {self.test.words()}."
            )
        elif self.test is not None:
            said.append(
                f"{name} on the test part, {self.test.n_ratings:,} ratings looked at once: {self.test.best:.4f}."
            )
        return said

    def command(self, data: str, options: Sequence[str] = ()) -> str:
        """The command line that trains with the best settings.

        Args:
            data: what DATA was.
            options: further ones, such as --scale 1:5.
        """
        sets = [word for name, value in self.settings.items() for word in ("--set", f"{name}={_written(value)}")]
        seed = ["--seed", str(self.seed)] if self.seed else []
        out = ["--out", f"{self.model}.matinee"]
        return shlex.join(["matinee", "train", data, "--model", self.model, *sets, *seed, *options, *out])


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- the search ----------------------------------------------------------------------------------------------------


def tune(
    model: Recommender,
    train: Ratings,
    plan: Plan | None = None,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Searches the settings with which the model does best on a part of `train` that it was not trained on.

    A tree-structured Parzen estimator proposes settings (Bergstra et al., "Algorithms for hyper-parameter
    optimization", 2011), in three significant digits. A trial that does worse at some tenth of its way than half of
    those before it is stopped, where the model tells its error on the validation part while it trains. The seed is
    the model's; the same seed finds the same, unless `seconds` or the keyboard ends it. Ctrl-C ends the search and
    keeps what was found once the defaults have been tried. The defaults stay unless the best is better than they are
    by more than chance explains (the sign-flip test over users), for the best of many trials always looks better.

    Args:
        model: not fitted; its settings are what the search starts from.
        progress: called after each trial.

    Raises:
        UnsupportedError: optuna is not installed, or the model has nothing to search.
        SettingError: there is no such metric, or the model cannot have it.
        MatineeError: the defaults cannot be trained.
    """
    if find_spec("optuna") is None:
        raise UnsupportedError("Tuning needs optuna, which is not installed:  pip install 'matinee[tune]'")
    plan = plan or Plan()
    searched = searched_settings(model, plan.fixed)
    metric = _metric(model, train, plan.metric)
    parts = list(splits(train, plan.split or _validation(metric, len(train)), model.seed))
    judged = Judge(parts, metric, n_threads)
    trials, sums, note = run_trials(model, searched, judged, plan, progress)
    best = min(sums, key=lambda number: (judged.sign * sums[number].values().item(), number))
    n_valid = sum(len(part.test) for part in parts)
    gain = _gain(n_valid, sums[0], sums[best]) if best else None
    if gain and gain.p_value >= LEVEL:
        much = f"{gain.best:.4f} instead of {gain.default:.4f}"
        note = f"{note} Trial {best} had {much}, no more than chance explains, so the defaults stay.".strip()
        best, gain = 0, None
    chosen = model.settings() | trials[best].settings
    differs = {one.name: chosen[one.name] for one in model.hypers() if chosen[one.name] != one.default}
    return Tuning(
        model=model.name,
        metric=metric,
        split=parts[0].protocol,
        n_train=len(train),
        n_valid=n_valid,
        seed=model.seed,
        trials=trials,
        best=best,
        settings={name: value for name, value in differs.items() if name != "seed"},
        gain=gain,
        note=note,
    )


def look_at_test(tuning: Tuning, model: Recommender, part: Split, *, n_threads: int | None = None) -> Tuning:
    """The same with `test`: the best and the defaults trained on all training rows, and measured on the test part."""
    judged = Judge([part], tuning.metric, n_threads)
    default = judged(copy(model))
    settings = tuning.trials[tuning.best].settings
    best = judged(type(model).from_settings(model.settings() | settings)) if tuning.best else default
    return replace(tuning, test=_gain(len(part.test), default, best))


def _validation(metric: str, n_train: int) -> str:
    """How the validation part is cut unless a plan says so.

    What is best for lists depends on how much is held out: every liked item that is not in the training part counts
    there as one that nobody chose. With a fifth held out of ML-100K other settings of ials come out best than with a
    twentieth, and they are worse once all rows are trained on. So little is held out, and a model for stars, which
    does not mind, is fitted less often.
    """
    if metric in ERRORS:
        return "random:0.1" if n_train >= MANY else "kfold:10"
    return "random:0.05" if n_train >= MANY else "kfold:20"


def _metric(model: Recommender, train: Ratings, metric: str) -> str:
    predicts = model.capabilities.predicts_stars and train.scale.highest > train.scale.lowest
    metric = metric or ("rmse" if predicts else "ndcg_at_10")
    if metric not in METRICS:
        hint = did_you_mean(metric, METRICS) or f" There are {', '.join(METRICS)}."
        raise SettingError(f"no metric '{metric}'.{hint}")
    if metric in ERRORS and not predicts:
        raise SettingError(f"{model.name} predicts no stars here, so there is no {metric}; tune for ndcg_at_10.")
    return metric


def _gain(n_ratings: int, default: PerUserSums, best: PerUserSums) -> Gain:
    (name,) = best.names
    (found,) = against_first({"default": default, "best": best}, name).others
    gain = found.difference, found.low, found.high
    if name in ERRORS:
        gain = -found.difference, -found.high, -found.low
    return Gain(n_ratings, default.values().item(), best.values().item(), *gain, found.p_value)
