"""What a model declares: checked when its class is made, and kept by every model."""

import ast
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import matinee
from matinee.data.ratings import PAIRS, Scale
from matinee.data.split import random_split
from matinee.models import MODELS, default_model, model_named
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.models.blend import Blend
from matinee.models.declarations import check_state, curve_names, learned_arrays, state_of
from matinee.models.hybrid import Hybrid
from matinee.models.hyperparameters import hyper, learned
from matinee.models.interface import Capabilities
from matinee.models.neural.network import Network
from matinee.models.popularity import Popularity
from matinee.models.registry import MEMBERS
from tests.helpers import Model, every_model_and_the_docs, quickly_fitted, table

PACKAGE = Path(matinee.__file__).parent


# -- classes that are refused ----------------------------------------------------------------------


def refused(body: dict[str, Any], base: type = Popularity) -> str:
    with pytest.raises(TypeError) as caught:
        type("Mine", (base,), body)
    return str(caught.value)


def test_a_model_that_predicts_stars_must_write_how() -> None:
    told = refused({"capabilities": Capabilities()})
    assert told == "Mine predicts stars, so it must implement _predict."
    for one in ("_predict", "_predict_at"):
        body: dict[str, object] = {"capabilities": Capabilities(), one: lambda *_: None}
        assert refused(body) == "Mine predicts stars, so it must implement _predict_all."
        type("Mine", (Popularity,), body | {"_predict_all": lambda *_: None})


def test_a_model_that_only_ranks_must_write_its_scores() -> None:
    written = {name: lambda *_: None for name in ("_fit", "_user_vectors", "_fold_in")}
    body = written | {
        "name": "mine",
        "summary": "It does.",
        "capabilities": Capabilities(predicts_stars=False),
    }
    assert refused(body, Recommender) == "Mine only ranks, so it must implement _scores."
    type("Mine", (Recommender,), body | {"_scores": lambda *_: None})


def test_a_model_must_have_a_name_and_a_summary() -> None:
    written = {
        name: lambda *_: None
        for name in ("_fit", "_user_vectors", "_fold_in", "_predict_all", "_predict")
    }
    assert refused(written, Recommender) == "Mine must declare its name as a string."
    named = written | {"name": "mine"}
    assert refused(named, Recommender) == "Mine must declare its summary as a string."
    assert (
        refused(named | {"summary": 3}, Recommender) == "Mine must declare its summary as a string."
    )
    type("Mine", (Recommender,), named | {"summary": "It does."})


def test_a_class_that_others_are_made_from_need_not_be_complete() -> None:
    type("Half", (Recommender,), {"_fit": lambda *_: None})


INTEGERS = "table_ holds indices, so its dtype must be an integer."


@pytest.mark.parametrize(
    ("name", "array", "told"),
    [
        ("table", learned("I", dtype=np.float32), "table is learned, so its name must end in _."),
        (
            "table_",
            learned("I", dtype=np.int32, index_of="films"),
            "table_: index_of must be users or items.",
        ),
        (
            "table_",
            learned("I", dtype=np.float32, index_of="items"),
            INTEGERS,
        ),
        ("table_", learned("I", dtype=np.float32, indptr_of="N"), INTEGERS),
        (
            "table_",
            learned("I*F", dtype=np.float32),
            "table_: a size must look like I or F+1, unlike I*F.",
        ),
    ],
)
def test_an_array_must_be_declared_so_that_it_can_be_checked(
    name: str, array: Any, told: str
) -> None:
    assert refused({name: array}).endswith(f"Mine.{name}{told.removeprefix(name)}")


def test_capabilities_are_of_their_own_kind() -> None:
    told = refused({"capabilities": {"predicts_stars": False}})
    assert told == "Mine.capabilities must be an instance of Capabilities."
    with pytest.raises(AttributeError):
        Baseline.capabilities.predicts_stars = False  # type: ignore[misc]


def test_a_new_model_declares_settings_arrays_and_curve_in_one_place() -> None:
    @dataclass(kw_only=True, eq=False)
    class Mine(Popularity):
        name: ClassVar[str] = "mine"
        width: int = hyper(3, low=1, high=9, help="width")
        table_: Any = learned("I", "width+1", dtype=np.float32)

        def _fit(self, train: Any, how: Any) -> None:
            del how
            self.table_ = np.zeros((train.n_items, self.width + 1), np.float32)

    model = Mine(width=5).fit(table())
    assert [one.name for one in learned_arrays(Mine)] == ["item_counts_", "item_means_", "table_"]
    check_state(model, model.history_, state_of(model))
    assert model.curve_ is None


# -- what every model keeps ------------------------------------------------------------------------


@every_model_and_the_docs
def test_a_fitted_model_is_as_it_declares(model: Model) -> None:
    one = quickly_fitted(model)
    check_state(one, one.history_, state_of(one))
    for name, member in one.members().items():
        assert name.startswith(member.name)
        if member.is_fitted:
            check_state(member, member.history_, state_of(member))
    one.check_arrays()


@every_model_and_the_docs
def test_every_attribute_that_fit_leaves_is_declared(model: Model) -> None:
    one = quickly_fitted(model)
    declared = {field.name for field in fields(one)}
    # What begins with _ is only remembered; it is not saved and forgotten by fit.
    left = {name for name in vars(one) if not name.startswith("_")}
    assert left <= declared


@every_model_and_the_docs
def test_a_curve_is_left_where_it_is_declared(model: Model) -> None:
    curve, names = quickly_fitted(model).curve_, curve_names(model)
    assert (curve is None) == (names is None)
    assert model().curve_ is None
    if curve is not None and names is not None:
        assert (curve.loss, curve.first) == names
        assert curve.rows.shape == (len(curve), 3)
        assert np.isfinite(curve.train).all()
        assert np.isnan(curve.valid).all()


@every_model_and_the_docs
def test_a_model_that_needs_a_validation_part_says_so(model: Model) -> None:
    assert not model().needs_valid
    for name in ("patience", "keep_best"):
        if name in {one.name for one in model.hypers()}:
            assert model.from_settings({name: 1}).needs_valid


@every_model_and_the_docs
def test_the_history_is_that_of_the_training_part(model: Model) -> None:
    history, ratings = quickly_fitted(model).history_, table()
    assert len(history) == len(ratings)
    assert np.array_equal(history.counts, ratings.user_counts)
    assert np.array_equal(history.user_index, np.sort(ratings.user_index))
    assert (history.timestamp is not None) == model.capabilities.uses_times
    whole = history.to_ratings()
    for user in (0, 7, 299):
        items, values = history.of(user)
        mine = whole.user_index == user
        assert np.array_equal(items, whole.item_index[mine])
        assert np.array_equal(values, whole.value[mine])
    rows = history.rows(np.array([5, 0, 5]))
    assert np.array_equal(rows.item_index[rows.row == 1], history.of(0)[0])
    assert np.array_equal(rows.value[rows.row == 2], history.of(5)[1])


@every_model_and_the_docs
def test_biases_are_of_users_and_items(model: Model) -> None:
    biases = quickly_fitted(model).learned_biases()
    has_biases = model.name in {
        "baseline",
        "mf",
        "bayes",
        "user-knn",
        "item-knn",
        "dot-product",
    } | {"hybrid"}
    assert (biases is not None) == has_biases
    if biases is not None:
        assert (biases.user.shape, biases.item.shape) == ((300,), (120,))
        assert biases.is_in_stars == (model.name != "dot-product")
        assert (biases.factors is None) == biases.is_in_stars


def test_a_history_keeps_times_and_features_where_they_are_learned_from() -> None:
    assert BayesianMF(times=False).capabilities.uses_times is False
    assert BayesianMF(side=False).capabilities.uses_features is False
    assert BayesianMF.capabilities.uses_times
    blend = Blend.from_settings({"models": "mf,bayes", "bayes.side": False})
    assert (blend.capabilities.uses_times, blend.capabilities.uses_features) == (True, False)
    assert not Blend.from_settings({"models": "mf,baseline"}).capabilities.uses_times
    part = random_split(table(), 0.2).train
    model = BayesianMF(factors=2, samples=2, burn_in=1, kept=2).fit(part, n_threads=1)
    order = np.lexsort((part.item_index, part.user_index))
    kept = model.history_.to_training_ratings().timestamp
    assert part.timestamp is not None
    assert kept is not None
    assert np.array_equal(kept, part.timestamp[order])


# -- one list --------------------------------------------------------------------------------------


def test_the_models_are_in_the_order_that_people_know() -> None:
    assert [model.name for model in MODELS] == [
        "baseline", "popularity", "mf", "bayes", "user-knn", "item-knn", "ials", "ease", "dot-product", "mlp",
        "blend", "hybrid", "plain-mf",
    ]  # fmt: skip
    assert set(MODELS) == {*MEMBERS, Blend, Hybrid}
    assert all(model_named(model.name) is model for model in MODELS)


def test_the_suggested_models_are_there_and_are_the_default() -> None:
    stars, pairs = Recommender.suggested
    assert model_named(stars).capabilities.predicts_stars
    assert not model_named(pairs).capabilities.needs_stars
    assert (default_model(Scale(1, 5, 1)), default_model(PAIRS)) == (stars, pairs)


def test_every_model_has_a_summary_sentence() -> None:
    every: tuple[Model, ...] = (*MODELS, Network)
    for model in every:
        assert model.summary.endswith(".")
        assert model.summary[0].isupper()


# -- nobody looks behind the contract --------------------------------------------------------------

NAMED_TUPLE = {"_replace", "_asdict", "_fields", "_make", "_mapping"}
"""Public names of the standard library and SQLAlchemy, which begin with _ so as not to be a field's."""
PROBES = {"getattr", "hasattr", "setattr"}
MODELS_OR_WHAT_HOLDS_ONE = re.compile(r"\b(model|guide|member|recommender)s?\b")


def outside_models() -> list[Path]:
    """All but the models."""
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name not in {"models", "neural", "bayes"}
    ]


def probes(tree: ast.AST) -> list[str]:
    """Calls of getattr, hasattr and setattr on a model, or for an attribute that a model learns."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id not in PROBES:
            continue
        attribute = node.args[1]
        name = str(attribute.value) if isinstance(attribute, ast.Constant) else ""
        is_learned = name.endswith("_") and not name.endswith("__")
        if is_learned or MODELS_OR_WHAT_HOLDS_ONE.search(ast.unparse(node.args[0])):
            found.append(ast.unparse(node))
    return found


def private_uses(tree: ast.AST) -> list[str]:
    """Uses of x._private where x is another object or module."""
    found = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
        ):
            is_own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            if not is_own and node.attr not in NAMED_TUPLE:
                found.append(ast.unparse(node))
    return found


def test_outside_the_models_nobody_probes_a_model_or_uses_what_is_private() -> None:
    offenders = {}
    for path in outside_models():
        tree = ast.parse(path.read_text("utf-8"))
        if wrong := [*probes(tree), *private_uses(tree)]:
            offenders[str(path.relative_to(PACKAGE))] = wrong
    assert offenders == {}


def test_the_search_finds_what_it_looks_for() -> None:
    tree = ast.parse(
        "getattr(guide.model, 'losses_', None); hasattr(model, 'x'); getattr(route, 'path')"
    )
    assert probes(tree) == ["getattr(guide.model, 'losses_', None)", "hasattr(model, 'x')"]
    assert probes(ast.parse("getattr(one, 'item_bias_')")) == ["getattr(one, 'item_bias_')"]
    tree = ast.parse(
        "model._scores(v); self._scores(v); one._replace(a=1); self.model._engine; x.__dict__"
    )
    assert sorted(private_uses(tree)) == ["model._scores", "self.model._engine"]


def test_no_file_outside_the_models_compares_the_name_of_a_model() -> None:
    names = {Network.name, *(model.name for model in MODELS)}
    offenders: dict[str, list[str]] = {}
    for path in outside_models():
        code = path.read_text("utf-8")
        for node in ast.walk(ast.parse(code)) if ".name" in code else ():
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            constants = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
            is_name = any(isinstance(one, ast.Attribute) and one.attr == "name" for one in sides)
            if is_name and constants & names:
                offenders.setdefault(str(path.relative_to(PACKAGE)), []).append(ast.unparse(node))
    assert offenders == {}
