"""Hyperparameters: declared once, checked everywhere, with messages that say what to type."""

from typing import Any

import numpy as np
import pytest

from matinee.errors import SettingError, UnknownNameError
from matinee.models import MODELS, model_named
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.common import TRAINING_SETTINGS, NeuralRecommender
from matinee.models.neural.dot_product import DotProduct, PlainMF
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.models.popularity import Popularity
from tests.helpers import arrays, assert_same, every_model, small_table


@every_model
def test_settings_go_round(model: type[Recommender]) -> None:
    one = model.from_settings({"seed": 7})
    assert one.settings() == model(**one.settings()).settings()
    assert one.settings()["seed"] == 7
    assert list(one.settings()) == [known.name for known in model.hypers()]


@every_model
def test_settings_may_be_text(model: type[Recommender]) -> None:
    text = {name: str(value) for name, value in model().settings().items()}
    assert model.from_settings(text).settings() == model().settings()


@every_model
def test_defaults_lie_inside_their_range_and_are_explained(model: type[Recommender]) -> None:
    for one in model.hypers():
        assert one.help
        assert one.low is None or one.default >= one.low
        assert one.high is None or one.default <= one.high
        if one.search is not None:
            assert one.low is not None
            assert one.high is not None
            assert one.low <= one.search[0] < one.search[1] <= one.high
            is_off = one.needs_times and one.default == 0
            assert is_off or one.search[0] <= one.default <= one.search[1]


@every_model
def test_every_range_is_enforced_at_both_ends(model: type[Recommender]) -> None:
    for one in model.hypers():
        for limit, step in ((one.low, -1), (one.high, 1)):
            if limit is None:
                continue
            assert model.from_settings({one.name: limit}).settings()[one.name] == limit
            with pytest.raises(SettingError, match=f"^{model.name}: {one.name} must be "):
                model.from_settings({one.name: limit + step})


@every_model
def test_every_choice_is_valid_and_nothing_else(model: type[Recommender]) -> None:
    for setting in model.hypers():
        for choice in setting.choices:
            assert model.from_settings({setting.name: choice}).settings()[setting.name] == choice
        if setting.choices:
            assert setting.default in setting.choices
            with pytest.raises(
                SettingError, match=f"^{model.name}: {setting.name} must be .* or .*, not 'Zzz'"
            ):
                model.from_settings({setting.name: "Zzz"})


def test_settings_with_a_closed_choice_are_declared_with_it() -> None:
    closed = {
        (model.name, setting.name)
        for model in MODELS
        for setting in model.hypers()
        if setting.choices
    }
    assert closed == {
        ("bayes", "likelihood"), ("bayes", "start"), ("ials", "weights"), ("user-knn", "similarity"), ("item-knn", "similarity"),
        *((name, setting) for name in ("dot-product", "mlp", "plain-mf") for setting in ("schedule", "update")),
    }  # fmt: skip


def test_valid_values_in_words() -> None:
    valid = {setting.name: setting.valid for setting in DotProduct.hypers()}
    assert valid["factors"] == "1 to 4096"
    assert valid["update"] == "auto, dense, lazy"
    assert valid["start"] == ""


def test_a_neural_model_lists_the_settings_of_its_network_before_those_of_its_training() -> None:
    names = [setting.name for setting in EmbeddingMLP.hypers()]
    assert names[:8] == [
        "seed", "factors", "hidden", "embedding_dropout", "dropout", "sigmoid_range", "start", "epochs"
    ]  # fmt: skip
    assert names[-6:] == ["epsilon", "update", "patience", "keep_best", "device", "compile"]
    shared = {setting.name for setting in NeuralRecommender.hypers()} - {"seed"}
    assert shared <= set(TRAINING_SETTINGS)


def test_the_repr_of_a_neural_model_makes_it_again() -> None:
    model = PlainMF(epochs=3, schedule="warm-up", seed=5)
    assert repr(model).startswith(
        "PlainMF(seed=5, factors=8, biases=False, sigmoid_range='none', start="
    )
    assert eval(repr(model)).settings() == model.settings()


@every_model
def test_the_names_of_models_find_them(model: type[Recommender]) -> None:
    assert model_named(model.name) is model


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"factors": "many"}, "mf: factors must be a whole number, not 'many' (default 64)."),
        ({"factors": 2.5}, "mf: factors must be a whole number, not '2.5' (default 64)."),
        ({"factors": True}, "mf: factors must be a whole number, not 'True' (default 64)."),
        ({"factors": None}, "mf: factors must be a whole number, not 'None' (default 64)."),
        ({"factors": 0}, "mf: factors must be between 1 and 4096, not 0 (default 64)."),
        ({"factors": "5000"}, "mf: factors must be between 1 and 4096, not 5000 (default 64)."),
        (
            {"learning_rate": "fast"},
            "mf: learning_rate must be a number, not 'fast' (default 0.04).",
        ),
        (
            {"learning_rate": 0},
            "mf: learning_rate must be between 1e-05 and 1, not 0.0 (default 0.04).",
        ),
        (
            {"learning_rate": "nan"},
            "mf: learning_rate must be between 1e-05 and 1, not nan (default 0.04).",
        ),
        (
            {"regularization": -0.1},
            "mf: regularization must be between 0 and 10, not -0.1 (default 0.04).",
        ),
        ({"seed": -1}, "mf: seed must be between 0 and 2147483647, not -1 (default 0)."),
    ],
)
def test_a_wrong_value_is_refused_with_the_valid_ones(
    settings: dict[str, Any], expected: str
) -> None:
    with pytest.raises(SettingError) as caught:
        MatrixFactorization.from_settings(settings)
    assert str(caught.value) == expected
    with pytest.raises(SettingError):
        MatrixFactorization(**settings)


@pytest.mark.parametrize(
    ("model", "name", "expected"),
    [
        (MatrixFactorization, "epoch", "mf has no setting 'epoch'. Did you mean 'epochs'"),
        (
            MatrixFactorization,
            "learningrate",
            "mf has no setting 'learningrate'. Did you mean 'learning_rate'",
        ),
        (
            Baseline,
            "zzz",
            "baseline has no setting 'zzz'. Its settings are: seed, user_shrinkage, item_shrinkage,",
        ),
        (Popularity, "zzz", "popularity has no setting 'zzz'. Its settings are: seed."),
    ],
)
def test_a_misspelled_setting_suggests_the_nearest(
    model: type[Recommender], name: str, expected: str
) -> None:
    with pytest.raises(UnknownNameError) as caught:
        model.from_settings({name: 1})
    assert str(caught.value).startswith(expected)


def test_a_misspelled_model_suggests_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match=r"^There is no model 'popular'\. Did you mean 'popularity'"
    ):
        model_named("popular")
    with pytest.raises(
        UnknownNameError,
        match=r"^There is no model 'zzz'\. The models are: baseline, popularity, mf",
    ):
        model_named("zzz")


# -- as scikit-learn uses them -----------------------------------------------------------

OTHER: dict[str, dict[str, Any]] = {
    "blend": {"models": "mf, ease", "member_settings": "mf.factors=8"},
    "bayes": {"times": False, "likelihood": "regression"},
    "ials": {"threshold": 4},
    "ease": {"threshold": "3.5"},
    "mlp": {"hidden": "20,10", "dropout": "0.1,0.2"},
    "mf": {"factors": np.int64(8), "learning_rate": np.float32(0.5)},
}
"""Settings that a model converts or from which it derives others."""


@every_model
def test_parameters_make_an_equal_model(model: type[Recommender]) -> None:
    one = model(seed=7)
    assert one.get_params() == one.get_params(deep=False) == one.settings()
    assert model(**one.get_params()).settings() == one.settings()


@every_model
def test_parameters_can_be_set_and_are_checked_like_any(model: type[Recommender]) -> None:
    settings = OTHER.get(model.name, {})
    one = model()
    assert one.set_params(seed=7, **settings) is one
    assert one.settings() == model(seed=7, **settings).settings()
    assert one.capabilities == model(seed=7, **settings).capabilities
    before = one.settings()
    with pytest.raises(UnknownNameError, match=f"^{model.name} has no setting 'sed'. Did you mean"):
        one.set_params(sed=1)
    with pytest.raises(SettingError, match=f"^{model.name}: seed must be "):
        one.set_params(**settings, seed=-1)
    assert one.settings() == before


@every_model
def test_scikit_learn_clones_a_model(model: type[Recommender]) -> None:
    base = pytest.importorskip("sklearn.base", reason="scikit-learn is not installed")
    for one in (model(), model(seed=7, **OTHER.get(model.name, {}))):
        copied = base.clone(one)
        assert type(copied) is model
        assert copied.settings() == one.settings()
        assert copied.capabilities == one.capabilities


def test_a_clone_of_a_fitted_model_is_not_fitted() -> None:
    base = pytest.importorskip("sklearn.base", reason="scikit-learn is not installed")
    fitted = MatrixFactorization(epochs=2).fit(small_table())
    copied = base.clone(fitted)
    assert fitted.is_fitted
    assert not copied.is_fitted
    assert_same(arrays(copied.fit(small_table())), arrays(fitted))
