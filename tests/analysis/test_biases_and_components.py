"""What a model has learned: bias rankings whose intervals hold, who is generous, and components with a meaning."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from matinee import (
    Baseline,
    Catalog,
    DotProduct,
    EmbeddingMLP,
    Film,
    Guide,
    MatrixFactorization,
    PlainMF,
    Popularity,
    load,
)
from matinee.analysis import (
    BiasLine,
    Component,
    Meaning,
    bias_ranking,
    bias_unit,
    components,
    disagreements,
    generosity,
)
from matinee.analysis.components import _groups, _meanings
from matinee.cli.biases import biases
from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnsupportedError
from matinee.models.base import Recommender
from tests.conftest import real_data, simulated
from tests.helpers import error_message, fitted

WITHOUT = "This model was saved without histories, so it does not know who rated what; train it without --no-history."

PUBLISHED = """
Schindler's List (1993); Shawshank Redemption, The (1994); Casablanca (1942); Rear Window (1954); Star Wars (1977);
Close Shave, A (1995); Usual Suspects, The (1995); Wrong Trousers, The (1993); Silence of the Lambs, The (1991);
Good Will Hunting (1997); Raiders of the Lost Ark (1981); North by Northwest (1959);
One Flew Over the Cuckoo's Nest (1975); Vertigo (1958); Titanic (1997); L.A. Confidential (1997);
Godfather, The (1972); Boot, Das (1981); To Kill a Mockingbird (1962); 12 Angry Men (1957);
Wallace & Gromit: The Best of Aardman Animation (1996); Manchurian Candidate, The (1962);
As Good As It Gets (1997); Third Man, The (1949); Citizen Kane (1941);
Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1963); Secrets & Lies (1996);
It's a Wonderful Life (1946); Empire Strikes Back, The (1980); Fargo (1996); Henry V (1989); Blade Runner (1982);
Amadeus (1984); Braveheart (1995); Bridge on the River Kwai, The (1957); Princess Bride, The (1987);
Maltese Falcon, The (1941); African Queen, The (1951); Glory (1989); Wizard of Oz, The (1939)
"""
"""The forty highest biases of the EmbeddingNet tutorial on ML-100K."""


def without_history(guide: Guide, folder: Path) -> Guide:
    replace(guide, origin=replace(guide.origin, has_history=False)).save(folder / "bare.matinee")
    return Guide.load(folder / "bare.matinee")


# -- the intervals hold ------------------------------------------------------------------------------------------


def world(seed: int, link: bool = False) -> tuple[Ratings, NDArray[np.float64]]:
    """30,000 ratings of 400 items, some popular and some not, with the true biases of the items, whose ids are their
    places; through a sigmoid from 0 to 5.5 if wanted."""
    rng = np.random.default_rng(seed)
    chances = [rng.lognormal(0, sigma, n) for n, sigma in ((600, 0.8), (400, 1.2))]
    user, item = (rng.choice(len(one), 90_000, p=one / one.sum()) for one in chances)
    pairs = rng.permutation(np.unique(user * 400 + item))[:30_000]
    user, item = pairs // 400, pairs % 400
    item_bias, tastes = rng.normal(0, 0.5, 400), rng.normal(size=(600, 3))
    directions = rng.normal(size=(400, 3)) * 0.5 / np.sqrt(3)
    raw = (
        rng.normal(0, 0.4, 600)[user]
        + item_bias[item]
        + np.einsum("nf,nf->n", tastes[user], directions[item])
    )
    value = 5.5 / (1 + np.exp(-0.5 - raw)) if link else 3.5 + raw
    value += rng.normal(0, 0.8, len(pairs))
    scale = Scale(1, 5, 1) if link else Scale(-10, 15, 0)
    return Ratings.from_ids(
        user, item, value.clip(0, 5.5) if link else value, scale=scale
    ), item_bias


def coverage(
    model: type[Recommender], link: bool, raw: tuple[bool, ...] = (False,)
) -> list[tuple[float, float]]:
    """For each ranking: how many intervals of items with 5 ratings or more hold the true bias, and how steeply the
    biases of items with 60 or more follow the truth."""
    holds, slopes = np.zeros((3, len(raw))), np.zeros((3, len(raw)))
    for seed in range(3):
        ratings, truth = world(seed, link)
        guide = Guide(model(seed=seed).fit(ratings, n_threads=1))
        for column, alone in enumerate(raw):
            lines = [line for line in bias_ranking(guide, 1_000, raw=alone) if line.n_ratings >= 5]
            assert len(lines) > 350
            half = {line.item_id: line.high - line.bias for line in bias_ranking(guide, 1_000)}
            bias, half_width, n = np.array(
                [(line.bias, half[line.item_id], line.n_ratings) for line in lines]
            ).T
            low, high = bias - half_width, bias + half_width
            true = truth[[int(line.item_id) for line in lines]]
            zero = np.average(
                bias - true, weights=(high - low) ** -2.0
            )  # where biases begin is a matter of the mean
            holds[seed, column] = np.mean((low - zero <= true) & (true <= high - zero))
            slopes[seed, column] = np.polyfit(true[n >= 60], bias[n >= 60], 1)[0]
    return list(zip(holds.mean(axis=0).tolist(), slopes.mean(axis=0).tolist(), strict=True))


@pytest.mark.parametrize("model", [Baseline, MatrixFactorization])
def test_nineteen_of_twenty_intervals_hold_the_true_bias(model: type[Recommender]) -> None:
    ((held, slope),) = coverage(model, link=False)
    assert 0.92 <= held <= 0.98
    assert 0.9 < slope < 1.05


def test_in_dot_product_most_of_the_bias_hides_in_the_factors_and_is_found_there() -> None:
    (held, slope), (held_alone, slope_alone) = coverage(DotProduct, link=True, raw=(False, True))
    assert (
        held > 0.8
    )  # the weight decay pulls all biases to zero, which no interval about them can know
    assert slope > 0.75
    assert held_alone < 0.5
    assert slope_alone < 0.5


def test_the_intervals_are_those_of_the_formula() -> None:
    ratings = simulated(40, 12, 200)
    model = Baseline().fit(ratings, n_threads=1)
    squares: dict[int, list[float]] = {item: [] for item in range(12)}
    for user, item, value in zip(
        ratings.user_index.tolist(),
        ratings.item_index.tolist(),
        ratings.value.tolist(),
        strict=True,
    ):
        expected = (
            float(model.global_mean_)
            + float(model.user_bias_[user])
            + float(model.item_bias_[item])
        )
        squares[item].append((value - expected) ** 2)
    common = float(np.mean([one for many in squares.values() for one in many]))
    spread = float(model.item_bias_.astype(np.float64).var())
    for line in bias_ranking(Guide(model), 12):
        item = model.items_.index(line.item_id)
        own = (sum(squares[item]) + 20 * common) / (len(squares[item]) + 20)
        half = 1.96 * np.sqrt(own / (len(squares[item]) + common / spread))
        assert line.bias == pytest.approx(
            float(model.item_bias_[item]) + float(np.median(model.user_bias_))
        )
        assert (line.low, line.high) == pytest.approx((line.bias - half, line.bias + half))


def test_for_a_sigmoid_the_interval_is_wider_by_its_slope() -> None:
    """A model whose biases alone predict, so that the slopes can be had by hand."""
    model = DotProduct(factors=2, epochs=1).fit(simulated(40, 12, 200), n_threads=1)
    model.user_factors_[:], model.item_factors_[:], model.user_bias_[:] = 0, 0, 0
    low, high = model.range_.tolist()
    user = np.repeat(np.arange(len(model.users_)), model.history_.counts)
    stars = low + (high - low) / (
        1 + np.exp(-model.item_bias_.astype(np.float64)[model.history_.item_index])
    )
    squares, slopes = (
        (model.history_.value - stars) ** 2,
        (stars - low) * (high - stars) / (high - low),
    )
    assert len(user) == len(stars)
    for line in bias_ranking(Guide(model), 12):
        mine = model.history_.item_index == model.items_.index(line.item_id)
        variance = (squares[mine].sum() + 20 * squares.mean()) / (mine.sum() + 20)
        spread = model.item_bias_.astype(np.float64).var()
        half = 1.96 * np.sqrt(variance / ((slopes[mine] ** 2).sum() + squares.mean() / spread))
        assert line.high - line.bias == pytest.approx(half, rel=1e-4)


# -- rankings ----------------------------------------------------------------------------------------------------


def loved_by_three() -> Guide:
    """Item "three" has three ratings of 5; "many" has ninety of 4.8 on average; the others are at 3."""
    rng = np.random.default_rng(0)
    users = [f"u{number:02}" for number in range(90)]
    rows = [(user, "many", 5.0 if rng.random() < 0.8 else 4.0) for user in users]
    rows += [(user, "three", 5.0) for user in users[:3]]
    rows += [(user, "hated", 1.0) for user in users[3:5]]
    rows += [
        (user, f"film {number}", float(rng.integers(2, 5))) for user in users for number in range(6)
    ]
    people, items, stars = (list(column) for column in zip(*rows, strict=True))
    model = Baseline(item_shrinkage=0.01).fit(Ratings.from_ids(people, items, stars), n_threads=1)
    return Guide(model, Catalog({"many": Film("Many, The (1990)", 1990, ("Drama",))}))


def test_three_enthusiasts_do_not_make_the_best_film_unless_the_raw_ranking_is_wanted() -> None:
    guide = loved_by_three()
    best, raw = bias_ranking(guide, 2), bias_ranking(guide, 2, raw=True)
    assert [line.item_id for line in best] == ["many", "three"]
    assert [line.item_id for line in raw] == ["three", "many"]
    assert np.isnan(
        [(line.low, line.high) for line in raw]
    ).all()  # the interval is that of another number
    assert raw[0].to_dict()["low"] is raw[0].to_dict()["high"] is None
    model: Any = guide.model
    shift = float(np.median(model.user_bias_))
    assert [line.bias + shift for line in raw] == pytest.approx([line.bias for line in best[::-1]])
    assert best[0].low > best[1].low
    assert best[0].n_ratings == 90
    assert best[1].mean == 5.0
    assert best[0].film.title == "Many, The (1990)"
    assert best[1].film == Film("three")  # without a title the id


@pytest.mark.parametrize("model", [Baseline, MatrixFactorization, DotProduct])
def test_best_are_by_the_lower_end_and_worst_by_the_upper(model: type[Recommender]) -> None:
    guide = Guide(fitted(model))
    every, worst = bias_ranking(guide, 500), bias_ranking(guide, 500, lowest=True)
    assert len(every) == len(worst) == 120  # k is larger than there are
    assert [line.low for line in every] == sorted((line.low for line in every), reverse=True)
    assert [line.high for line in worst] == sorted(line.high for line in worst)
    assert {line.item_id: line for line in every} == {line.item_id: line for line in worst}
    assert bias_ranking(guide, 3) == every[:3]
    assert all(line.low < line.bias < line.high for line in every)
    assert bias_unit(guide.model) == ("logits" if model is DotProduct else "stars")


@pytest.mark.parametrize("lowest", [False, True])
def test_the_raw_ranking_is_by_the_bias_alone(lowest: bool) -> None:
    model: Any = fitted(DotProduct)
    lines = bias_ranking(Guide(model), 120, raw=True, lowest=lowest)
    order = np.argsort(model.item_bias_ if lowest else -model.item_bias_, kind="stable")
    assert [line.item_id for line in lines] == model.items_.ids[order].tolist()
    assert [line.bias for line in lines] == pytest.approx(model.item_bias_[order].tolist())


def test_items_and_users_without_ratings_are_in_no_ranking() -> None:
    ratings = simulated()
    model = MatrixFactorization(epochs=2).fit(
        ratings.subset((ratings.item_index > 4) & (ratings.user_index > 2))
    )
    assert {line.item_id for line in bias_ranking(Guide(model), 500)} == set(
        ratings.items.ids[5:].tolist()
    )
    assert {line.user_id for line in generosity(Guide(model), 500)} == set(
        ratings.users.ids[3:].tolist()
    )


def tell_of_no_biases(model: Recommender) -> None:
    guide = Guide(model.fit(simulated(40, 12, 200), n_threads=1))
    told = f"{model.name} learns no biases; use mf, dot-product or baseline."
    for ask in (bias_ranking, generosity, disagreements):
        assert error_message(UnsupportedError, ask, guide) == told
    assert error_message(UnsupportedError, bias_unit, guide.model) == told


@pytest.mark.parametrize(
    "model", [Popularity(), PlainMF(epochs=1), DotProduct(epochs=1, biases=False)]
)
def test_a_model_without_biases_names_those_that_have_them(model: Recommender) -> None:
    tell_of_no_biases(model)


@pytest.mark.usefixtures("one_torch_thread")
def test_the_network_of_embeddings_has_no_biases() -> None:
    tell_of_no_biases(EmbeddingMLP(epochs=1))


@pytest.mark.parametrize("ask", [bias_ranking, generosity, disagreements, components])
def test_a_list_has_at_least_one_place(ask: Any) -> None:
    guide = Guide(fitted(MatrixFactorization))
    assert error_message(SettingError, ask, guide, k=0) == "k must be at least 1, not 0."
    assert error_message(SettingError, components, guide, n=0) == "n must be at least 1, not 0."
    assert error_message(SettingError, ask, guide, k=2.5) == "k must be a whole number, not '2.5'."


def test_asking_changes_nothing() -> None:
    model: Any = fitted(DotProduct)
    before = [
        getattr(model, name).copy() for name in ("item_bias_", "item_factors_", "user_factors_")
    ]
    for ask in (bias_ranking, generosity, disagreements, components):
        assert ask(Guide(model)) == ask(Guide(model))
    after = [getattr(model, name) for name in ("item_bias_", "item_factors_", "user_factors_")]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_one_user_one_item_and_equal_ratings_are_no_trouble() -> None:
    tables = {
        "one user": Ratings.from_ids([1, 1, 1], [1, 2, 3], [1.0, 3.0, 5.0]),
        "one item": Ratings.from_ids([1, 2, 3], [1, 1, 1], [1.0, 3.0, 5.0]),
        "one rating": Ratings.from_ids(["ann"], ["alien"], [4.0], scale=Scale(1, 5, 1)),
        "all equal": Ratings.from_ids([1, 1, 2, 2], [1, 2, 1, 2], [4.0] * 4, scale=Scale(1, 5, 1)),
    }
    for name, table in tables.items():
        for model in (Baseline(), MatrixFactorization(epochs=3), DotProduct(epochs=2, factors=3)):
            guide = Guide(model.fit(table, n_threads=1))
            lines, people = bias_ranking(guide), generosity(guide, lowest=True)
            assert (len(lines), len(people)) == (table.n_items, table.n_users), name
            assert np.isfinite([(one.low, one.high) for one in lines]).all(), name
            assert np.isfinite([(one.low, one.high) for one in people]).all(), name
            assert disagreements(guide) == [], name  # nothing has five ratings


# -- people ------------------------------------------------------------------------------------------------------


def test_the_most_generous_are_those_who_give_more_than_others_do() -> None:
    rng = np.random.default_rng(1)
    users, items = np.divmod(np.arange(40 * 30), 30)
    generous = np.where(users == 7, 1.0, np.where(users == 3, -1.0, 0.0))
    value = np.clip(3 + generous + rng.normal(0, 0.4, 1200), 1, 5)
    some = (users != 11) | (items < 1)
    value[(users == 11) & (items < 1)] = 5  # a single rating, the highest
    ratings = Ratings.from_ids(users[some], items[some], value[some], scale=Scale(1, 5, 0))
    for model in (Baseline(), MatrixFactorization(), DotProduct()):
        guide = Guide(model.fit(ratings, n_threads=1))
        best, strict = generosity(guide, 1)[0], generosity(guide, 1, lowest=True)[0]
        assert (best.user_id, strict.user_id) == (7, 3)
        assert best.n_ratings == 30
        assert best.mean == pytest.approx(float(value[users == 7].mean()), abs=1e-6)
        assert best.low < best.bias < best.high
        assert len(generosity(guide, 100)) == 40


# -- where bias and mean disagree --------------------------------------------------------------------------------


def lopsided() -> Ratings:
    """Half of the people are strict and half are generous; only the former saw film 0, only the latter film 1."""
    rng = np.random.default_rng(2)
    habit = np.where(np.arange(80) < 40, -0.8, 0.8)
    users, items = np.divmod(np.arange(80 * 20), 20)
    seen = ((items != 0) | (habit[users] < 0)) & ((items != 1) | (habit[users] > 0))
    users, items = users[seen], items[seen]
    value = 3 + habit[users] + rng.normal(0, 0.3, len(users))
    return Ratings.from_ids(users, items, value.clip(1, 5), scale=Scale(1, 5, 0))


def test_a_film_that_only_strict_people_saw_is_better_than_its_mean() -> None:
    for model in (Baseline(), MatrixFactorization(), DotProduct(epochs=10)):
        guide = Guide(model.fit(lopsided(), n_threads=1))
        better, worse = disagreements(guide), disagreements(guide, lowest=True)
        assert (better[0].item_id, worse[0].item_id) == (0, 1)
        assert better[0].audience is not None
        assert worse[0].audience is not None
        assert better[0].audience < -0.5
        assert worse[0].audience > 0.5
        assert worse[0].audience - better[0].audience == pytest.approx(1.6, abs=0.6)
        assert better[0].mean < 2.5
        assert worse[0].mean > 3.5
        assert not {line.item_id for line in better} & {line.item_id for line in worse}


def test_the_audience_is_what_is_predicted_for_the_raters_beyond_the_average_person() -> None:
    model = MatrixFactorization(factors=3, adapt=False).fit(lopsided(), n_threads=1)
    model.item_factors_ = np.random.default_rng(0).normal(1, 0.3, (20, 3)).astype(np.float32)
    model.user_factors_ = np.random.default_rng(1).normal(0.1, 0.1, (80, 3)).astype(np.float32)
    lines = disagreements(Guide(model), 50) + disagreements(Guide(model), 50, lowest=True)
    assert {0, 1} <= {line.item_id for line in lines}
    for line in lines:
        item = model.items_.index(line.item_id)
        average = model.global_mean_ + np.median(model.user_bias_) + model.item_bias_[item]
        raters = [user for user in model.users_.ids.tolist() if line.item_id in rated(model, user)]
        stars = [model.predict(user, line.item_id) for user in raters]
        assert line.n_ratings == len(raters) >= 5
        assert line.audience == pytest.approx(np.mean(stars) - np.clip(average, 1, 5), abs=1e-3)


def rated(model: Recommender, user: Id) -> set[Id]:
    return set(model.items_.ids[model.profile(user).item_index].tolist())


# -- files without histories -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Baseline, MatrixFactorization, DotProduct])
def test_without_histories_the_deviation_is_supposed_and_people_are_unknown(
    model: type[Recommender], tmp_path: Path
) -> None:
    whole = Guide(fitted(model))
    bare = without_history(whole, tmp_path)
    lines = {line.item_id: line for line in bias_ranking(bare, 500)}
    for line in bias_ranking(whole, 500):
        other = lines[line.item_id]
        assert other.bias == pytest.approx(line.bias, abs=1e-6)
        assert 0.5 < (other.high - other.low) / (line.high - line.low) < 2
        assert (other.mean, other.n_ratings) == (line.mean, line.n_ratings)
    for ask in (generosity, disagreements):
        assert error_message(UnsupportedError, ask, bare) == WITHOUT
    if model is Baseline:
        spread = float(fitted(model).item_bias_.astype(np.float64).var())  # type: ignore[attr-defined]
        line = lines[7]
        assert line.high - line.bias == pytest.approx(
            1.96 / np.sqrt(line.n_ratings + 1 / spread)
        )  # (5 - 1) / 4 = 1
    else:
        assert components(bare) == components(whole)


# -- components --------------------------------------------------------------------------------------------------


def planted() -> Guide:
    """60 films on two axes: Action against Drama and the 1940s on the first, nothing that anyone calls a genre on the
    second. The last film has neither title nor year nor genre."""
    model = MatrixFactorization(factors=4, epochs=1).fit(simulated(100, 60, 3_000), n_threads=1)
    rng = np.random.default_rng(3)
    kind = np.arange(60) % 3
    model.item_factors_ = np.zeros((60, 4), np.float32)
    model.item_factors_[:, 0] = np.array([-3, 3, 0])[kind] + rng.normal(0, 0.5, 60)
    model.item_factors_[:, 1] = rng.normal(0, 1, 60)
    films: dict[Id, Film] = {}
    for place, item_id in enumerate(model.items_.ids[:59].tolist()):
        year = 1940 + place % 10 if kind[place] == 1 and place % 2 else 1980 + place % 10
        genres = (("Action",), ("Drama",), ("Comedy",))[kind[place]]
        films[item_id] = Film(f"Film {place} ({year})", year, (*genres, "Film"))
    return Guide(model, Catalog(films))


def test_a_component_is_described_in_words() -> None:
    first, second = components(planted(), 2, 5)
    assert first.number == 1
    assert first.sentence() in (
        f"Component 1 ({first.explained:.0%} of the variance): from Action and the 1980s to Drama and the 1940s.",
        f"Component 1 ({first.explained:.0%} of the variance): from Drama and the 1940s to Action and the 1980s.",
    )
    told = f"Component 2 ({second.explained:.0%} of the variance) does not separate genres or decades ("
    assert second.sentence().startswith(told)
    assert 0.7 < first.explained < 1
    # A genre that every film has separates nothing, and a group of fewer than five films is not tried.
    assert {one.name for one in first.meanings} == {"Action", "Drama", "Comedy", "1940s", "1980s"}
    effects = {one.name: one.effect for one in first.meanings}
    assert abs(effects["Action"]) == abs(effects["Drama"]) == 1.0
    assert abs(effects["Comedy"]) < 0.2
    sizes = {one.name: one.n for one in first.meanings}
    assert sizes == {"Action": 20, "Drama": 20, "Comedy": 19, "1940s": 10, "1980s": 49}


def test_the_ends_of_a_component_are_the_films_farthest_out() -> None:
    guide = planted()
    model: Any = guide.model
    first = components(guide, 1, 4)[0]
    vectors = model.item_factors_.astype(np.float64)
    left, _, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    side = left[:, 0] * np.sign(left[np.abs(left[:, 0]).argmax(), 0])
    order = model.items_.ids[np.argsort(side)].tolist()
    assert [end.item_id for end in first.low_end] == order[:4]
    assert [end.item_id for end in first.high_end] == order[::-1][:4]
    assert [end.position for end in first.low_end] == sorted(end.position for end in first.low_end)
    assert len(components(guide, 1, 1_000)[0].high_end) == 30  # half of them
    assert len(components(guide, 9)) == 4  # as many as there are factors


def test_the_effect_is_cliffs_delta_counted_pair_by_pair() -> None:
    rng = np.random.default_rng(4)
    positions = np.round(rng.normal(size=(30, 2)), 1)  # some are equal
    films = [
        Film(str(row), None, tuple(name for name in "ABC" if rng.random() < 0.4))
        for row in range(30)
    ]
    for x, meanings in zip(positions.T, _meanings(positions, films), strict=True):
        assert [one.name for one in sorted(meanings)] == ["A", "B", "C"]
        assert [abs(one.effect) for one in meanings] == sorted(
            (abs(one.effect) for one in meanings), reverse=True
        )
        for one in meanings:
            inside = [row for row, film in enumerate(films) if one.name in film.genres]
            outside = [row for row, film in enumerate(films) if one.name not in film.genres]
            pairs = [np.sign(x[row] - x[other]) for row in inside for other in outside]
            assert one.effect == pytest.approx(np.mean(pairs))
            assert one.n == len(inside)


def test_the_p_value_of_a_single_group_is_that_of_all_permutations() -> None:
    from itertools import combinations

    x = np.array([0.1, 0.4, 0.5, 0.9, 1.3, 1.4, 2.0, 2.2, 2.9, 3.5])
    films = [Film(str(row), 1950 if row in (2, 5, 6, 8, 9) else None) for row in range(10)]
    found = _meanings(x[:, None], films)[0][0]
    ranks = np.arange(10) + 1
    all_sums = np.array([sum(ranks[list(some)]) for some in combinations(range(10), 5)])
    exact = np.mean(np.abs(all_sums - 27.5) >= abs(ranks[[2, 5, 6, 8, 9]].sum() - 27.5))
    assert (found.name, found.kind, found.n) == ("1950s", "decade", 5)
    assert found.p_value == pytest.approx(exact, abs=0.025)


def test_where_there_is_nothing_to_find_one_component_in_twenty_finds_something() -> None:
    rng = np.random.default_rng(5)
    films = [
        Film(str(row), None, tuple(name for name in "ABCDEFGH" if rng.random() < 0.3))
        for row in range(50)
    ]
    found = _meanings(rng.normal(size=(50, 300)), films)
    assert all(len(meanings) == 8 for meanings in found)
    alarms = sum(any(one.p_value < 0.05 for one in meanings) for meanings in found)
    assert 3 <= alarms <= 27  # 15 expected, 3.8 deviation


def test_groups_are_genres_and_decades_with_five_films_inside_and_outside() -> None:
    films = [
        Film("x", 1980 + 5 * (row % 2) + row // 6 * 10, ("A",) if row < 5 else ("B", "B"))
        for row in range(12)
    ]
    names, members = _groups(films)
    assert names == [("1980s", "decade"), ("1990s", "decade"), ("A", "genre"), ("B", "genre")]
    assert members.sum(axis=0).tolist() == [6, 6, 5, 7]
    assert _groups(films[:9])[0] == []
    assert _groups([Film("x")] * 20)[0] == []


def test_a_component_can_be_one_sided_or_unknown() -> None:
    none = Component(3, 0.02, [], [], [])
    assert (
        none.sentence()
        == "Component 3 (2% of the variance): no genre or decade has enough films to describe it."
    )
    drama = Meaning("Drama", "genre", -0.4, 0.001, 30)
    low = Component(1, 0.181, [], [], [drama, Meaning("War", "genre", 0.5, 0.2, 6)])
    assert low.sentence() == "Component 1 (18% of the variance): toward Drama at the low end."
    weak = Component(
        2,
        0.1,
        [],
        [],
        [Meaning("1950s", "decade", 0.14, 0.0002, 900), Meaning("A", "genre", 0.1, 0.4, 9)],
    )
    assert weak.sentence() == (
        "Component 2 (10% of the variance) does not separate genres or decades (largest effect 0.14, p < 0.001)."
    )
    assert (none.direction(), low.direction(), weak.direction()) == ("", "away from Drama", "")
    assert weak.to_dict()["meanings"][1] == {
        "name": "A",
        "kind": "genre",
        "effect": 0.1,
        "p_value": 0.4,
        "n": 9,
    }


def test_a_catalog_without_genres_and_years_gives_ends_and_no_meaning() -> None:
    guide = Guide(fitted(MatrixFactorization))
    first = components(guide, 1, 3, min_ratings=0)[0]
    assert first.meanings == []
    assert [end.film.title for end in first.high_end] == [
        str(end.item_id) for end in first.high_end
    ]


def test_three_items_with_text_ids_have_two_components_of_one_film_at_each_end() -> None:
    ratings = Ratings.from_ids(
        ["a", "a", "b", "b", "c", "c"],
        ["x", "y", "y", "z", "x", "z"],
        [1, 5, 2, 4, 3, 3],
    )
    model = MatrixFactorization(factors=3, epochs=1).fit(ratings, n_threads=1)
    model.item_factors_ = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 5]], np.float32)
    found = components(Guide(model), 9, 10, min_ratings=1)
    assert [(len(one.low_end), len(one.high_end)) for one in found] == [(1, 1), (1, 1)]
    assert found[0].high_end[0].item_id == "z"
    told = "Components need two films with at least 5 ratings; lower min_ratings."
    assert error_message(UnsupportedError, components, Guide(model)) == told


def test_models_without_useful_factors_are_refused() -> None:
    for model in (Popularity, Baseline):
        told = f"{model.name} has no item factors, so it has no components; use hybrid."
        assert error_message(UnsupportedError, components, Guide(fitted(model))) == told
    nothing = MatrixFactorization().fit(simulated(signal=0), n_threads=1)
    assert not nothing.item_factors_.any()
    told = "This mf model learned only biases, so it has no components."
    assert error_message(UnsupportedError, components, Guide(nothing)) == told


# -- the command -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("insight") / "m.matinee"
    model = MatrixFactorization(adapt=False).fit(simulated(), n_threads=1)
    Guide(model, Catalog({7: Film("Alien (1979)", 1979, ("Horror",))})).save(path)
    return path


def run(*words: object) -> tuple[str, str]:
    result = CliRunner().invoke(biases, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_the_command_shows_the_best_the_worst_and_where_the_mean_misleads(model_file: Path) -> None:
    text, notes = run(model_file, "-k", 120)
    headings = [
        line
        for line in text.splitlines()
        if line and not line.startswith(" ") and not line[0].isdigit()
    ]
    assert headings == [
        "Best films (bias in stars)",
        "Worst films",
        "Liked better than their mean suggests: a strict audience, or one with other tastes",
        "Liked less than their mean suggests: a generous audience, or one of fans",
    ]
    assert text.count("Alien (1979)") >= 2
    line = next(one for one in bias_ranking(Guide.load(model_file), 120) if one.item_id == 7)
    assert f"{line.bias:+.2f}  {line.low:+.2f}  {line.high:+.2f}  {line.mean:.2f}" in text
    assert notes == ""
    assert run(model_file, "--users")[0].count("generous people") == 1
    assert "Strictest people" in run(model_file, "--users")[0]
    assert run(model_file, "--raw")[0] != run(model_file)[0]


def test_the_command_as_json_holds_everything(model_file: Path) -> None:
    found = json.loads(run(model_file, "-k", 3, "--json")[0])
    assert {name: found[name] for name in ("model", "unit", "raw", "k")} == {
        "model": "mf", "unit": "stars", "raw": False, "k": 3
    }  # fmt: skip
    lists = {
        "best",
        "worst",
        "most_generous",
        "least_generous",
        "better_than_their_mean",
        "worse_than_their_mean",
    }
    assert set(found) == {"model", "unit", "raw", "k"} | lists
    assert all(1 <= len(found[name]) <= 3 for name in lists)
    assert set(found["best"][0]) == {
        *(
            "item_id",
            "title",
            "year",
            "genres",
            "bias",
            "low",
            "high",
            "mean",
            "n_ratings",
            "audience",
        )
    }
    assert set(found["most_generous"][0]) == {"user_id", "bias", "low", "high", "mean", "n_ratings"}
    assert (
        found["better_than_their_mean"][0]["audience"]
        < 0
        < found["worse_than_their_mean"][0]["audience"]
    )
    assert found["best"][0]["item_id"] == bias_ranking(Guide.load(model_file), 1)[0].item_id


def test_the_command_reports_what_a_file_without_histories_lacks(
    model_file: Path, tmp_path: Path
) -> None:
    without_history(Guide.load(model_file), tmp_path)
    text, notes = run(tmp_path / "bare.matinee", "--users")
    assert "Best films" in text
    assert "generous people" not in text
    assert notes == (
        "This file was saved without histories: the intervals assume that ratings deviate by a quarter of the scale, "
        "and nothing is known about people.\n"
    )
    assert json.loads(run(tmp_path / "bare.matinee", "--json")[0])["most_generous"] == []


# -- real ratings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Baseline, MatrixFactorization, DotProduct])
def test_most_of_the_best_films_on_movielens_are_those_the_tutorial_found(
    model: type[Recommender],
) -> None:
    real_data("ml-100k")
    data = load("ml-100k")
    guide = Guide(model().fit(data.ratings, n_threads=1), data.catalog)
    published = {title.strip() for title in PUBLISHED.replace("\n", " ").split(";")}
    assert len(published) == 40

    def hits(lines: list[BiasLine]) -> int:
        return len(published & {line.film.title for line in lines})

    assert hits(bias_ranking(guide, 20)) >= 18  # 20 for all three when this was written
    assert hits(bias_ranking(guide, 20, raw=True)) >= 17
    assert all(line.n_ratings >= 60 for line in bias_ranking(guide, 20))
    worst = [line.film.title for line in bias_ranking(guide, 10, lowest=True)]
    assert {
        "Children of the Corn: The Gathering (1996)",
        "Mortal Kombat: Annihilation (1997)",
        "Striptease (1996)",
    } < set(worst)


def test_the_first_component_on_movielens_separates_blockbusters_from_the_classics() -> None:
    real_data("ml-100k")
    data = load("ml-100k")
    first = components(
        Guide(MatrixFactorization().fit(data.ratings, n_threads=1), data.catalog), 1
    )[0]
    effects = {one.name: one.effect for one in first.meanings if one.p_value < 0.05}
    assert effects["Action"] * effects["Film-Noir"] < 0
    assert effects["1990s"] * effects["Action"] > 0
