"""The four tutorials, run again in their short form on the real ratings."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from matinee.cli import main
from matinee.errors import UnknownNameError
from matinee.experiments.tutorials import (
    TUTORIALS,
    Reproduction,
    Tutorial,
    _split,
    reproduce,
    tutorial_named,
)
from matinee.models import model_named
from tests.conftest import real_data, simulated

pytestmark = pytest.mark.usefixtures("one_torch_thread")

NAMES = [tutorial.name for tutorial in TUTORIALS]
KEYS = {
    *(
        "tutorial",
        "title",
        "data",
        "settings",
        "epochs",
        "best_mse",
        "best_epoch",
        "seconds_per_epoch",
        "remark",
    ),
    *("highest_biases", "lowest_biases", "nearest", "twenty", "asked", "better"),
}
every_tutorial = pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda tutorial: tutorial.name)


@cache
def short(name: str) -> Reproduction:
    """The result of a tutorial's short form, which many tests share."""
    return reproduce(tutorial_named(name), short=True)[0]


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, ["reproduce", *map(str, words)], prog_name="matinee")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


# -- what a tutorial is ------------------------------------------------------------------------------------------


def test_there_are_four_tutorials() -> None:
    assert NAMES == ["fastai", "zaitsev", "embeddingnet", "plain-mf"]
    assert all(tutorial_named(tutorial.name) is tutorial for tutorial in TUTORIALS)


@every_tutorial
def test_the_settings_are_good_ones(tutorial: Tutorial) -> None:
    for more in ({}, tutorial.short, tutorial.better):
        model_named(tutorial.model).from_settings({**tutorial.settings, **more})


def test_an_unknown_tutorial_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        tutorial_named("fastia")
    assert str(caught.value) == ("There is no tutorial 'fastia'. Did you mean 'fastai'?")
    result = run("zzz")
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        result.stderr
        == "Error: There is no tutorial 'zzz'. The tutorials are: fastai, zaitsev, embeddingnet, plain-mf.\n"
    )


def test_the_split_of_embeddingnet_is_that_of_scikit_learn() -> None:
    # train_test_split(range(10), test_size=0.2, random_state=42) of scikit-learn gives [8, 1] as the test part.
    ratings = simulated().subset(np.arange(10))
    part = _split(tutorial_named("embeddingnet"), ratings)
    assert part.test.value.tolist() == ratings.value[[1, 8]].tolist()
    assert len(part.train) == 8


# -- in short, on real ratings -----------------------------------------------------------------------------------


@every_tutorial
def test_a_tutorial_runs_and_learns(tutorial: Tutorial) -> None:
    real_data(tutorial.data)
    result = short(tutorial.name)
    errors: list[Any] = [epoch["valid_mse"] for epoch in result.epochs]
    assert len(errors) == tutorial.short["epochs"]
    assert errors[-1] < errors[0]
    assert result.best_mse == min(errors) == errors[result.best_epoch]
    assert result.seconds_per_epoch > 0
    assert [epoch["published_mse"] for epoch in result.epochs] == [
        tutorial.published.get(number) for number in range(len(errors))
    ]
    assert result.better is None
    assert {name: result.settings[name] for name in tutorial.short} == dict(tutorial.short)


@every_tutorial
def test_a_tutorial_shows_what_the_original_shows(tutorial: Tutorial) -> None:
    real_data(tutorial.data)
    result = short(tutorial.name)
    assert list(result.nearest) == list(tutorial.similar_to)
    for title, near in result.nearest.items():
        assert len(set(near) - {title}) == 5
    assert len(result.twenty) == 20
    assert all(
        0 <= row["predicted"] <= 5 and 0.5 <= row["stars"] <= 5 and row["film"]
        for row in result.twenty
    )
    has_biases = result.settings.get("biases", False)
    assert len(result.highest_biases) == len(result.lowest_biases) == (5 if has_biases else 0)
    assert not set(result.highest_biases) & set(result.lowest_biases)
    published = [(row["user"], row["item"], row["published"]) for row in result.asked]
    assert published == list(tutorial.asked)
    assert [row["film"] for row in result.asked] == ["Toy Story (1995)", "Jumanji (1995)"][
        : len(published)
    ]


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others() -> None:
    real_data("ml-100k")
    again, other = (
        reproduce(tutorial_named("fastai"), short=True, seed=seed)[0] for seed in (0, 1)
    )
    assert again.epochs == short("fastai").epochs
    assert other.epochs != again.epochs


@pytest.mark.parametrize("name", ["fastai", "plain-mf"])
def test_the_command_prints_one_json_object(name: str) -> None:
    real_data(tutorial_named(name).data)
    result = run(name, "--short", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert set(found) == KEYS | {"reading"}
    expected = json.loads(json.dumps(short(name).to_dict()))
    changing = {"seconds_per_epoch"}
    assert {key: found[key] for key in KEYS - changing} == {
        key: expected[key] for key in KEYS - changing
    }


def test_the_command_tells_people_the_same() -> None:
    real_data("ml-100k")
    result, expected = run("fastai", "--short").stdout, short("fastai")
    lines = result.splitlines()
    assert lines[0] == "Dot product with bias (fast.ai book, chapter 8), on ml-100k"
    assert lines[1].split("  ") == ["epoch", "train MSE", "test MSE", "published"]
    assert [line.split()[-1] for line in lines[2:4]] == ["0.937", "0.885"]
    assert f"Best {expected.best_mse:.4f} at epoch {expected.best_epoch}; " in result
    assert f"Highest item biases: {'; '.join(expected.highest_biases)}" in lines
    assert f"Lowest item biases: {'; '.join(expected.lowest_biases)}" in lines
    assert (
        f"Most similar to Silence of the Lambs, The (1991): {'; '.join(next(iter(expected.nearest.values())))}"
        in lines
    )
    assert "Twenty test ratings" in lines


def test_the_command_sets_its_answers_beside_the_tutorials_and_draws(tmp_path: Path) -> None:
    real_data("ml-latest-small")
    result = run("plain-mf", "--short", "--plot", tmp_path / "curve.svg")
    assert result.exit_code == 0
    assert result.stderr.startswith("Read as CSV with a header: user from 'userId', item from ")
    assert "User 1, item 1 (Toy Story (1995)): " in result.stdout
    assert "stars; in the tutorial 3.69." in result.stdout
    assert (tmp_path / "curve.svg").read_text("utf-8").startswith("<?xml")
