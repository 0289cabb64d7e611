"""Figures: what is drawn, what the axes are called, and where they cannot be written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matinee import plots
from matinee.errors import SettingError, UnsupportedError
from matinee.models.base import Recommender
from matinee.models.dot_product import DotProduct
from matinee.models.factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.split import random_split
from matinee.training.lr_finder import LearningRates
from matinee.training.schedules import SCHEDULES, ScheduleSettings, make_schedule
from tests.conftest import simulated


class History:
    """Nothing but a history."""

    name = "dot-product"

    def __init__(self, train: list[float], valid: list[float]) -> None:
        self.losses_ = np.column_stack([np.full(len(train), 0.01), train, valid])


def drawn(axes: Any) -> dict[str, tuple[list[float], list[float]]]:
    """The lines by label, as lists of x and y."""
    return {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.lines}


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def legend(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


# -- learning curves ---------------------------------------------------------------------------------------------


def test_learning_curves_show_both_parts_and_mark_the_best_epoch() -> None:
    axes = plots.learning_curves(History([3.0, 1.0, 0.5], [3.5, 0.75, 0.875]))
    assert drawn(axes) == {
        "training ratings": ([1, 2, 3], [3.0, 1.0, 0.5]),
        "test ratings": ([1, 2, 3], [3.5, 0.75, 0.875]),
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "mean squared error")
    assert legend(axes) == ["training ratings", "test ratings"]
    assert texts(axes) == ["0.7500"]
    assert {line.get_linestyle() for line in axes.lines} == {"-", "--"}


def test_without_a_valid_part_there_is_one_curve() -> None:
    axes = plots.learning_curves(History([3.0, 1.0], [np.nan, np.nan]))
    assert list(drawn(axes)) == legend(axes) == ["training ratings"]
    assert texts(axes) == []


def test_a_wild_first_epoch_does_not_hide_the_rest() -> None:
    axes = plots.learning_curves(History([900.0, *np.linspace(1, 0.5, 19)], [800.0, *np.linspace(1, 0.8, 19)]))
    assert axes.get_ylim()[1] < 1.5


@pytest.mark.parametrize("model", [DotProduct, MatrixFactorization], ids=lambda model: model.name)
def test_a_fitted_model_has_learning_curves(model: type[Recommender]) -> None:
    part = random_split(simulated(40, 30, 600), 0.2)
    one: Any = model.from_settings({"epochs": 4}).fit(part.train, valid=part.test, n_threads=1)
    axes = plots.learning_curves(one)
    assert drawn(axes)["training ratings"][1] == one.losses_[:, 1].tolist()
    assert drawn(axes)["test ratings"][1] == one.losses_[:, 2].tolist()
    assert axes.get_ylabel() == ("RMSE, stars" if model is MatrixFactorization else "mean squared error")


def test_a_model_without_epochs_has_no_learning_curve() -> None:
    with pytest.raises(UnsupportedError) as caught:
        plots.learning_curves(Popularity().fit(simulated(40, 30, 600)))
    assert str(caught.value) == "popularity has no learning curve: it does not learn in epochs. mf and mlp do."


# -- schedules and learning rates --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_shows_the_rate_of_every_step_and_the_momentum_if_it_changes(name: str) -> None:
    plan = make_schedule(ScheduleSettings(name, 0.01), 4, 10)
    axes = plots.schedule(plan, 10, f"the schedule {name}")
    lines = drawn(axes)
    assert lines["learning rate"] == ((np.arange(40) / 10).tolist(), plan.rates.tolist())
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == (
        "epoch",
        "learning rate",
        f"the schedule {name}",
    )
    others = [other for other in axes.figure.axes if other is not axes]
    assert len(others) == (name == "one-cycle")
    for other in others:
        assert drawn(other)["momentum (right)"][1] == plan.momenta.tolist()
        assert other.get_ylabel() == "momentum"
        assert legend(axes) == ["learning rate", "momentum (right)"]


def test_the_range_test_shows_the_losses_and_the_suggestion() -> None:
    rates, losses = np.geomspace(1e-4, 1, 5), np.array([3.0, 2.5, 1.0, 0.9, 4.0])
    axes = plots.learning_rates(LearningRates(rates, losses, 0.012))
    curve, suggestion = axes.lines
    assert (curve.get_xdata().tolist(), curve.get_ydata().tolist()) == (rates.tolist(), losses.tolist())  # type: ignore[union-attr]
    assert list(suggestion.get_xdata()) == [0.012, 0.012]  # type: ignore[arg-type]
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == ("log", "learning rate", "smoothed loss")
    assert texts(axes) == ["suggestion 0.012"]


# -- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_a_figure_is_written_in_the_format_of_its_name(name: str, start: bytes, tmp_path: Path) -> None:
    plots.save_figure(plots.learning_curves(History([3.0, 1.0], [3.5, 2.0])), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["a.xyz", "missing/a.png"])
def test_a_figure_that_cannot_be_written_says_why(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    with pytest.raises(SettingError) as caught:
        plots.save_figure(plots.learning_curves(History([3.0], [3.5])), file)
    told = str(caught.value)
    assert told.startswith(f"Cannot write the figure '{file}': ")
    assert told.endswith(". Names end in .png, .svg or .pdf.")
    assert ("Format 'xyz' is not supported" in told) == (name == "a.xyz")
    assert ("No such file or directory" in told) == (name != "a.xyz")
    assert ".. " not in told
    assert not file.exists()


def test_drawing_leaves_no_figure_open() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.learning_curves(History([3.0], [3.5]))
    assert plt.get_fignums() == before
