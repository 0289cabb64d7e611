"""How sure a prediction is: that intervals hold what they promise, and that knowing more makes surer."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import matinee
from matinee.cli import main
from matinee.data.ratings import Ratings
from matinee.data.split import Split, given_parts, random_split
from matinee.data.vocabulary import Id
from matinee.evaluation.calibration import LEVELS, coverage_of
from matinee.models.bayes.model import BayesianMF
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.recommendation.intervals import LEVEL, certainty, interval
from tests.conftest import real_data
from tests.helpers import table

SMALL: dict[str, Any] = {
    "factors": 8,
    "samples": 60,
    "burn_in": 20,
    "kept": 20,
    "set_rank": 30,
    "tolerance": 0.0,
}


@cache
def fitted() -> BayesianMF:
    return BayesianMF(**SMALL).fit(table(), n_threads=1)


@cache
def ratings_of(user: int) -> dict[Id, float]:
    ratings = table()
    mine = ratings.user_index == ratings.users.index(user)
    items = ratings.items.ids[ratings.item_index[mine]].tolist()
    return dict(zip(items, ratings.value[mine].tolist(), strict=True))


def all_deviations(person: Any) -> Any:
    found = fitted().deviations(person, np.arange(len(fitted().items_)))
    assert found is not None
    return found


# -- intervals ---------------------------------------------------------------------------------------------------


def test_the_interval_is_that_of_a_normal_variable() -> None:
    assert interval(3.5, 0.5, 0.8) == pytest.approx((3.5 - 0.5 * 1.2815516, 3.5 + 0.5 * 1.2815516))
    assert interval(3.5, 2.0, 0.95) == pytest.approx((3.5 - 3.919928, 3.5 + 3.919928))
    assert interval(3.5, 0.0, 0.8) == (3.5, 3.5)


def test_coverage_counts_what_lies_inside() -> None:
    normal = np.random.default_rng(0).normal(3, 0.7, 100_000)
    found = coverage_of(normal, np.full(100_000, 3.0), np.full(100_000, 0.7))
    assert found == pytest.approx(LEVELS, abs=0.005)
    few = coverage_of(np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([0.1, 0.1]))
    assert few.tolist() == [0.5, 0.5, 0.5]


def test_a_prediction_comes_with_an_interval_inside_the_scale() -> None:
    model = fitted()
    for item_id in model.items_.ids[:25].tolist():
        sure = certainty(model, 1, item_id, model.predict(1, item_id))
        assert sure is not None
        assert 1 <= sure.low < sure.high <= 5
        assert sure.low <= model.predict(1, item_id) <= sure.high
        assert sure.deviation > 0.3
        low, high = interval(model.predict(1, item_id), sure.deviation, LEVEL)
        assert (sure.low, sure.high) == pytest.approx((max(1, low), min(5, high)))


def test_models_without_deviations_print_no_interval() -> None:
    assert certainty(MatrixFactorization(epochs=1).fit(table(), n_threads=1), 1, 17, 3.0) is None


@pytest.mark.parametrize("data", ["sample", "ml-100k"])
def test_intervals_hold_as_many_held_out_ratings_as_they_promise(data: str) -> None:
    folder = real_data(data) if data != "sample" else None
    part: Split = (
        given_parts(
            matinee.load(folder / "u2.base").ratings, matinee.load(folder / "u2.test").ratings
        )
        if folder
        else random_split(matinee.load(data).ratings, 0.2)
    )
    model = BayesianMF(**SMALL | {"samples": 40}).fit(part.train)
    deviations = model.predict_deviations(part.test)
    half, most, nearly_all = coverage_of(
        part.test.value, model.predict_ratings(part.test), deviations
    )
    assert 0.45 < half < 0.55
    assert 0.78 < most < 0.82
    assert 0.93 < nearly_all < 0.97
    # and those who are said to be hard to predict are
    order = np.argsort(deviations)
    errors = np.abs(model.predict_ratings(part.test) - part.test.value)[order]
    quarter = len(errors) // 4
    assert errors[-quarter:].mean() > 1.1 * errors[:quarter].mean()


# -- people ------------------------------------------------------------------------------------------------------


def test_the_deviations_of_a_table_are_those_of_its_people() -> None:
    ratings = replace(table().subset(np.arange(40)), timestamp=None)  # nobody says when
    found = fitted().predict_deviations(ratings)
    for row in range(40):
        user, item = ratings.users.id(ratings.user_index[row]), int(ratings.item_index[row])
        one = fitted().deviations(user, np.array([item]))
        assert one is not None
        assert found[row] == pytest.approx(one[0], rel=1e-5)


def test_values_of_a_table_to_predict_are_not_read() -> None:
    ratings = table().subset(np.arange(40))
    blank = Ratings(
        ratings.users, ratings.items, ratings.user_index, ratings.item_index,
        np.ones(40, np.float32), ratings.timestamp, ratings.scale,
    )  # fmt: skip
    assert np.array_equal(fitted().predict_deviations(ratings), fitted().predict_deviations(blank))


@pytest.mark.parametrize("user", [6, 150, 299])
def test_a_newcomer_is_known_better_with_every_few_ratings(user: int) -> None:
    given = list(ratings_of(user).items())
    spreads = [all_deviations(dict(given[:n])).mean() for n in (1, 3, 8, 20)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] < 0.85 * spreads[0]


@pytest.mark.parametrize("user", [6, 150, 299])
def test_nobody_is_known_better_than_after_their_first_rating(user: int) -> None:
    first = dict(list(ratings_of(user).items())[:1])
    assert all_deviations({}).mean() >= 0.98 * all_deviations(first).mean()


def test_someone_with_the_ratings_of_a_known_user_is_about_as_well_known() -> None:
    ratios = [
        all_deviations(ratings_of(user)).mean() / all_deviations(user).mean()
        for user in range(1, 40)
    ]
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


def test_asking_again_gives_the_same() -> None:
    assert np.array_equal(all_deviations(ratings_of(6)), all_deviations(ratings_of(6)))


def test_films_that_few_have_rated_are_less_sure() -> None:
    rng = np.random.default_rng(0)
    ratings = table()
    few = ratings.item_index < 20
    part = ratings.subset(~few | (rng.random(len(ratings)) < 0.05))
    model = BayesianMF(**SMALL).fit(part, n_threads=1)
    found: list[Any] = [model.deviations(user, np.arange(120)) for user in range(1, 60)]
    means = np.mean(found, axis=0)
    assert means[:20].mean() > 1.05 * means[20:].mean()


# -- the command line --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certainty") / "small.matinee"
    data = matinee.load("sample")
    part = data.ratings.subset(data.ratings.user_index < 300)
    Guide(BayesianMF(**SMALL).fit(part, n_threads=1), data.catalog).save(path)
    return path


def run(*words: object) -> str:
    result = CliRunner().invoke(main, [*map(str, words)], prog_name="matinee")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_predict_prints_its_uncertainty(model_file: Path) -> None:
    lines = run("predict", model_file, "--user", 1, "--item", "Alien").splitlines()
    assert re.fullmatch(
        r"\d\.\d\d stars for Alien \(1979\), on the scale 0\.5 to 5 in steps of 0\.5", lines[0]
    )
    told = re.fullmatch(
        r"Uncertainty: \u00b1(\d\.\d\d); 80% interval (\d\.\d) to (\d\.\d)\.", lines[1]
    )
    assert told
    found = json.loads(run("predict", model_file, "--user", 1, "--item", "Alien", "--json"))
    assert set(found) == {"user", "item_id", "title", "stars", "deviation", "interval_80"}
    low, high = found["interval_80"]
    assert 0.5 <= low <= found["stars"] <= high <= 5
    assert told[1] == f"{found['deviation']:.2f}"
    assert float(told[2]) == pytest.approx(low, abs=0.051)  # both are rounded
    assert float(told[3]) == pytest.approx(high, abs=0.051)


def test_predict_is_less_sure_of_a_newcomer(model_file: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("title,rating\nThe Matrix (1999),5\n", "utf-8")
    new = json.loads(run("predict", model_file, "--ratings", mine, "--item", "Alien", "--json"))
    mine.write_text(
        f"title,rating\n{chr(10).join(f'{title},{stars}' for title, stars in FIFTEEN)}\n", "utf-8"
    )
    told_more = json.loads(
        run("predict", model_file, "--ratings", mine, "--item", "Alien", "--json")
    )
    assert new["user"] is None
    assert told_more["deviation"] < new["deviation"]


FIFTEEN = [
    *(
        ("The Matrix (1999)", 5),
        ("Blade Runner (1982)", 5),
        ("Titanic (1997)", 2),
        ("Toy Story (1995)", 3.5),
    ),
    *(("Inception (2010)", 4.5), ("Interstellar (2014)", 4.5), ("The Thing (1982)", 4)),
]


def test_recommend_has_a_column_of_deviations(model_file: Path) -> None:
    lines = run("recommend", model_file, "--user", 1, "-k", 5).splitlines()
    columns = lines[0].split()  # "top", too, where stars tie
    assert columns[0] == "stars"
    assert columns[columns.index("±") + 1] == "film"
    found = json.loads(run("recommend", model_file, "--user", 1, "-k", 5, "--json"))["items"]
    guide = Guide.load(model_file)
    listed = guide.recommend(1, 5).items
    expected = [[f"{one.shown:.2f}", f"{one.deviation:.2f}"] for one in listed]
    deviation = 1 + columns.index("±")  # after the rank
    assert [[line.split()[1], line.split()[deviation]] for line in lines[1:]] == expected
    assert all(one["deviation"] > 0 for one in found)
