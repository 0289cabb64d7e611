"""Figures: what is drawn, read back from the artists; edge cases; files; figures inside pages."""

import re
import subprocess
import sys
import xml.dom.minidom
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import matinee
from matinee import analysis, plots
from matinee.analysis import BiasLine, Component, End, Meaning
from matinee.data.catalog import Film
from matinee.data.ratings import Scale
from matinee.data.split import random_split
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models.base import Recommender
from matinee.models.declarations import curve_of
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.dot_product import DotProduct
from matinee.models.popularity import Popularity
from matinee.plots import figure
from matinee.plots.binning import binned_means, merged_bins
from matinee.training.lr_finder import LearningRates
from matinee.training.schedules import SCHEDULES, ScheduleSettings, make_schedule
from tests.conftest import simulated

DOCS = Path(matinee.__file__).parent.parent / "docs"
HALF_STARS = Scale(0.5, 5.0, 0.5)


def with_curve(train: list[float], valid: list[float]) -> DotProduct:
    """A model of which nothing but the curve of its training is known."""
    model = DotProduct()
    model.curve_ = curve_of(model, np.column_stack([np.full(len(train), 0.01), train, valid]))
    return model


def points(line: Any) -> tuple[list[float], list[float]]:
    """x and y of one line."""
    return np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()


def drawn(axes: Any) -> dict[str, tuple[list[float], list[float]]]:
    """The lines by label, as lists of x and y."""
    return {line.get_label(): points(line) for line in axes.lines}


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def tick_labels(axis: Any) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def intervals(axes: Any) -> list[list[list[float]]]:
    """The ends of all straight lines that `vlines` and `hlines` drew, as [[x, y], [x, y]]."""
    return [segment.tolist() for lines in axes.collections for segment in lines.get_segments()]


def lower_axes(axes: Any) -> Any:
    above, below = axes.figure.axes
    assert above is axes
    return below


# -- learning curves ---------------------------------------------------------------------------------------------


def test_learning_curves_show_both_parts_and_mark_the_best_epoch() -> None:
    axes = plots.learning_curves(with_curve([3.0, 1.0, 0.5], [3.5, 0.75, 0.875]))
    assert drawn(axes) == {
        "training ratings": ([1, 2, 3], [3.0, 1.0, 0.5]),
        "test ratings": ([1, 2, 3], [3.5, 0.75, 0.875]),
        "lowest": ([2], [0.75]),
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "mean squared error")
    assert texts(axes) == ["test ratings\nlowest 0.7500\nepoch 2", "training\nratings"]
    assert {line.get_linestyle() for line in axes.lines[:2]} == {"-", "--"}


@pytest.mark.parametrize(("train", "valid"), [([2.0, 0.5], [2.0, 0.9]), ([2.0, 0.9], [2.0, 0.5])])
def test_the_labels_of_the_curves_stand_at_their_ends_the_higher_one_above(
    train: list[float], valid: list[float]
) -> None:
    axes = plots.learning_curves(with_curve(train, valid))
    place: dict[str, Any] = {text.get_text().split()[0]: text for text in axes.texts}
    assert (place["training"].xy[1], place["test"].xy[1]) == (train[-1], valid[-1])
    higher, lower = sorted(place.values(), key=lambda text: -text.xy[1])
    assert (higher.get_va(), lower.get_va()) == ("bottom", "top")


def test_without_a_valid_part_there_is_one_curve() -> None:
    axes = plots.learning_curves(with_curve([3.0, 1.0], [np.nan, np.nan]))
    assert list(drawn(axes)) == ["training ratings"]
    assert texts(axes) == ["training\nratings"]
    assert {tick % 1 for tick in axes.get_xticks()} == {0}


def test_a_wild_first_epoch_does_not_hide_the_rest() -> None:
    axes = plots.learning_curves(
        with_curve([900.0, *np.linspace(1, 0.5, 19)], [800.0, *np.linspace(1, 0.8, 19)])
    )
    assert axes.get_ylim()[1] < 1.5


@pytest.mark.parametrize("model", [DotProduct, MatrixFactorization], ids=lambda model: model.name)
def test_a_fitted_model_has_learning_curves(model: type[Recommender]) -> None:
    part = random_split(simulated(40, 30, 600), 0.2)
    one: Any = model.from_settings({"epochs": 4}).fit(part.train, valid=part.test, n_threads=1)
    axes = plots.learning_curves(one)
    assert drawn(axes)["training ratings"][1] == one.curve_.rows[:, 1].tolist()
    assert drawn(axes)["test ratings"][1] == one.curve_.rows[:, 2].tolist()
    assert axes.get_ylabel() == (
        "RMSE, stars" if model is MatrixFactorization else "mean squared error"
    )


def test_a_model_without_epochs_has_no_learning_curve() -> None:
    with pytest.raises(UnsupportedError) as caught:
        plots.learning_curves(Popularity().fit(simulated(40, 30, 600)))
    assert (
        str(caught.value)
        == "popularity does not train in epochs, so it has no learning curve; use mf or mlp."
    )


# -- schedules and learning rates --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_shows_the_rate_of_every_step_and_the_momentum_if_it_changes(name: str) -> None:
    plan = make_schedule(ScheduleSettings(name, 0.01), 4, 10)
    axes = plots.schedule(plan, 10, f"the schedule {name}")
    epochs = (np.arange(40) / 10).tolist()
    assert points(axes.lines[0]) == (epochs, plan.rates.tolist())
    assert (axes.get_ylabel(), axes.get_title()) == ("learning rate", f"the schedule {name}")
    assert len(axes.figure.axes) == (2 if name == "one-cycle" else 1)
    if name == "one-cycle":
        below = lower_axes(axes)
        assert points(below.lines[0]) == (epochs, plan.momenta.tolist())
        assert (below.get_xlabel(), below.get_ylabel()) == ("epoch", "momentum")
    else:
        assert axes.get_xlabel() == "epoch"


def test_the_range_test_shows_the_losses_and_the_suggestion() -> None:
    rates, losses = np.geomspace(1e-5, 1, 6), np.array([3.0, 2.5, 1.0, 0.9, 4.0, 5.0])
    axes = plots.learning_rates(LearningRates(rates, losses, 0.012))
    curve, suggestion = axes.lines
    assert points(curve) == (rates.tolist(), losses.tolist())
    assert points(suggestion)[0] == [0.012, 0.012]
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == (
        "log",
        "learning rate",
        "smoothed loss",
    )
    assert texts(axes) == ["suggestion 0.012"]
    assert {"0.00001", "0.1"} <= set(tick_labels(axes.xaxis))


# -- histogram of the ratings ------------------------------------------------------------------------------------


def bars(axes: Any) -> dict[float, float]:
    """The height of each bar by the middle of its foot."""
    return {round(bar.get_x() + bar.get_width() / 2, 6): bar.get_height() for bar in axes.patches}


def test_the_histogram_has_a_bar_for_each_step_with_its_share_written_on_it() -> None:
    axes = plots.rating_histogram([1, 4, 4, 5, 5, 5, 5, 5], Scale(1, 5, 1))
    assert bars(axes) == {1: 0.125, 2: 0, 3: 0, 4: 0.25, 5: 0.625}
    assert texts(axes) == ["12%", "0%", "0%", "25%", "62%"]
    assert axes.get_xticks().tolist() == [1, 2, 3, 4, 5]
    assert axes.get_title() == "8 ratings, 4.25 stars on average"
    assert points(axes.lines[0])[0] == [4.25]


def test_the_bars_of_the_histogram_are_those_of_numpy() -> None:
    ratings = simulated(60, 40, 900)
    axes = plots.rating_histogram(ratings.value, ratings.scale)
    heights, _ = np.histogram(ratings.value, np.arange(0.75, 5.5, 0.5))
    assert list(bars(axes).values()) == pytest.approx((heights / 900).tolist())


@pytest.mark.parametrize(
    ("values", "scale", "middles"),
    [
        ([3.0], Scale(3, 3, 1), [3]),
        ([2.5, 2.5], Scale(2.5, 2.5, 0), [2.5]),
        ([0.0, 1.0], Scale(0, 1, 0), (np.arange(20) / 20 + 0.025).round(6).tolist()),
        ([0.0, 100.0], Scale(0, 100, 1), (np.arange(20) * 5.0 + 2).tolist()),
    ],
)
def test_a_scale_of_one_value_or_without_steps_has_a_histogram(
    values: list[float], scale: Scale, middles: list[float]
) -> None:
    shares = bars(plots.rating_histogram(values, scale))
    assert list(shares) == middles
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[middles[0]] == shares[middles[-1]] > 0


@pytest.mark.parametrize(
    ("n_steps", "n_bars"), [(24, 24), (25, 12), (41, 20), (91, 13), (101, 20), (1_001, 13)]
)
def test_of_many_steps_each_bar_takes_as_many_but_for_those_left_over(
    n_steps: int, n_bars: int
) -> None:
    values = np.arange(n_steps) / 10
    heights = list(bars(plots.rating_histogram(values, Scale(0, values[-1], 0.1))).values())
    assert len(heights) == n_bars
    each = n_steps // n_bars
    assert heights[:-1] == pytest.approx([each / n_steps] * (n_bars - 1))
    assert sum(heights) == pytest.approx(1)
    assert heights[-1] <= 1.5 * heights[0] + 1e-9


def test_small_shares_are_not_rounded_to_nothing() -> None:
    values = np.repeat([1.0, 2.0, 3.0], [1, 30, 9_969])
    assert texts(plots.rating_histogram(values, Scale(1, 3, 1))) == ["<0.1%", "0.3%", "100%"]


def test_one_rating_is_one_rating() -> None:
    assert (
        plots.rating_histogram([4], Scale(1, 5, 1)).get_title() == "1 rating, 4.00 stars on average"
    )
    assert plots.predicted_against_true([4], [3]).get_title() == "1 prediction, RMSE 1.000 stars"


def test_a_rating_outside_the_scale_is_an_error() -> None:
    with pytest.raises(DataError) as caught:
        plots.rating_histogram([3, 7], Scale(1, 5, 1))
    assert str(caught.value) == (
        "A rating of 7 is outside the scale 1 to 5 in steps of 1; use Scale.of(values)."
    )


# -- the long tail -----------------------------------------------------------------------------------------------


def test_the_long_tail_states_the_share_of_the_most_rated_fifth() -> None:
    counts = np.array([1] * 16 + [20] * 4)
    axes = plots.long_tail(counts)
    assert axes.get_title() == "20% of the films hold 83% of the ratings"  # 80 of 96
    curve = dict(zip(*points(axes.lines[0]), strict=True))
    assert [curve[0], curve[0.2], curve[1]] == pytest.approx([0, 80 / 96, 1])
    assert texts(axes)[-1] == "\u25a0 the least rated half holds 10%"  # 10 of 96
    marks = [points(line) for line in axes.lines if line.get_marker() in {"o", "s"}]
    assert marks == [([0.2], [80 / 96]), ([0.5], [86 / 96])]


def test_the_long_tail_of_many_films_is_drawn_with_few_points_that_lie_on_the_curve() -> None:
    counts = np.random.default_rng(0).pareto(1, 50_000) * 10 // 1
    x, y = points(plots.long_tail(counts).lines[0])
    assert len(x) < 400
    held = np.concatenate([[0], np.cumsum(np.sort(counts)[::-1])]) / counts.sum()
    assert y == pytest.approx(held[np.round(np.array(x) * 50_000).astype(int)].tolist())


def test_the_long_tail_of_few_films_has_a_point_for_each() -> None:
    curve = np.array(points(plots.long_tail([2, 5, 3]).lines[0]))
    assert curve == pytest.approx(np.array([[0, 1 / 3, 2 / 3, 1], [0, 0.5, 0.8, 1]]))


@pytest.mark.parametrize(
    ("counts", "title"),
    [
        ([7], "One film holds all of the ratings"),
        ([5, 3, 2], "Of 3 films, the most rated one holds 50% of the ratings"),
        ([4] * 10, "Of 10 films, the 2 most rated ones hold 20% of the ratings"),
        ([4] * 20, "20% of the films hold 20% of the ratings"),
    ],
)
def test_the_long_tail_of_few_films_counts_them(counts: list[int], title: str) -> None:
    assert plots.long_tail(counts).get_title() == title


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([], "There are no rating counts to draw."),
        ([0, 0], "None of the 2 films has a rating."),
        ([3, -1], "A film cannot have -1 ratings."),
    ],
)
def test_a_long_tail_of_nothing_is_an_error(counts: list[int], told: str) -> None:
    with pytest.raises(DataError) as caught:
        plots.long_tail(counts)
    assert str(caught.value) == told


# -- predictions against the truth -------------------------------------------------------------------------------


def test_each_box_holds_half_of_the_predictions_of_its_true_rating() -> None:
    rng = np.random.default_rng(1)
    true = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], 2_000, p=[0.05, 0.1, 0.2, 0.4, 0.25])
    predicted = 3 + 0.4 * (true - 3) + rng.normal(0, 0.4, 2_000)
    axes = plots.predicted_against_true(true, predicted)
    for star, box in zip([1, 2, 3, 4, 5], axes.patches, strict=True):
        corners = np.asarray(box.get_path().vertices)
        mine = predicted[true == star]
        assert (corners[:, 1].min(), corners[:, 1].max()) == pytest.approx(
            tuple(np.quantile(mine, [0.25, 0.75]))
        )
        assert corners[:, 0].min() + corners[:, 0].max() == pytest.approx(2 * star)
        width = np.ptp(corners[:, 0])
        assert width == pytest.approx(0.8 * np.sqrt(len(mine) / (true == 4).sum()))
    medians = [points(line)[1][0] for line in axes.lines if line.get_linewidth() == 2]
    assert medians == pytest.approx(
        [np.median(predicted[true == star]) for star in [1, 2, 3, 4, 5]]
    )
    error = np.sqrt(np.mean((true - predicted) ** 2))
    assert axes.get_title() == f"2,000 predictions, RMSE {error:.3f} stars"


def test_a_hundred_thousand_pairs_make_a_small_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    true = rng.choice(np.arange(1, 11) / 2, 100_000)
    axes = plots.predicted_against_true(true, np.clip(true + rng.normal(0, 1, 100_000), 0.5, 5))
    plots.save_figure(axes, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 40_000


def test_true_ratings_without_steps_are_grouped() -> None:
    true = np.linspace(-10, 10, 401)
    axes = plots.predicted_against_true(true, true)
    assert len(axes.patches) == 20
    assert axes.get_title() == "401 predictions, RMSE 0.000 stars"


@pytest.mark.parametrize(
    "draw", [plots.predicted_against_true, plots.calibration], ids=lambda draw: draw.__name__
)
@pytest.mark.parametrize("n", [1, 3, 60])
def test_one_rating_and_equal_ratings_can_be_drawn(draw: Any, n: int, tmp_path: Path) -> None:
    axes = draw(np.full(n, 4.0), np.full(n, 3.5))
    plots.save_figure(axes, tmp_path / "a.png")
    told = {"predicted_against_true": "RMSE 0.500 stars", "calibration": "differ by 0.50"}
    assert told[draw.__name__] in axes.get_title()


@pytest.mark.parametrize(
    "draw", [plots.predicted_against_true, plots.calibration], ids=lambda draw: draw.__name__
)
@pytest.mark.parametrize(
    ("true", "predicted", "told"),
    [
        ([], [], "There are no true ratings to draw."),
        ([4], [], "There are no predictions to draw."),
        ([4, 5], [4], "The numbers of true ratings (2) and of predictions (1) must be equal."),
        (
            [4, 5, 3],
            [4, np.nan, np.inf],
            "2 of the 3 predictions are not finite numbers; the first, number 2, is nan. Leave them out.",
        ),
        (
            [[4]],
            [[4]],
            "The true ratings must be one-dimensional, but their array has shape (1, 1).",
        ),
    ],
)
def test_data_that_cannot_be_drawn_is_reported_in_a_sentence(
    draw: Any, true: Any, predicted: Any, told: str
) -> None:
    with pytest.raises(DataError) as caught:
        draw(true, predicted)
    assert str(caught.value) == told


# -- calibration and residuals -----------------------------------------------------------------------------------


def test_calibration_shows_the_mean_of_the_true_ratings_where_as_many_stars_were_predicted() -> (
    None
):
    rng = np.random.default_rng(2)
    predicted = np.repeat([2.0, 3.0, 4.0], 100)
    true = predicted + np.repeat([0.5, 0.0, -0.5], 100) + rng.normal(0, 0.3, 300)
    axes = plots.calibration(true, predicted)
    means = true.reshape(3, 100).mean(axis=1)
    half = 1.96 * true.reshape(3, 100).std(axis=1, ddof=1) / 10
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert np.array(points(dots)) == pytest.approx(np.array([[2, 3, 4], means]))
    ends = [
        [[x, mean - h], [x, mean + h]] for x, mean, h in zip([2, 3, 4], means, half, strict=True)
    ]
    assert np.array(intervals(axes)) == pytest.approx(np.array(ends))
    off = np.abs(means - [2, 3, 4]).mean()
    assert axes.get_title() == f"On average, mean true stars and prediction differ by {off:.2f}"
    below = lower_axes(axes)
    assert {x: height for x, height in bars(below).items() if height} == pytest.approx(
        {2: 1 / 3, 3: 1 / 3, 4: 1 / 3}
    )
    assert below.get_xlabel() == "predicted stars"


def test_perfect_predictions_lie_on_the_line() -> None:
    stars = np.repeat(np.arange(0.5, 5.5, 0.5), 60)
    axes = plots.calibration(stars, stars)
    x, y = points(next(line for line in axes.lines if line.get_marker() == "o"))
    assert x == pytest.approx(y)
    assert axes.get_title() == "On average, mean true stars and prediction differ by 0.00"


def test_a_single_value_has_a_point_without_an_interval() -> None:
    axes = plots.calibration([4.0], [3.0])
    assert points(next(line for line in axes.lines if line.get_marker() == "o")) == ([3], [4])
    assert intervals(axes) == []


def test_sparse_bins_are_merged_until_each_is_large_enough() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        bins = rng.integers(0, 12, rng.integers(1, 200))
        joined = merged_bins(bins, 20)
        assert (np.diff(joined[np.argsort(bins, kind="stable")]) >= 0).all()  # the order stays
        assert all(
            len(np.unique(joined[bins == one])) == 1 for one in np.unique(bins)
        )  # none is torn apart
        assert np.bincount(joined).min() >= min(20, len(bins))
    assert merged_bins(np.repeat([0, 3, 7], 20), 20).tolist() == np.repeat([0, 1, 2], 20).tolist()


def test_the_interval_of_a_bin_is_that_of_its_mean() -> None:
    y = np.array([1.0, 2.0, 4.0, 9.0])
    found = binned_means(np.array([5, 5, 5, 8]), np.array([1.0, 1.0, 4.0, 6.0]), y)
    assert (found.x.tolist(), found.n.tolist()) == ([2, 6], [3, 1])
    assert found.mean.tolist() == pytest.approx([7 / 3, 9])
    assert found.half[0] == pytest.approx(1.96 * np.std(y[:3], ddof=1) / np.sqrt(3))
    assert np.isnan(found.half[1])


def test_residuals_show_the_error_of_each_doubling_of_the_ratings() -> None:
    rng = np.random.default_rng(4)
    counts = np.repeat([0, 1, 2, 3, 100], 80)
    errors = rng.normal(0.2, 1, 400)
    axes = plots.residuals(counts, errors, "ratings of the film")
    below = lower_axes(axes)
    parts = [errors[:80], errors[80:160], errors[160:320], errors[320:]]
    x, y = points(axes.lines[0])
    assert x == pytest.approx([0.5, 1, np.sqrt(6), 100])
    assert y == pytest.approx([np.sqrt(np.mean(part**2)) for part in parts])
    assert np.array(points(below.lines[0])) == pytest.approx(
        np.array([x, [part.mean() for part in parts]])
    )
    squares = parts[0] ** 2
    half = 1.96 * squares.std(ddof=1) / np.sqrt(80)
    first = np.array(intervals(axes)[0])[:, 1]
    assert first == pytest.approx(np.sqrt([squares.mean() - half, squares.mean() + half]))
    assert tick_labels(below.xaxis) == ["0", "1", "2", "5", "10", "20", "50", "100"]
    assert (below.get_xlabel(), axes.get_xscale()) == ("ratings of the film", "log")
    assert texts(axes) == [f"all {np.sqrt(np.mean(errors**2)):.2f}"]


def test_a_long_axis_of_counts_has_fewer_numbers_on_it() -> None:
    axes = plots.residuals([1, 60_000], [0.5, -0.5], "ratings")
    labels = ["1", "3", "10", "30", "100", "300", "1,000", "3,000", "10,000", "30,000"]
    assert tick_labels(lower_axes(axes).xaxis) == labels


@pytest.mark.parametrize(
    ("counts", "errors"), [([5], [0.3]), ([0], [0.0]), ([2, 2, 2], [1.0, 1.0, 1.0])]
)
def test_residuals_of_one_rating_or_one_count_can_be_drawn(
    counts: list[int], errors: list[float], tmp_path: Path
) -> None:
    axes = plots.residuals(counts, errors, "ratings")
    plots.save_figure(axes, tmp_path / "a.png")
    assert points(axes.lines[0])[1] == pytest.approx(errors[:1])


def test_a_negative_count_is_an_error() -> None:
    with pytest.raises(DataError) as caught:
        plots.residuals([-3, 1], [0.5, 0.5], "ratings")
    assert str(caught.value) == "The counts must not be negative, but one is -3."


# -- bias rankings and components --------------------------------------------------------------------------------


def bias_line(item_id: int, bias: float, title: str = "") -> BiasLine:
    film = Film(title or f"Film {item_id}")
    return BiasLine(
        item_id, film, bias, bias - 0.2, bias + 0.2, mean=3.0, n_ratings=1_000 + item_id
    )


def test_the_ranking_of_biases_shows_both_ends_with_their_intervals() -> None:
    axes = plots.bias_ranking(
        [bias_line(1, 0.5), bias_line(2, 0.9), bias_line(3, -0.7), bias_line(1, 0.5)]
    )
    above, below = axes.lines[:2]
    assert points(above) == ([0.5, 0.9], [0, -1])
    assert points(below) == ([-0.7], [-2.7])
    assert above.get_marker() != below.get_marker()
    ends = [[[0.3, 0], [0.7, 0]], [[0.7, -1], [1.1, -1]], [[-0.9, -2.7], [-0.5, -2.7]]]
    assert np.array(intervals(axes)) == pytest.approx(np.array(ends))
    assert (axes.get_yticks().tolist(), tick_labels(axes.yaxis)) == (
        [0, -1, -2.7],
        ["Film 1", "Film 2", "Film 3"],
    )
    assert texts(axes) == ["1,001", "1,002", "1,003", "ratings"]


@pytest.mark.parametrize("biases", [[0.4], [-0.4], [0.0, 0.0, 0.0]])
def test_a_ranking_of_one_film_or_one_side_has_no_gap(biases: list[float]) -> None:
    axes = plots.bias_ranking([bias_line(number, bias) for number, bias in enumerate(biases)])
    assert axes.get_yticks().tolist() == [-place for place in range(len(biases))]
    assert len(intervals(axes)) == len(biases)


def test_the_ranking_names_the_unit_of_its_biases() -> None:
    assert (
        plots.bias_ranking([bias_line(1, 0.5)]).get_xlabel()
        == "stars above or below the average rating"
    )
    assert (
        plots.bias_ranking([bias_line(1, 0.5)], "logits").get_xlabel()
        == "logits above or below the average rating"
    )


def test_rankings_and_components_of_a_fitted_model_can_be_drawn() -> None:
    ratings = simulated(80, 40, 1_500)
    guide = matinee.Guide(MatrixFactorization(epochs=5).fit(ratings, n_threads=1))
    lines = analysis.bias_ranking(guide, 4) + analysis.bias_ranking(guide, 4, lowest=True)
    axes = plots.bias_ranking(lines, analysis.bias_unit(guide.model))
    assert tick_labels(axes.yaxis) == [str(line.item_id) for line in lines]
    first = analysis.components(guide, 1, 3)[0]
    assert texts(plots.component_ends(first)) == [
        str(end.item_id) for end in first.high_end + first.low_end[::-1]
    ]


def test_a_ranking_of_nothing_is_an_error() -> None:
    with pytest.raises(DataError) as caught:
        plots.bias_ranking([])
    assert str(caught.value) == "There are no biases to draw."


def component(positions: list[float]) -> Component:
    ends = [End(n, Film(f"Film {n}"), at) for n, at in enumerate(positions)]
    ordered = sorted(ends, key=lambda end: end.position)
    meanings = [Meaning("$5 to $7", "genre", 0.9, 0.001, 9)]
    return Component(2, 0.1, ordered[:2], ordered[::-1][:2], meanings)


def test_a_component_shows_the_films_of_both_ends_where_they_lie() -> None:
    axes = plots.component_ends(component([0.1, -2.0, 3.0, -1.5, 2.5]))
    high, low = axes.lines
    assert points(high) == ([3.0, 2.5], [0, -1])
    assert points(low) == ([-1.5, -2.0], [-2.7, -3.7])
    labels = [(text.get_text(), text.xy, text.get_ha()) for text in axes.texts]  # type: ignore[attr-defined]
    assert labels == [
        ("Film 2", (3.0, 0.0), "right"),
        ("Film 4", (2.5, -1.0), "right"),
        ("Film 3", (-1.5, -2.7), "left"),
        ("Film 1", (-2.0, -3.7), "left"),
    ]
    assert (
        axes.get_title(loc="left")
        == r"Component 2 (10% of the variance): toward \$5 to \$7 at the high end."
    )
    assert axes.get_xlabel() == "position on component 2"


@pytest.mark.parametrize("positions", [[1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]])
def test_a_film_at_both_ends_stands_once(positions: list[float], tmp_path: Path) -> None:
    axes = plots.component_ends(component(positions))
    assert sorted(texts(axes)) == [f"Film {n}" for n in range(len(positions))]
    plots.save_figure(axes, tmp_path / "a.png")


# -- words in figures --------------------------------------------------------------------------------------------

ODD_TITLES = [
    "$9.99 (2008)",
    r"A $x^2$ \$ B_1",
    '<b> & "quotes"',
    "千と千尋の神隠し",
    "new\nline\x00\x07",
    "\\frac{1}{",
    "😀",
]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_any_title_can_be_drawn(suffix: str, tmp_path: Path) -> None:
    axes = plots.bias_ranking(
        [bias_line(number, 0.5, title) for number, title in enumerate(ODD_TITLES)]
    )
    plots.save_figure(axes, tmp_path / f"a{suffix}")
    if suffix == ".svg":
        written = xml.dom.minidom.parse(str(tmp_path / "a.svg"))
        shown = {one.firstChild.data for one in written.getElementsByTagName("text")}  # type: ignore[union-attr]
        assert {figure.drawable(title) for title in ODD_TITLES} <= shown
        assert xml.dom.minidom.parseString(plots.as_svg(axes, " ".join(ODD_TITLES)))


@pytest.mark.parametrize(
    ("title", "cut"),
    [
        ("Short (1999)", "Short (1999)"),
        (
            "Dr. Strangelove or: How I Learned to Stop Worrying (1963)",
            "Dr. Strangelove or: How\u2026 (1963)",
        ),
        (
            "A title without a year that does not end at all",
            "A title without a year that doe\u2026",
        ),
        ("Money, $$$", r"Money, \$\$\$"),
    ],
)
def test_long_titles_are_cut_before_their_year(title: str, cut: str) -> None:
    assert figure.shorten_title(title, 32) == cut
    assert len(cut.replace("\\", "")) <= 32


# -- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_a_figure_is_written_in_the_format_of_its_name_with_the_same_bytes(
    name: str, start: bytes, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        plots.save_figure(
            plots.learning_curves(with_curve([3.0, 1.0], [3.5, 2.0])), tmp_path / folder / name
        )
    written = (tmp_path / "one" / name).read_bytes()
    assert written.startswith(start)
    assert written == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.xyz", "'.xyz' is not a supported format; use .png, .svg, .pdf."),
        ("missing/a.png", "the folder '{folder}/missing' does not exist; create it first."),
    ],
)
def test_a_figure_that_cannot_be_written_raises_a_clear_error(
    name: str, why: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    with pytest.raises(SettingError) as caught:
        plots.save_figure(plots.learning_curves(with_curve([3.0], [3.5])), file)
    assert str(caught.value) == f"Cannot write the figure '{file}': {why.format(folder=tmp_path)}"
    assert not file.exists()


def test_drawing_leaves_no_figure_open() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.learning_curves(with_curve([3.0], [3.5]))
    plots.calibration([3.0], [3.5])
    assert plt.get_fignums() == before


# -- figures inside pages ----------------------------------------------------------------------------------------


def some_figures() -> list[Any]:
    return [
        plots.learning_curves(with_curve([3.0, 1.0], [3.5, 2.0])),
        plots.rating_histogram([1, 2, 2], Scale(1, 3, 1)),
        plots.calibration(np.full(60, 4.0), np.linspace(3, 5, 60)),
        plots.bias_ranking([bias_line(1, 0.5), bias_line(2, -0.5)]),
    ]


@pytest.fixture(scope="module")
def in_pages() -> list[str]:
    return [plots.as_svg(axes, "same title") for axes in some_figures()]


def test_a_figure_in_a_page_is_one_element_that_names_itself() -> None:
    svg = plots.as_svg(some_figures()[0], 'Curves of "mf" & <others>')
    root = xml.dom.minidom.parseString(svg).documentElement
    assert root is not None
    title = root.firstChild
    assert isinstance(title, xml.dom.minidom.Element)
    assert (root.tagName, root.getAttribute("role")) == ("svg", "img")
    assert (title.tagName, title.getAttribute("id")) == (
        "title",
        root.getAttribute("aria-labelledby"),
    )
    assert title.firstChild.data == 'Curves of "mf" & <others>'  # type: ignore[union-attr]
    assert svg.startswith("<svg ")
    assert "<style" not in svg
    assert "xlink" not in svg
    assert "training" in svg  # text is text


def test_a_figure_in_a_page_takes_its_colors_and_its_font_from_it(in_pages: list[str]) -> None:
    page = "".join(in_pages)
    named = {"blue": figure.BLUE, "orange": figure.ORANGE, "gray": figure.GRAY}
    colors = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", page))
    assert colors == {"none", "currentColor"} | {
        f"var(--plot-{name}, {value})" for name, value in named.items()
    }
    assert "font-family" not in page


def test_the_halo_of_a_text_is_a_second_text_below_it() -> None:
    from matplotlib.patheffects import withStroke

    axes = some_figures()[1]
    halo = [withStroke(linewidth=2, foreground=figure.PAPER)]
    written = axes.text(2, 0.1, "one\ntwo", path_effects=halo)
    svg = plots.as_svg(axes, "t")
    assert re.findall(r">(one|two)</text>", svg) == ["one", "one", "two", "two"]
    edges = re.findall(r'<text style="(stroke: [^;]+; stroke-width: 2px)?[^>]*>(?:one|two)<', svg)
    edge = f"stroke: var(--plot-paper, {figure.PAPER}); stroke-width: 2px"
    assert edges == [edge, "", edge, ""]
    assert (written.get_path_effects(), written.get_gid()) == (halo, None)


def test_many_figures_fit_into_one_page(in_pages: list[str]) -> None:
    page = "".join(in_pages)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 8
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", page)) | set(
        re.findall(r'labelledby="([^"]+)"', page)
    )
    assert used == set(ids)


def test_a_figure_in_a_page_is_the_same_text_each_time(in_pages: list[str]) -> None:
    assert [plots.as_svg(axes, "same title") for axes in some_figures()] == in_pages


# -- the gallery -------------------------------------------------------------------------------------------------


def test_the_gallery_is_the_page_that_its_script_makes() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "import make_gallery; print(make_gallery.page(), end='')"],
        cwd=DOCS,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == (DOCS / "gallery.md").read_text("utf-8"), (
        "type: python docs/make_gallery.py"
    )


def test_the_gallery_shows_every_figure_there_is() -> None:
    page = (DOCS / "gallery.md").read_text("utf-8")
    figures = set(plots.__all__) - {"as_svg", "check_figure_name", "save_figure"}
    assert {name for name in figures if f"plots.{name}(" not in page} == set()
    assert all(file.stat().st_size < 150_000 for file in (DOCS / "figures").glob("gallery-*"))
