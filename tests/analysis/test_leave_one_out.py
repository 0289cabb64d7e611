"""Leave-one-out evaluation against loops that fold the person in by hand."""

import numpy as np
import pytest

from matinee.analysis.leave_one_out import MIN_RATINGS, last_rating_errors, mean_absolute_errors
from matinee.models.ials import ImplicitALS
from matinee.models.matrix_factorization import MatrixFactorization
from tests.conftest import simulated

STARS = {3: 5.0, 0: 1.0, 40: 4.5, 7: 2.0, 11: 3.0, 90: 4.0}


@pytest.fixture(scope="module")
def model() -> MatrixFactorization:
    return MatrixFactorization(factors=4, epochs=3, seed=1).fit(simulated(), n_threads=1)


def predicted(model: MatrixFactorization, index: int) -> float:
    others = {model.items_.id(other): given for other, given in STARS.items() if other != index}
    return model.predict(others, model.items_.id(index))


def test_each_rating_is_predicted_from_the_others(model: MatrixFactorization) -> None:
    errors = mean_absolute_errors(model, STARS, 4)
    assert errors is not None
    first = list(STARS.items())[:4]
    assert errors.model == pytest.approx(
        np.mean([abs(given - predicted(model, index)) for index, given in first])
    )
    means = [abs(given - float(model.item_means_[index])) for index, given in first]
    assert errors.item_means == pytest.approx(np.mean(means))


def test_the_latest_rating_is_predicted_from_the_earlier_ones(model: MatrixFactorization) -> None:
    people = [
        dict(list(STARS.items())[turn:] + list(STARS.items())[:turn]) for turn in range(MIN_RATINGS)
    ]
    measured = last_rating_errors(model, [*people, {1: 5.0}, {}])
    assert measured.n_people == MIN_RATINGS
    assert measured.errors is not None
    squares = [(STARS[next(iter(one))] - predicted(model, next(iter(one)))) ** 2 for one in people]
    assert measured.errors.model == pytest.approx(np.sqrt(np.mean(squares)))


def test_ratings_outside_the_scale_are_clipped_before_the_fold_in(
    model: MatrixFactorization,
) -> None:
    beyond = {index: given + 100 for index, given in STARS.items()}
    highest = dict.fromkeys(STARS, 5.0)
    clipped, errors = (
        mean_absolute_errors(model, highest, 1),
        mean_absolute_errors(model, beyond, 1),
    )
    assert errors is not None
    assert clipped is not None
    assert errors.model - clipped.model == pytest.approx(100)


def test_too_few_ratings_or_people_and_models_without_stars_are_not_measured(
    model: MatrixFactorization,
) -> None:
    few = dict(list(STARS.items())[: MIN_RATINGS - 1])
    assert mean_absolute_errors(model, few, 40) is None
    assert last_rating_errors(model, [STARS] * (MIN_RATINGS - 1)) == (MIN_RATINGS - 1, None)
    ranking = ImplicitALS(factors=4, epochs=1).fit(simulated(), n_threads=1)
    assert mean_absolute_errors(ranking, STARS, 40) is None
    assert last_rating_errors(ranking, [STARS] * 9) == (0, None)
