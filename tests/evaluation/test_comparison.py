"""Comparing models: the table, its verdicts, models that fail, the page, and the command."""

import json
import os
import pickle
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from matinee.cli.compare import compare as compare_command
from matinee.data.ratings import Ratings
from matinee.data.split import by_mask, k_fold, random_split, splits
from matinee.errors import MatineeError, SettingError, UnknownNameError, UnsupportedError
from matinee.evaluation import NO_STARS, PerUserSums, evaluate
from matinee.evaluation.comparison import HEADINGS, ComparedModel, Comparison, compare
from matinee.evaluation.isolated import measure_isolated
from matinee.evaluation.paired_tests import Difference, PairedTests, against_first
from matinee.models import MODELS
from matinee.models.base import FitOptions, Recommender
from matinee.models.baseline import Baseline
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.progress import Step
from matinee.report.comparison_page import comparison_page, save_comparison_page
from tests.conftest import simulated
from tests.helpers import compare_here, error_message, write_table

TABLE = simulated(200, 60, 6_000)
PART = random_split(TABLE, 0.2)


@dataclass(kw_only=True, eq=False)
class Failing(Baseline):
    """Cannot be trained."""

    name: ClassVar[str] = "failing"

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        del train, options
        raise UnsupportedError("failing fails; use mf.")


@dataclass(kw_only=True, eq=False)
class Greedy(Baseline):
    """Wants more memory than there is."""

    name: ClassVar[str] = "greedy"

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        del train, options
        raise MemoryError


def here(models: Mapping[str, Recommender]) -> Comparison:
    return compare(models, [PART], "simulated", isolated=False)


@pytest.fixture(scope="module")
def found() -> Comparison:
    models = {
        "mine": Popularity(),
        "failing": Failing(),
        "mf": MatrixFactorization(epochs=10, adapt=False),
        "baseline": Baseline(),
    }
    return here(models | {"the same": Baseline(), "greedy": Greedy()})


# -- the table -----------------------------------------------------------------------------------------------------


def test_models_with_stars_come_first_then_those_that_rank_then_those_that_fail(
    found: Comparison,
) -> None:
    assert [one.name for one in found.entries] == [
        "mf",
        "baseline",
        "the same",
        "mine",
        "failing",
        "greedy",
    ]
    assert [row[0] for row in found.rows()] == ["mf", "baseline", "the same", "mine"]
    assert all(len(row) == len(HEADINGS) for row in found.rows())
    assert (
        found.title() == "simulated, random:0.2: 4,800 ratings for training and 1,200 for testing"
    )


def test_each_report_is_that_of_the_model_alone(found: Comparison) -> None:
    def numbers(report: Any) -> dict[str, Any]:
        return {
            name: value
            for name, value in report.to_dict().items()
            if "seconds" not in name and "rss" not in name
        }

    alone = evaluate(lambda: MatrixFactorization(epochs=10, adapt=False), [PART], "simulated")
    assert numbers(found.entries[0].report) == numbers(alone)


def test_the_models_that_were_handed_over_are_not_fitted() -> None:
    model = Baseline()
    here({"baseline": model})
    assert not model.is_fitted


def test_a_model_that_fails_has_its_sentence_and_stops_nothing(found: Comparison) -> None:
    problems = {one.name: one.problem for one in found.entries if one.report is None}
    assert problems == {"failing": "failing fails; use mf.", "greedy": "Out of memory."}
    assert found.sentences()[:2] == ["failing: failing fails; use mf.", "greedy: Out of memory."]


def test_a_model_that_does_the_same_does_not_differ(found: Comparison) -> None:
    by_rmse = here({"baseline": Baseline(), "the same": Baseline()}).contests[0]
    assert (by_rmse.best, by_rmse.mark("baseline"), by_rmse.mark("the same")) == (
        "baseline",
        "*",
        "=",
    )
    (difference,) = by_rmse.others
    assert (difference.difference, difference.low, difference.high, difference.p_value) == (
        0,
        0,
        0,
        1,
    )
    assert (
        by_rmse.sentence()
        == "By RMSE, baseline is the best, but no significant difference was found between it and "
        "the same (0.0000, 95% interval 0.0000 to 0.0000)."
    )
    assert found.contests[0].best == "mf"
    assert {one.name: one.is_worse for one in found.contests[0].others} == {
        "baseline": True,
        "the same": True,
    }
    assert found.contests[0].sentence() == (
        "By RMSE, mf is the best, and significantly better than all others. Among the others, no significant "
        "difference was found between baseline and the same."
    )


def test_a_row_shows_half_of_the_interval_and_the_mark(found: Comparison) -> None:
    report = found.entries[0].report
    assert report is not None
    low, high = report.intervals["rmse"]
    assert found.rows()[0][1] == f"{report.rmse:.4f} ±{(high - low) / 2:.4f} *"
    assert found.rows()[3][1] == "-"


def test_sentences_of_one_two_and_three_models() -> None:
    def contest(*p_values: float) -> PairedTests:
        others = [Difference(f"m{number}", 0.1, 0, 0.2, p) for number, p in enumerate(p_values)]
        return PairedTests("ndcg_at_10", "best", others)

    assert contest().sentence() == "By NDCG@10, best is the only model measured."
    assert contest(0.3, 0.2, 0.01, 0.05).sentence() == (
        "By NDCG@10, best is the best, but no significant difference was found between it and "
        "m0 (0.1000, 95% interval 0.0000 to 0.2000), m1 (0.1000, 95% interval 0.0000 to 0.2000) and "
        "m3 (0.1000, 95% interval 0.0000 to 0.2000)."
    )
    assert contest(0.01).mark("m0") == ""


def test_several_folds_are_compared_on_all_their_ratings() -> None:
    folds = list(k_fold(TABLE, 3))
    both = compare(
        {"mf": MatrixFactorization(epochs=10, adapt=False), "baseline": Baseline()},
        folds,
        "simulated",
        isolated=False,
    )
    assert both.entries[0].report is not None
    assert (both.entries[0].report.folds, both.protocol) == (3, "kfold:3")
    errors = []
    for model in (MatrixFactorization(epochs=10, adapt=False), Baseline()):
        stars = [model.fit(of.train).predict_ratings(of.test) - of.test.value for of in folds]
        errors.append(np.sqrt(np.mean(np.concatenate(stars).astype(np.float64) ** 2)))
    assert both.contests[0].others[0].difference == pytest.approx(errors[1] - errors[0])


def test_models_are_compared_on_users_held_out_whole() -> None:
    models = {"baseline": Baseline(), "popularity": Popularity()}
    (part,) = splits(TABLE, "users:0.2")
    found = compare(models, part, "simulated", isolated=False, n_threads=1)
    assert found.protocol == "users:0.2"
    for name, model in models.items():
        report, alone = found[name].report, evaluate(model, part, "simulated")
        assert report is not None
        assert report.n_folded_in == alone.n_folded_in > 0
        assert dict(report) == dict(alone)


def test_where_nobody_likes_anything_there_is_no_contest_of_lists() -> None:
    rows = np.flatnonzero(TABLE.value < 4)
    part = by_mask(TABLE.subset(rows), np.arange(len(rows)) < 200, "mine")
    few = compare({"baseline": Baseline(), "popularity": Popularity()}, [part], isolated=False)
    assert [one.measure for one in few.contests] == ["rmse"]
    assert few.rows()[0][2] == "-"
    assert comparison_page(few).count("no lists to measure") == 2


def test_ratings_that_are_all_the_same_are_compared_by_their_lists() -> None:
    table = Ratings.from_ids(TABLE.user_index, TABLE.item_index, np.ones(len(TABLE)))
    only = compare(
        {"baseline": Baseline(), "popularity": Popularity()},
        [random_split(table, 0.2)],
        isolated=False,
    )
    assert [one.measure for one in only.contests] == ["ndcg_at_10"]
    assert only.sentences()[0] == (
        "baseline: baseline needs ratings, but this table holds implicit feedback; use ials."
    )
    assert (only.unit, only.note) == ("pair", NO_STARS)
    assert "pairs for training" in only.title()


def test_without_models_there_is_nothing_to_compare() -> None:
    with pytest.raises(
        SettingError, match=r"^There are no models to compare: name at least one\.$"
    ):
        here({})


def test_progress_names_the_model_that_is_being_trained() -> None:
    steps: list[Step] = []
    models = {"one": Baseline(), "other": Popularity()}
    compare(models, [PART], progress=steps.append, isolated=False)
    assert steps == [Step(0, 2, "one"), Step(1, 2, "other"), Step(2, 2, "done")]


# -- differences ---------------------------------------------------------------------------------------------------


def test_differences_are_paired_and_corrected_for_all_pairs() -> None:
    rng = np.random.default_rng(0)
    ability = rng.exponential(size=300)  # people differ much more than the models do
    totals = {
        "a": ability,
        "b": ability + 0.02 + rng.normal(0, 0.02, 300),
        "c": ability + rng.normal(0, 0.02, 300),
    }
    ones = np.ones((300, 1))
    sums = {
        name: PerUserSums(("ndcg_at_10",), total[:, None], ones) for name, total in totals.items()
    }
    found = against_first(sums, "ndcg_at_10")
    b, c = found.others
    assert b.difference == pytest.approx(totals["b"].mean() - ability.mean())
    assert b.high - b.low == pytest.approx(2 * 1.96 * 0.02 / np.sqrt(300), rel=0.15)
    assert b.low < 0.02 < b.high
    assert b.is_worse
    assert not c.is_worse
    assert b.p_value == pytest.approx(3 / 10_001)  # the least there is, times the three pairs
    assert (found.best, found.ties) == ("a", [["a", "c"]])


def test_every_pair_without_a_difference_is_in_a_group_and_no_group_holds_a_difference() -> None:
    rng = np.random.default_rng(0)
    ones, noise = np.ones((400, 1)), rng.normal(0, 0.02, (5, 400))
    noise -= noise.mean(axis=1, keepdims=True)
    levels = {
        "a": 0,
        "b": 0.05,
        "c": 0.0525,
        "d": 0.055,
        "e": 0.2,
    }  # c is between b and d, which differ
    sums = {
        name: PerUserSums(("rmse",), 1 + level + noise[row][:, None], ones)
        for row, (name, level) in enumerate(levels.items())
    }
    found = against_first(sums, "rmse")
    assert found.ties == [["b", "c"], ["c", "d"]]
    assert found.sentence() == (
        "By RMSE, a is the best, and significantly better than all others. Among the others, no significant "
        "difference was found between b and c, or between c and d."
    )


def test_models_that_only_rank_beside_models_of_stars_are_explained(found: Comparison) -> None:
    assert found.sentences()[-1].startswith(
        "mine does not predict stars. Models that predict stars rank first the items"
    )
    assert not any("not predict stars" in one for one in here({"baseline": Baseline()}).sentences())
    assert not any(
        "not predict stars" in one for one in here({"popularity": Popularity()}).sentences()
    )


def test_the_table_fits_a_terminal_of_100_columns() -> None:
    names = [of.name for of in MODELS]
    report = evaluate(Baseline, [PART], "simulated")
    slow = replace(report, fit_seconds=999.99, predict_seconds=99.99, recommend_seconds=999.99)
    entries = [ComparedModel(name, name, slow, 1234.0) for name in names]
    rows = Comparison(
        "d",
        "p",
        1,
        1,
        entries,
        [PairedTests("rmse", names[0], []), PairedTests("ndcg_at_10", "", [])],
    ).rows()
    widths = [
        max(len(line[column]) for line in (HEADINGS, *rows)) for column in range(len(HEADINGS))
    ]
    assert sum(widths) + 2 * (len(widths) - 1) <= 100


# -- processes of their own ----------------------------------------------------------------------------------------


def test_a_model_in_a_process_of_its_own_finds_the_same() -> None:
    models = {"mf": MatrixFactorization(epochs=10, adapt=False), "failing": Failing()}
    alone = compare(models, [PART], "simulated", n_threads=1)
    together = compare(models, [PART], "simulated", n_threads=1, isolated=False)
    one, other = (of.entries[0] for of in (alone, together))
    assert one.report is not None
    assert other.report is not None
    assert (one.report.rmse, one.report.intervals) == (other.report.rmse, other.report.intervals)
    assert one.memory_mb is not None
    assert 0 <= one.memory_mb < 500
    assert other.memory_mb is None
    assert (
        alone.entries[1].problem == "failing fails; use mf."
    )  # no model of the library, so trained here


class Ending:
    """Ends the process that unpickles it."""

    def __init__(self, how: tuple[Any, ...]) -> None:
        self.how = how

    def __reduce__(self) -> tuple[Any, ...]:
        return self.how


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        (
            (signal.raise_signal, (9,)),
            "The process was killed by signal 9, probably because memory ran out.",
        ),
        ((os._exit, (3,)), "Unexpected error: no message"),
        (
            (int, ("x",)),
            "Unexpected error: ValueError: invalid literal for int() with base 10: 'x'",
        ),
    ],
)
def test_a_process_that_dies_is_a_problem_of_its_model_only(
    how: tuple[Any, ...], problem: str
) -> None:
    died = measure_isolated(Baseline(), pickle.dumps(Ending(how)))
    assert (died.evaluation, died.problem) == (None, problem)


# -- the page ------------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_else_and_holds_every_model(
    found: Comparison, tmp_path: Path
) -> None:
    page = tmp_path / "models.html"
    save_comparison_page(found, page)
    text = page.read_text("utf-8")
    assert text == comparison_page(found)
    assert all(f'<th scope="row">{one.name}</th>' in text for one in found.entries)
    assert "failing fails; use mf." in text
    assert text.count("<b>best</b>") == 2
    assert not any(word in text for word in ("http:", "https:", "<script", "<link"))


def test_names_on_the_page_are_text() -> None:
    entries = [ComparedModel("<i>", "mf", problem="a < b")]
    text = comparison_page(Comparison("<b>data</b>", "random:0.2", 1, 1, entries, []))
    assert "<b>data" not in text
    assert "<i>" not in text
    assert "a &lt; b" in text


def test_a_page_that_cannot_be_written_raises_a_clear_error(
    found: Comparison, tmp_path: Path
) -> None:
    path = tmp_path / "nowhere" / "models.html"
    with pytest.raises(SettingError) as missing:
        save_comparison_page(found, path)
    assert str(missing.value) == (
        f"Cannot write the page '{path}': the folder '{path.parent}' does not exist; create it first."
    )
    path = tmp_path / "models.html"
    path.mkdir()
    with pytest.raises(SettingError) as caught:
        save_comparison_page(found, path)
    assert (
        str(caught.value)
        == f"Cannot write the page '{path}': it is a folder; add the name of a file."
    )


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path) -> str:
    return str(write_table(tmp_path / "ratings.csv", TABLE))


def test_the_command_prints_one_table_or_one_object(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "models.html"
    options = ("--models", "popularity,baseline", "--set", "baseline.epochs=3", "--threads", "1")
    told = CliRunner().invoke(
        compare_command, [table, *options, "--html", str(page)], catch_exceptions=False
    )
    assert told.exit_code == 0
    assert [line.split()[0] for line in told.stdout.splitlines()[1:4]] == [
        "model",
        "baseline",
        "popularity",
    ]
    assert "By RMSE, baseline is the only model measured." in told.stdout
    assert page.is_file()
    compare_here(monkeypatch)
    answer = CliRunner().invoke(
        compare_command, [table, *options, "--json"], catch_exceptions=False
    )
    found = json.loads(answer.stdout)
    assert [one["name"] for one in found["models"]] == ["baseline", "popularity"]
    assert found["models"][0]["hyperparameters"]["epochs"] == 3
    assert found["contests"]["rmse"] == {"best": "baseline", "others": [], "ties": []}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--set", "epochs=3"],
            "--set epochs=3 does not name a model; use for example --set baseline.epochs=3.",
        ),
        (
            ["--set", "mf.epochs=3"],
            "--set mf.epochs=3 is for mf, which is not among the models: baseline.",
        ),
        (["--set", "baseline.epoch=3"], "baseline has no setting 'epoch'. Did you mean 'epochs'?"),
        (
            ["--html", "x.txt"],
            "Cannot write the page 'x.txt': '.txt' is not a supported format; use .html, .htm.",
        ),
    ],
)
def test_a_wrong_option_is_reported_before_the_data_is_read(
    options: list[str], message: str
) -> None:
    result = CliRunner().invoke(compare_command, ["no such data", "--models", "baseline", *options])
    assert isinstance(result.exception, MatineeError)
    assert str(result.exception) == message


def test_times_are_not_those_of_loading_compiled_code() -> None:
    found = compare({"popularity": Popularity()}, [PART], "simulated", n_threads=1).entries[0]
    assert found.memory_mb is not None
    assert found.memory_mb < 40  # to load Numba alone takes more


def test_a_test_part_and_a_split_exclude_each_other(table: str) -> None:
    result = CliRunner().invoke(compare_command, [table, "--test", table, "--split", "random:0.2"])
    assert result.exit_code == 2
    assert "Use either --test or --split, not both." in result.stderr


# -- in Python and notebooks -------------------------------------------------------------


def test_a_comparison_has_a_length_entries_and_names() -> None:
    compared = here({"b": Baseline(), "p": Popularity()})
    assert len(compared) == 2
    assert [*compared] == compared.entries
    assert compared["p"] is compared[-1] is compared.entries[1]
    assert compared[:1] == compared.entries[:1]
    assert error_message(UnknownNameError, lambda: compared["q"]) == (
        "There is no model 'q'. The models are: b, p."
    )


def test_the_frame_has_a_row_for_each_model_measured_or_not() -> None:
    compared = here({"b": Baseline(), "f": Failing(), "p": Popularity()})
    frame = compared.to_frame()
    assert frame["name"].to_list() == [entry.name for entry in compared] == ["b", "p", "f"]
    assert frame["rmse"].to_list() == [compared[0].report["rmse"], None, None]  # type: ignore[index]
    assert frame["ndcg_at_10"].to_list()[2] is None
    assert frame["problem"].to_list() == ["", "", "failing fails; use mf."]
    assert {"model", "fit_seconds", "memory_mb", "diversity"} <= set(frame.columns)


def test_notebooks_show_the_table_and_the_sentences_escaped() -> None:
    html = here({"<b>": Baseline()})._repr_html_()
    assert "<td>&lt;b&gt;</td>" in html
    assert "<b>" not in html
    assert "<th>NDCG@10</th>" in html
    assert "<p>simulated, random:0.2: 4,800 ratings for training and 1,200 for testing</p>" in html


def test_models_may_be_a_list_and_the_data_any_table() -> None:
    compared = compare([Baseline(), Popularity()], TABLE, isolated=False)
    by_name = here({"baseline": Baseline(), "popularity": Popularity()})
    assert [entry.name for entry in compared] == ["baseline", "popularity"]
    assert compared[0].report["rmse"] == by_name[0].report["rmse"]  # type: ignore[index]
    lazily = compare([Baseline()], iter([PART]), isolated=False)
    assert lazily.n_test == len(PART.test)


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ("mf", "{expected}, or a list of models."),
        (Baseline(), "{expected}, or a list of models."),
        ({"mf": "mf"}, "{expected}, not 'mf'."),
        (["mf"], "{expected}, not 'mf'."),
        ([Baseline(), Baseline(seed=1)], "Two models have the same name: {expected}."),
    ],
)
def test_models_without_names_are_refused(models: Any, told: str) -> None:
    expected = "compare takes models by name, such as {'mf': matinee.MatrixFactorization()}"
    assert error_message(SettingError, compare, models, TABLE) == told.format(expected=expected)
