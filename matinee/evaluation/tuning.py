"""Tuning: searches the settings with which a model does best on validation ratings.

The search uses the ranges that the model declares (`hyper(search=...)`) and starts from the
defaults. It sees training rows alone. A test part is used once, at the end, for the best
settings and the defaults.
"""

import shlex
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from math import isfinite
from typing import Any

import numpy as np

from matinee.data.arguments import RatingsLike, ratings_of
from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.split import Split, splits
from matinee.errors import SettingError, UnsupportedError
from matinee.evaluation.paired_tests import LEVEL, against_first
from matinee.evaluation.per_user import PerUserSums
from matinee.evaluation.significance import best_of_many_test, differences_of
from matinee.evaluation.tuning_study import (
    ERRORS,
    METRICS,
    Objective,
    Plan,
    Trial,
    run_study,
    search_space,
)
from matinee.models.base import Recommender
from matinee.models.hyperparameters import SettingValue
from matinee.progress import Progress
from matinee.text import counted, suggest

#: With this many training rows a part of them is enough for validation; with fewer, all are used.
MANY_ROWS = 500_000


@dataclass(frozen=True)
class Gain:
    """The difference between the best settings and the defaults on the same ratings.

    Attributes:
        default, best: the metric with the defaults and with the best settings.
        gain: how much better the best settings are; negative if they are worse.
        low, high: the 95% interval of the gain, paired over users.
        p_value: of the sign-flip test over users; on the validation parts, corrected for the
            number of trials (`significance.best_of_many_test`).
    """

    n_ratings: int
    default: float
    best: float
    gain: float
    low: float
    high: float
    p_value: float

    def words(self) -> str:
        """Such as "better by 0.0093 (95% interval 0.0070 to 0.0115)"."""
        if self.gain >= 0:
            word, low, high = "better", self.low, self.high
        else:
            word, low, high = "worse", -self.high, -self.low
        words = f"{word} by {abs(self.gain):.4f}"
        if isfinite(low):
            words += f" (95% interval {low:.4f} to {high:.4f})"
        if self.p_value >= LEVEL:
            words += ", which is not significant"
        return words


@dataclass(frozen=True)
class Tuning:
    """The result of a search.

    Attributes:
        model, metric, split: the names of the model, of the measure, and of the split into
            validation parts.
        n_train, n_valid: the number of training rows, and of rows in validation parts.
        seed: of the search.
        trials: all trials; the first has the default settings.
        best: the number of the best trial; 0, the defaults, unless another is significantly
            better.
        settings: the best settings, as far as they differ from the defaults.
        gain: on the validation parts; None if the defaults are best. It is biased upward,
            because the best trial was chosen on these parts.
        test: the gain on the test part; None without a test part.
        note: why the search ended early, and which trial was better, but not significantly;
            empty if neither applies.

    Example:
        >>> plan = matinee.Plan(trials=2, split="random:0.2")
        >>> tuning = matinee.tune(matinee.Baseline(), few, plan)
        >>> tuning.command("mine.csv").startswith("matinee train mine.csv --model baseline")
        True
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
        """The trials as rows of a table, under `headings`; the best is marked with *."""
        rows = []
        for trial in self.trials:
            value, mark, remark = "-", "", trial.remark
            if trial.value is not None:
                value = f"{trial.value:.4f}"
            if trial.number == self.best:
                mark = "*"
            if trial.number == 0 and not remark:
                remark = "the defaults"
            settings = [_written(setting) for setting in trial.settings.values()]
            rows.append((f"{trial.number}", *settings, value, mark, remark))
        return rows

    def headings(self) -> tuple[str, ...]:
        """The headings of `rows`."""
        return ("trial", *self.trials[0].settings, self.metric, "", "")

    def sentences(self) -> list[str]:
        """The note and the gains."""
        label = self.metric
        if label in (*ERRORS, "mrr"):
            label = label.upper()
        sentences = [self.note] if self.note else []
        if self.gain is None:
            sentences.append(
                "No trial was significantly better than the defaults, which have "
                f"{label} {self.trials[0].value:.4f} on the validation part."
            )
        else:
            sentences.append(
                f"{label} on {self.n_valid:,} validation ratings: {self.gain.best:.4f}, and "
                f"{self.gain.default:.4f} with the defaults; {self.gain.words()}. The best of many "
                "trials looks better on the ratings it was chosen on than it is."
            )
        if self.test is not None:
            result = (
                f"{label} on the test part of {self.test.n_ratings:,} ratings: {self.test.best:.4f}"
            )
            if self.best:
                result += f", and {self.test.default:.4f} with the defaults; {self.test.words()}"
            sentences.append(f"{result}.")
        return sentences

    def command(self, data: str | Sequence[str], options: Sequence[str] = ()) -> str:
        """The command line that trains a model with the best settings.

        Args:
            data: the data, as it was given; several files are one data set.
            options: further options, such as --scale 1:5.
        """
        sources = [data] if isinstance(data, str) else data
        words = ["matinee", "train", *sources, "--model", self.model]
        for name, value in self.settings.items():
            words += ["--set", f"{name}={_written(value)}"]
        if self.seed:
            words += ["--seed", str(self.seed)]
        return shlex.join([*words, *options, "--out", f"{self.model}.matinee"])


def _written(value: object) -> str:
    """A value as --set takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


# -- the search --------------------------------------------------------------------------


def tune(
    model: Recommender,
    train: RatingsLike,
    plan: Plan | None = None,
    *,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Searches the settings with which the model does best on validation parts of `train`.

    A tree-structured Parzen estimator (Bergstra et al., "Algorithms for hyper-parameter
    optimization", 2011) proposes settings, in three significant digits. A trial is stopped if,
    at some tenth of its training, it is worse than the median of the earlier trials. The
    defaults are kept unless the best trial is significantly better (sign-flip test over
    users, corrected for the number of trials), because the best of many trials always looks
    better than it is.

    The seed is that of the model. The same seed gives the same result, unless `seconds` or
    Ctrl-C ends the search. Ctrl-C keeps the finished trials, once the defaults have been
    tried.

    Args:
        model: an unfitted model; the search starts from its settings.
        train: `Ratings`; a `Dataset`, a frame or a path is read as `matinee.read` does.
        plan: how many trials, by which measure; None: `Plan()`.
        progress: called after each trial.

    Returns:
        All trials, the best settings, and what they gain.

    Raises:
        UnsupportedError: optuna is not installed, or the model has no settings to search.
        SettingError: the metric is unknown, or the model does not have it.
        MatineeError: the model cannot be trained with the defaults.

    Example:
        >>> plan = matinee.Plan(trials=2, split="random:0.2")
        >>> tuning = matinee.tune(matinee.Baseline(), few, plan)
        >>> len(tuning.trials), sorted(tuning.trials[0].settings)
        (2, ['item_shrinkage', 'user_shrinkage'])
    """
    if find_spec("optuna") is None:
        raise UnsupportedError(
            "Tuning needs optuna, which is not installed:  pip install 'matinee[tune]'"
        )
    train = ratings_of(train, "tune")
    plan = plan or Plan()
    has_times = train.timestamp is not None and bool((train.timestamp != NO_TIME).any())
    space = search_space(model, plan.fixed, has_times)
    metric = _checked_metric(model, train, plan.metric)
    split = plan.split or _default_split(metric, len(train))
    parts = list(splits(train, split, model.seed))
    objective = Objective(parts, metric, n_threads)
    study = run_study(model, space, objective, plan, progress)
    best = _best_trial(study.sums, metric)
    n_valid = sum(len(part.test) for part in parts)
    gain, note = None, study.note
    if best:
        gain = _gain(n_valid, study.sums[0], study.sums[best])
        gain = replace(gain, p_value=p_value_of(best, study.sums, len(study.trials)))
    if gain and gain.p_value >= LEVEL:
        note = (
            f"{note} Trial {best} has {gain.best:.4f}, and the defaults {gain.default:.4f}; for "
            f"the best of {counted(len(study.trials), 'trial')} this is not significant, so the "
            "defaults are kept."
        ).strip()
        best, gain = 0, None
    return Tuning(
        model=model.name,
        metric=metric,
        split=parts[0].protocol,
        n_train=len(train),
        n_valid=n_valid,
        seed=model.seed,
        trials=study.trials,
        best=best,
        settings=_changed_settings(model, study.trials[best].settings),
        gain=gain,
        note=note,
    )


def with_test_gain(
    tuning: Tuning, model: Recommender, part: Split, *, n_threads: int | None = None
) -> Tuning:
    """Adds the gain on a test part: both settings are trained on all training rows.

    Args:
        model: as for `tune`.
        part: the training rows that were given to `tune`, and the test part.
    """
    objective = Objective([part], tuning.metric, n_threads)
    default = objective(copy(model))
    best = default
    if tuning.best:
        settings = model.settings() | tuning.trials[tuning.best].settings
        best = objective(type(model).from_settings(settings))
    return replace(tuning, test=_gain(len(part.test), default, best))


def _best_trial(sums: dict[int, PerUserSums], metric: str) -> int:
    """The number of the best finished trial, the first of equals."""
    values = {number: trial_sums.values().item() for number, trial_sums in sums.items()}
    if metric in ERRORS:
        return min(values, key=lambda number: (values[number], number))
    return min(values, key=lambda number: (-values[number], number))


def p_value_of(best: int, sums: Mapping[int, PerUserSums], n_trials: int) -> float:
    """The p-value of the best trial against the defaults, corrected for the number of trials.

    The test knows the finished trials alone. Those that were stopped were behind, but might have
    won by chance too, so the p-value is multiplied by all trials over the finished ones.

    Args:
        sums: the metric of each finished trial, by its number; 0 is of the defaults.
        n_trials: all trials, with the defaults.
    """
    others = [number for number in sums if number]
    totals = np.concatenate([sums[number].totals for number in others], axis=1)  # (U, T)
    p_values = best_of_many_test(differences_of(totals, sums[0].totals))
    return min(1.0, float(p_values[others.index(best)]) * (n_trials - 1) / len(others))


def _changed_settings(
    model: Recommender, settings: dict[str, SettingValue]
) -> dict[str, SettingValue]:
    """The updated settings of the model that differ from the defaults, without the seed."""
    values = model.settings() | settings
    changed = {}
    for setting in model.hypers():
        value = values[setting.name]
        if value != setting.default and setting.name != "seed":
            changed[setting.name] = value
    return changed


def _default_split(metric: str, n_train: int) -> str:
    """How the validation part is cut unless the plan says otherwise.

    The best settings for lists depend on how much is held out: a liked item outside the
    training part counts there as one that nobody chose. With a fifth of ML-100K held out,
    other settings of ials are best than with a twentieth, and they are worse when all rows are
    used for training. So little is held out for lists. Models of stars are less sensitive, and
    are fitted less often.
    """
    has_many = n_train >= MANY_ROWS
    if metric in ERRORS:
        return "random:0.1" if has_many else "kfold:10"
    return "random:0.05" if has_many else "kfold:20"


def _checked_metric(model: Recommender, train: Ratings, metric: str) -> str:
    has_stars = model.capabilities.predicts_stars and train.scale.has_stars
    if not metric:
        return "rmse" if has_stars else "ndcg_at_10"
    if metric not in METRICS:
        hint = suggest(metric, METRICS, "The metrics")
        raise SettingError(f"There is no metric '{metric}'.{hint}")
    if metric in ERRORS and not has_stars:
        raise SettingError(
            f"{model.name} does not predict stars here, so it has no {metric}; tune ndcg_at_10."
        )
    return metric


def _gain(n_ratings: int, default: PerUserSums, best: PerUserSums) -> Gain:
    (name,) = best.names
    (difference,) = against_first({"default": default, "best": best}, name).others
    gain, low, high = difference.difference, difference.low, difference.high
    if name in ERRORS:
        gain, low, high = -gain, -high, -low
    return Gain(
        n_ratings=n_ratings,
        default=default.values().item(),
        best=best.values().item(),
        gain=gain,
        low=low,
        high=high,
        p_value=difference.p_value,
    )
