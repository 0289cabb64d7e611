"""matinee train: files, settings, progress and error messages."""

import errno
import json
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from matinee import system
from matinee.cli import memory
from matinee.models import MODELS, costs, ials
from matinee.models.declarations import state_of
from matinee.models.ials import ImplicitALS
from matinee.recommendation import model_file
from matinee.recommendation.model_file import load_model
from tests.cli.conftest import RANKING_KEYS, RATING_KEYS, on_a_terminal
from tests.helpers import as_json, good, refused, run

MODEL_NAMES = ", ".join(model.name for model in MODELS)


def test_train_writes_a_file_and_suggests_the_next_command(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.matinee"
    result = good(
        "train",
        table,
        "--model",
        "mf",
        "--set",
        "factors=4",
        "--set",
        "epochs=3",
        "--seed",
        7,
        "--out",
        out,
    )
    assert result.stdout == ""
    assert re.search(
        rf"Trained mf on 500 ratings in \d+\.\d s; saved as {re.escape(str(out))}\.\n",
        result.stderr,
    )
    assert result.stderr.endswith(f"Next:  matinee recommend {out} --user 1\n")
    settings = load_model(out)[0].settings()
    assert (settings["factors"], settings["epochs"], settings["seed"]) == (4, 3, 7)


def test_without_a_name_the_model_is_hybrid_whose_members_have_the_settings_given(
    table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.matinee"
    words = ("--set", "mf.factors=4", "--set", "ials-all.factors=6", "--set", "holdout=0.2")
    assert "Trained hybrid on 500 ratings in " in good("train", table, *words, "--out", out).stderr
    model = load_model(out)[0]
    assert (model.name, model.settings()["holdout"]) == ("hybrid", 0.2)
    members = model.members()
    assert list(members) == ["mf", "ials", "ease", "ials-all"]
    assert members["mf"].settings()["factors"] == 4
    assert members["ials-all"].settings()["factors"] == 6
    assert members["ials"].settings() == ImplicitALS().settings()


@pytest.mark.parametrize("model", ["mf", "hybrid"])
def test_the_number_of_threads_does_not_change_the_results(
    model: str, table: Path, tmp_path: Path
) -> None:
    for threads in (1, 2):
        good(
            "train",
            table,
            "--model",
            model,
            "--threads",
            threads,
            "--out",
            tmp_path / f"{threads}.matinee",
        )
    one, two = (
        as_json("recommend", tmp_path / f"{threads}.matinee", "--user", 1) for threads in (1, 2)
    )
    assert one == two


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_can_be_trained_evaluated_and_asked_for_lists(
    model: Any, table: Path, tmp_path: Path, mine: Path
) -> None:
    out = tmp_path / "m.matinee"
    words = ["--model", model.name]
    if model.name == "bayes":
        words += ["--set", "samples=20", "--set", "burn_in=10"]
    good("train", table, *words, "--out", out)
    assert len(as_json("recommend", out, "--user", 1, "-k", 3)["items"]) == 3
    mine.write_text("Film 7,5\nFilm 17,1\n")
    assert len(as_json("recommend", out, "--ratings", mine, "-k", 3)["items"]) == 3
    found = as_json("evaluate", table, *words)
    assert found.keys() >= RATING_KEYS | RANKING_KEYS
    assert (found["rmse"] is not None) == model.capabilities.predicts_stars


def test_a_file_without_histories_is_smaller_and_recommend_warns(
    table: Path, tmp_path: Path
) -> None:
    whole, bare = tmp_path / "whole.matinee", tmp_path / "bare.matinee"
    good("train", table, "--model", "baseline", "--out", whole)
    good("train", table, "--model", "baseline", "--no-history", "--out", bare)
    assert bare.stat().st_size < whole.stat().st_size
    told = "This file was saved without histories, so films that the user has rated are not left out.\n"
    assert told not in good("recommend", whole, "--user", 1).stderr
    assert told in good("recommend", bare, "--user", 1).stderr
    result = good("recommend", bare, "--user", 1, "-k", 30, "--json")
    assert told in result.stderr
    assert len(json.loads(result.stdout)["items"]) == 30


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--model", "mf", "--set", "epoch=8"),
            "mf has no setting 'epoch'. Did you mean 'epochs'",
        ),
        (
            ("--model", "mf", "--set", "factors=many"),
            "mf: factors must be a whole number, not 'many' (default 64).",
        ),
        (
            ("--set", "mf.factors=many"),
            "mf: factors must be a whole number, not 'many' (default 64).",
        ),
        (
            ("--set", "learning_rate=.1"),
            "hybrid has no setting 'learning_rate'; mf.learning_rate sets it for mf.",
        ),
        (
            ("--set", "epochs=3"),
            "hybrid has no setting 'epochs'; mf.epochs sets it for mf, ials.epochs for ials and "
            "ials-all.epochs for ials-all.",
        ),
        (
            ("--set", "stars=bayes", "--set", "samples=3"),
            "hybrid has no setting 'samples'; bayes.samples sets it for bayes.",
        ),
        (("--set", "hold_out=.2"), "hybrid has no setting 'hold_out'. Did you mean 'holdout'?"),
        (
            ("--set", "qqqq=1"),
            "hybrid has no setting 'qqqq'. Its settings are: seed, stars, lists, member_settings, "
            "holdout, half_life, and those of its members, such as mf.factors.",
        ),
        (
            ("--set", "factors"),
            "--set factors is not of the form KEY=VALUE, such as --set factors=32.",
        ),
        (
            ("--set", "factors="),
            "--set factors= is not of the form KEY=VALUE, such as --set factors=32.",
        ),
        (("--model", "base-line"), "There is no model 'base-line'. Did you mean 'baseline'?"),
        (("--model", "qqqq"), f"There is no model 'qqqq'. The models are: {MODEL_NAMES}."),
        (("--scale", "5:1"), "--scale 5:1 is not a range from low to high, such as 1:5."),
        (("--scale", "five"), "--scale five is not a range from low to high, such as 1:5."),
        (
            ("--query", "SELECT 1"),
            "A query needs a database URL as source, such as sqlite:///films.db.",
        ),
    ],
)
def test_wrong_settings_are_reported_in_one_line(
    words: Sequence[str], told: str, table: Path, tmp_path: Path
) -> None:
    found = refused("train", table, *words, "--out", tmp_path / "m.matinee")
    assert found.startswith(told)
    assert "\n" not in found
    assert list(tmp_path.glob("*.matinee")) == []


def test_a_misspelled_setting_suggests_the_right_one(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.matinee"
    told = refused("train", table, "--model", "mf", "--set", "factor=8", "--out", out)
    assert re.match(r"mf has no setting 'factor'\. Did you mean .*'factors'.*\?$", told)
    told = refused("train", table, "--set", "factor=8", "--out", out)
    assert re.match(r"hybrid has no setting 'factor'\. Did you mean .*'mf\.factors'.*\?$", told)


def test_missing_data_is_reported(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "m.matinee")
    assert refused("train", "nosuch", *out) == (
        "There is neither a file nor a data set 'nosuch'. Give the path of a ratings table, or type "
        "'matinee data list' to see the data sets."
    )
    assert re.match(
        r"There is neither a file nor a data set 'smaple'\. Did you mean 'sample'.*\? Give the path",
        refused("train", "smaple", *out),
    )
    assert refused("train", "ml-100k", *out) == (
        "The data set 'ml-100k' is not on this machine. Type 'matinee data fetch ml-100k' to download about 5 MB, "
        "or set MATINEE_DATA to a folder that holds ml-100k/ or ml-100k.zip."
    )
    assert (
        refused("train", tmp_path / "none.csv", *out)
        == f"There is no file or folder {tmp_path / 'none.csv'}."
    )
    assert refused("train", "sample", "--query", "SELECT 1", *out) == (
        "The sample is built in: leave out the options that say how to read a table."
    )


def test_on_a_terminal_training_shows_its_progress(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.matinee"
    assert "Training hybrid" in on_a_terminal("train", table, "--out", out)


def test_training_never_replaces_a_file_that_is_not_a_model(tmp_path: Path) -> None:
    table = tmp_path / "precious.csv"
    table.write_text("user,item,rating\n1,1,5\n1,2,4\n2,1,3\n")
    before = table.read_text()
    result = run("train", table, "--out", table)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: Cannot write '{table}': it is an input of the same command; use another name.\n"
    )
    other = tmp_path / "other.csv"
    other.write_text("not a model")
    result = run("train", table, "--out", other)
    assert (
        result.stderr
        == f"Error: '{other}' exists and is not a model file; give another name with --out.\n"
    )
    assert (table.read_text(), other.read_text()) == (before, "not a model")


def test_json_has_what_the_training_cost(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.matinee"
    found = as_json("train", table, "--model", "mf", "--set", "factors=4", "--out", out)
    assert (found["model"], found["n_ratings"], found["file"]) == ("mf", 500, str(out))
    assert found["fit_seconds"] > 0
    assert found["peak_rss_mb"] > 0
    assert found["estimated_seconds"] is None  # too short to foretell
    assert found["hyperparameters"]["factors"] == 4


def test_a_training_that_does_not_fit_is_refused_unless_forced(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "estimated_cost", lambda *_: costs.Cost(7300.0, 5e15))
    monkeypatch.setattr(memory, "free_memory", lambda: 3_000_000_000)
    words = ("train", table, "--model", "mf", "--out", tmp_path / "m.matinee")
    assert refused(*words, has_notes=True) == (
        "Training mf on 500 rows needs about 5000000.0 GB of memory besides the data, and 3.0 GB "
        "are free. Use fewer factors or rows; --yes trains all the same."
    )
    assert "The training will take about 2.0 h and at most " in good(*words, "--yes").stderr


def test_a_folder_that_does_not_fit_into_memory_takes_longer_and_says_so(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good("data", "convert", table, tmp_path / "t.ratings")
    monkeypatch.setattr(costs, "estimated_cost", lambda *_: costs.Cost(100.0, 1e9))
    words = ("train", tmp_path / "t.ratings", "--model", "mf", "--out", tmp_path / "m.matinee")
    told = "Each epoch reads 0.0 GB of ratings, for which too little memory is free."
    for free, is_told in ((1_000_002_000, True), (1_000_005_000, False)):  # 500 ratings of 8 bytes
        for module in (memory, system):
            monkeypatch.setattr(module, "free_memory", lambda free=free: free)
        assert (told in good(*words).stderr) == is_told


def test_a_signal_saves_the_training_and_says_how_to_go_on(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process then ends by the signal, as it would without a checkpoint."""
    out, state, ends = tmp_path / "m.matinee", tmp_path / "state", list[int]()
    words = ("train", table, "--model", "ials", "--checkpoint", state, "--out", out)
    solve, calls = ials._Solver.improve, list[int]()

    def interrupt(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:  # in the second epoch
            signal.raise_signal(signal.SIGTERM)
        return solve(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ials._Solver, "improve", interrupt)
        patch.setattr("matinee.cli.stopping.os.kill", lambda _, number: ends.append(number))
        result = run(*words)
    assert ends == [signal.SIGTERM]
    assert len(calls) == 4
    command = " ".join(map(str, words))
    assert result.stderr.endswith(
        "Stopping after this epoch; a second signal stops at once.\n"
        f"Stopped; the training is saved in {state}. To go on, type the same command again:\n"
        f"  matinee {command}\n"
    )
    assert [path.name for path in tmp_path.glob("*") if path != table] == ["state"]
    good(*words)
    assert not state.exists()
    good("train", table, "--model", "ials", "--out", tmp_path / "whole.matinee")
    resumed, whole = (state_of(load_model(path)[0]) for path in (out, tmp_path / "whole.matinee"))
    assert {name: array.tobytes() for name, array in resumed.items()} == {
        name: array.tobytes() for name, array in whole.items()
    }


def test_a_signal_on_a_full_disk_says_what_is_left(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"

    def fail(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("matinee.files.os.fsync", fail)
    monkeypatch.setattr("matinee.cli.stopping.os.kill", lambda *_: None)
    out = tmp_path / "m.matinee"
    result = run("train", table, "--model", "ials", "--checkpoint", state, "--out", out)
    problem = f"Cannot write the checkpoint '{state}': the disk is full; free some space on it."
    assert f"{problem} The training goes on, without it.\n" in result.stderr
    assert (
        f"Stopped. {problem} So there is no checkpoint, and the training will begin again. To go "
        "on, type the same command again:\n" in result.stderr
    )
    assert list(tmp_path.glob("*state*")) == []


def test_the_checkpoint_stays_until_the_model_is_saved(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    words = ("train", table, "--model", "mf", "--checkpoint", state, "--out", tmp_path / "m")
    with monkeypatch.context() as patch:
        patch.setattr(model_file, "write_tensors", lambda *_: os.listdir(tmp_path / "missing"))
        assert "No such file or directory" in refused(*words, has_notes=True)
    assert state.exists()
    good(*words)
    assert not state.exists()
