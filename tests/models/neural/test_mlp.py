"""Embeddings with hidden layers: inference in NumPy against the PyTorch module, folding in, sizes and settings."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.errors import SettingError, UnsupportedError
from matinee.models.neural import common
from matinee.models.neural.mlp import EmbeddingMLP, _embedding_size
from matinee.training.torch_modules import MLPModule, mlp_weights
from tests.conftest import simulated

pytestmark = pytest.mark.usefixtures("one_torch_thread")

MINE: dict[int | str, float] = {7: 5.0, 17: 1.0, 27: 4.5, 107: 2.0}
SETTINGS: dict[str, dict[str, Any]] = {
    "two layers": {"hidden": "20,10"},
    "one layer": {"hidden": "16", "factors": 5, "dropout": "0"},
    "three layers": {"hidden": "12,8,4", "dropout": "0.1,0.2,0.3"},
    "no sigmoid": {"hidden": "20,10", "sigmoid_range": "none", "embedding_dropout": 0.0},
}
every_shape = pytest.mark.parametrize("name", SETTINGS)


@cache
def fitted(name: str) -> EmbeddingMLP:
    settings = {"epochs": 4, "batch_size": 256, "learning_rate": 0.01} | SETTINGS[name]
    return EmbeddingMLP.from_settings(settings).fit(simulated())


def as_module(model: EmbeddingMLP) -> MLPModule:
    """The network in PyTorch with the weights that the model keeps."""
    tables = model.user_factors_, model.item_factors_
    low, high = model.range_.tolist()
    module = MLPModule(
        users=np.zeros_like(tables[0]),
        items=np.zeros_like(tables[1]),
        sizes=model._hidden_sizes(),
        dropouts=[0.0, *model._dropouts()],
        low=low,
        high=high,
        sparse=False,
        seed=0,
    )
    tensors, place = [torch.from_numpy(table) for table in tables], 0
    for part in module.layers:
        if isinstance(part, torch.nn.Linear):
            n_out, n_in = part.weight.shape
            tensors.append(
                torch.from_numpy(
                    model.layers_[place : place + n_in * n_out].reshape(n_in, n_out).T.copy()
                )
            )
            tensors.append(torch.from_numpy(model.layers_[place + n_in * n_out :][:n_out]))
            place += (n_in + 1) * n_out
    assert place == len(model.layers_)
    module.load_state_dict(dict(zip(module.state_dict(), tensors, strict=True)))
    return module.eval()


@every_shape
def test_numpy_predicts_what_the_module_predicts(name: str, ratings: Ratings) -> None:
    one = fitted(name)
    with torch.no_grad():
        expected = as_module(one)(
            *(torch.tensor(index).long() for index in (ratings.user_index, ratings.item_index))
        )
    stars = one.predict_ratings(ratings)
    np.testing.assert_allclose(stars, np.clip(expected.numpy(), 1, 5), rtol=1e-5)
    assert stars.std() > 0.1
    assert one.predict(1, 17) == pytest.approx(float(stars_of(one, 0, 1)), rel=1e-5)


def stars_of(model: EmbeddingMLP, user: int, item: int) -> Any:
    """The formula at the head of the module, clipped."""
    x = np.concatenate([model.user_factors_[user], model.item_factors_[item]])
    *hidden, (weights, constants) = model._layers()
    for layer, offset in hidden:
        x = np.maximum(x @ layer + offset, 0)
    raw = (x @ weights + constants)[0]
    low, high = model.range_
    return np.clip(raw if low == high else low + (high - low) / (1 + np.exp(-raw)), 1, 5)


def test_tables_and_layers_are_those_of_the_module() -> None:
    one = fitted("two layers")
    users, items, layers = mlp_weights(as_module(one))
    assert np.array_equal(users, one.user_factors_)
    assert np.array_equal(items, one.item_factors_)
    assert np.array_equal(layers, one.layers_)


def test_the_model_learns(ratings: Ratings) -> None:
    part = random_split(ratings, 0.2)
    stars = EmbeddingMLP(batch_size=128, epochs=8).fit(part.train).predict_ratings(part.test)
    assert np.mean((stars - part.test.value) ** 2) < 0.8 * np.var(part.test.value)


# -- new people --------------------------------------------------------------------------------------------------


def cost(model: EmbeddingMLP, module: MLPModule, x: torch.Tensor) -> torch.Tensor:
    """What folding in minimizes, in float64."""
    items = torch.tensor([model.items_.index(item) for item in MINE])
    stars = torch.tensor(list(MINE.values()), dtype=torch.float64)
    inputs = torch.cat([x.repeat(len(items), 1), module.items(items)], dim=1)
    raw = module.layers(inputs)[:, 0]
    low, high = module.low, module.high
    predicted = low + (high - low) * torch.sigmoid(raw) if high > low else raw
    mean, variance = (
        torch.from_numpy(array.astype(np.float64))
        for array in (model.crowd_mean_, model.crowd_variance_)
    )
    total: torch.Tensor = ((stars - predicted) ** 2).sum() / float(model.noise_) + (
        (x - mean) ** 2 / variance
    ).sum()
    return total


@every_shape
def test_folding_in_is_as_likely_as_what_brute_force_finds(name: str) -> None:
    one = fitted(name)
    module = as_module(one).double()
    x = torch.from_numpy(one.crowd_mean_.astype(np.float64)).requires_grad_()
    optimizer = torch.optim.LBFGS([x], max_iter=300, line_search_fn="strong_wolfe", history_size=50)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        total = cost(one, module, x)
        total.backward()
        return total

    before = closure().item()
    optimizer.step(closure)
    folded = cost(one, module, torch.from_numpy(one.fold_in(MINE).vector.astype(np.float64))).item()
    assert folded < before
    assert folded <= cost(one, module, x).item() * 1.01


@every_shape
def test_the_derivatives_are_those_of_autograd(name: str) -> None:
    one = fitted(name)
    module, weights, items = as_module(one), one._user_weights(), one._item_sums(one.item_factors_)
    x = torch.tensor(one.crowd_mean_, requires_grad=True)
    inputs = torch.cat([x.repeat(len(items), 1), module.items.weight], dim=1)
    raw = module.layers(inputs)[:, 0]
    low, high = module.low, module.high
    stars = low + (high - low) * torch.sigmoid(raw) if high > low else raw
    active: list[Any] = []
    found = one._stars(items + one.crowd_mean_ @ weights, active)
    slopes = one._slopes(found, active) @ weights.T
    expected = torch.stack([torch.autograd.grad(star, x, retain_graph=True)[0] for star in stars])
    np.testing.assert_allclose(found, stars.detach().numpy(), rtol=1e-4)
    np.testing.assert_allclose(slopes, expected.numpy(), rtol=1e-2, atol=1e-4)


# -- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "expected"), [(1, 2), (943, 74), (1682, 102), (100_000, 600)])
def test_embedding_sizes_follow_the_rule(n: int, expected: int) -> None:
    assert _embedding_size(n) == expected


def test_embeddings_have_these_sizes() -> None:
    one = EmbeddingMLP(factors=0, epochs=1).fit(simulated())
    assert one.user_factors_.shape == (300, _embedding_size(300))
    assert one.item_factors_.shape == (120, _embedding_size(120))
    assert fitted("one layer").user_factors_.shape == (300, 5)


@pytest.mark.parametrize(
    ("hidden", "dropout"),
    [
        ("", "0.1"), ("100,", "0.1"), ("ten", "0.1"), ("0", "0.1"), ("-5", "0.1"), ("1.5", "0.1"),
        ("100", "1"), ("100", "-0.1"), ("100", "much"), ("100", ""), ("100", "nan"),
        ("100,50", "0.1,0.2,0.3"), ("100,50,20", "0.1,0.2"),
        ("1" + ",1" * 100, "0.1"),
    ],
)  # fmt: skip
def test_sizes_and_dropouts_that_do_not_match_are_refused(hidden: str, dropout: str) -> None:
    with pytest.raises(SettingError) as caught:
        EmbeddingMLP(hidden=hidden, dropout=dropout)
    assert str(caught.value) == (
        f"mlp: hidden '{hidden}' does not fit dropout '{dropout}'. Give up to 100 sizes such as 100,50 and either "
        "one dropout from 0 to below 1 or one per layer."
    )


def test_without_pytorch_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError) as raised:
        EmbeddingMLP().engine(simulated(20, 10, 50))
    assert str(raised.value) == (
        "mlp needs PyTorch, which is not installed:  pip install 'matinee[neural]'"
    )
