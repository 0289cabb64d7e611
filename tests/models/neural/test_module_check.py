"""The check of a module before its training: each slip is one sentence, and a column is squeezed."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import matinee
from matinee.errors import SettingError
from matinee.models.neural.network import Network
from tests.conftest import simulated
from tests.helpers import error_message, small_table

pytestmark = pytest.mark.usefixtures("one_torch_thread")

N_USERS, N_ITEMS = 60, 40
FORWARD = "forward(self, user_index, item_index)"


class Dot(nn.Module):
    """The dot product of two tables."""

    def __init__(self, n_users: int = N_USERS, n_items: int = N_ITEMS, width: int = 4) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            self.users, self.items = nn.Embedding(n_users, width), nn.Embedding(n_items, width)

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        stars: torch.Tensor = (self.users(user_index) * self.items(item_index)).sum(dim=1)
        return stars


class Column(Dot):
    """The same as a column, as the last linear layer of most tutorials makes it."""

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        return super().forward(user_index, item_index)[:, None]


def own(module: Any, **settings: Any) -> Network:
    return Network(module=module, epochs=1, device="cpu", **settings)


def refused(module: nn.Module) -> str:
    """The sentence with which a module is refused, before the first step."""
    steps: list[int] = []
    told = error_message(
        SettingError,
        lambda: own(module).fit(small_table(), progress=lambda step: steps.append(step.done)),
    )
    assert steps == []
    return told


# -- what is taken -----------------------------------------------------------------------


def test_a_column_of_stars_is_used_as_a_row_and_that_is_said() -> None:
    with pytest.warns(UserWarning, match="stars of shape .B, 1.; they are used as .B,."):
        column = own(Column()).fit(small_table())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = own(Dot()).fit(small_table())
    assert np.array_equal(column.numbers_, row.numbers_)
    assert column.recommend(1, 5) == row.recommend(1, 5)
    assert column.recommend({7: 5.0}, 5) == row.recommend({7: 5.0}, 5)
    assert np.array_equal(column.predict_ratings(small_table()), row.predict_ratings(small_table()))


def test_the_check_leaves_the_module_and_the_random_numbers_alone() -> None:
    module = Dot()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    state = torch.get_rng_state()
    own(module).engine(small_table())
    assert torch.equal(state, torch.get_rng_state())
    assert module.training
    assert all(torch.equal(before[name], new) for name, new in module.state_dict().items())


@pytest.mark.parametrize("spare", [1, 2])
def test_tables_may_have_a_row_for_the_unknown(spare: int) -> None:
    padded = own(Dot(N_USERS + spare, N_ITEMS + spare)).fit(small_table())
    exact = Network(module=Dot(), epochs=1, device="cpu").fit(small_table())
    assert padded.profile(1).vector.shape == exact.profile(1).vector.shape == (4,)
    assert len(padded.recommend({7: 5.0}, 5)) == len(padded.similar(7, 5)) == 5
    users, items = padded._tensors()["users.weight"], padded._tensors()["items.weight"]
    expected = (users[1] * items[3]).sum().item()
    assert padded.predict(2, 37) == pytest.approx(np.clip(expected, 1, 5), abs=1e-6)


def test_a_named_table_may_have_more_rows() -> None:
    module = Dot(N_USERS + 30)
    told = refused(module)
    assert told == (
        "No parameter of the module has a row for each of the 60 users; fold-in needs such a "
        "table, as torch.nn.Embedding(n_users, n_factors) makes it. If a table has more rows, the "
        'module must name it: user_tables = ("users.weight",).'
    )
    setattr(module, "user_tables", "users.weight")  # noqa: B010, which mypy takes for a tensor
    one = own(module).fit(small_table())
    assert one.fold_in({7: 5.0}).vector.shape == (4,)


def test_a_module_of_doubles_recommends() -> None:
    one = own(Dot().double()).fit(small_table())
    assert len(one.recommend({7: 5.0}, 5)) == 5


def test_dropout_that_is_always_on_does_not_confuse_the_check() -> None:
    class Dropping(Dot):
        def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
            rows = nn.functional.dropout(self.users(user_index), 0.5, training=True)
            stars: torch.Tensor = (rows * self.items(item_index)).sum(dim=1)
            return stars

    assert len(own(Dropping()).fit(small_table()).recommend(1, 5)) == 5


# -- what is refused ---------------------------------------------------------------------


def test_a_class_is_refused_when_the_model_is_made() -> None:
    assert error_message(SettingError, own, Dot) == (
        "network: module is the class Dot; give an instance, such as module=Dot(n_users, n_items)."
    )


@pytest.mark.parametrize("module", [None, len, 3])
def test_what_is_no_module_is_refused(module: Any) -> None:
    kind = type(module).__name__
    assert refused(module) == f"The module must be a torch.nn.Module, not a {kind}."


def test_one_argument_is_refused() -> None:
    class OneInput(Dot):
        def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return super().forward(x[:, 0], x[:, 1])

    assert refused(OneInput()) == (
        f"The module OneInput has forward(self, x), but the module must have {FORWARD}: two "
        "tensors of indices, (B,) each."
    )


@pytest.mark.parametrize(
    ("module", "side"),
    [(Dot(10, 10), "60 users"), (Dot(59), "60 users"), (Dot(n_items=39), "40 items")],
    ids=["both", "users", "items"],
)
def test_too_few_rows_are_refused(module: Dot, side: str) -> None:
    rows = f"users.weight {module.users.num_embeddings}, items.weight {module.items.num_embeddings}"
    assert refused(module) == (
        f"The module Dot has too few rows for the {side}; the rows of its parameters are: {rows}."
    )


def test_another_shape_is_refused_with_the_shape() -> None:
    class Square(Dot):
        def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
            rows: torch.Tensor = self.users(user_index) @ self.items(item_index).T
            return rows

    assert refused(Square()) == (
        "The module Square must return the stars of the B pairs as a tensor of shape (B,); "
        "for 3 pairs it returns (3, 3)."
    )


class Returning(Dot):
    """What another function makes of the stars."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        changed: torch.Tensor = self.change(super().forward(user_index, item_index))
        return changed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda stars: (stars, None), ", not a tuple."),
        (lambda stars: stars.round().long(), ", of floating-point numbers, not torch.int64."),
        (lambda stars: stars.mean(), "; for 3 pairs it returns ()."),
        (lambda stars: stars[None], "; for 3 pairs it returns (1, 3)."),
        (lambda stars: stars.detach(), "; they have no gradient, so nothing can be learned: no "),
    ],
)
def test_what_are_no_stars_is_refused(change: Any, told: str) -> None:
    expected = "must return the stars of the B pairs as a tensor of shape (B,)"
    assert refused(Returning(change)).startswith(f"The module Returning {expected}{told}")


def test_an_error_of_the_module_is_told_in_its_words() -> None:
    def fail(stars: torch.Tensor) -> torch.Tensor:
        del stars
        raise RuntimeError("my own words\nand more")

    assert refused(Returning(fail)) == (
        f"The module Returning fails when it is called as {FORWARD} with indices of type int64, "
        "(B,) each: RuntimeError: my own words"
    )


def test_an_index_error_that_has_nothing_to_do_with_rows_is_told_as_such() -> None:
    assert "IndexError: too many indices" in refused(Returning(lambda stars: stars[:, 0]))


class Aged(Dot):
    """What it knows of the users is partly in a buffer, which fold-in cannot replace."""

    age: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("age", torch.arange(N_USERS).float())

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        stars: torch.Tensor = super().forward(user_index, item_index) + self.age[user_index]
        return stars


class Shifted(Dot):
    """The row of a user is the next one."""

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        return super().forward((user_index + 1) % N_USERS, item_index)


@pytest.mark.parametrize("module", [Aged(), Shifted()], ids=lambda one: type(one).__name__)
def test_users_known_by_more_than_their_row_are_refused(module: nn.Module) -> None:
    assert refused(module) == (
        f"The module {type(module).__name__} must look up whatever belongs to user i in row i of "
        "users.weight, and nowhere else. If these are not the tables of the users, it must name "
        'them: user_tables = ("users.weight",).'
    )


def test_a_table_of_the_items_is_not_taken_for_one_of_the_users() -> None:
    table = simulated(40, 41, 600)
    told = error_message(SettingError, own(Dot(50, 41)).fit, table)
    assert "must look up whatever belongs to user i in row i of items.weight" in told


def test_lr_find_checks_the_module_too() -> None:
    told = error_message(SettingError, matinee.lr_find, own(Dot(10, 10)), small_table())
    assert "too few rows" in told
