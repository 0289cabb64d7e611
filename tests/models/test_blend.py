"""Blend: weights are what a slow search finds, they are shown, and what the models can do the sum of them can."""

import json
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from matinee._types import Doubles
from matinee._version import __version__
from matinee.cli import main
from matinee.data.catalog import Catalog
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.errors import (
    MatineeError,
    ModelFileError,
    SettingError,
    UnknownNameError,
    UnsupportedError,
)
from matinee.evaluation import evaluate
from matinee.evaluation.metrics import rmse
from matinee.models import model_named
from matinee.models.base import Person, Recommender
from matinee.models.blend import Blend
from matinee.models.declarations import state_of
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.members import ENOUGH, in_words
from matinee.models.stacking import nonnegative_ridge, pairs_of, standardized
from matinee.progress import Step
from matinee.recommendation.explanation import explain
from matinee.recommendation.model_file import Origin, load_model, save_model
from matinee.report.glossary import about_model
from tests.conftest import simulated
from tests.forged import forge
from tests.helpers import table

PAIR = {"models": "mf,item-knn", "mf.factors": 8}
RANKERS = {"models": "ials,ease,popularity", "ials.factors": 8}
ITEM = 17


@cache
def pairs() -> Ratings:
    """Implicit feedback: the 4,000 or so ratings of the table that are above the mean, without their stars."""
    likes = table().subset(table().value > 3)
    users, items = likes.users.ids[likes.user_index], likes.items.ids[likes.item_index]
    return Ratings.from_ids(users, items, np.ones(len(likes)))


@cache
def stars() -> Blend:
    return Blend.from_settings(PAIR).fit(table(), n_threads=1)


@cache
def ranks() -> Blend:
    return Blend.from_settings(RANKERS).fit(table(), n_threads=1)


@cache
def blend_of(models: str) -> Blend:
    settings = PAIR | {"models": models} if "mf" in models else {"models": models}
    return Blend.from_settings(settings).fit(table(), n_threads=1)


def message(error: type[MatineeError], settings: dict[str, Any]) -> str:
    with pytest.raises(error) as caught:
        Blend.from_settings(settings)
    return str(caught.value)


def learned_bytes(model: Recommender) -> dict[str, bytes]:
    fitted = [one for one in (model, *model.members().values()) if one.is_fitted]
    return {
        f"{one.name}.{name}": array.tobytes()
        for one in fitted
        for name, array in state_of(one).items()
    }


# -- weights -----------------------------------------------------------------------------------------------------


def searched(inputs: Doubles, target: Doubles, pull: float) -> Doubles:
    """The same weights from least squares on rows that stand for the pull, for every set of weights above 0."""
    n = inputs.shape[1]
    root = np.sqrt(pull * np.mean(np.sum(inputs**2, axis=0)))
    rows, values = np.vstack([inputs, root * np.eye(n)]), np.append(target, np.full(n, root / n))
    best, least = np.zeros(n), float(values @ values)
    for size in range(1, n + 1):
        for some in map(list, combinations(range(n), size)):
            found = np.linalg.lstsq(rows[:, some], values, rcond=None)[0]
            left = float(np.sum((rows[:, some] @ found - values) ** 2))
            if found.min() >= 0 and left < least:
                best, least = np.zeros(n), left
                best[some] = found
    return best


@pytest.mark.parametrize("pull", [0.001, 0.1, 3.0])
def test_the_weights_are_those_of_a_search_through_all_sets(pull: float) -> None:
    rng, n_zero = np.random.default_rng(0), 0
    for _ in range(30):
        truth, n = rng.normal(size=60), int(rng.integers(1, 6))
        inputs = truth[:, None] * rng.normal(0.5, 0.7, n) + rng.normal(size=(60, n))
        weights = nonnegative_ridge(inputs.T @ inputs, inputs.T @ truth, pull)
        assert np.allclose(weights, searched(inputs, truth, pull), atol=1e-8)
        assert weights.min() >= 0
        n_zero += int(np.sum(weights == 0))
    assert n_zero > 0 or pull > 1


def test_noise_gets_next_to_no_weight_and_twins_share_theirs() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=5_000)
    good, noise = truth + rng.normal(0, 0.5, 5_000), rng.normal(size=5_000)
    for inputs in (np.stack([good, noise]), np.stack([good, good, noise])):
        weights = nonnegative_ridge(inputs @ inputs.T, inputs @ truth, 0.002)
        assert weights[-1] < 0.02
        assert weights[:-1] == pytest.approx(0.8 / (len(inputs) - 1), abs=0.02)
    exact = nonnegative_ridge(np.ones((2, 2)), np.ones(2), 0.0)  # nothing but the two and no pull
    assert exact == pytest.approx(0.5)


def test_where_nothing_is_known_the_weights_are_equal() -> None:
    assert nonnegative_ridge(np.zeros((4, 4)), np.zeros(4), 0.1).tolist() == [0.25] * 4


def test_the_weights_are_regressed_on_ratings_that_the_models_had_not_seen() -> None:
    part = random_split(table(), 0.1, 0)
    mean = part.train.value.mean(dtype=np.float64)
    inputs, n, pull = [], len(part.test), stars().regularization
    for one in (model_named("mf")(factors=8), model_named("item-knn")()):  # type: ignore[call-arg]
        one.fit(part.train, n_threads=1)
        inputs.append(one._predict(part.test.user_index, part.test.item_index) - mean)
    # The intercept as an input whose weight may have either sign, and is pulled to 0 by as many ratings.
    columns = np.array([*inputs, np.ones(n)], np.float64)
    root = np.sqrt(
        pull
        / n
        * np.mean(np.sum(columns[:2] ** 2, axis=1) - columns[:2].sum(axis=1) ** 2 / (n + pull))
    )
    rows = np.vstack([columns.T, np.diag([root, root, np.sqrt(pull)])])
    found = np.linalg.lstsq(
        rows, np.concatenate([part.test.value - mean, [root / 2, root / 2, 0]]), rcond=None
    )[0]
    assert stars().weights_ == pytest.approx(found[:2], abs=1e-5)
    assert float(stars().intercept_) == pytest.approx(
        found[2] + mean * (1 - found[:2].sum()), abs=1e-5
    )
    assert min(found[:2]) > 0


def test_it_is_better_than_the_best_of_its_models() -> None:
    part, errors = random_split(simulated(signal=0.3), 0.2, seed=5), {}
    for one in (
        Blend.from_settings(PAIR),
        *Blend.from_settings(PAIR)._unfitted(("mf", "item-knn")),
    ):
        errors[one.name] = rmse(
            part.test.value, one.fit(part.train, n_threads=1).predict_ratings(part.test)
        )
    assert errors["blend"] < min(errors["mf"], errors["item-knn"])


def test_a_model_that_memorizes_is_left_out() -> None:
    by_heart = {
        "plain-mf.weight_decay": 0,
        "plain-mf.epochs": 30,
        "plain-mf.factors": 60,
        "plain-mf.start": "normal:1",
    }
    one = Blend.from_settings(PAIR | by_heart | {"models": "mf,plain-mf", "regularization": 1}).fit(
        table(), n_threads=1
    )
    assert one.weights_[1] == 0
    assert [member.is_fitted for member in one.members_] == [True, False]
    assert len(one.profile(1).vector) == 1 + 8  # of mf alone
    assert one.predict(1, ITEM) == pytest.approx(
        float(one.intercept_) + one.weights_[0] * one.members_[0].predict(1, ITEM)
    )


def test_one_model_alone_is_that_model_but_for_a_straight_line() -> None:
    one = Blend.from_settings({"models": "item-knn"}).fit(table(), n_threads=1)
    alone = model_named("item-knn")().fit(table(), n_threads=1)
    expected = float(one.intercept_) + float(one.weights_[0]) * alone.all_stars(7)
    assert np.allclose(one.all_stars(7), expected, atol=1e-5)
    assert float(one.weights_[0]) == pytest.approx(1, abs=0.1)
    assert one.all_stars(7).mean() == pytest.approx(alone.all_stars(7).mean(), abs=0.1)


def test_with_few_ratings_it_is_the_mean_of_its_models() -> None:
    few = table().subset(np.arange(10 * ENOUGH - 10))
    one = Blend.from_settings(PAIR).fit(few, n_threads=1)
    assert one.member_weights() == {"mf": 0.5, "item-knn": 0.5}
    means = np.mean([member.all_stars(5) for member in one.members_], axis=0)
    assert np.allclose(one.all_stars(5), means, atol=1e-5)


def test_the_models_are_fitted_on_all_ratings_in_the_end() -> None:
    for member, alone in zip(
        stars().members_, Blend.from_settings(PAIR)._unfitted(("mf", "item-knn")), strict=True
    ):
        assert learned_bytes(member) == learned_bytes(alone.fit(table(), n_threads=1))


@pytest.mark.parametrize("settings", [PAIR, RANKERS], ids=["stars", "lists"])
def test_the_number_of_threads_changes_no_bit(settings: dict[str, Any]) -> None:
    once, again = (
        Blend.from_settings(settings).fit(table(), n_threads=number) for number in (1, 2)
    )
    assert learned_bytes(once) == learned_bytes(again)


def test_settings_reach_the_models_they_are_for_and_the_seed_reaches_all() -> None:
    one = Blend.from_settings(
        {"models": "mf, item-knn", "mf.factors": "5", "member_settings": "item-knn.k=7", "seed": 3}
    )
    assert (one.models, one.member_settings) == ("mf,item-knn", "item-knn.k=7 mf.factors=5")
    first, second = one._unfitted(("mf", "item-knn"))
    assert (first.settings()["factors"], second.settings()["k"], first.seed, second.seed) == (
        5,
        7,
        3,
        3,
    )
    assert Blend.from_settings(one.settings()).settings() == one.settings()


def test_auto_goes_by_the_table() -> None:
    def chosen(ratings: Ratings) -> str:
        return ",".join(one.name for one in Blend().fit(ratings, n_threads=1).members_)

    assert chosen(table()) == "mf,item-knn"
    assert chosen(simulated(400, 200, 12_000)) == "mf,item-knn,dot-product"
    assert chosen(pairs()) == "ials,ease"
    assert Blend().fit(table(), n_threads=1)._names(300_001) == ("mf", "item-knn")


# -- lists -------------------------------------------------------------------------------------------------------


def test_scores_are_standardized_for_each_person_and_all_equal_ones_are_zero() -> None:
    rng = np.random.default_rng(0)
    scores = np.vstack([rng.normal(5, 3, (2, 9)), np.full((1, 9), 4.2)]).astype(np.float32)
    found = standardized(scores)
    assert np.allclose(found[:2].mean(axis=1), 0, atol=1e-6)
    assert np.allclose(found[:2].std(axis=1), 1, atol=1e-6)
    assert found[2].tolist() == [0] * 9


def test_pairs_are_of_liked_items_with_those_that_are_neither_liked_nor_rated() -> None:
    scores = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    liked, rated = np.array([1, 4], np.int32), np.array([0, 7], np.int32)
    squares, differences = pairs_of(scores, liked, rated)
    all_pairs = np.array(
        [scores[:, i] - scores[:, j] for i in (1, 4) for j in (2, 3, 5, 6)], np.float64
    )
    assert np.allclose(differences, all_pairs.mean(axis=0))
    assert np.allclose(squares, all_pairs.T @ all_pairs / len(all_pairs))
    nothing = pairs_of(scores, np.arange(8, dtype=np.int32), rated)
    assert not nothing[0].any()
    assert not nothing[1].any()


def test_of_very_many_items_the_hardest_are_compared() -> None:
    scores = np.linspace(0, 1, 2_000, dtype=np.float32)[None]
    _, differences = pairs_of(scores, np.array([1_999], np.int32), np.array([1_998], np.int32))
    assert differences[0] == pytest.approx(1 - scores[0, 1_498:1_998].mean())


def test_models_of_lists_are_weighed_by_what_people_like() -> None:
    weights = ranks().member_weights()
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0
    assert weights["popularity"] < max(weights["ials"], weights["ease"])
    assert not ranks().has_stars
    assert ranks().recommend(1)[0].stars is None
    expected = sum(
        weight * standardized(one.scores(1)[None])[0]
        for weight, one in zip(ranks().weights_.astype(np.float32), ranks().members_, strict=True)
        if weight > 0
    )
    assert np.allclose(ranks().scores(1), expected, atol=1e-5)


def test_with_a_model_that_only_ranks_it_only_ranks() -> None:
    one = Blend.from_settings({"models": "item-knn,ease"})
    assert not one.capabilities.predicts_stars
    assert Blend.from_settings(PAIR).capabilities.predicts_stars
    with pytest.raises(UnsupportedError) as caught:
        one.fit(table(), n_threads=1).predict(1, ITEM)
    assert str(caught.value) == "blend ranks items and does not predict stars; use baseline or mf."
    report = evaluate(
        lambda: Blend.from_settings({"models": "item-knn,ease"}), [random_split(table(), 0.2)], "t"
    )
    assert report.rmse is None
    assert report.ndcg_at_10 is not None


def test_a_table_of_pairs_needs_no_stars() -> None:
    one = Blend.from_settings({"models": "ease,item-knn,popularity"}).fit(pairs(), n_threads=1)
    best = one.recommend(1, 5)
    assert len(best) == 5
    assert all(line.stars is None for line in best)
    assert one.recommend({ITEM: 1.0}, 5) != one.recommend({}, 5)


# -- explanations and similarity ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "person",
    [1, {7: 5.0, 27: 1.0, ITEM: 4.0}, {7: 5.0}, {}],
    ids=["known", "three", "one", "nobody"],
)
@pytest.mark.parametrize("models", ["mf,item-knn,baseline", "baseline", "ease,ials,item-knn"])
def test_parts_are_the_weighted_sums_of_those_of_the_models(models: str, person: Any) -> None:
    one = blend_of(models)
    score, parts = one.parts(person, ITEM)
    total = parts.mean + parts.user + parts.item + float(parts.ratings.sum())
    assert total == pytest.approx(score, abs=0.3 if person == 1 else 1e-4)
    assert parts.is_exact == one.has_stars
    assert parts.ratings.shape == parts.without.shape == one.profile(person).item_index.shape


@pytest.mark.parametrize("models", ["mf,item-knn,baseline", "baseline"])
def test_a_prediction_without_a_rating_is_that_of_the_person_without_it(models: str) -> None:
    few: dict[Any, float] = {7: 5.0, 27: 1.0, ITEM: 4.0}
    one = blend_of(models)
    _, parts = one.parts(few, 47)
    left_out = [
        one.parts({item: of for item, of in few.items() if item != gone}, 47)[0] for gone in few
    ]
    assert parts.without == pytest.approx(left_out, abs=1e-4)


def test_the_error_names_the_model_that_cannot_explain() -> None:
    one = Blend.from_settings({"models": "popularity,ease"}).fit(
        table().subset(np.arange(500)), n_threads=1
    )
    with pytest.raises(UnsupportedError) as caught:
        explain(one, Catalog(), 1, ITEM)
    assert (
        str(caught.value)
        == "blend cannot explain what it recommends, because popularity in it cannot; use hybrid."
    )


def test_similarity_is_the_weighted_mean_over_the_models() -> None:
    item = table().items.index(ITEM)
    (first, mf), (second, knn) = stars()._used()
    expected = (first * mf.likeness(item) + second * np.nan_to_num(knn.likeness(item))) / (
        first + second
    )
    assert np.allclose(stars().likeness(item), expected, atol=1e-6)
    biases = Blend.from_settings({"models": "baseline"}).fit(table(), n_threads=1)
    with pytest.raises(UnsupportedError) as caught:
        biases.similar(ITEM)
    assert (
        str(caught.value)
        == "blend has no item factors, so it cannot say what is similar; use hybrid."
    )


def test_tastes_and_vectors_are_those_of_the_model_with_most_weight_that_has_any() -> None:
    mf = stars().members_[0]
    assert np.array_equal(stars().item_vectors(), mf.item_vectors())
    assert np.array_equal(stars().user_tastes(np.arange(5)), mf.user_tastes(np.arange(5)))
    knn = Blend.from_settings({"models": "item-knn"}).fit(table(), n_threads=1)
    with pytest.raises(UnsupportedError) as caught:
        knn.user_tastes(np.arange(5))
    assert str(caught.value) == "blend has no taste vectors to compare; use hybrid."
    with pytest.raises(UnsupportedError) as caught:
        knn.item_vectors()
    assert (
        str(caught.value)
        == "blend has no item factors, so it cannot say what is similar; use hybrid."
    )


# -- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [PAIR, RANKERS | {"models": "ials,ease,user-knn"}], ids=["stars", "lists"]
)
def test_a_file_brings_back_every_model(settings: dict[str, Any], tmp_path: Path) -> None:
    one = Blend.from_settings(settings).fit(table(), n_threads=1)
    save_model(tmp_path / "m.matinee", one, Catalog(), Origin())
    other = load_model(tmp_path / "m.matinee")[0]
    assert isinstance(other, Blend)
    assert learned_bytes(other) == learned_bytes(one)
    assert other.member_weights() == one.member_weights()
    assert [member.settings() for member in other.members_] == [
        member.settings() for member in one.members_
    ]
    assert all(
        member.history_.item_index is other.history_.item_index
        for member in other.members_
        if member.is_fitted
    )
    people: list[Person] = [3, {7: 5.0, 27: 1.0}]
    for person in people:
        assert np.array_equal(other.scores(person), one.scores(person))
        assert other.similar(ITEM) == one.similar(ITEM)


def test_a_file_that_lacks_a_part_of_one_of_its_models_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.matinee"
    save_model(path, stars(), Catalog(), Origin())
    forge(path, {"model.mf.deviation_": None})
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert str(caught.value) == (
        f"'{path}' is a model file that this version of matinee ({__version__}) cannot use: mf: deviation_ is missing."
    )
    mf = stars().members_[0]
    assert isinstance(mf, MatrixFactorization)
    save_model(path, stars(), Catalog(), Origin())
    content = bytearray(path.read_bytes())
    content[content.index(np.asarray(mf.item_factors_).tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        ModelFileError, match="was damaged or altered after it was saved; train the model again"
    ):
        load_model(path)


def test_what_its_models_share_is_in_the_file_once(tmp_path: Path) -> None:
    sizes = {}
    for models in ("baseline", "baseline,popularity"):
        one = Blend.from_settings({"models": models}).fit(table(), n_threads=1)
        save_model(tmp_path / models, one, Catalog(), Origin())
        sizes[models] = (tmp_path / models).stat().st_size
    assert (
        sizes["baseline,popularity"] - sizes["baseline"] < 500
    )  # popularity is nothing but what they share


def test_a_blend_with_user_knn_cannot_leave_out_the_histories(tmp_path: Path) -> None:
    few, bare = table().subset(np.arange(500)), Origin(has_history=False)
    one = Blend.from_settings({"models": "user-knn,baseline"}).fit(few, n_threads=1)
    with pytest.raises(ModelFileError) as caught:
        save_model(tmp_path / "m.matinee", one, Catalog(), bare)
    expected = "blend needs the ratings history: save it with the histories, or train item-knn."
    assert str(caught.value) == expected
    other = Blend.from_settings({"models": "mf,baseline"}).fit(few, n_threads=1)
    save_model(tmp_path / "m.matinee", other, Catalog(), bare)
    loaded = load_model(tmp_path / "m.matinee")[0]
    assert all(len(member.history_.item_index) == 0 for member in loaded.members().values())
    assert np.array_equal(loaded.scores(3), other.scores(3))


# -- messages ----------------------------------------------------------------------------------------------------


def test_a_misspelled_model_or_setting_suggests_the_nearest() -> None:
    told = message(UnknownNameError, {"models": "mf,item-kn"})
    assert told.startswith("There is no model 'item-kn'. Did you mean 'item-knn'")
    assert message(UnknownNameError, {"models": "mf", "mf.factor": 8}).startswith(
        "mf has no setting 'factor'. Did you mean 'factor_shrinkage' or 'factors'?"
    )
    assert message(UnknownNameError, {"model": "mf"}).startswith(
        "blend has no setting 'model'. Did you mean 'models'?"
    )
    assert (
        message(SettingError, {"mf.factors": 0})
        == "mf: factors must be between 1 and 4096, not 0 (default 64)."
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"models": "mf,blend"},
            "blend: A blend cannot contain a blend; give the names of its models.",
        ),
        ({"models": "mf,mf"}, "blend: mf is repeated; give each model once."),
        (
            {"models": "mf,"},
            "blend: models must be comma-separated names, such as mf,item-knn, not 'mf,'.",
        ),
        (
            {"models": ""},
            "blend: models must be comma-separated names, such as mf,item-knn, not ''.",
        ),
        (
            {"models": "mf,ease", "ials.factors": 8},
            "blend: 'ials.factors=8' is for 'ials', which is not one of its models: mf, ease.",
        ),
        (
            {"member_settings": "factors=8"},
            "blend: member_settings must look like mf.factors=32 item-knn.k=50, unlike 'factors=8'.",
        ),
    ],
)
def test_settings_that_contradict_themselves_are_refused(
    settings: dict[str, Any], expected: str
) -> None:
    assert message(SettingError, settings) == expected


# -- the weights are shown ---------------------------------------------------------------------------------------


def test_weights_in_words() -> None:
    assert (
        in_words({"mf": 0.5512, "item-knn": 0.349, "user-knn": 0})
        == "0.55 mf + 0.35 item-knn + 0.00 user-knn"
    )
    assert stars().members_[0].member_weights() == Blend().member_weights() == {}
    told = about_model(stars())
    assert told == f"{about_model(Blend())} Weights: {in_words(stars().member_weights())}."


def test_a_report_holds_the_mean_weights_of_the_folds() -> None:
    parts = [random_split(table(), 0.2, seed=seed) for seed in (0, 1)]
    report = evaluate(
        lambda: Blend.from_settings(PAIR), parts, "t", n_threads=1, with_ranking=False
    )
    each = [Blend.from_settings(PAIR).fit(part.train, n_threads=1).weights_ for part in parts]
    assert list(report.member_weights.values()) == pytest.approx(np.mean(each, axis=0))
    assert ("weights", in_words(report.member_weights)) in report.rows()
    assert report.to_dict()["member_weights"] == report.member_weights
    other = evaluate(model_named("baseline"), parts, "t", with_ranking=False)
    assert other.member_weights == {}
    assert "weights" not in dict(other.rows())


def test_train_and_evaluate_print_the_weights(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(
        "user,item,rating\n"
        + "".join(f"{u},{i},{1 + (u * i + u) % 5}\n" for u in range(12) for i in range(9))
    )
    given = ["--model", "blend", "--set", "models=mf,baseline", "--set", "mf.factors=4"]
    done = CliRunner().invoke(
        main, ["train", str(tmp_path / "few.csv"), *given, "--out", str(tmp_path / "m.matinee")]
    )
    assert done.exit_code == 0, done.stderr
    assert "\nWeights: 0.50 mf + 0.50 baseline.\n" in done.stderr
    done = CliRunner().invoke(main, ["evaluate", str(tmp_path / "few.csv"), *given, "--json"])
    found = json.loads(done.stdout)
    assert found["member_weights"] == {"mf": 0.5, "baseline": 0.5}
    assert found["hyperparameters"]["member_settings"] == "mf.factors=4"


def test_progress_is_that_of_all_its_models_one_after_the_other() -> None:
    steps: list[Step] = []
    Blend.from_settings(PAIR | {"mf.epochs": 3}).fit(table(), n_threads=1, progress=steps.append)
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert {step.total for step in steps} == {400}
    assert max(done) <= 400
    assert steps[0].text.startswith("mf RMSE ")


def test_a_blend_with_bayes_knows_of_moments_and_of_certainty() -> None:
    bayes = {"bayes.samples": 10, "bayes.burn_in": 5, "bayes.factors": 4}
    part = random_split(simulated(), 0.2)
    blend = Blend.from_settings({"models": "bayes,baseline", **bayes}).fit(part.train, n_threads=1)
    weights = blend.member_weights()
    assert weights["bayes"] > 0
    timed = blend.predict_ratings(part.test)
    assert not np.allclose(
        timed, blend.predict_ratings(replace(part.test, timestamp=None)), atol=1e-3
    )
    items = np.arange(5)
    own = next(one for one in blend.members_ if one.name == "bayes")
    assert blend.deviations(1, items) == pytest.approx(own.deviations(1, items))
