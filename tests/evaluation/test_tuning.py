"""Tuning: what is searched, that the test part is not seen, and how a search ends."""

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from matinee.cli.tune import tune as tune_command
from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings
from matinee.data.split import Split, k_fold, random_split
from matinee.errors import DataError, MatineeError, SettingError, UnsupportedError
from matinee.evaluation import tuning
from matinee.evaluation.metrics import rmse
from matinee.evaluation.per_user import PerUserSums
from matinee.evaluation.ranking import judge, ranking_task, top_lists
from matinee.evaluation.significance import best_of_many_test, sign_flip_test
from matinee.evaluation.tuning import Tuning, p_value_of, tune, with_test_gain
from matinee.evaluation.tuning_study import Objective, Plan, PruningCallback, Trial
from matinee.models.base import FitOptions, Recommender
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.models.hyperparameters import hyper
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.dot_product import DotProduct
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.models.popularity import Popularity
from matinee.progress import Progress, Step
from tests.conftest import simulated
from tests.helpers import write_table

TABLE = simulated(80, 40, 2_000)
NO_CHOICE: Any = ("mean", "median")


@dataclass(kw_only=True, eq=False)
class Odd(Baseline):
    """Has a setting of each kind; fails for some values of one, and pretends that one matters."""

    name: ClassVar[str] = "odd"

    user_shrinkage: float = hyper(
        1000.0, low=0, high=1000, search=(0.5, 1000), help="the default is the worst"
    )
    item_shrinkage: float = hyper(5.0, low=0, high=1000, help="not searched")
    epochs: int = hyper(4, low=1, high=1000, search=(1, 40), help="a whole number, on a log scale")
    some: int = hyper(6, low=1, high=100, search=(3, 12), help="a whole number")
    share: float = hyper(0.0, low=0, high=1, search=(0, 0.9), help="cannot be on a log scale")
    flag: bool = hyper(False, search=(False, True), help="on or off")
    word: str = hyper("mean", search=NO_CHOICE, help="one of two")

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        if self.some > 9:
            raise SettingError("odd: some is too large.")
        super()._fit(train, options)


def values(found: Tuning) -> list[tuple[dict[str, Any], float | None, str]]:
    """The trials without their times."""
    return [(one.settings, one.value, one.remark) for one in found.trials]


@pytest.fixture(scope="module")
def odd() -> Tuning:
    return tune(Odd(), TABLE, Plan(trials=25), n_threads=1)


# -- the search ----------------------------------------------------------------------------------------------------


def test_the_first_trial_is_of_the_defaults_and_the_best_is_better(odd: Tuning) -> None:
    first, best = odd.trials[0], odd.trials[odd.best]
    assert first.settings == {name: getattr(Odd(), name) for name in first.settings}
    assert "item_shrinkage" not in first.settings
    assert best.value == min(one.value for one in odd.trials if one.value is not None)
    assert best.value is not None
    assert first.value is not None
    assert best.value < first.value
    assert odd.gain is not None
    assert odd.gain.gain == pytest.approx(first.value - best.value)
    assert 0 < odd.gain.low < odd.gain.gain < odd.gain.high
    assert (odd.n_train, odd.n_valid, odd.split) == (2_000, 2_000, "kfold:10")


def test_a_value_is_that_of_a_model_with_these_settings(odd: Tuning) -> None:
    model = Odd.from_settings(odd.trials[odd.best].settings)
    errors = [
        model.fit(of.train).predict_ratings(of.test) - of.test.value for of in k_fold(TABLE, 10)
    ]
    assert odd.trials[odd.best].value == pytest.approx(
        np.sqrt(np.mean(np.concatenate(errors).astype(float) ** 2))
    )


def test_settings_stay_in_their_range_and_their_kind(odd: Tuning) -> None:
    columns = {name: [one.settings[name] for one in odd.trials] for name in odd.trials[0].settings}
    assert all(type(value) is int for name in ("epochs", "some") for value in columns[name])
    assert all(3 <= value <= 12 for value in columns["some"])
    assert all(float(f"{value:.3g}") == value and 0 <= value <= 0.9 for value in columns["share"])
    assert {True, False} == set(columns["flag"])
    assert {"mean", "median"} == set(columns["word"])
    assert (
        sum(value < 30 for value in columns["user_shrinkage"]) > 5
    )  # on a log scale, half of the range
    assert sum(value < 7 for value in columns["epochs"]) > 5


def test_a_trial_that_cannot_be_trained_is_noted_and_no_more(odd: Tuning) -> None:
    failed = [one for one in odd.trials if one.settings["some"] > 9]
    assert failed
    assert {(one.value, one.remark) for one in failed} == {(None, "odd: some is too large.")}


def test_the_same_seed_finds_the_same_and_another_does_not(odd: Tuning) -> None:
    assert values(tune(Odd(), TABLE, Plan(trials=25))) == values(odd)
    assert values(tune(Odd(seed=1), TABLE, Plan(trials=3))) != values(
        tune(Odd(), TABLE, Plan(trials=3))
    )


def test_fixed_settings_stay(odd: Tuning) -> None:
    model = Odd(epochs=7, item_shrinkage=3)
    found = tune(model, TABLE, Plan(trials=6, fixed=("epochs", "item_shrinkage")))
    assert "epochs" not in found.trials[0].settings
    assert (found.settings["epochs"], found.settings["item_shrinkage"]) == (7, 3)
    assert "item_shrinkage" not in odd.settings
    assert not model.is_fitted


def test_a_start_outside_the_range_is_tried_as_it_is() -> None:
    found = tune(Baseline(user_shrinkage=400), TABLE, Plan(trials=3))
    assert found.trials[0].settings["user_shrinkage"] == 400
    assert all(one.settings["user_shrinkage"] <= 50 for one in found.trials[1:])


def test_lists_are_tuned_for_more_and_errors_for_less() -> None:
    found = tune(Odd(), TABLE, Plan(trials=8, metric="ndcg_at_10", split="random:0.3"))
    most = max(one.value for one in found.trials if one.value is not None)
    assert (
        found.trials[found.best].value == most or f"has {most:.4f}, and the defaults" in found.note
    )
    part = random_split(TABLE, 0.3)
    model = Odd.from_settings(found.trials[found.best].settings).fit(part.train)
    task = ranking_task(part.test)
    expected = judge(model, task, top_lists(model, task.users)).means()["ndcg_at_10"]
    assert found.trials[found.best].value == pytest.approx(expected)
    assert found.gain is None or found.gain.gain > 0


def test_a_gain_that_chance_explains_leaves_the_defaults() -> None:
    plan = Plan(trials=8, metric="mrr")
    found = tune(Baseline(), TABLE, plan)
    values_ = [one.value or 0 for one in found.trials]
    first, most = values_[0], max(values_)
    assert most > first
    assert (found.best, found.settings, found.gain) == (0, {}, None)
    number = values_.index(most)
    assert found.note == (
        f"Trial {number} has {most:.4f}, and the defaults {first:.4f}; for the best of 8 trials "
        "this is not significant, so the defaults are kept."
    )


@pytest.mark.parametrize("n_trials", [1, 5, 30])
def test_of_settings_that_differ_by_chance_alone_hardly_any_wins(n_trials: int) -> None:
    """Half of the trials are stopped early, those that are behind at half of the users."""
    n_winners, n_uncorrected, n_cases = 0, 0, 400
    for case in range(n_cases):
        rng = np.random.default_rng(case)
        gains = rng.normal(size=(60, n_trials)) * rng.exponential(size=(60, 1))
        halves = gains[:30].sum(axis=0)
        finished = gains[:, halves >= np.median(halves)]
        best = int(np.argmax(finished.sum(axis=0)))
        is_better = finished[:, best].sum() > 0
        p_value = best_of_many_test(finished, flips=300)[best] * n_trials / finished.shape[1]
        n_winners += is_better and p_value < 0.05
        n_uncorrected += is_better and sign_flip_test(finished[:, [best]], flips=300)[0] < 0.05
    assert n_winners <= 0.07 * n_cases
    assert n_trials == 1 or n_uncorrected > 0.07 * n_cases


def test_the_gate_is_corrected_for_all_finished_trials() -> None:
    """A gain that is significant for a single trial is not for the best of thirty."""
    rng = np.random.default_rng(0)
    default = rng.random((60, 1))
    better = default + rng.normal(0.3, 1, (60, 1))
    others = {number: default + rng.normal(0, 1, (60, 1)) for number in range(2, 31)}
    counts = np.ones((60, 1))
    sums = {
        number: PerUserSums(("mrr",), totals, counts)
        for number, totals in ({0: default, 1: better} | others).items()
    }
    alone = p_value_of(1, {0: sums[0], 1: sums[1]}, 2)
    assert alone == sign_flip_test(better - default).item() < 0.05
    best = p_value_of(1, sums, 31)
    assert 0.05 < best < 30 * alone
    assert p_value_of(1, sums, 46) == pytest.approx(1.5 * best)
    assert p_value_of(1, sums, 10_000) == 1


def test_lists_are_judged_with_less_held_out_than_stars() -> None:
    assert [tune(Baseline(), TABLE, Plan(trials=1, metric=of)).split for of in ("rmse", "mrr")] == [
        "kfold:10", "kfold:20"
    ]  # fmt: skip


def test_the_metric_follows_from_what_the_model_can_predict() -> None:
    alike = Ratings.from_ids(TABLE.user_index, TABLE.item_index, np.ones(len(TABLE)))
    assert tune(ItemKNN(), alike, Plan(trials=1)).metric == "ndcg_at_10"
    assert tune(Baseline(), TABLE, Plan(trials=1)).metric == "rmse"


# -- the test part -------------------------------------------------------------------------------------------------


def poisoned(part: Split) -> Split:
    """The same split with other test ratings: each person's likes and dislikes are exchanged."""
    low, high, _ = part.test.scale
    return replace(
        part, test=replace(part.test, value=(low + high - part.test.value).astype(np.float32))
    )


@pytest.mark.parametrize(
    ("model", "metric"),
    [(Baseline(), "rmse"), (ItemKNN(k=5), "recall_at_20")],
    ids=["error", "lists"],
)
def test_the_search_does_not_see_the_test_part(model: Recommender, metric: str) -> None:
    clean = random_split(simulated(80, 40, 2_000), 0.2)
    plan = Plan(trials=6, metric=metric)
    found, again = (
        with_test_gain(tune(model, part.train, plan, n_threads=1), model, part)
        for part in (clean, poisoned(clean))
    )
    assert values(found) == values(again)
    assert (found.best, found.settings) == (again.best, again.settings)
    assert found.test is not None
    assert again.test is not None
    assert found.test.default != again.test.default  # so the poison works


def test_the_command_finds_the_same_whatever_the_test_rows_say(tmp_path: Path) -> None:
    rows = np.flatnonzero(np.random.default_rng(0).random(len(TABLE)) < 0.3)
    np.save(tmp_path / "rows.npy", rows)
    found = []
    for name, value in (("clean", TABLE.value), ("poisoned", TABLE.value.copy())):
        if name == "poisoned":
            value[rows] = 6 - value[rows]
        lines = zip(
            TABLE.user_index.tolist(), TABLE.item_index.tolist(), value.tolist(), strict=True
        )
        text = "user,item,rating\n" + "".join(
            f"{user},{item},{stars:g}\n" for user, item, stars in lines
        )
        (tmp_path / f"{name}.csv").write_text(text)
        options = (
            "--model",
            "item-knn",
            "--trials",
            "5",
            "--split",
            f"rows:{tmp_path / 'rows.npy'}",
        )
        given = [
            str(tmp_path / f"{name}.csv"),
            *options,
            "--scale",
            "1:5",
            "--threads",
            "1",
            "--json",
        ]
        found.append(
            json.loads(CliRunner().invoke(tune_command, given, catch_exceptions=False).stdout)
        )
    clean, other = found
    assert [(one["settings"], one["value"]) for one in clean["trials"]] == [
        (one["settings"], one["value"]) for one in other["trials"]
    ]
    assert (clean["best"], clean["settings"], clean["gain"]) == (
        other["best"],
        other["settings"],
        other["gain"],
    )
    assert other["test"]["default"] > clean["test"]["default"] + 0.1  # so the poison works


def test_the_look_at_the_test_part_is_of_models_trained_on_all_training_rows(odd: Tuning) -> None:
    part = random_split(simulated(80, 40, 2_500, seed=1), 0.2)
    found = with_test_gain(odd, Odd(), part).test
    assert found is not None
    best = Odd.from_settings(odd.trials[odd.best].settings)
    errors = [
        rmse(part.test.value, of.fit(part.train).predict_ratings(part.test)) for of in (Odd(), best)
    ]
    assert (found.default, found.best) == pytest.approx((errors[0], errors[1]))
    assert found.gain == pytest.approx(errors[0] - errors[1])
    assert found.n_ratings == 500


def test_defaults_that_are_the_best_are_tested_once(odd: Tuning) -> None:
    part = random_split(TABLE, 0.2)
    found = with_test_gain(replace(odd, best=0, gain=None, settings={}), Odd(), part)
    assert found.test is not None
    assert (found.test.gain, found.test.p_value) == (0, 1)
    assert found.sentences() == [
        "No trial was significantly better than the defaults, which have "
        f"RMSE {odd.trials[0].value:.4f} on the validation part.",
        f"RMSE on the test part of 400 ratings: {found.test.best:.4f}.",
    ]


# -- ends and stops ------------------------------------------------------------------------------------------------


def test_trials_behind_the_others_are_stopped_early() -> None:
    found = tune(MatrixFactorization(adapt=False), simulated(), Plan(trials=14, split="random:0.2"))
    stopped = [one for one in found.trials if one.value is None]
    assert stopped
    assert {one.remark for one in stopped} == {
        "Stopped early: worse than the median of the earlier trials."
    }
    assert all(one.value is not None for one in found.trials[:5])


def test_a_model_that_stops_early_itself_does_not_see_the_validation_part() -> None:
    model = MatrixFactorization(patience=1, epochs=30)
    found = tune(model, TABLE, Plan(trials=1, split="random:0.2"), n_threads=1)
    part = random_split(TABLE, 0.2)
    blind = rmse(part.test.value, model.fit(part.train, n_threads=1).predict_ratings(part.test))
    seeing = model.fit(part.train, valid=part.test, n_threads=1).predict_ratings(part.test)
    assert found.trials[0].value == pytest.approx(blind)
    assert rmse(part.test.value, seeing) != pytest.approx(blind)


class Recording:
    """Stands for a trial of optuna: remembers what is reported, and is never pruned."""

    number = 1

    def __init__(self) -> None:
        self.reports: dict[int, float] = {}

    def report(self, value: float, step: int) -> None:
        self.reports[step] = value

    def should_prune(self) -> bool:
        return False


def reported(model: Recommender, parts: list[Split], metric: str) -> dict[int, float]:
    """What pruning compares, by tenths of the way through all trainings."""
    recording: Any = Recording()
    Objective(parts, metric, 1)(model, PruningCallback(recording, np.inf))
    return recording.reports  # type: ignore[no-any-return]


@pytest.mark.parametrize("model", [DotProduct, EmbeddingMLP], ids=lambda model: model.name)
@pytest.mark.usefixtures("one_torch_thread")
def test_pruning_compares_the_rmse_within_folds_and_at_their_ends(model: type[Recommender]) -> None:
    settings = {"epochs": 10, "schedule": "constant"}
    parts = list(k_fold(simulated(200, 60, 4_000), 4))[:2]
    reports = reported(model.from_settings(settings), parts, "rmse")
    assert list(reports) == list(range(1, 20))
    for epochs in (6, 9, 10):
        stopped = model.from_settings(settings | {"epochs": epochs}).fit(parts[0].train)
        expected = rmse(parts[0].test.value, stopped.predict_ratings(parts[0].test))
        assert expected < 0.9  # so that it is told from its square
        # At its end, dot-product also solves the side of the users
        assert reports[epochs] == pytest.approx(expected, rel=0.05), epochs


def test_pruning_by_another_metric_compares_that_metric_at_the_ends_of_folds_alone() -> None:
    parts = list(k_fold(TABLE, 4))
    reports = reported(MatrixFactorization(epochs=10), parts, "mae")
    assert list(reports) == [10, 20, 30]
    stars = (
        MatrixFactorization(epochs=10)
        .fit(parts[0].train, n_threads=1)
        .predict_ratings(parts[0].test)
    )
    assert reports[10] == pytest.approx(float(np.mean(np.abs(stars - parts[0].test.value))))


def test_sweeps_that_are_not_averaged_yet_are_not_compared() -> None:
    model = BayesianMF(burn_in=12, samples=8, factors=4, tolerance=0)
    assert list(reported(model, [random_split(TABLE, 0.2)], "rmse")) == [6, 7, 8, 9]


def stop_after(trials: int) -> Progress:
    def progress(step: Step) -> None:
        if step.done == trials:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_keeps_what_was_found() -> None:
    found = tune(Baseline(), TABLE, Plan(trials=50), progress=stop_after(4))
    assert len(found.trials) == 4
    assert found.sentences()[0] == "Interrupted after 4 trials."
    assert values(found) == values(tune(Baseline(), TABLE, Plan(trials=4)))


def test_ctrl_c_before_the_defaults_are_tried_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: Any, **__: Any) -> Recommender:
        raise KeyboardInterrupt

    monkeypatch.setattr(Baseline, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        tune(Baseline(), TABLE, Plan(trials=50))


def test_time_that_is_over_ends_the_search_after_the_defaults() -> None:
    found = tune(Baseline(), TABLE, Plan(seconds=1e-9))
    assert len(found.trials) == 1
    assert found.note == "The time limit was reached after 1 trial."
    assert found.gain is None
    assert Plan().most == 30
    assert Plan(seconds=5).most > 10_000


def test_progress_tells_the_best_so_far() -> None:
    steps: list[Step] = []
    found = tune(Baseline(), TABLE, Plan(trials=3), progress=steps.append)
    so_far = np.minimum.accumulate([one.value or 9 for one in found.trials])
    assert steps == [
        Step(number, 3, f"best rmse {best:.4f}") for number, best in enumerate(so_far.tolist(), 1)
    ]


def test_the_words_of_optuna_are_as_loud_afterwards_as_before() -> None:
    import optuna

    before = optuna.logging.get_verbosity()
    tune(Baseline(), TABLE, Plan(trials=1))
    assert optuna.logging.get_verbosity() == before


# -- what cannot be tuned ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "plan", "message"),
    [
        (
            Popularity(),
            Plan(),
            "popularity has no settings to search; tune another model, such as mf.",
        ),
        (
            Baseline(),
            Plan(fixed=("user_shrinkage", "item_shrinkage")),
            "baseline has no settings to search other than the fixed ones; tune another model, such as mf.",
        ),
        (Baseline(), Plan(metric="ndcg_at_11"), "There is no metric 'ndcg_at_11'. Did you mean"),
        (Baseline(), Plan(split="half"), "No split 'half'. Give one of random:0.2"),
        (Odd(some=10), Plan(), "odd: some is too large."),
    ],
)
def test_what_cannot_be_tuned_is_reported_in_a_sentence(
    model: Recommender, plan: Plan, message: str
) -> None:
    with pytest.raises(MatineeError) as error:
        tune(model, TABLE, plan)
    assert str(error.value).startswith(message)


def test_stars_cannot_be_tuned_where_there_are_none() -> None:
    alike = Ratings.from_ids(TABLE.user_index, TABLE.item_index, np.ones(len(TABLE)))
    with pytest.raises(SettingError) as error:
        tune(Baseline(), alike, Plan(metric="rmse"))
    assert (
        str(error.value)
        == "baseline does not predict stars here, so it has no rmse; tune ndcg_at_10."
    )


def test_lists_cannot_be_tuned_where_nobody_likes_anything() -> None:
    with pytest.raises(SettingError) as error:
        tune(Baseline(), TABLE.subset(TABLE.value < 4), Plan(metric="mrr"))
    assert (
        str(error.value)
        == "No item of the validation part is relevant, so mrr cannot be measured; tune rmse."
    )


def test_without_optuna_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError) as error:
        tune(Baseline(), TABLE)
    assert (
        str(error.value)
        == "Tuning needs optuna, which is not installed:  pip install 'matinee[tune]'"
    )


# -- words ---------------------------------------------------------------------------------------------------------


def test_the_command_trains_with_the_best() -> None:
    trial = Trial(0, {"factors": 64}, 0.9, 1.0)
    best = {"factors": 96, "regularization": 0.0412, "biases": False}
    found = Tuning("mf", "rmse", "kfold:5", 100, 100, 7, [trial], 0, best, None)
    line = found.command("my data.csv", ["--scale", "1:5"])
    assert line == (
        "matinee train 'my data.csv' --model mf --set factors=96 --set regularization=0.0412 --set biases=false "
        "--seed 7 --scale 1:5 --out mf.matinee"
    )


def test_the_history_is_a_table_and_the_gain_a_sentence(odd: Tuning) -> None:
    assert odd.headings() == ("trial", *odd.trials[0].settings, "rmse", "", "")
    assert [row[-2] for row in odd.rows()].index("*") == odd.best
    assert odd.rows()[0][-1] == "the defaults"
    assert odd.gain is not None
    assert odd.sentences()[0].startswith(
        f"RMSE on 2,000 validation ratings: {odd.gain.best:.4f}, and {odd.gain.default:.4f} with the defaults; "
        f"better by {odd.gain.gain:.4f} (95% interval {odd.gain.low:.4f} to {odd.gain.high:.4f}). The best of"
    )
    worse = replace(odd.gain, gain=-0.01, low=-0.03, high=0.01, p_value=0.4)
    assert (
        worse.words()
        == "worse by 0.0100 (95% interval -0.0100 to 0.0300), which is not significant"
    )
    assert json.loads(json.dumps(odd.to_dict()))["settings"] == odd.settings


@pytest.fixture
def table(tmp_path: Path) -> str:
    return str(write_table(tmp_path / "ratings.csv", TABLE))


def test_without_a_name_the_stars_of_the_default_model_are_tuned(table: str) -> None:
    options = ("--trials", "1", "--validation", "random:0.2", "--scale", "1:5")
    told = CliRunner().invoke(tune_command, [table, *options], catch_exceptions=False)
    note = "The model is mf, which predicts the stars of hybrid; --model selects another.\n"
    assert note in told.stderr
    assert shlex.split(told.stdout.splitlines()[-1])[3:5] == ["--model", "mf"]


def test_the_command_line_prints_a_history_and_what_to_type(table: str) -> None:
    options = (
        "--model",
        "baseline",
        "--trials",
        "4",
        "--split",
        "random:0.2",
        "--set",
        "epochs=3",
        "--scale",
        "1:5",
    )
    told = CliRunner().invoke(tune_command, [table, *options], catch_exceptions=False)
    assert told.exit_code == 0
    assert told.stdout.splitlines()[0] == "baseline on ratings.csv, validation kfold:10"
    assert "RMSE on the test part of 400 ratings" in told.stdout
    words = shlex.split(told.stdout.splitlines()[-1])
    assert words[:5] == ["matinee", "train", table, "--model", "baseline"]
    assert "epochs=3" in words
    assert words[-4:] == ["--scale", "1:5", "--out", "baseline.matinee"]
    answer = CliRunner().invoke(tune_command, [table, *options, "--json"], catch_exceptions=False)
    found = json.loads(answer.stdout)
    assert shlex.split(found["command"]) == words
    assert len(found["trials"]) == 4


def test_what_is_to_predict_the_future_is_tuned_to_do_so(table: str) -> None:
    options = ("--model", "baseline", "--trials", "1", "--split", "leave-last-out", "--json")
    answer = CliRunner().invoke(tune_command, [table, *options], catch_exceptions=False)
    assert json.loads(answer.stdout)["split"] == "leave-last-out"


def test_several_folds_are_no_test_part(table: str) -> None:
    result = CliRunner().invoke(tune_command, [table, "--split", "kfold:3"])
    assert isinstance(result.exception, SettingError)
    assert str(result.exception) == (
        "Tuning needs a --split with a single test part, such as random:0.2."
    )


def test_the_training_ratings_may_be_a_data_set() -> None:
    data = Dataset("d", simulated(60, 50, 1_500), Catalog())
    plan = Plan(trials=2, split="random:0.2")
    found = tune(Baseline(), data, plan)
    assert [trial.value for trial in found.trials] == [
        trial.value for trial in tune(Baseline(), data.ratings, plan).trials
    ]
    table: Any = [1, 2]
    with pytest.raises(DataError, match=r"^tune takes Ratings, a Dataset, a frame or a path"):
        tune(Baseline(), table)


def test_a_model_for_new_users_is_tuned_on_users_held_out_whole(table: str) -> None:
    options = ("--model", "baseline", "--trials", "2", "--split", "users:0.2", "--json")
    answer = CliRunner().invoke(tune_command, [table, *options], catch_exceptions=False)
    found = json.loads(answer.stdout)
    assert found["split"] == "users:0.2"
    assert [trial["value"] > 0.3 for trial in found["trials"]] == [True, True]
    ranked = CliRunner().invoke(tune_command, [table, *options, "--metric", "mrr"])
    assert 0 < json.loads(ranked.stdout)["trials"][0]["value"] < 1
