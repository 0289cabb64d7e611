"""The engine for PyTorch modules against the fused kernel; devices; and what it leaves alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from matinee.data.ratings import Ratings
from matinee.errors import SettingError
from matinee.kernels.adam import Adam, Shape
from matinee.models.base import Recommender
from matinee.models.neural.dot_product import DotProduct
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.training.fused_engine import FusedDotProduct
from matinee.training.loop import Batches
from matinee.training.schedules import Schedule
from matinee.training.torch_engine import NetworkEngine, NetworkSettings, device_named
from matinee.training.torch_modules import DotProductModule
from tests.conftest import simulated

pytestmark = pytest.mark.usefixtures("one_torch_thread")

N_FACTORS, BATCH = 6, 64
SMALL = simulated(40, 30, 600)


def weights(biases: bool) -> Any:
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.3, (SMALL.n_users + SMALL.n_items, N_FACTORS + biases)).astype(
        np.float32
    )


def engines(
    biases: bool, bounds: tuple[float, float], decay: tuple[float, bool], lazy: bool
) -> tuple[FusedDotProduct, NetworkEngine]:
    """Both engines with the same start and optimiser."""
    adam = Adam(0.99, 1e-8, *decay, lazy)
    fused = FusedDotProduct(weights(biases), Shape(SMALL.n_users, N_FACTORS, *bounds), adam)
    module = DotProductModule(weights(biases), SMALL.n_users, N_FACTORS, *bounds, lazy)
    return fused, NetworkEngine(module, NetworkSettings(decay[0], decay[1], 0.99, 1e-8, "cpu"))


def schedule() -> tuple[Schedule, Batches]:
    n_steps = -(-len(SMALL) // BATCH)
    order = np.random.default_rng(1).permutation(len(SMALL))
    batches = Batches(SMALL.user_index[order], SMALL.item_index[order], SMALL.value[order])
    return Schedule(np.linspace(0.01, 0.02, n_steps), np.linspace(0.95, 0.85, n_steps)), batches


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("bounds", [(0.0, 5.5), (0.0, 0.0)])
@pytest.mark.parametrize(
    ("decay", "lazy"),
    [((0.0, False), False), ((0.1, True), False), ((0.1, False), False), ((0.0, True), True)],
)
def test_an_epoch_is_that_of_the_fused_kernel(
    biases: bool, bounds: tuple[float, float], decay: tuple[float, bool], lazy: bool
) -> None:
    fused, network = engines(biases, bounds, decay, lazy)
    plan, batches = schedule()
    for epoch in range(2):
        n_before = epoch * len(plan.rates)
        losses = fused.epoch(batches, BATCH, plan, n_before, 0)
        np.testing.assert_allclose(
            network.epoch(batches, BATCH, plan, n_before, 0), losses, rtol=1e-4
        )
    table = network.module.state_dict()["table.weight"].numpy()
    np.testing.assert_allclose(fused.table.weights, table, rtol=1e-3, atol=2e-4)
    stars = fused.predict(SMALL.user_index, SMALL.item_index)
    np.testing.assert_allclose(
        network.predict(SMALL.user_index, SMALL.item_index), stars, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("lazy", [True, False])
def test_a_restored_engine_goes_on_with_the_same_bits(lazy: bool) -> None:
    plan, batches = schedule()
    for number in (0, 1):
        one, other = (engines(True, (0.0, 5.5), (0.1, True), lazy)[number] for _ in range(2))
        one.epoch(batches, BATCH, plan, 0, 0)
        state = one.state()
        one.epoch(batches, BATCH, plan, len(plan.rates), 1)
        other.restore(state)
        other.epoch(batches, BATCH, plan, len(plan.rates), 1)
        for name, array in one.state().items():
            assert np.array_equal(array, other.state()[name]), name


def test_a_state_is_a_copy_that_later_steps_do_not_change() -> None:
    plan, batches = schedule()
    for engine in engines(True, (0.0, 5.5), (0.1, True), False):
        state = engine.state()
        before = {name: array.copy() for name, array in state.items()}
        engine.epoch(batches, BATCH, plan, 0, 0)
        assert all(np.array_equal(array, before[name]) for name, array in state.items())


def test_sparse_embeddings_get_steps_only_on_the_rows_of_the_batch() -> None:
    five = np.arange(5)
    few = Batches(SMALL.user_index[five], SMALL.item_index[five], SMALL.value[five])
    _, network = engines(True, (0.0, 5.5), (0.1, True), True)
    network.epoch(few, 5, Schedule(np.array([0.01]), np.array([0.9])), 0, 0)
    changed = (network.module.state_dict()["table.weight"].numpy() != weights(True)).any(axis=1)
    rows = np.union1d(few.users, few.items + SMALL.n_users)
    assert np.flatnonzero(changed).tolist() == rows.tolist()


def test_a_module_may_mix_sparse_and_dense_parameters() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.users = nn.Embedding(SMALL.n_users, 3, sparse=True)
            self.items = nn.Embedding(SMALL.n_items, 3)
            self.mean = nn.Parameter(torch.zeros(1))

        def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
            stars: torch.Tensor = self.mean + (self.users(user_index) * self.items(item_index)).sum(
                1
            )
            return stars

    with torch.random.fork_rng(devices=[]):
        engine = NetworkEngine(Mixed(), NetworkSettings(device="cpu"))
    plan, batches = schedule()
    losses = [float(engine.epoch(batches, BATCH, plan, 0, 0).mean()) for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.8 * losses[0]
    assert len(engine.optimizers) == 2


def test_dropout_is_on_while_training_and_off_while_predicting() -> None:
    class Dropping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value, self.dropout = nn.Parameter(torch.ones(1)), nn.Dropout(0.5)

        def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
            del item_index
            return self.dropout(self.value.repeat(len(user_index)))  # type: ignore[no-any-return]

    engine = NetworkEngine(Dropping(), NetworkSettings(device="cpu"))
    two = np.zeros(2_000, np.int32)
    assert np.all(engine.predict(two, two) == 1)
    still = Schedule(np.zeros(1), np.array([0.9]))
    ones = Batches(two, two, np.ones(2_000, np.float32))
    losses = [float(engine.epoch(ones, 2_000, still, 0, seed)[0]) for seed in (1, 1, 2)]
    assert losses[0] == losses[1] == pytest.approx(1)  # each prediction is 0 or 2
    assert np.all(engine.predict(two, two) == 1)


# -- devices -----------------------------------------------------------------------------------------------------


def here() -> str:
    cuda = ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    return ", ".join(
        [
            *(cuda if len(cuda) > 1 else []),
            *(["mps"] if torch.backends.mps.is_available() else []),
            "cpu",
        ]
    )


@pytest.mark.parametrize("name", ["nonsense", "CPU", "", "cpu:x", "cuda:99"])
def test_an_unknown_device_names_those_there_are(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        device_named(name)
    assert str(caught.value) == f"There is no device '{name}'. Available: {here()}."


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
@pytest.mark.parametrize("model", [DotProduct, EmbeddingMLP], ids=lambda model: model.name)
def test_a_model_on_a_device_that_is_not_there_is_refused(model: type[Recommender]) -> None:
    with pytest.raises(SettingError) as caught:
        model.from_settings({"device": "cuda"}).fit(SMALL)
    assert str(caught.value) == f"There is no device 'cuda'. Available: {here()}."


def test_the_processor_is_always_there_and_auto_takes_the_first() -> None:
    assert device_named("cpu").type == "cpu"
    assert str(device_named("auto")) == here().split(", ")[0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("model", [DotProduct, EmbeddingMLP], ids=lambda model: model.name)
def test_a_cuda_device_comes_to_about_the_same_predictions(
    model: type[Recommender], ratings: Ratings
) -> None:
    quality = [
        float(
            np.mean(
                (
                    model.from_settings({"device": device}).fit(ratings).predict_ratings(ratings)
                    - ratings.value
                )
                ** 2
            )
        )
        for device in ("cpu", "cuda")
    ]
    assert quality[0] == pytest.approx(quality[1], rel=0.05)


# -- what is left alone ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "settings"),
    [(EmbeddingMLP, {}), (DotProduct, {"device": "auto"}), (DotProduct, {})],
    ids=["mlp", "dot-product in PyTorch", "dot-product"],
)
def test_fitting_leaves_the_random_numbers_of_the_caller_alone(
    model: type[Recommender], settings: dict[str, Any]
) -> None:
    state, numpy_state = torch.random.get_rng_state(), np.random.get_state()
    one = model.from_settings({"epochs": 1} | settings).fit(SMALL)
    one.fold_in({7: 4.0})
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(
        np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy_state, strict=True)
    )


def test_the_random_numbers_of_the_caller_change_no_fit() -> None:
    tables = []
    for seed in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            tables.append(EmbeddingMLP(epochs=1, dropout="0.5").fit(SMALL).layers_)
    assert np.array_equal(tables[0], tables[1])


def test_the_dot_product_in_pytorch_is_that_of_the_kernel() -> None:
    one, other = (
        DotProduct(epochs=2, factors=8, device=device).fit(SMALL) for device in ("cpu", "auto")
    )
    for name in ("item_factors_", "user_bias_"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0.01, atol=5e-4)
    np.testing.assert_allclose(one.curve_.rows, other.curve_.rows, rtol=0.01, atol=5e-4)
