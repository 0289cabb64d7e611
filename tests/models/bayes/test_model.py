"""BayesianMF beyond the contract: the ordered probit, what explanations say of a rating left out, and odd tables."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest, norm, truncnorm

from matinee.data.catalog import Catalog
from matinee.data.ratings import NO_TIME, Ratings, Scale
from matinee.data.split import given_parts, random_split
from matinee.errors import SettingError, UnsupportedError
from matinee.evaluation.metrics import rmse
from matinee.models.bayes.model import BayesianMF
from matinee.models.bayes.ordered_probit import Link, Ordinal
from matinee.recommendation.explanation import explain
from matinee.recommendation.model_file import Origin, load_model, save_model
from matinee.threads import workers
from tests.conftest import simulated
from tests.helpers import (
    ITEM,
    all_attributed,
    arrays,
    assert_same,
    error_message,
    history,
    relabelled,
    table,
)

PROBIT: dict[str, Any] = {"likelihood": "probit", "samples": 30, "burn_in": 20}
every_likelihood = pytest.mark.parametrize("likelihood", ["regression", "probit"])


@cache
def fitted(likelihood: str = "probit") -> BayesianMF:
    return BayesianMF(likelihood=likelihood, samples=30, burn_in=20).fit(table(), n_threads=1)


# -- the chain ---------------------------------------------------------------------------------------------------


def levels_of(
    n: int, thresholds: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores, and ratings 1 to K of latent variables about them, with noise of variance 1."""
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal(n).astype(np.float32)
    value = 1 + np.searchsorted(thresholds, scores + rng.standard_normal(n))
    return scores, value.astype(np.float32)


def test_thresholds_and_latent_variables_have_the_distribution_that_integration_gives() -> None:
    scores, value = levels_of(40, np.array([-1, 0, 1.2]), seed=5)
    one = Ordinal(value, np.arange(1.0, 5), 2.5, 1.0)
    assert one.free.tolist() == [1]
    low, high = one.thresholds[[0, 2]]
    grid = np.linspace(low, high, 4001)[1:-1]
    logs = sum(
        np.log(norm.cdf(grid[:, None] - scores[value == 2]) - norm.cdf(low - scores[value == 2])).T
    )
    logs += sum(
        np.log(norm.cdf(high - scores[value == 3]) - norm.cdf(grid[:, None] - scores[value == 3])).T
    )
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    rng, drawn, latents = np.random.default_rng(0), [], []
    place = int(np.flatnonzero(value == 4)[0])
    with workers(1) as run:
        for _ in range(1000):
            latent = one.draw(rng, run, scores, np.ones(40))
            drawn.append(float(one.thresholds[1]))
            latents.append(float(latent[place]))
    assert one.accepted > 600
    thinned = np.array(drawn[::2])
    assert kstest(thinned, lambda x: np.interp(x, grid, np.cumsum(chances))).pvalue > 1e-3
    at = float(scores[place])
    assert kstest(np.array(latents[::2]) - at, truncnorm(high - at, np.inf).cdf).pvalue > 1e-3
    assert one.thresholds[[0, 2]].tolist() == [low, high]


def test_simulated_thresholds_are_found_again_given_the_scores() -> None:
    true = np.array([-2, -1.2, -0.1, 0.3, 1.5])
    scores, value = levels_of(30_000, true, seed=1)
    one = Ordinal(value, np.arange(1.0, 7), 3.5, 1.0)
    fixed = np.setdiff1d(np.arange(5), one.free)
    # scores in the units that the fixed thresholds make up
    unit = float(np.diff(one.thresholds[fixed])[0] / np.diff(true[fixed])[0])
    shift = float(one.thresholds[fixed[0]] - unit * true[fixed[0]])
    rng, drawn = np.random.default_rng(2), []
    with workers(2) as run:
        for _ in range(40):
            one.draw(
                rng, run, (shift + unit * scores).astype(np.float32), np.full(30_000, unit**-2)
            )
            drawn.append(one.thresholds)
    assert (np.diff(drawn, axis=1) > 0).all()
    np.testing.assert_allclose((np.mean(drawn[10:], axis=0) - shift) / unit, true, atol=0.03)
    assert one.accepted > 25


def simulated_levels(seed: int, edges: NDArray[np.float64]) -> Ratings:
    """Ratings of 400 users of 100 items: levels of a bias of each and noise."""
    rng = np.random.default_rng(seed)
    index = rng.permutation(400 * 100)[:16_000]
    users, items = np.divmod(index, 100)
    latent = (
        rng.normal(0, 0.5, 400)[users]
        + rng.normal(0, 0.7, 100)[items]
        + rng.normal(0, 0.8, len(index))
    )
    return Ratings.from_ids(
        users, items, 1.0 + np.searchsorted(edges, latent), scale=Scale(1, 5, 1)
    )


def test_a_fit_finds_uneven_thresholds_and_keeps_them_in_order() -> None:
    edges = np.array([-1.3, -0.9, -0.8, 0.9])
    one = BayesianMF(**PROBIT, factors=2, sets=False).fit(simulated_levels(3, edges), n_threads=1)
    draws = one.threshold_draws_.astype(np.float64)
    assert draws.shape == (one.item_draws_.shape[1], 4)
    assert (np.diff(draws, axis=1) > 0).all()
    assert one.levels_.tolist() == [1, 2, 3, 4, 5]
    gaps = np.diff(draws.mean(axis=0))
    np.testing.assert_allclose(gaps / gaps.sum(), np.diff(edges) / np.diff(edges).sum(), atol=0.02)


def test_uneven_levels_are_predicted_better_than_by_regression() -> None:
    part = random_split(simulated_levels(4, np.array([-1.3, -1.2, -1.1, -1.0])), 0.3)
    errors = []
    for name in ("regression", "probit"):
        one = BayesianMF(likelihood=name, samples=30, burn_in=20, factors=2).fit(part.train)
        errors.append(rmse(part.test.value, one.predict_ratings(part.test)))
    assert errors[1] < errors[0]


# -- the contract ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(n_threads: int) -> None:
    assert_same(arrays(fitted()), arrays(BayesianMF(**PROBIT).fit(table(), n_threads=n_threads)))


def test_fitting_with_regression_forgets_the_thresholds() -> None:
    new = simulated(50, 40, 800, seed=3)
    one = BayesianMF(**PROBIT).fit(new, n_threads=1)
    one.recommend(1)
    one.likelihood = "regression"
    one.fit(new, n_threads=1)
    assert (one.levels_.size, one.threshold_draws_.size) == (0, 0)
    twin = BayesianMF(**PROBIT | {"likelihood": "regression"}).fit(new, n_threads=1)
    assert all_attributed(one, 1) == all_attributed(twin, 1)


def test_a_saved_model_predicts_the_same(tmp_path: Path) -> None:
    save_model(tmp_path / "probit.matinee", fitted(), Catalog(), Origin())
    loaded = load_model(tmp_path / "probit.matinee")[0]
    assert_same(arrays(fitted()), arrays(loaded))
    few: dict[int | str, float] = {7: 5.0, 27: 1.0}
    for person in (1, few):
        assert all_attributed(loaded, person) == all_attributed(fitted(), person)


def test_predictions_are_inside_the_scale_and_the_same_one_by_one() -> None:
    some = table().subset(np.arange(0, 9_000, 900))
    some = Ratings.from_ids(
        some.users.ids[some.user_index], some.items.ids[some.item_index], some.value
    )
    stars = fitted().predict_ratings(some)
    assert np.all((stars >= 1) & (stars <= 5))
    for user, item, star in zip(
        some.user_index.tolist(), some.item_index.tolist(), stars.tolist(), strict=True
    ):
        assert fitted().predict(some.users.id(user), some.items.id(item)) == pytest.approx(
            star, abs=1e-4
        )


def test_no_level_can_be_passed() -> None:
    people: list[Any] = [1, 150, {}, {ITEM: 5.0, 7: 5.0, 27: 5.0, 37: 5.0}]
    for person in people:
        scores = fitted().all_stars(person)
        assert 1 <= scores.min() <= scores.max() <= 5


@every_likelihood
def test_certainty_is_that_of_the_pairs_and_grows_with_ratings(likelihood: str) -> None:
    one = fitted(likelihood)
    users, items = np.repeat([3, 77, 205], 4), np.tile([7, 17, 27, 107], 3)
    pairs = Ratings.from_ids(users, items, np.ones(12))
    asked = zip(users.tolist(), items.tolist(), strict=True)
    alone = [one.deviations(user, np.array([table().items.index(item)])) for user, item in asked]
    told = [deviations for deviations in alone if deviations is not None]
    np.testing.assert_allclose(one.predict_deviations(pairs), np.concatenate(told), rtol=1e-3)
    everything, mine = np.arange(table().n_items), list(history(table(), 1).items())
    few, many = (one.deviations(dict(mine[:n]), everything) for n in (2, len(mine)))
    assert few is not None
    assert many is not None
    assert many.mean() < few.mean()
    assert np.isfinite(few).all()


def test_folding_in_a_known_users_own_ratings_is_close_to_their_profile() -> None:
    for user in range(1, 301, 60):
        trained, folded = (
            all_attributed(fitted(), user),
            all_attributed(fitted(), history(table(), user)),
        )
        both = np.array([[trained[item], folded[item]] for item in trained])
        assert np.corrcoef(both.T)[0, 1] > 0.9
        assert np.abs(both[:, 0] - both[:, 1]).mean() < 0.15


@pytest.mark.parametrize("stars", [1.0, 5.0])
def test_a_person_with_equal_ratings_can_be_folded_in(stars: float) -> None:
    same: dict[int | str, float] = dict.fromkeys(table().items.ids.tolist(), stars)
    scores = fitted().all_stars(same)
    assert np.abs(scores - stars).mean() < 0.8
    mean = float(table().value.mean())
    assert (np.abs(scores - stars) < abs(mean - stars)).all()


def test_a_newcomers_scores_are_at_the_mode_of_their_posterior() -> None:
    one = fitted()
    profile = one.fold_in({7: 5.0, 27: 1.0, ITEM: 4.0})
    posterior = one._posterior(profile.item_index, profile.value)
    mode = posterior.solve()  # (S, F + 1)
    link = one._link
    assert link is not None
    level = link.level((profile.value - one.global_mean_) / one.deviation_)
    biases = one.item_draws_[profile.item_index, :, -1].T.astype(np.float64)
    scores = (posterior.items @ mode[..., None])[..., 0] + biases
    slopes, curvatures = link.respond(level, scores, one.noise_draws_.astype(np.float64))
    prior = one._prior(3).mean + posterior.sets.sum(axis=1)
    gradient = posterior.prior_precision * (prior - mode) + (
        slopes[..., None] * posterior.items
    ).sum(axis=1)
    scale = np.sqrt(np.diagonal(posterior.form, axis1=1, axis2=2))
    assert np.abs(gradient / scale).max() < 0.01  # in standard deviations from the mode
    expected = (posterior.items.transpose(0, 2, 1) * curvatures[:, None]) @ posterior.items
    expected[:, range(33), range(33)] += posterior.prior_precision
    np.testing.assert_allclose(posterior.form, expected, rtol=0.02, atol=0.02)


def test_a_score_is_the_sum_of_its_parts() -> None:
    one = fitted()
    few: dict[int | str, float] = {7: 5.0, 27: 1.0, ITEM: 4.0}
    people: list[Any] = [1, 150, 300, history(table(), 1), few, {7: 2.0}, {}]
    for person in people:
        score, parts = one.parts(person, ITEM)
        assert not parts.is_exact or not person
        assert score == pytest.approx(all_attributed(one, person)[ITEM], abs=1e-5)
        total = parts.mean + parts.user + parts.item + float(parts.ratings.sum())
        assert total == pytest.approx(score, abs=0.3 if isinstance(person, int) else 1e-4)
        found = explain(one, Catalog(), person, ITEM)
        total = (
            found.mean
            + found.user
            + found.item
            + sum(reason.contribution for reason in found.reasons)
        )
        assert total + found.rest + found.clipping == pytest.approx(
            one.predict(person, ITEM), abs=1e-4
        )
    assert (parts.user, parts.ratings.tolist()) == (0, [])


def test_a_higher_rating_of_a_film_adds_more_to_it() -> None:
    few: dict[int | str, float] = {7: 5.0, 27: 1.0}
    for others in (few, history(table(), 1)):
        own = []
        for stars in (1.0, 3.0, 5.0):
            _, parts = fitted().parts(others | {ITEM: stars}, ITEM)
            own.append(parts.user + parts.ratings[list(others | {ITEM: stars}).index(ITEM)])
        assert own == sorted(set(own))


def test_other_ids_and_another_order_of_rows_change_no_quality() -> None:
    part = random_split(table(), 0.2)
    rng = np.random.default_rng(0)
    users, items = rng.permutation(1000)[:300], rng.permutation(1000)[:120]
    other = given_parts(
        relabelled(part.train, users, items, rng.permutation(len(part.train))),
        relabelled(part.test, users, items, rng.permutation(len(part.test))),
    )
    errors = []
    for one in (part, other):
        model = BayesianMF(**PROBIT).fit(one.train, n_threads=1)
        errors.append(rmse(one.test.value, model.predict_ratings(one.test)))
    assert errors[0] == pytest.approx(errors[1], abs=0.01)


# -- settings ----------------------------------------------------------------------------------------------------


def test_an_unknown_likelihood_is_refused() -> None:
    assert error_message(SettingError, lambda: BayesianMF(likelihood="probbit")) == (
        "bayes: likelihood must be regression or probit, not 'probbit' (default regression). Did you mean 'probit'?"
    )


def test_the_probit_refuses_ratings_without_a_few_levels() -> None:
    rng = np.random.default_rng(0)
    users, items = np.divmod(np.arange(100), 10)
    many = Ratings.from_ids(users, items, rng.permutation(100) / 10.0)
    same = Ratings.from_ids(users, items, np.full(100, 4.0), scale=Scale(1, 5, 1))
    assert error_message(UnsupportedError, lambda: BayesianMF(**PROBIT).fit(many)) == (
        "bayes: likelihood=probit needs ratings with 2 to 20 levels, but these have 100; use likelihood=regression."
    )
    assert error_message(UnsupportedError, lambda: BayesianMF(**PROBIT).fit(same)) == (
        "bayes: likelihood=probit needs ratings with 2 to 20 levels, but these have 1; use likelihood=regression."
    )


# -- explanations ------------------------------------------------------------------------------------------------


@every_likelihood
def test_the_effect_of_a_rating_is_that_of_folding_in_without_it(likelihood: str) -> None:
    one = fitted(likelihood)
    mine = dict(list(history(table(), 5).items())[:12])
    people: list[Any] = [mine, {7: 5.0, 27: 1.0}, {7: 5.0}]
    for person in people:
        for item in (ITEM, 7, 107):
            found = one.parts(person, item)[1].without
            for place, left_out in enumerate(person):
                rest = {film: stars for film, stars in person.items() if film != left_out}
                # the parts in double precision, which scores are not
                expected = (
                    exact_score(one, rest, item)
                    if likelihood == "regression"
                    else one.parts(rest, item)[0]
                )
                assert found[place] == pytest.approx(
                    expected, abs=1e-6 if likelihood == "regression" else 0.1
                )


def exact_score(one: BayesianMF, person: dict[Any, float], item: int) -> float:
    parts = one.parts(person, item)[1]
    return parts.mean + parts.user + parts.item + float(parts.ratings.sum())


# -- odd tables --------------------------------------------------------------------------------------------------

ODD = {
    "two users": ([1, 1, 2], [1, 2, 2], [3.0, 4.0, 5.0]),
    "two ratings": ([1, 2], [1, 2], [1.0, 2.0]),
    "all items rated by everyone": (
        np.repeat(np.arange(8), 5),
        np.tile(np.arange(5), 8),
        np.arange(40) % 5 + 1.0,
    ),
    "huge ratings": (np.arange(60) // 6, np.arange(60) % 6, (np.arange(60) % 5 + 1) * 1e6),
    "likes and dislikes": (
        np.arange(60) // 6,
        np.arange(60) % 6,
        (np.arange(60) * 7 % 11 < 5) * 1.0,
    ),
    "three levels": (np.arange(60) // 6, np.arange(60) % 6, np.arange(60) * 7 % 11 % 3 + 1.0),
    "a level of one rating": (
        np.arange(60) // 6,
        np.arange(60) % 6,
        np.append(np.arange(59) % 2 + 4.0, 1.0),
    ),
}
odd_settings: list[dict[str, Any]] = [
    {"samples": 30, "burn_in": 10},
    {"factors": 1, "samples": 1, "burn_in": 0},
    {"kept": 50, "samples": 10, "burn_in": 2, "factors": 3, "noise_pooling": 0.0},
    {"seconds": 0.001, "burn_in": 0, "factors": 2},
    {"set_rank": 1, "samples": 12, "burn_in": 0, "factors": 40, "tolerance": 1.0},
]


def assert_sane(one: BayesianMF, ratings: Ratings) -> None:
    stars, deviations = one.predict_ratings(ratings), one.predict_deviations(ratings)
    low, high, _ = ratings.scale
    assert np.isfinite(deviations).all()
    assert (deviations > 0).all()
    assert ((stars >= low) & (stars <= high)).all()
    for name, array in arrays(one).items():
        assert name in {"losses_", "item_means_"} or np.isfinite(array).all(), name
    person = dict(zip(ratings.items.ids[:2].tolist(), [high, low], strict=False))
    for someone in (person, ratings.users.ids[:1].tolist()[0], {}):
        item = ratings.items.ids[-1]
        score, parts = one.parts(someone, item.item())
        assert np.isfinite([score, *parts.without, *parts.ratings, parts.user, parts.item]).all()
        assert all(
            np.isfinite(found.score) for found in one.recommend(someone, 3, include_seen=True)
        )


@every_likelihood
@pytest.mark.parametrize("name", ODD)
def test_odd_tables_are_fitted(name: str, likelihood: str) -> None:
    users, items, value = (np.asarray(column) for column in ODD[name])
    ratings = Ratings.from_ids(users, items, value)
    for settings in odd_settings:
        assert_sane(
            BayesianMF(likelihood=likelihood, **settings).fit(ratings, n_threads=1), ratings
        )


@every_likelihood
def test_times_may_be_missing_and_items_without_ratings(likelihood: str) -> None:
    users, items, value = (np.asarray(column) for column in ODD["all items rated by everyone"])
    times = np.where(np.arange(40) % 3 == 0, NO_TIME, 1_000_000 + np.arange(40) * 40_000)
    ratings = Ratings.from_ids(users, items, value, times)
    for some in (
        ratings,
        ratings.subset(np.flatnonzero((ratings.item_index > 0) & (ratings.user_index > 0))),
    ):
        assert_sane(
            BayesianMF(likelihood=likelihood, samples=20, burn_in=0).fit(some, n_threads=1), ratings
        )
    never = Ratings.from_ids(users, items, value, np.full(40, NO_TIME))
    assert_sane(
        BayesianMF(likelihood=likelihood, samples=20, burn_in=0).fit(never, n_threads=1), never
    )


def test_a_link_of_two_levels_gives_their_chances() -> None:
    link = Link(np.zeros((1, 1), np.float32), np.array([0.0, 1.0]))
    mean, variance = link.mean_and_variance(
        np.array([[0.0, 2, -2]], np.float32), np.full(3, 4, np.float32)
    )
    np.testing.assert_allclose(mean, norm.cdf([0, 1, -1]), atol=1e-6)
    np.testing.assert_allclose(variance, norm.cdf([0, 1, -1]) * norm.cdf([0, -1, 1]), atol=1e-6)
