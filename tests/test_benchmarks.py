"""The scripts in benchmarks/: that they start, refuse what they cannot do, and run where that takes seconds."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest

import matinee
from benchmarks import (
    bayes,
    bias_intervals,
    cluster,
    contest,
    neural,
    ranking,
    rating_prediction,
    scale,
    simulated_tables,
    updating,
)
from benchmarks.contest import Contender, Peers, Result
from tests.conftest import real_data

BENCHMARKS = Path(matinee.__file__).parent.parent / "benchmarks"
SCRIPTS = (bayes, neural, ranking, rating_prediction)


def run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A script, as one types it."""
    command = [sys.executable, str(BENCHMARKS / script), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def here(main: Callable[[], None], *options: str) -> tuple[str, str | int | None]:
    """The output of a script in this process, and what it exits with: its error, if it has one."""
    out = StringIO()
    with mock.patch("sys.argv", ["script", *options]), redirect_stdout(out):
        try:
            main()
        except SystemExit as ending:
            return out.getvalue(), ending.code
    return out.getvalue(), None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda module: module.__name__)
def test_help_explains_every_option(script: ModuleType) -> None:
    text, code = here(script.main, "--help")
    assert code == 0
    assert all(option in text for option in ("--only", "--rounds", "--json", "--setup"))


def test_a_simulated_table_is_trained_for_one_epoch() -> None:
    done = run("neural.py", "--table", "2000x1000x100000", "--threads", "1", "--json")
    assert done.returncode == 0, done.stderr
    (line,) = json.loads(done.stdout)["results"]
    assert line["settings"]["factors"] == 64
    assert line["epoch_seconds"] > 0
    assert line["peak_mb"] >= line["table_mb"] > 0
    assert line["train_mse"] > 1


def test_models_are_compared_on_simulated_tables() -> None:
    options = ("--tables", "2", "--most-ratings", "1500", "--models", "mf", "--seed", "8")
    found = json.loads(here(simulated_tables.main, *options, "--json")[0])
    for line in found["tables"]:
        assert set(line["rmse"]) == set(line["seconds"]) == {"baseline", "mf"}
        assert line["rmse"]["mf"] < 1.002 * line["rmse"]["baseline"]
    assert found["worst"]["baseline"]["loss"] == 0
    lines = here(simulated_tables.main, *options)[0].splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "baseline", "mf"]
    _, error = here(simulated_tables.main, "--models", "mff")
    assert str(error).startswith("Error: no model 'mff'. There are: baseline, ")


def test_an_update_is_compared_with_training_again_on_the_sample() -> None:
    found, _ = here(updating.main, "--data", "sample", "--models", "mf", "--kinds", "users")
    _, head, *lines = found.splitlines()
    assert head.startswith("mf, users: ")
    ignored, updated, again = (float(line[17:23]) for line in lines)
    assert again < ignored
    assert updated < ignored


def test_all_parts_of_a_small_table_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--ratings", "20000", "--floats", "65536", "--users", "50", "--epochs", "2"]
    small += ["--factors", "8", "--vector", "16", "--threads", "1"]
    scale.main([*small, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["ratings"] == 20_000
    names = ["reading csv", "reading parquet", "polars csv", "mf", "bayes", "ials", "top"]
    assert all(found["measures"][name]["cpu_seconds"] > 0 for name in names)
    assert {found["measures"][name]["bound"] for name in names[3:]} <= {"product", "stream"}
    assert found["measures"]["top"]["of_bare_product"] > 0
    scale.show(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("20,000 ratings, ")
    assert len(lines) == 1 + len(found["measures"])


def test_growth_is_the_power_of_the_size_and_wrong_parts_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert scale.slope([1, 3, 10], [2.0, 6.0, 20.0]) == pytest.approx(1)
    assert scale.slope([1, 4, 16], [3.0, 6.0, 12.0]) == pytest.approx(0.5)
    with pytest.raises(SystemExit, match="no part 'mff'"):
        scale.main(["--only", "mf,mff"])
    assert not capsys.readouterr().out


def test_a_command_is_watched_with_what_it_starts(tmp_path: Path) -> None:
    found = cluster.measured(["--version"], tmp_path)
    assert found["rc"] == 0
    assert found["seconds"] > 0
    assert found["peak_mb"]["all"] > 0
    assert found["spark"] == []


def test_spilled_bytes_and_cached_tables_are_read_from_the_events(tmp_path: Path) -> None:
    def task(reason: str, spilled: int) -> dict[str, object]:
        metrics = {
            "Memory Bytes Spilled": 3 * spilled,
            "Disk Bytes Spilled": spilled,
            "Shuffle Write Metrics": {"Shuffle Bytes Written": 7},
        }
        end = {"Task End Reason": {"Reason": reason}, "Task Metrics": metrics}
        return {"Event": "SparkListenerTaskEnd", **end}

    def block(name: str, memory: int, disk: int) -> dict[str, object]:
        info = {"Block ID": name, "Memory Size": memory, "Disk Size": disk}
        return {"Event": "SparkListenerBlockUpdated", "Block Updated Info": info}

    told = [task("Success", 10), task("ExceptionFailure", 1), {"Event": "SparkListenerStop"}]
    told += [block("rdd_1_0", 100, 0), block("rdd_1_1", 50, 20), block("rdd_1_0", 0, 0)]
    log = tmp_path / "log"
    log.write_text("\n".join(json.dumps(event) for event in told))
    found = cluster.events(log)
    assert (found["tasks"], found["failed"], found["shuffled"]) == (2, 1, 14)
    assert (found["spilled_memory"], found["spilled_disk"]) == (33, 11)
    assert (found["cached_memory"], found["cached_disk"]) == (150, 20)


def test_a_misspelled_table_is_refused_with_an_example() -> None:
    _, error = here(neural.main, "--table", "2000x1000")
    assert (
        error
        == "Error: --table wants users x items x ratings such as 2000x1000x100000, not '2000x1000'."
    )


def test_an_unknown_tutorial_is_refused_with_the_known_ones() -> None:
    _, error = here(neural.main, "--only", "fastia")
    assert (
        error == "Error: no tutorial 'fastia'. There are: fastai, embeddingnet, plain-mf, zaitsev."
    )


def test_the_loop_and_matinee_learn_the_same_in_one_epoch() -> None:
    real_data("ml-latest-small")
    done = run(
        "neural.py",
        "--only",
        "plain-mf",
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--threads",
        "1",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    ours, loop = json.loads(done.stdout)["results"]
    assert (ours["way"], loop["way"]) == ("matinee", "loop")
    assert np.isclose(ours["final_mse"], loop["final_mse"], rtol=0.02)
    assert loop["times"] > 1


# -- what all contests share -------------------------------------------------------------------------------------


def test_everybody_has_a_turn_in_each_round_before_anybody_has_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    turns = []

    def fit(contender: Contender, problem: Path, seed: int) -> Result:
        turns.append((seed, problem.stem, contender.library))
        return {"version": "1", "seconds": 10.0 * seed, "rmse": 0.5, "fold": problem.stem}

    chosen = {"ours": Contender("matinee", {"factors": 2}), "theirs": Contender("peer", {})}
    lines = contest.run_rounds(chosen, [Path("u1.npz"), Path("u2.npz")], 2, fit)
    assert turns == [
        (seed, fold, name)
        for seed in (0, 1)
        for fold in ("u1", "u2")
        for name in ("matinee", "peer")
    ]
    assert [line["name"] for line in lines] == ["ours", "theirs"]
    assert lines[0]["settings"] == {"factors": 2}
    assert lines[0]["seconds"] == 5
    assert len(lines[0]["rounds"]) == 4
    assert capsys.readouterr().err.startswith("round 1: ours: {'version': '1', 'seconds': 0.0, ")


def test_a_number_of_a_line_is_the_median_of_its_rounds() -> None:
    rounds: list[Result] = [
        {"version": "1.2", "fit_seconds": seconds, "rmse": 0.9} for seconds in (9.0, 1.0, 2.0)
    ]
    line = contest.summarize("mf", Contender("matinee", {}), rounds)
    about = {"name": "mf", "library": "matinee", "settings": {}, "rounds": rounds}
    assert line == about | {"version": "1.2", "fit_seconds": 2.0, "rmse": 0.9}


def test_a_line_with_a_failed_round_has_a_reason_and_no_numbers() -> None:
    rounds: list[Result] = [{"version": "1.2", "rmse": 0.9}, {"problem": "failed: MemoryError"}]
    line = contest.summarize("mf", Contender("matinee", {}), rounds)
    assert line["problem"] == "failed: MemoryError"
    assert "rmse" not in line


def test_peers_that_are_not_installed_are_named_with_the_command_that_installs_them() -> None:
    peers = Peers.of("ranking.py", "nowhere")
    found = contest.fit_once(
        "ranking_peers", Contender("irspack", {}), ("problem.npz", 0, "lists.npz"), peers, 1
    )
    sentence = "not installed: no .venv-nowhere; make it with: python benchmarks/ranking.py --setup"
    assert found == {"problem": sentence}


def test_a_fit_that_fails_leaves_the_last_line_of_its_error() -> None:
    found = contest.ask("peers", ["matinee", "{}", "no.npz", "0"], None, threads=1)
    assert found == {
        "problem": "failed: FileNotFoundError: [Errno 2] No such file or directory: 'no.npz'"
    }


def test_a_library_that_cannot_be_imported_is_a_problem_and_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def measure() -> Result:
        raise ModuleNotFoundError("No module named 'myfm'")

    contest.answer(measure)
    assert json.loads(capsys.readouterr().out) == {
        "problem": "not installed: No module named 'myfm'"
    }


def test_a_name_that_no_line_has_is_refused_with_those_that_there_are() -> None:
    _, error = here(ranking.main, "--only", "ials 64,ials 65")
    assert str(error).startswith(
        "Error: no line 'ials 65' in the table. There are: popularity, ials (defaults), "
    )


CONTESTS = {
    "bayes.py": ("--protocol", "u1", "--sweeps", "3", "--only", "bayes plain"),
    "ranking.py": ("--only", "popularity"),
    "rating_prediction.py": ("--data", "ml-100k", "--only", "mf (defaults)"),
}


@pytest.mark.parametrize("script", CONTESTS)
def test_a_contest_of_matinee_alone_prints_its_circumstances_and_a_line_of_the_table(
    script: str,
) -> None:
    real_data("ml-1m" if script == "ranking.py" else "ml-100k")
    done = run(script, *CONTESTS[script], "--rounds", "1", "--threads", "1")
    assert done.returncode == 0, done.stderr
    about, _, head, rule, line = done.stdout.splitlines()
    assert ", threads 1, rounds 1, load_before " in about
    assert head.count("|") == rule.count("|") == line.count("|")
    assert line.startswith(f"| {CONTESTS[script][-1]} | ")
    assert f"matinee {matinee.__version__}" in line


@pytest.mark.parametrize(
    ("kind", "of_all", "of_few"),
    [
        ("by popularity alone", 0.95, 0.92),
        ("quality grows with popularity", 0.93, 0.63),
        ("people choose by taste", 0.56, 0.95),
    ],
)
def test_bias_intervals_hold_as_the_documentation_says(
    kind: str, of_all: float, of_few: float
) -> None:
    found = bias_intervals.shares("baseline", kind, seed=0)
    assert found == pytest.approx([of_all, of_few], abs=0.06)


def test_an_estimate_is_compared_with_the_training_on_the_sample() -> None:
    done = run("estimates.py", "sample", "popularity")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("not estimated, 0.")
