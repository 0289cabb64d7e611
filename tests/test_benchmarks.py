"""The scripts in benchmarks/: that they start, refuse what they cannot do, and run where that takes seconds."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import matinee
from tests.conftest import real_data

BENCHMARKS = Path(matinee.__file__).parent.parent / "benchmarks"
SCRIPTS = ("bayes.py", "neural.py", "ranking.py", "rating_prediction.py")


def run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A script, as one types it."""
    command = [sys.executable, str(BENCHMARKS / script), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_explains_every_option(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--only", "--rounds", "--json", "--setup"))


def test_a_simulated_table_is_trained_for_one_epoch() -> None:
    done = run("neural.py", "--table", "2000x1000x100000", "--threads", "1", "--json")
    assert done.returncode == 0, done.stderr
    (line,) = json.loads(done.stdout)["results"]
    assert line["settings"]["factors"] == 64
    assert line["epoch_seconds"] > 0
    assert line["peak_mb"] >= line["table_mb"] > 0
    assert line["train_mse"] > 1


def test_a_misspelt_table_is_refused_with_an_example() -> None:
    done = run("neural.py", "--table", "2000x1000")
    assert done.returncode == 1
    assert done.stderr == "Error: --table wants users x items x ratings such as 2000x1000x100000, not '2000x1000'.\n"


def test_an_unknown_tutorial_is_refused_with_the_known_ones() -> None:
    done = run("neural.py", "--only", "fastia")
    assert done.returncode == 1
    assert done.stderr == "Error: no tutorial 'fastia'. There are: fastai, embeddingnet, plain-mf, zaitsev.\n"


def test_the_loop_and_matinee_learn_the_same_in_one_epoch() -> None:
    real_data("ml-latest-small")
    done = run("neural.py", "--only", "plain-mf", "--epochs", "1", "--seeds", "1", "--threads", "1", "--json")
    assert done.returncode == 0, done.stderr
    ours, loop = json.loads(done.stdout)["results"]
    assert (ours["way"], loop["way"]) == ("matinee", "loop")
    assert np.isclose(ours["final_mse"], loop["final_mse"], rtol=0.02)
    assert loop["times"] > 1
