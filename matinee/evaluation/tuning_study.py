"""The trials of a tuning: settings are proposed, the model is trained with them, and it is judged. Uses optuna."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matinee.data.split import Split
from matinee.errors import MatineeError, SettingError, UnsupportedError
from matinee.evaluation import PerUserSums, error_sums, list_sums, pooled
from matinee.evaluation.ranking import PER_USER, judge, ranking_task, top_lists
from matinee.models.base import Recommender
from matinee.models.hyperparameters import Hyper
from matinee.progress import Progress, Step
from matinee.text import counted

if TYPE_CHECKING:
    import optuna

ERRORS = ("rmse", "mae")
METRICS = (*ERRORS, *PER_USER[: PER_USER.index("mrr") + 1])
"""What may be searched for: the least error, or the most of a measure of lists."""
TENTHS = 10
"""Trainings are compared at tenths of their way, since they differ in the number of epochs."""


@dataclass(frozen=True)
class Plan:
    """How to search.

    Attributes:
        trials: how many at most; the first is of the defaults. None: 30, or as many as `seconds` allows.
        seconds: when to stop; None for no limit. The defaults are always tried.
        metric: one of METRICS; empty for the RMSE, or NDCG@10 where the model predicts no stars.
        fixed: settings that stay as the model has them.
        split: how the validation part is cut from the training rows, as for `split.splits`; empty for kfold:10, or
            kfold:20 for lists (see `tuning`), and one such part alone where there are rows enough.
    """

    trials: int | None = None
    seconds: float | None = None
    metric: str = ""
    fixed: tuple[str, ...] = ()
    split: str = ""

    @property
    def most(self) -> int:
        """The greatest number of trials."""
        return self.trials or (30 if self.seconds is None else 100_000)


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        settings: those that are searched.
        value: of the metric on the validation part; None if it did not get there, and `remark` says why.
    """

    number: int
    settings: dict[str, Any]
    value: float | None
    seconds: float
    remark: str = ""


class Judge:
    """Trains models on one part of each split and says how good they are on the other, by one metric.

    Raises:
        SettingError: nobody likes an item of the parts on which lists are to be judged.
    """

    def __init__(self, parts: Sequence[Split], metric: str, n_threads: int | None) -> None:
        self.parts, self.metric, self.n_threads = parts, metric, n_threads
        self.sign = 1 if metric in ERRORS else -1
        """Times this, less is better."""
        self.tasks = [ranking_task(part.test) for part in parts]
        if metric not in ERRORS and not all(len(task.users) for task in self.tasks):
            raise SettingError(f"Nobody likes an item of the part that {metric} is measured on; tune for rmse.")

    def __call__(self, model: Recommender, watch: "PruningCallback | None" = None) -> PerUserSums:
        """The metric on all test parts together."""
        found: list[PerUserSums] = []
        reports_error = self.metric == "rmse" and not model.needs_valid
        for number, (part, task) in enumerate(zip(self.parts, self.tasks, strict=True)):
            if watch is not None and reports_error:
                progress = watch.progress(number)
                model.fit(part.train, valid=part.test, n_threads=self.n_threads, progress=progress)
            else:
                model.fit(part.train, n_threads=self.n_threads)
            if self.metric in ERRORS:
                found.append(error_sums(part.test, model.predict_ratings(part.test)).only(self.metric))
            else:
                ranked = judge(model, task, top_lists(model, task.users))
                found.append(list_sums(ranked, part.test.n_users).only(self.metric))
            if watch is not None and number + 1 < len(self.parts):
                watch.tell(TENTHS * (number + 1), pooled(found).values().item())
        return pooled(found)


class PruningCallback:
    """Stops a trial, other than the first, that is behind the others or out of time: it raises optuna.TrialPruned."""

    def __init__(self, trial: "optuna.Trial", end: float) -> None:
        self.trial, self.end = trial, end

    def tell(self, step: int, value: float) -> None:
        """How good the trial is so far; more or less of the metric is worse, as for the study."""
        import optuna

        self.trial.report(value, step)
        if self.trial.number and time.monotonic() > self.end:
            raise optuna.TrialPruned("the time was over")
        if self.trial.should_prune():
            raise optuna.TrialPruned("stopped early, behind the median")

    def progress(self, fold: int) -> Progress:
        """Reports the validation error of a training at each tenth of its way, where the model measures it."""
        reported = 0

        def report(step: Step) -> None:
            nonlocal reported
            tenth = TENTHS * step.done // step.total
            if step.validation is not None and reported < tenth < TENTHS:
                reported = tenth
                self.tell(TENTHS * fold + tenth, step.validation)

        return report


def searched_settings(model: Recommender, fixed: Sequence[str]) -> list[Hyper]:
    """The settings for which the model declares a range, less the fixed ones.

    Raises:
        UnsupportedError: there are none.
    """
    found = [one for one in model.hypers() if one.search is not None and one.name not in fixed]
    if not found:
        rest = " besides those that are set" if fixed else ""
        raise UnsupportedError(f"{model.name} has no settings to search{rest}; tune another model, such as mf.")
    return found


def run_trials(
    model: Recommender, searched: list[Hyper], judged: Judge, plan: Plan, progress: Progress | None
) -> tuple[list[Trial], dict[int, PerUserSums], str]:
    """The trials, the sums of those that were finished, by number, and why there are fewer than planned.

    The first is of the model as it is; what it raises is raised.
    """
    import optuna

    loudness = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="minimize" if judged.sign > 0 else "maximize",
        sampler=optuna.samplers.TPESampler(seed=model.seed),
        # Before half of its way a training tells little: one that learns slowly may end best. Nor do few ratings.
        pruner=optuna.pruners.MedianPruner(
            n_startup_trials=5, n_warmup_steps=max(TENTHS // 2, TENTHS * len(judged.parts) // 5)
        ),
    )
    study.enqueue_trial({one.name: _in_range(one, model.settings()[one.name]) for one in searched})
    trials: list[Trial] = []
    sums: dict[int, PerUserSums] = {}
    end = time.monotonic() + (plan.seconds or float("inf"))
    try:
        while len(trials) < plan.most:
            if trials and time.monotonic() > end:
                return trials, sums, f"The time was over after {counted(len(trials), 'trial')}."
            trial, found = _try(model, searched, judged, study, end)
            trials.append(trial)
            sums |= {} if found is None else {trial.number: found}
            if progress:
                progress(Step(len(trials), plan.most, f"best {judged.metric} {study.best_value:.4f}"))
    except KeyboardInterrupt:
        if not trials:
            raise
        return trials, sums, f"Stopped by hand after {counted(len(trials), 'trial')}."
    finally:
        optuna.logging.set_verbosity(loudness)
    return trials, sums, ""


def _try(
    model: Recommender, searched: list[Hyper], judged: Judge, study: "optuna.Study", end: float
) -> tuple[Trial, PerUserSums | None]:
    import optuna

    trial = study.ask()
    proposed = {one.name: _propose(trial, one) for one in searched}
    settings = proposed if trial.number else {name: model.settings()[name] for name in proposed}
    started = time.monotonic()
    try:
        sums = judged(type(model).from_settings(model.settings() | settings), PruningCallback(trial, end))
    except (optuna.TrialPruned, MatineeError) as error:
        if trial.number == 0:
            raise
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return Trial(trial.number, settings, None, round(time.monotonic() - started, 3), str(error)), None
    value = sums.values().item()
    study.tell(trial, value)
    return Trial(trial.number, settings, value, round(time.monotonic() - started, 3)), sums


def _propose(trial: "optuna.Trial", one: Hyper) -> Any:
    """A value from the declared range, in three digits; on a log scale if that spans more than a factor of ten."""
    ends: Any = one.search
    if isinstance(one.default, bool | str):
        return trial.suggest_categorical(one.name, list(ends))
    low, high = ends
    is_log = low > 0 and high / low > 10
    if isinstance(one.default, int):
        return trial.suggest_int(one.name, int(low), int(high), log=is_log)
    return float(f"{trial.suggest_float(one.name, low, high, log=is_log):.3g}")


def _in_range(one: Hyper, value: Any) -> Any:
    """The value, or the nearest end of the range if one outside was given."""
    ends: Any = one.search
    return value if isinstance(value, bool | str) else min(max(value, ends[0]), ends[1])
