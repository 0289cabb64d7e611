"""The study behind `tune`: optuna proposes settings, and the objective measures them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from matinee.data.split import Split
from matinee.errors import MatineeError, SettingError, UnsupportedError
from matinee.evaluation.held_out import fold_in_all, lists_for, predict_new
from matinee.evaluation.per_user import PerUserSums, error_sums, list_sums, pooled
from matinee.evaluation.ranking import PER_USER, judge, ranking_task
from matinee.models.base import Recommender
from matinee.models.hyperparameters import Hyper
from matinee.progress import Progress, Step
from matinee.text import counted

if TYPE_CHECKING:
    import optuna

ERRORS = ("rmse", "mae")
#: The metrics that can be tuned: errors are minimized, measures of lists are maximized.
METRICS = (*ERRORS, *PER_USER[: PER_USER.index("mrr") + 1])
#: Trials are compared after each tenth of a training, because they differ in the number of epochs.
TENTHS = 10
#: The number of trials without a limit on trials or time, and with a limit on time alone.
DEFAULT_TRIALS, UNLIMITED_TRIALS = 30, 100_000


@dataclass(frozen=True)
class Plan:
    """The extent of a search.

    Attributes:
        trials: the maximum number of trials; the first has the default settings. None: 30, or
            as many as `seconds` allows.
        seconds: the time limit; None for no limit. The defaults are always tried.
        metric: one of METRICS; empty for RMSE, or for NDCG@10 if the model does not predict
            stars.
        fixed: names of settings that are not searched.
        split: how validation parts are cut from the training rows, see `data.split.splits`;
            empty for kfold:10, or kfold:20 for measures of lists (see `tuning`), or a single
            such part if there are many rows.

    Example:
        >>> plan = matinee.Plan(trials=20, metric="ndcg_at_10", fixed=("epochs",))
        >>> plan.most
        20
    """

    trials: int | None = None
    seconds: float | None = None
    metric: str = ""
    fixed: tuple[str, ...] = ()
    split: str = ""

    @property
    def most(self) -> int:
        """The maximum number of trials."""
        if self.trials:
            return self.trials
        if self.seconds is not None:
            return UNLIMITED_TRIALS
        return DEFAULT_TRIALS


@dataclass(frozen=True)
class Trial:
    """One trial of a study.

    Attributes:
        settings: the values of the settings that are searched.
        value: the metric on the validation parts; None if the trial did not finish, and
            `remark` says why.
    """

    number: int
    settings: dict[str, Any]
    value: float | None
    seconds: float
    remark: str = ""


class StudyResult(NamedTuple):
    """The trials of a study.

    Attributes:
        sums: the metric of each finished trial, by its number.
        note: why there are fewer trials than planned; empty if there are not.
    """

    trials: list[Trial]
    sums: dict[int, PerUserSums]
    note: str


class Objective:
    """Trains a model on the training part of each split, and measures it on the test part.

    Raises:
        SettingError: the metric is of lists, and some test part has no relevant item.
    """

    def __init__(self, parts: Sequence[Split], metric: str, n_threads: int | None) -> None:
        self.parts = parts
        self.metric = metric
        self.n_threads = n_threads
        self.is_error = metric in ERRORS
        self.tasks = [ranking_task(part.test) for part in parts]
        if not self.is_error and not all(len(task.users) for task in self.tasks):
            raise SettingError(
                f"No item of the validation part is relevant, so {metric} cannot be measured; "
                "tune rmse."
            )

    def __call__(self, model: Recommender, pruning: "PruningCallback | None" = None) -> PerUserSums:
        """The metric over all test parts.

        Raises:
            optuna.TrialPruned: the callback stopped the trial.
        """
        folds: list[PerUserSums] = []
        for number, part in enumerate(self.parts):
            self._fit(model, number, pruning)
            profiles = fold_in_all(model, part)
            if not self.is_error:
                task = self.tasks[number]
                lists = lists_for(model, task, profiles)
                sums = list_sums(judge(model, task, lists), part.test.n_users)
            elif profiles is None:
                sums = error_sums(part.test, model.predict_ratings(part.test))
            else:
                sums = error_sums(part.test, predict_new(model, part.test, profiles).stars)
            folds.append(sums.only(self.metric))
            if pruning is not None and number + 1 < len(self.parts):
                pruning.report(TENTHS * (number + 1), pooled(folds).values().item())
        return pooled(folds)

    def _fit(self, model: Recommender, number: int, pruning: "PruningCallback | None") -> None:
        """Fits the model on one part; for the RMSE, the callback follows the validation error.

        A model that chooses its last epoch by a validation part must not see the one that it
        is measured on.
        """
        part = self.parts[number]
        is_held_out = part.folded_in is not None  # whole users, who are not predicted in training
        if pruning is None or self.metric != "rmse" or model.needs_valid or is_held_out:
            model.fit(part.train, n_threads=self.n_threads)
        else:
            progress = pruning.progress(number)
            model.fit(part.train, valid=part.test, n_threads=self.n_threads, progress=progress)


class PruningCallback:
    """Stops a trial that is behind the others or out of time; never the first one."""

    def __init__(self, trial: "optuna.Trial", end: float) -> None:
        self.trial = trial
        self.end = end

    def report(self, step: int, value: float) -> None:
        """Reports the metric of the trial so far.

        Raises:
            optuna.TrialPruned: the trial is stopped.
        """
        import optuna

        self.trial.report(value, step)
        if self.trial.number and time.monotonic() > self.end:
            raise optuna.TrialPruned("Stopped: the time limit was reached.")
        if self.trial.should_prune():
            raise optuna.TrialPruned("Stopped early: worse than the median of the earlier trials.")

    def progress(self, fold: int) -> Progress:
        """Reports the validation error after each tenth of a training, if the model measures it."""
        reported = 0

        def report(step: Step) -> None:
            nonlocal reported
            tenth = TENTHS * step.done // step.total
            if step.validation is not None and reported < tenth < TENTHS:
                reported = tenth
                self.report(TENTHS * fold + tenth, step.validation)

        return report


def search_space(model: Recommender, fixed: Sequence[str], has_times: bool = False) -> list[Hyper]:
    """The settings with a declared range, without the fixed ones.

    Args:
        has_times: whether the ratings have times, which some settings need.

    Raises:
        UnsupportedError: there are none.
    """
    space = [
        setting
        for setting in model.hypers()
        if setting.search is not None
        and setting.name not in fixed
        and (has_times or not setting.needs_times)
    ]
    if not space:
        besides = ""
        if fixed:
            besides = " other than the fixed ones"
        raise UnsupportedError(
            f"{model.name} has no settings to search{besides}; tune another model, such as mf."
        )
    return space


def run_study(
    model: Recommender,
    space: list[Hyper],
    objective: Objective,
    plan: Plan,
    progress: Progress | None,
) -> StudyResult:
    """Runs the trials until the plan is done, the time limit is reached, or Ctrl-C is pressed.

    The first trial has the settings of the model; its errors are raised.
    """
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = _new_study(model, space, objective)
    trials: list[Trial] = []
    sums: dict[int, PerUserSums] = {}
    note = ""
    end = time.monotonic() + (plan.seconds or float("inf"))
    try:
        while len(trials) < plan.most and not note:
            trial, trial_sums = _run_trial(model, space, objective, study, end)
            trials.append(trial)
            if trial_sums is not None:
                sums[trial.number] = trial_sums
            if progress:
                text = f"best {objective.metric} {study.best_value:.4f}"
                progress(Step(len(trials), plan.most, text))
            if len(trials) < plan.most and time.monotonic() > end:
                note = f"The time limit was reached after {counted(len(trials), 'trial')}."
    except KeyboardInterrupt:
        if not trials:
            raise
        note = f"Interrupted after {counted(len(trials), 'trial')}."
    finally:
        optuna.logging.set_verbosity(verbosity)
    return StudyResult(trials, sums, note)


def _new_study(model: Recommender, space: list[Hyper], objective: Objective) -> "optuna.Study":
    import optuna

    # Nothing is pruned in the first half of a training, because slow learners may end best, nor
    # before there are enough ratings.
    n_warmup_steps = max(TENTHS // 2, TENTHS * len(objective.parts) // 5)
    study = optuna.create_study(
        direction="minimize" if objective.is_error else "maximize",
        sampler=optuna.samplers.TPESampler(seed=model.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=n_warmup_steps),
    )
    settings = model.settings()
    study.enqueue_trial(
        {setting.name: _clipped(setting, settings[setting.name]) for setting in space}
    )
    return study


def _run_trial(
    model: Recommender,
    space: list[Hyper],
    objective: Objective,
    study: "optuna.Study",
    end: float,
) -> tuple[Trial, PerUserSums | None]:
    """Runs one trial; the sums are None if it did not finish."""
    import optuna

    trial = study.ask()
    settings = {setting.name: _proposed(trial, setting) for setting in space}
    if trial.number == 0:  # the defaults may lie outside their ranges
        settings = {name: model.settings()[name] for name in settings}
    started = time.monotonic()
    try:
        candidate = type(model).from_settings(model.settings() | settings)
        sums = objective(candidate, PruningCallback(trial, end))
    except (optuna.TrialPruned, MatineeError) as error:
        if trial.number == 0:
            raise
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        seconds = round(time.monotonic() - started, 3)
        return Trial(trial.number, settings, None, seconds, str(error)), None
    value = sums.values().item()
    study.tell(trial, value)
    return Trial(trial.number, settings, value, round(time.monotonic() - started, 3)), sums


def _proposed(trial: "optuna.Trial", setting: Hyper) -> Any:
    """A value from the declared range, in three digits; log-scaled over more than a factor 10."""
    ends: Any = setting.search
    if isinstance(setting.default, bool | str):
        return trial.suggest_categorical(setting.name, list(ends))
    low, high = ends
    if setting.needs_times:
        proposed = trial.suggest_float(setting.name, low, _highest(setting), log=True)
        return float(f"{proposed:.3g}") if proposed <= high else 0.0
    is_log = low > 0 and high / low > 10
    if isinstance(setting.default, int):
        return trial.suggest_int(setting.name, int(low), int(high), log=is_log)
    return float(f"{trial.suggest_float(setting.name, low, high, log=is_log):.3g}")


def _clipped(setting: Hyper, value: Any) -> Any:
    """The value, moved to the nearest end of the declared range if it is outside."""
    ends: Any = setting.search
    if isinstance(value, bool | str):
        return value
    if setting.needs_times:
        return min(max(value, ends[0]), ends[1]) if value else _highest(setting)
    return min(max(value, ends[0]), ends[1])


def _highest(setting: Hyper) -> float:
    """The upper end of the proposals for a setting that needs times.

    All proposals beyond its range mean 0: times are ignored, as with an endless half-life. On
    the log scale, they are half of all proposals.
    """
    low, high = setting.search or (1.0, 1.0)
    return high * high / low
