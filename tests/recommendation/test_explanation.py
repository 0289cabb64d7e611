"""Explanations: against regressions that are solved again, in words, as a table, as JSON, on the command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from matinee._types import Longs
from matinee.cli import main
from matinee.cli.explain import explain as explain_command
from matinee.data.catalog import Catalog, Film
from matinee.data.datasets.load import load
from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import UnknownNameError, UnsupportedError
from matinee.models.base import Attribution, Recommender, UserState
from matinee.models.baseline import Baseline
from matinee.models.ease import EASE
from matinee.models.ials import ImplicitALS
from matinee.models.knn import ItemKNN, UserKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.dot_product import DotProduct, PlainMF
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.models.popularity import Popularity
from matinee.recommendation.explanation import (
    Explanation,
    Liked,
    Reason,
    explain,
    explain_each,
)
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from tests import reference
from tests.conftest import real_data
from tests.helpers import error_message, fitted, history, table
from tests.networks import fitted_network

Given = dict[int | str, float]
ITEM = 507


def total(found: Explanation) -> float:
    contributions = sum(reason.contribution for reason in found.reasons)
    return found.mean + found.item + found.user + contributions + found.rest + found.clipping


def contributions(found: Explanation) -> dict[Id, float]:
    return {reason.item_id: reason.contribution for reason in found.reasons}


def newcomer(n: int) -> Given:
    """The first n ratings of user 1, of more."""
    mine = list(history(table(), 1).items())
    assert len(mine) > n
    return dict(mine[:n])


# -- mf: exact ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> MatrixFactorization:
    """With fewer factors than people have ratings."""
    return MatrixFactorization(factors=6).fit(table(), n_threads=1)


@pytest.mark.parametrize("n", [1, 2, 6, 7, 8, 20])
@pytest.mark.parametrize("with_many_factors", [False, True])
def test_without_a_rating_is_what_the_model_predicts_when_asked_again_without_it(
    small: MatrixFactorization, n: int, with_many_factors: bool
) -> None:
    model = fitted(MatrixFactorization) if with_many_factors else small
    mine = newcomer(n)
    found = explain(model, Catalog(), mine, ITEM)
    assert len(found.reasons) == n
    for reason in found.reasons:
        others = {item_id: stars for item_id, stars in mine.items() if item_id != reason.item_id}
        assert reason.without == pytest.approx(model.predict(others, ITEM), abs=1e-5)


def test_a_rating_adds_what_the_regression_of_its_surprise_alone_gives(
    small: MatrixFactorization,
) -> None:
    mine = newcomer(15)
    found, profile = explain(small, Catalog(), mine, ITEM), small.fold_in(mine)
    factors, item = small.item_factors_[profile.item_index], small.items_.index(ITEM)
    surprise = (
        profile.value
        - float(small.global_mean_)
        - small.item_bias_[profile.item_index]
        - profile.vector[0]
    )
    regularization, shrinkage, _ = small.penalty_.tolist()
    pull = np.full(6, (regularization * 15 + shrinkage) * float(small.deviation_))
    for place, item_id in enumerate(mine):
        alone = np.where(np.arange(15) == place, surprise, 0)
        expected = small.item_factors_[item] @ reference.ridge(factors, alone, pull)
        assert contributions(found)[item_id] == pytest.approx(expected, abs=1e-5)
    assert found.rest == 0
    assert total(found) == pytest.approx(small.predict(mine, ITEM), abs=1e-6)


def test_who_rates_every_film_as_people_do_adds_nothing(small: MatrixFactorization) -> None:
    some = small.items_.ids[:12].tolist()
    usual = (float(small.global_mean_) + small.item_bias_[:12]).tolist()
    found = explain(small, Catalog(), dict(zip(some, usual, strict=True)), ITEM)
    assert found.user == pytest.approx(-np.median(small.user_bias_), abs=1e-6)
    assert np.allclose(list(contributions(found).values()), 0, atol=1e-6)
    assert found.sentence().endswith(
        "; through your taste, your 12 ratings together change nothing."
    )


@pytest.mark.parametrize("k", [0, 1, 3, 5, 40])
def test_with_few_reasons_the_others_are_one_number_and_all_else_is_the_same(
    small: MatrixFactorization, k: int
) -> None:
    mine, films = newcomer(20), [ITEM, 7, 27]
    some, every = (explain_each(small, Catalog(), mine, films, named) for named in (k, None))
    for one, other in zip(some, every, strict=True):
        assert len(one.reasons) == min(20, max(k, 3))
        assert one.reasons == other.reasons[: len(one.reasons)]
        assert one.to_dict(min(k, 3)) == other.to_dict(min(k, 3))
        assert one.sentence() == other.sentence()
    stars = small.all_stars(mine)[small.items_.indices(films)].tolist()
    given = explain_each(small, Catalog(), mine, films, k, stars)
    assert [one.to_dict(k) for one in given] == [one.to_dict(k) for one in some]
    assert explain_each(small, Catalog(), mine, [], k) == []


def test_the_strongest_rating_comes_first_and_keeps_its_film_and_stars(
    small: MatrixFactorization,
) -> None:
    mine = newcomer(20)
    found = explain(small, Catalog({7: Film("Seven")}), mine | {7: 4.5}, ITEM)
    sizes = [abs(reason.contribution) for reason in found.reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert {reason.item_id: reason.stars for reason in found.reasons} == mine | {7: 4.5}
    assert [reason.film for reason in found.reasons if reason.item_id == 7] == [Film("Seven")]
    assert all(
        type(reason.item_id) is int and type(reason.contribution) is float
        for reason in found.reasons
    )


@pytest.mark.parametrize("half_life", [0, 300])
def test_the_ratings_of_a_known_user_explain_all_of_their_prediction(half_life: float) -> None:
    model = MatrixFactorization(factors=6, half_life=half_life).fit(table(), n_threads=1)
    for user in range(1, 301, 20):
        found = explain(model, Catalog(), user, ITEM)
        assert explain(model, Catalog(), model.profile(user), ITEM) == found
        assert found.is_exact
        assert found.rest == 0
        assert "residual" not in found.sentence()
        assert total(found) == pytest.approx(model.predict(user, ITEM), abs=1e-4)
        if not half_life:
            newcomer = explain(model, Catalog(), history(table(), user), ITEM)
            assert contributions(found) == pytest.approx(contributions(newcomer), abs=1e-4)
            without = {reason.item_id: reason.without for reason in newcomer.reasons}
            assert {reason.item_id: reason.without for reason in found.reasons} == pytest.approx(
                without, abs=1e-4
            )


def test_with_a_half_life_without_a_rating_is_the_weighted_regression_without_it() -> None:
    model = MatrixFactorization(factors=6, half_life=300).fit(table(), n_threads=1)
    profile, item = model.profile(5), model.items_.index(ITEM)
    assert profile.weight is not None
    found = {
        reason.item_id: reason.without for reason in explain(model, Catalog(), 5, ITEM).reasons
    }
    regularization, shrinkage, bias_shrinkage = model.penalty_.tolist()
    for place in range(0, len(profile.value), 5):
        rows = np.arange(len(profile.value)) != place
        rated, weight = profile.item_index[rows], profile.weight[rows].astype(np.float64)
        slopes = np.column_stack([np.ones(len(rated)), model.item_factors_[rated]])
        residual = profile.value[rows] - float(model.global_mean_) - model.item_bias_[rated]
        pull = (regularization * weight.sum() + shrinkage) * float(model.deviation_)
        form = slopes.T * weight @ slopes + np.diag([bias_shrinkage] + [pull] * 6)
        bias, *taste = np.linalg.solve(form, slopes.T @ (weight * residual)).tolist()
        stars = float(model.global_mean_) + model.item_bias_[item] + bias
        stars += model.item_factors_[item] @ np.array(taste)
        item_id = model.items_.id(int(profile.item_index[place]))
        assert found[item_id] == pytest.approx(stars, abs=1e-4)


@pytest.mark.parametrize("model", [Baseline, MatrixFactorization])
def test_half_of_the_people_rate_higher_than_most_and_half_lower(
    model: type[Baseline | MatrixFactorization],
) -> None:
    """A third of the users have no training ratings, and a bias of 0 that must not count."""
    one = model().fit(table().subset(table().user_index >= 100), n_threads=1)
    amounts = [explain(one, Catalog(), user, ITEM).user for user in one.users_.ids[100:].tolist()]
    assert np.median(amounts) == pytest.approx(0, abs=1e-6)
    assert np.median(one.user_bias_) != pytest.approx(np.median(one.user_bias_[100:]), abs=1e-3)
    assert explain(one, Catalog(), one.users_.id(0), ITEM).user == 0


# -- the other models --------------------------------------------------------------------------------------------


def test_baseline_is_the_mean_the_film_and_the_person() -> None:
    model = fitted(Baseline)
    assert isinstance(model, Baseline)
    found = explain(model, Catalog(), 5, ITEM)
    item, user = model.items_.index(ITEM), model.users_.index(5)
    typical = float(np.median(model.user_bias_))
    assert (found.mean, found.item) == (float(model.global_mean_), model.item_bias_[item] + typical)
    assert (found.user, found.reasons, found.rest) == (model.user_bias_[user] - typical, [], 0)
    assert found.is_exact


@pytest.mark.parametrize("own", [{ITEM: 4.0}, {}], ids=["rated", "not rated"])
def test_plain_factors_give_what_a_regression_from_the_average_person_gives(own: Given) -> None:
    """Without a link nothing is approximated, so that the general way must agree with the plain one."""
    model = fitted(PlainMF)
    assert isinstance(model, PlainMF)
    mine = newcomer(15) | own
    found, profile = explain(model, Catalog(), mine, ITEM), model.fold_in(mine)
    factors, item = (
        model.item_factors_[profile.item_index],
        model.item_factors_[model.items_.index(ITEM)],
    )
    average, pull = model.crowd_mean_[1:], float(model.noise_) / model.crowd_variance_[1:]
    for place, item_id in enumerate(mine):
        alone = np.where(np.arange(len(mine)) == place, profile.value - factors @ average, 0)
        assert contributions(found)[item_id] == pytest.approx(
            item @ reference.ridge(factors, alone, pull), abs=1e-4
        )
    assert found.mean + found.item == pytest.approx(item @ average, abs=1e-5)
    assert found.user == 0
    assert "you rate" not in found.sentence()


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize(
    ("model", "likeness"),
    [
        (lambda: fitted(PlainMF), 0.999),
        (lambda: fitted(DotProduct), 0.995),
        (lambda: fitted(EmbeddingMLP), 0.85),
        (fitted_network, 0.85),
    ],
    ids=["plain-mf", "dot-product", "mlp", "network"],
)
def test_approximate_changes_are_like_those_of_asking_again_without_a_rating(
    model: Callable[[], Recommender], likeness: float
) -> None:
    one = model()
    estimated, asked = [], []
    for n in (5, 12):
        mine = newcomer(n)
        found = explain(one, Catalog(), mine, ITEM)
        assert not found.is_exact
        assert found.sentence().endswith(" The parts are approximate for this model.")
        assert abs(found.rest) < 1e-4
        assert total(found) == pytest.approx(one.predict(mine, ITEM), abs=1e-5)
        for reason in found.reasons:
            others = {
                item_id: stars for item_id, stars in mine.items() if item_id != reason.item_id
            }
            estimated.append(reason.without - found.score)
            asked.append(one.predict(others, ITEM) - found.score)
    assert np.corrcoef(estimated, asked)[0, 1] > likeness
    assert np.std(asked) > 0.005


def test_a_model_that_only_ranks_explains_its_score() -> None:
    class Counting(Popularity):
        def _attribute(
            self, profile: UserState, item_index: NDArray[np.int32]
        ) -> list[Attribution]:
            shares = np.arange(len(profile.item_index), dtype=np.float64)
            items = self.item_counts_[item_index] - shares.sum()
            return [
                Attribution(0.0, 0.0, item, shares, 10 + shares, is_exact=True)
                for item in items.tolist()
            ]

    model = Counting().fit(table())
    count = int(model.item_counts_[model.items_.index(ITEM)])
    found = explain(model, Catalog(), {7: 5.0, 17: 2.0, 27: 1.0}, ITEM)
    assert (found.stars, found.score, found.clipping) == (None, count, 0)
    assert [reason.without for reason in found.reasons] == [12, 11, 10]
    assert found.sentence() == (
        f"score {count}.000: what does not depend on individual ratings adds {count - 3}.000; "
        "your 1 star for 27 adds 2.000, your 2 stars for 17 add 1.000, and 1 more rating changes nothing."
    )
    assert found.lines()[-1] == ("score", count, None)


# -- in words ----------------------------------------------------------------------------------------------------

ALIENS = Film("Aliens (1986)", 1986)


def made(
    *reasons: tuple[str, float, float],
    item: float = 0.42,
    user: float = -0.21,
    rest: float = 0.0,
    **more: Any,
) -> Explanation:
    """An explanation of Aliens (id 1) by ratings of films with ids 2, 3, ...; each is title, stars, contribution."""
    score = 3.5 + item + user + rest + sum(contribution for *_, contribution in reasons)
    stars = min(5.0, max(1.0, score))
    listed = [
        Reason(place, Film(title), stars, contribution, score - contribution)
        for place, (title, stars, contribution) in enumerate(reasons, 2)
    ]
    values: dict[str, Any] = {
        "stars": stars,
        "clipping": stars - score,
        "is_exact": True,
        "n_ratings": 99,
    }
    values |= {
        "score": score,
        "mean": 3.5,
        "item": item,
        "user": user,
        "reasons": listed,
        "rest": rest,
    }
    return Explanation(1, ALIENS, **(values | {"n_own_ratings": len(listed)} | more))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            made(
                ("Alien", 5, 0.31),
                ("Titanic", 2, 0.12),
                ("Psycho", 1, -0.08),
                ("Up", 3, 0.03),
                ("Big", 4, 0.02),
            ),
            "4.1 stars: the average person gives it 0.42 more than the average rating; you rate 0.21 lower than most; "
            "your 5 stars for Alien add 0.31, your 2 stars for Titanic add 0.12, your 1 star for Psycho subtracts 0.08, "
            "and 2 more ratings together add 0.05.",
        ),
        (
            made(
                ("A", 4.5, -0.3),
                ("B", 0.5, -0.2),
                ("C", 1, 0.1),
                ("D", 1, -0.02),
                item=-0.3,
                user=0.155,
                rest=-0.07,
            ),
            "2.9 stars: the average person gives it 0.30 less than the average rating; you rate 0.15 higher than most; "
            "your 4.5 stars for A subtract 0.30, your 0.5 stars for B subtract 0.20, your 1 star for C adds 0.10, "
            "and 1 more rating subtracts 0.02; the training residual subtracts 0.07.",
        ),
        (
            made(("A", 5, 0.1), ("B", 2, 0.004), ("C", 1, -0.004), item=0.001, user=0.001),
            "3.6 stars: the average person gives it the average rating; you rate as most people do; your 5 stars for A "
            "add 0.10, "
            "and 2 more ratings together change nothing.",
        ),
        (
            made(("A", 5, 0.004), ("B", 2, 0.003)),
            "3.7 stars: the average person gives it 0.42 more than the average rating; you rate 0.21 lower than most; "
            "through your taste, your 2 ratings together add 0.01.",
        ),
        (
            made(("Alien", 5, 1.6)),
            "5.0 stars: the average person gives it 0.42 more than the average rating; you rate 0.21 lower than most; "
            "your 5 stars for Alien add 1.60; that is 5.31, above the top of the scale.",
        ),
        (
            made(("Alien", 1, -3.0)),
            "1.0 stars: the average person gives it 0.42 more than the average rating; you rate 0.21 lower than most; "
            "your 1 star for Alien subtracts 3.00; that is 0.71, below the bottom of the scale.",
        ),
        (
            made(user=0.0),
            "3.9 stars: the average person gives it 0.42 more than the average rating; none of your ratings are known.",
        ),
        (
            made(rest=0.25),
            "4.0 stars: the average person gives it 0.42 more than the average rating; you rate 0.21 lower than most; "
            "your taste as learned in training adds 0.25.",
        ),
        (
            made(item=0.0, n_ratings=0, n_own_ratings=9, is_exact=False),
            "3.3 stars: nobody has rated it, so it counts as average; you rate 0.21 lower than most. "
            "The parts are approximate for this model.",
        ),
    ],
    ids=[
        "reasons",
        "takes",
        "little",
        "all little",
        "too much",
        "too little",
        "nobody",
        "no history",
        "new film",
    ],
)
def test_the_sentence(found: Explanation, sentence: str) -> None:
    assert found.sentence() == sentence


LIKED = (Liked(7, Film("Alien")), Liked(8, Film("The Thing")))


def test_the_sentence_begins_with_what_put_the_film_into_the_list() -> None:
    both = made(("Alien", 5, 0.31), because=LIKED)
    plain = made(("Alien", 5, 0.31)).sentence()
    assert both.sentence() == (
        f"People who like Alien and The Thing like this; you would give it {plain}"
    )
    one = made(("Alien", 5, 0.31), because=LIKED[:1])
    assert one.sentence() == f"People who like Alien like this; you would give it {plain}"
    assert both.to_dict()["because"] == [
        {"item_id": 7, "title": "Alien"},
        {"item_id": 8, "title": "The Thing"},
    ]
    assert made().to_dict()["because"] == []


def test_without_stars_the_sentence_names_what_put_the_film_into_the_list() -> None:
    ranked = made(("Alien", 5, 0.31), because=LIKED, stars=None, clipping=0.0)
    assert ranked.sentence().startswith(
        "People who like Alien and The Thing like this; score 4.020:"
    )
    pairs = made(("Alien", 1, 0.31), because=LIKED, stars=None, clipping=0.0, has_ratings=False)
    assert pairs.sentence().startswith("People who have Alien and The Thing have this; score ")


def test_the_films_of_the_list_are_liked_and_never_the_film_itself() -> None:
    class Always(MatrixFactorization):
        def because(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Longs]:
            return [np.arange(len(profile.value))] * len(item_index)

    model = Always(factors=4, epochs=2).fit(table(), n_threads=1)
    one, other = explain_each(model, Catalog(), {ITEM: 5.0, 7: 4.5, 17: 5.0, 27: 4.0}, [ITEM, 7])
    assert [liked.item_id for liked in one.because] == [7, 17]
    assert [liked.item_id for liked in other.because] == [ITEM, 17]


def test_the_film_itself_is_called_by_its_title_and_a_film_without_title_by_its_id(
    small: MatrixFactorization,
) -> None:
    found = explain(small, Catalog(), {ITEM: 5.0, 17: 1.0}, ITEM)
    assert "your own 5 stars for 507 add " in found.sentence()
    assert "your 1 star for 17 " in found.sentence()


# -- as a table and as JSON --------------------------------------------------------------------------------------


def test_the_lines_add_up_with_what_rounding_loses() -> None:
    found = made(
        ("Alien", 5, 1.404),
        ("Up", 3, 0.104),
        ("Big", 4, -0.004),
        item=0.424,
        user=-0.211,
        rest=0.004,
    )
    assert found.lines(1) == [
        ("the average rating", 3.5, None),
        ("the average person gives it more than the average rating", 0.42, None),
        ("you rate lower than most", -0.21, None),
        ("your 5 stars for Alien", 1.4, found.reasons[0].without),
        ("2 other ratings", 0.1, None),
        ("above the top of the scale", -0.22, None),
        ("rounding", 0.01, None),
        ("prediction", 5.0, None),
    ]
    assert [line.what for line in found.lines()[3:6]] == [
        "your 5 stars for Alien", "your 3 stars for Up", "your 4 stars for Big"
    ]  # fmt: skip


def test_the_columns_of_many_explanations_add_up(small: MatrixFactorization) -> None:
    for user in range(1, 60):
        *parts, prediction = explain(small, Catalog(), user, ITEM).lines(10)
        assert sum(line.amount for line in parts) == pytest.approx(prediction.amount, abs=1e-9)
        assert prediction.amount == round(small.predict(user, ITEM), 2)
        assert {line.what for line in parts[:1]} == {"the average rating"}


def test_as_json_the_parts_add_up_with_any_number_of_reasons(small: MatrixFactorization) -> None:
    found = explain(small, Catalog({ITEM: ALIENS}), 3, ITEM)
    for k in (0, 2, 1_000, None):
        told = json.loads(json.dumps(found.to_dict(k)))
        assert sum(told["parts"].values()) == pytest.approx(told["stars"], abs=1e-5)
        assert sum(one["contribution"] for one in told["reasons"]) == pytest.approx(
            told["parts"]["reasons"], abs=1e-4
        )
        assert len(told["reasons"]) + told["n_other_ratings"] == len(found.reasons)
    assert told["title"] == "Aliens (1986)"
    assert set(told["reasons"][0]) == {"item_id", "title", "stars", "contribution", "without"}
    assert told["sentence"] == found.sentence()


def test_without_it_is_explained_where_there_are_reasons(small: MatrixFactorization) -> None:
    assert explain(small, Catalog(), newcomer(3), ITEM).about_without == (
        "Without it: the prediction if you had not given this rating; your generosity is then re-estimated too."
    )
    without_bias = explain(fitted(PlainMF), Catalog(), newcomer(3), ITEM)
    assert (
        without_bias.about_without == "Without it: the prediction if you had not given this rating."
    )
    assert explain(fitted(Baseline), Catalog(), newcomer(3), ITEM).about_without == ""


def test_no_line_is_minus_nothing() -> None:
    amounts = [line.amount for line in made(("Alien", 5, -0.004), ("Up", 3, 0.004)).lines()]
    assert 0.0 in amounts
    assert "-0.0" not in map(str, amounts)


# -- edges -------------------------------------------------------------------------------------------------------


def test_a_table_of_one_rating_and_text_ids() -> None:
    one = Ratings.from_ids(["Ann"], ["Ångström"], [3.0], scale=Scale(1, 5, 1))
    guide = Guide(MatrixFactorization().fit(one, n_threads=1))
    assert guide.explain("Ann", "Ångström").sentence() == (
        "3.0 stars: the average person gives it the average rating; through your taste, your 1 rating changes nothing."
    )
    assert guide.explain({}, "Ångström").sentence() == (
        "3.0 stars: the average person gives it the average rating; none of your ratings are known."
    )


@pytest.mark.parametrize("model", [ItemKNN, UserKNN, ImplicitALS, EASE])
def test_of_a_table_of_who_has_what_the_score_is_explained(model: type[Recommender]) -> None:
    users = np.repeat(np.arange(9), 4)
    owned = Ratings.from_ids(users, users + np.tile(np.arange(4), 9), np.ones(36))
    found = explain(model().fit(owned, n_threads=1), Catalog(), 4, 5)
    assert (found.stars, found.clipping) == (None, 0)
    assert total(found) == pytest.approx(found.score, abs=1e-4)
    assert found.sentence().startswith(f"score {found.score:.3f}: ")
    assert "star" not in found.sentence() + found.about_without
    assert [line.what for line in found.lines(1) if line.without is not None] == [
        found.reasons[0].film.title
    ]


@pytest.mark.parametrize("model", [Baseline, MatrixFactorization, DotProduct])
def test_users_and_items_without_training_ratings(model: type[Recommender]) -> None:
    keep = (table().user_index >= 5) & (table().item_index >= 5)
    one = model().fit(table().subset(keep), n_threads=1)
    assert (
        explain(one, Catalog(), 1, ITEM)
        .sentence()
        .partition(".")[2]
        .find("none of your ratings are known.")
        > 0
    )
    assert (
        "nobody has rated it, so it counts as average" in explain(one, Catalog(), 9, 7).sentence()
    )


def test_a_model_that_cannot_explain_and_what_is_unknown() -> None:
    guide = Guide(fitted(MatrixFactorization))
    expected = "popularity cannot explain what it recommends; use hybrid."
    assert (
        error_message(UnsupportedError, lambda: Guide(fitted(Popularity)).explain(1, ITEM))
        == expected
    )
    assert error_message(UnknownNameError, lambda: guide.explain(3000, ITEM)).startswith(
        "No user '3000' among the 300 "
    )
    assert error_message(UnknownNameError, lambda: guide.explain(1, "No Such")).startswith(
        "No item 'No Such' among the 120 "
    )


# -- the command line --------------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    program = type(main)(commands={"explain": explain_command})
    result = CliRunner().invoke(program, ["explain", *map(str, words)], prog_name="matinee")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of the sample: mf with histories and without, popularity; and a person's ratings."""
    folder, data = tmp_path_factory.mktemp("models"), load("sample")
    model = MatrixFactorization(factors=16).fit(data.ratings, n_threads=1)
    Guide(model, data.catalog, Origin(note="A note.")).save(folder / "mf.matinee")
    Guide(model, data.catalog, Origin(has_history=False)).save(folder / "bare.matinee")
    baseline = Baseline().fit(data.ratings)
    Guide(baseline, data.catalog, Origin(has_history=False)).save(folder / "baseline.matinee")
    Guide(Popularity().fit(data.ratings), data.catalog).save(folder / "popularity.matinee")
    (folder / "mine.csv").write_text(
        "title,rating\nThe Matrix (1999),5\nAlien,4.5\nNo Such Film,3\n"
    )
    return folder


def test_the_command_prints_the_sentence_and_a_table_that_adds_up(files: Path) -> None:
    result = run(files / "mf.matinee", "--user", 1, "--item", "alien", "-k", 4)
    assert (result.exit_code, result.stderr) == (0, "A note.\n")
    guide = Guide.load(files / "mf.matinee")
    found = guide.explain(1, "alien")
    title, sentence, nothing, heading, *lines, empty, about = result.stdout.splitlines()
    assert (empty, about) == ("", found.about_without)
    assert (title, sentence, nothing) == ("Alien (1979)", found.sentence(), "")
    assert heading.split() == ["stars", "without", "it"]
    assert f"{len(found.reasons) - 4} other ratings" in result.stdout
    rows = [
        line.removeprefix(one.what).split() for line, one in zip(lines, found.lines(4), strict=True)
    ]
    amounts = [float(row[0]) for row in rows]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=1e-9)
    assert amounts[-1] == round(guide.predict(1, "alien"), 2)
    assert [float(row[1]) for row in rows if len(row) > 1] == [
        round(one.without, 2) for one in found.reasons[:4]
    ]


def test_the_command_prints_one_json_object(files: Path) -> None:
    result = run(files / "mf.matinee", "--user", 1, "--item", "alien", "--json")
    told = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert (told["user"], told["title"], len(told["reasons"])) == (1, "Alien (1979)", 10)
    assert sum(told["parts"].values()) == pytest.approx(told["stars"], abs=1e-4)


def test_a_new_person_gets_reasons_and_a_note_about_unknown_films(files: Path) -> None:
    result = run(files / "mf.matinee", "--ratings", files / "mine.csv", "--item", "Aliens")
    assert result.stderr.startswith("Skipped 1 row in ")
    assert "your 5 stars for The Matrix (1999)" in result.stdout
    assert "your 4.5 stars for Alien (1979)" in result.stdout
    told = json.loads(
        run(
            files / "mf.matinee", "--ratings", files / "mine.csv", "--item", "Aliens", "--json"
        ).stdout
    )
    assert (told["user"], told["parts"]["rest"], told["n_other_ratings"]) == (None, 0, 0)


def test_without_histories_the_error_names_the_command(files: Path) -> None:
    result = run(files / "bare.matinee", "--user", 1, "--item", "Alien")
    assert result.stderr == (
        "The ratings of user 1 are not in this file, so their contribution is a single number. "
        "To see the reasons, give the ratings:  "
        f"matinee explain {files / 'bare.matinee'} --ratings mine.csv --item Alien\n"
    )
    whole = Guide.load(files / "mf.matinee").explain(1, "Alien")
    assert f"prediction{whole.stars:>10.2f}".split() == result.stdout.splitlines()[-1].split()
    assert "your taste as learned in training" in result.stdout


def test_baseline_has_no_reasons_and_nobody_is_asked_for_ratings(files: Path) -> None:
    result = run(files / "baseline.matinee", "--user", 1, "--item", "Alien")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Without it" not in result.stdout


def test_a_reason_that_adds_nothing_has_no_sign(files: Path) -> None:
    result = run(files / "mf.matinee", "--user", 1, "--item", "Alien", "-k", 1000)
    amounts = re.findall(r"^your .*? ([-+]?0\.00) +\d\.\d\d$", result.stdout, re.MULTILINE)
    assert len(amounts) > 1
    assert set(amounts) == {"0.00"}


def test_the_error_for_an_unknown_user_contains_the_whole_command(files: Path) -> None:
    result = run(files / "mf.matinee", "--user", 99999, "--item", "The Matrix", "-k", 3, "--json")
    assert result.stderr.endswith(
        f"\nGive their ratings instead:  matinee explain {files / 'mf.matinee'} --ratings mine.csv "
        "--item 'The Matrix' -k 3 --json\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("popularity.matinee", "--user", 1, "--item", "Alien"),
            "popularity cannot explain what it recommends; use hybrid.",
        ),
        (("mf.matinee", "--user", 1, "--item", "Aliem"), "No item or title 'Aliem' among the "),
        (("mf.matinee", "--user", "x", "--item", "Alien"), "No user 'x' among the "),
        (("none.matinee", "--user", 1, "--item", "Alien"), "There is no model file "),
    ],
)
def test_what_cannot_be_explained_is_reported_in_one_line(
    files: Path, words: tuple[object, ...], told: str
) -> None:
    result = run(files / str(words[0]), *words[1:])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {told}")


def test_a_person_is_required(files: Path) -> None:
    result = run(files / "mf.matinee", "--item", "Alien")
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: Missing person: use --user ID, or --ratings FILE for a new person.\n"
    )


# -- real ratings ------------------------------------------------------------------------------------------------


def test_on_real_ratings_sequels_are_the_reasons_and_the_rest_is_small() -> None:
    real_data("ml-100k")
    data = load("ml-100k")
    guide = Guide(MatrixFactorization().fit(data.ratings, n_threads=1), data.catalog)
    fan = {"Empire Strikes Back, The (1980)": 5, "Return of the Jedi (1983)": 5, "Sense and Sensibility (1995)": 4,
           "Fargo (1996)": 4, "Liar Liar (1997)": 3, "English Patient, The (1996)": 2}  # fmt: skip
    found = guide.explain(guide.newcomer(fan)[0], "Star Wars (1977)")
    first = {reason.film.title for reason in found.reasons[:2]}
    assert first == {"Empire Strikes Back, The (1980)", "Return of the Jedi (1983)"}
    assert all(
        reason.contribution > 0.05 and reason.without < found.score for reason in found.reasons[:2]
    )
    rng = np.random.default_rng(0)
    pairs = data.ratings.subset(rng.choice(len(data.ratings), 150, replace=False))
    users, items = (
        pairs.users.ids[pairs.user_index].tolist(),
        pairs.items.ids[pairs.item_index].tolist(),
    )
    every = [guide.explain(user, f"id:{item}") for user, item in zip(users, items, strict=True)]
    assert np.median([abs(one.rest) for one in every]) < 0.03
    assert [total(one) for one in every] == pytest.approx(
        guide.model.predict_ratings(pairs).tolist(), abs=1e-4
    )


def test_notebooks_show_the_parts_and_the_sentence_escaped() -> None:
    reason = Reason(2, Film("<b>"), 5.0, 0.25, 3.5)
    found = Explanation(
        item_id=1,
        film=Film("A & B"),
        stars=4.0,
        score=4.0,
        mean=3.5,
        item=0.25,
        user=0.0,
        reasons=[reason],
        rest=0.0,
        clipping=0.0,
        is_exact=True,
        n_ratings=9,
        n_own_ratings=1,
    )
    html = found._repr_html_()
    assert "<th>A &amp; B</th><th>stars</th><th>without it</th>" in html
    assert "<td>your 5 stars for &lt;b&gt;</td><td>+0.25</td><td>3.50</td>" in html
    assert "<b>" not in html
