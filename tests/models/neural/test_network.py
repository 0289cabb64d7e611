"""A network of one's own: trained, measured, saved, loaded, asked; and what is said when it does not fit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import matinee
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.errors import MatineeError, ModelFileError, SettingError
from matinee.evaluation import evaluate
from matinee.models.neural.dot_product import DotProduct
from matinee.models.neural.network import Network
from matinee.recommendation.guide import Guide
from tests.conftest import simulated
from tests.helpers import error_message
from tests.networks import TwoTowers, fitted_network, module_of, network

pytestmark = pytest.mark.usefixtures("one_torch_thread")

MINE: dict[int | str, float] = {7: 5.0, 17: 1.0, 27: 4.5}


class Plain(nn.Module):
    """The dot product with biases, as `matinee.DotProduct` has it with a sigmoid from 0.5 to 5.25."""

    def __init__(self, weights: Any, n_users: int, n_factors: int) -> None:
        super().__init__()
        parts = (
            torch.from_numpy(weights[:n_users].copy()),
            torch.from_numpy(weights[n_users:].copy()),
        )
        self.users, self.items = (nn.Parameter(part) for part in parts)
        self.n_factors = n_factors

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        p, q = self.users[user_index], self.items[item_index]
        raw = (p * q)[:, : self.n_factors].sum(1) + p[:, self.n_factors] + q[:, self.n_factors]
        return 0.5 + 4.75 * torch.sigmoid(raw)


# -- training and predicting -------------------------------------------------------------------------------------


def test_it_is_measured_like_any_model(ratings: Ratings) -> None:
    part = random_split(ratings, 0.2)
    report = evaluate(lambda: network(part.train), [part], "simulated")
    assert report.to_dict()["model"] == "network"
    assert report.to_dict()["rmse"] < 0.9 * float(np.std(part.test.value))


def test_fitting_trains_a_copy_and_leaves_the_module_alone(ratings: Ratings) -> None:
    one = network(ratings, epochs=1)
    before = {name: tensor.clone() for name, tensor in one.module.state_dict().items()}
    one.fit(ratings)
    assert all(
        torch.equal(tensor, before[name]) for name, tensor in one.module.state_dict().items()
    )
    again = network(ratings, epochs=1).fit(ratings)
    assert np.array_equal(one.numbers_, again.numbers_)
    assert np.array_equal(one.fit(ratings).numbers_, again.numbers_)


def test_predictions_are_those_of_the_trained_module(ratings: Ratings) -> None:
    one, trained = fitted_network(), module_of(ratings)
    trained.load_state_dict(one._tensors())
    with torch.no_grad():
        users, items = (
            torch.tensor(index).long() for index in (ratings.user_index, ratings.item_index)
        )
        expected = trained.eval()(users, items).numpy()
    np.testing.assert_allclose(one.predict_ratings(ratings), np.clip(expected, 1, 5), rtol=1e-5)
    assert one.predict(1, 17) == pytest.approx(
        float(np.clip(trained(torch.tensor([0]), torch.tensor([1])).item(), 1, 5))
    )


def test_it_comes_to_what_the_built_in_model_comes_to(ratings: Ratings) -> None:
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 128, "weight_decay": 0.01}
    built_in = DotProduct(factors=5, **settings)
    engine: Any = built_in.engine(ratings)
    module = Plain(engine.table.weights, ratings.n_users, 5)
    # The built-in model learns from the rows by user and item, and solves for its users at the end
    own = Network(module=module, device="cpu", **settings).fit(ratings.subset(ratings.by_user.row))
    built_in.fit(ratings)
    built_in.noise_ = own.noise_  # the built-in model measures it
    np.testing.assert_allclose(own.item_vectors()[:, :5], built_in.item_factors_, atol=2e-3)
    np.testing.assert_allclose(
        own.fold_in(MINE).vector[5], built_in.fold_in(MINE).vector[0], atol=5e-3
    )
    for item in (7, 107, 907):
        assert own.predict(MINE, item) == pytest.approx(built_in.predict(MINE, item), abs=5e-3)


# -- asking ------------------------------------------------------------------------------------------------------


def test_it_recommends_unseen_items_best_first() -> None:
    best = fitted_network().recommend(1, 7)
    scores = [one.score for one in best]
    assert (len(best), scores) == (7, sorted(scores, reverse=True))
    history = fitted_network().profile(1).item_index
    assert not {fitted_network().items_.index(one.item_id) for one in best} & set(history.tolist())
    assert best[0].stars == pytest.approx(fitted_network().predict(1, best[0].item_id), abs=1e-5)


def test_similar_items_are_alike_in_all_tables_of_the_items() -> None:
    best = fitted_network().similar(17, 5)
    vectors = fitted_network()._item_vectors()
    assert vectors.shape == (120, 7)  # the embedding and the bias
    vectors = vectors - vectors.mean(axis=0)
    cosines = vectors @ vectors[1] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vectors[1])
    expected = [index for index in np.argsort(-cosines).tolist() if index != 1][:5]
    assert [fitted_network().items_.index(one.item_id) for one in best] == expected


def test_a_new_person_is_folded_in_towards_what_they_like() -> None:
    one = fitted_network()
    assert one.fold_in({}).vector.tolist() == one.crowd_mean_.tolist()
    items: tuple[int | str, ...] = (7, 17, 27, 37)
    loves, hates = dict.fromkeys(items, 5.0), dict.fromkeys(items, 1.0)
    for item in items:
        assert one.predict(loves, item) > one.predict({}, item) > one.predict(hates, item)
    assert not {each.item_id for each in one.recommend(MINE, 10)} & set(MINE)


def test_folding_in_own_ratings_is_close_to_the_trained_row(ratings: Ratings) -> None:
    mine = fitted_network().profile(1)
    given: dict[int | str, float] = dict(
        zip(ratings.items.ids[mine.item_index].tolist(), mine.value.tolist(), strict=True)
    )
    stars = fitted_network().stars_of(
        np.stack([mine.vector, fitted_network().fold_in(given).vector])
    )
    assert np.corrcoef(*stars).min() > 0.9


def test_strangers_get_the_average_persons_stars_and_unknown_items_the_mean() -> None:
    stars = fitted_network().predict_ratings(
        Ratings.from_ids([999, 1, 999], [17, 9999, 9999], [3.0, 3.0, 3.0])
    )
    assert stars[0] == pytest.approx(fitted_network().predict({}, 17), abs=1e-5)
    assert stars[1] == stars[2] == pytest.approx(float(simulated().value.mean()))


# -- files -------------------------------------------------------------------------------------------------------


def test_a_saved_network_is_the_same_with_its_module(tmp_path: Path, ratings: Ratings) -> None:
    file = tmp_path / "own.matinee"
    Guide(fitted_network()).save(file)
    loaded = Guide.load(file, module=module_of(ratings)).model
    assert isinstance(loaded, Network)
    assert loaded.settings() == fitted_network().settings()
    assert np.array_equal(
        loaded.predict_ratings(ratings), fitted_network().predict_ratings(ratings)
    )
    assert loaded.recommend(MINE, 5) == fitted_network().recommend(MINE, 5)
    assert loaded.similar(17, 5) == fitted_network().similar(17, 5)


def test_loading_a_network_without_its_module_says_how_to_pass_it(tmp_path: Path) -> None:
    file = tmp_path / "own.matinee"
    Guide(fitted_network()).save(file)
    assert error_message(ModelFileError, lambda: Guide.load(file)) == (
        f"'{file}' is a model file that this version of matinee ({matinee.__version__}) cannot use: it holds a network "
        "of your own: pass its module, Guide.load(path, module=...)."
    )


@pytest.mark.parametrize("width", [5, 7])
def test_a_module_of_another_size_is_refused(width: int, tmp_path: Path, ratings: Ratings) -> None:
    file = tmp_path / "own.matinee"
    Guide(fitted_network()).save(file)
    other = module_of(ratings, width)
    n_other, n_known = (
        sum(t.numel() for t in one.state_dict().values()) for one in (other, module_of(ratings))
    )
    told = error_message(MatineeError, lambda: Guide.load(file, module=other).recommend(1))
    assert f"This module has {n_other:,} numbers, but the trained one had {n_known:,}" in told


def test_a_module_of_the_same_size_and_other_shapes_is_refused(
    tmp_path: Path, ratings: Ratings
) -> None:
    file = tmp_path / "own.matinee"
    Guide(fitted_network()).save(file)
    other = module_of(ratings)
    other.generous, other.liked = other.liked, other.generous  # as many numbers, in another order
    told = error_message(MatineeError, lambda: Guide.load(file, module=other).recommend(1))
    assert (
        "The tables or layers of this module differ in shape or order from those of the trained one"
        in told
    )


# -- which tables are whose --------------------------------------------------------------------------------------


class Square(TwoTowers):
    """As many users as items, and it says which tables are whose."""

    user_tables = ("users.weight", "generous")
    item_tables = ("items.weight", "liked")


def test_equal_numbers_of_users_and_items_must_be_named_before_training() -> None:
    square = simulated(40, 40, 600)
    steps: list[int] = []
    told = error_message(
        SettingError,
        lambda: network(square).fit(square, progress=lambda step: steps.append(step.done)),
    )
    assert told == (
        "There are as many users as items, so the module must name the parameters that have a row for each: "
        'user_tables = ("users.weight",) and item_tables = ("items.weight",).'
    )
    assert steps == []


def test_a_module_can_declare_its_tables() -> None:
    square = simulated(40, 40, 600)
    with torch.random.fork_rng(devices=[]):
        one = Network(module=Square(40, 40), device="cpu", epochs=2).fit(square)
    assert one.fold_in(MINE).vector.shape == (7,)
    assert len(one.recommend(MINE, 5)) == 5


@pytest.mark.parametrize("name", ["user.weight", "items.weight", "mean"])
def test_a_missing_table_or_one_of_another_length_is_refused(name: str, ratings: Ratings) -> None:
    one = network(ratings)
    setattr(one.module, "user_tables", (name,))  # noqa: B010, which mypy takes for a tensor
    told = error_message(SettingError, lambda: one.fit(ratings))
    assert (
        told
        == f"The module names '{name}' in user_tables, but no parameter of that name has 300 rows."
    )


def test_settings_are_checked_like_those_of_any_model(ratings: Ratings) -> None:
    told = error_message(SettingError, lambda: network(ratings, schedule="zzz"))
    must = "network: schedule must be constant, warm-up, one-cycle or warm-restarts, not"
    assert told == f"{must} 'zzz' (default one-cycle)."
    assert error_message(SettingError, lambda: network(ratings, epochs=0)).startswith(
        "network: epochs must be between 1 and "
    )


def test_scikit_learn_clones_a_network_with_its_module(ratings: Ratings) -> None:
    base = pytest.importorskip("sklearn.base", reason="scikit-learn is not installed")
    one = network(ratings, epochs=1)
    copied = base.clone(one)
    assert copied.settings() == one.settings()
    assert copied.module is not one.module
    assert np.array_equal(copied.fit(ratings).numbers_, one.fit(ratings).numbers_)
    other = module_of(ratings, 5)
    assert copied.set_params(module=other, epochs=2).get_params()["module"] is other
