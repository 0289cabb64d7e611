"""Altered model files with a new digest: what compiled code would trust is refused when they are loaded."""

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.features import Features
from matinee.errors import ModelFileError
from matinee.models import MODELS
from matinee.models.bayes.model import BayesianMF
from matinee.models.declarations import CURVE, learned_arrays
from matinee.models.hyperparameters import Learned
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import simulated
from tests.forged import contents, forge
from tests.recommendation.model_files.write import SETTINGS, network_module, table, unfitted

FOLDER = Path(__file__).parent / "model_files"
FREE = {"losses_", "step_losses_"}
"""Arrays of any length."""

Arrays = dict[str, NDArray[Any]]
every_file = pytest.mark.parametrize("name", SETTINGS)


@cache
def whole(name: str) -> Arrays:
    return contents(FOLDER / f"{name}.matinee")[1]


def declared(name: str) -> list[tuple[str, Learned]]:
    """The arrays of a model, and of the models that it is made of, with their names in its file."""
    model = load_model(FOLDER / f"{name}.matinee", network_module())[0]
    found = [(f"model.{one.name}", one) for one in learned_arrays(type(model))]
    found = [(place, one) for place, one in found if place in whole(name) or not one.may_be_missing]
    for prefix, member in model.members().items():
        names = ((f"model.{prefix}.{one.name}", one) for one in learned_arrays(type(member)))
        found += [(place, one) for place, one in names if place in whole(name)]
    return found


def refusal(name: str, changed: dict[str, NDArray[Any] | None], folder: Path) -> str:
    """What is said of a file in which some arrays are others."""
    path = folder / "forged.matinee"
    forge(FOLDER / f"{name}.matinee", changed, to=path)
    with pytest.raises(ModelFileError) as caught:
        load_model(path, network_module())
    return str(caught.value)


def with_first(array: NDArray[Any], value: float) -> NDArray[Any]:
    changed = array.copy()
    changed.flat[0] = value
    return changed


def with_last(array: NDArray[Any], value: float) -> NDArray[Any]:
    changed = array.copy()
    changed.flat[-1] = value
    return changed


def forgeries(one: Learned, array: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any] | None]]:
    """Everything that an array of this declaration must not be."""
    if not one.may_be_missing:
        yield "missing", None
    yield "one dimension more", array[None]
    other = np.float32 if array.dtype == np.float64 else np.float64
    yield "another kind", array.astype(other)
    yield "text", np.frombuffer(array.tobytes() or b"x", np.uint8)
    if array.ndim and array.size and one.name not in FREE:
        yield "a row less", array[:-1]
        yield "a row more", np.concatenate([array, array[-1:]])
    if array.ndim > 1 and array.shape[-1] > 1:
        yield "a column less", array[..., :-1]
    if array.size and array.dtype.kind == "f" and not one.allows_nan:
        yield "NaN", with_first(array, np.nan)
        yield "infinite", with_last(array, np.inf)
    if array.size and one.least is not None:
        yield "too small", with_first(array, one.least - 1)
    if array.size and (one.index_of or one.indptr_of or one.sizes_of):
        yield "negative", with_first(array, -1)
        yield "far negative", with_last(array, -(10**8))
        yield "far too large", with_first(array, 10**8)
        yield "just too large", with_last(array, 10_000)
    if one.indptr_of:
        yield "falling", array[::-1]


@every_file
def test_no_array_may_be_other_than_declared(name: str, tmp_path: Path) -> None:
    missed = []
    for place, one in declared(name):
        for how, array in forgeries(one, whole(name)[place]):
            try:
                told = refusal(name, {place: array}, tmp_path)
            except pytest.fail.Exception:
                missed.append(f"{place}: {how}")
            else:
                assert "cannot use" in told, (place, how, told)
    assert missed == []


def test_the_array_for_new_items_may_not_be_other_than_declared(tmp_path: Path) -> None:
    ratings = simulated(40, 30, 500)
    labels = [["genre: Drama"] if item % 2 else ["genre: War"] for item in range(ratings.n_items)]
    model = BayesianMF(factors=4, samples=8, burn_in=4).fit(
        replace(ratings, item_features=Features.of(labels))
    )
    path, place = tmp_path / "features.matinee", "model.label_draws_"
    save_model(path, model, Catalog(), Origin())
    array = contents(path)[1][place]
    (one,) = (one for one in learned_arrays(BayesianMF) if one.name == "label_draws_")
    assert array.size
    for how, forged in forgeries(one, array):
        if how != "missing":  # as in files of before
            forge(path, {place: forged}, to=tmp_path / "forged.matinee")
            with pytest.raises(ModelFileError):
                load_model(tmp_path / "forged.matinee")


HISTORY = {
    "history_indptr_": [
        lambda a: a[::-1],
        lambda a: a[:-1],
        lambda a: with_last(a, 10**9),
        lambda a: with_first(a, -(10**9)),
        lambda a: a.astype(np.int32),
        lambda a: np.append(0, np.full(len(a) - 1, a[-1])) - np.eye(1, len(a), 2, np.int64)[0],
    ],
    "history_items_": [
        lambda a: with_first(a, 60_000),
        lambda a: with_last(a, -1),
        lambda a: a[:-1],
        lambda a: a.astype(np.int64),
        lambda a: np.roll(a, 1) * 0,
    ],
    "history_values_": [lambda a: with_first(a, np.nan), lambda a: a.astype(np.float64)],
    "item_counts_": [lambda a: a + 1, lambda a: np.roll(a, 1)],
}


@pytest.mark.parametrize("name", ["mf", "user-knn", "item-knn", "blend"])
@pytest.mark.parametrize("part", HISTORY)
def test_a_history_that_points_elsewhere_is_refused(name: str, part: str, tmp_path: Path) -> None:
    for change in HISTORY[part]:
        changed = change(whole(name)[f"model.{part}"])  # type: ignore[no-untyped-call]
        assert part in refusal(name, {f"model.{part}": changed}, tmp_path)


def test_a_forged_index_ends_in_a_sentence_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "evil.matinee"
    raters = whole("user-knn")["model.raters_"]
    forge(FOLDER / "user-knn.matinee", {"model.raters_": with_first(raters, 10**8)}, to=path)
    code = f"import matinee.cli; matinee.cli.main(['recommend', {str(path)!r}, '--user', '1'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "user-knn: raters_ holds an index outside 0 to 39" in done.stderr
    assert "Traceback" not in done.stderr


# -- the rest of the file --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("scale", ["1", "5", "1"]),
        ("scale", [5.0, 1.0, 1.0]),
        ("scale", [1.0, float("inf"), 1.0]),
        ("scale", [1.0, 5.0]),
        ("scale", [True, 5.0, 1.0]),
        ("hyperparameters", ["factors"]),
        ("hyperparameters", {"factors": 4000}),
        ("hyperparameters", {"factors": [4]}),
        ("hyperparameters", None),
        ("origin", {"dataset": ["a"], "version": "1"}),
        ("origin", {"n_ratings": "many", "version": "1"}),
        ("origin", []),
        ("members", [{"model": "mf", "hyperparameters": {}, "is_fitted": False}]),
        ("members", [{"model": "mf", "hyperparameters": {}, "is_fitted": True}]),
        ("members", {"mf": 1}),
        ("members", 3),
        ("model", ["mf"]),
        ("model", "bayes"),
        ("model", "blend"),
        ("format", "1"),
    ],
)
def test_a_nonsensical_header_is_refused(entry: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "forged.matinee"
    forge(FOLDER / "mf.matinee", {}, {entry: value}, to=path)
    with pytest.raises(ModelFileError):
        load_model(path)


@pytest.mark.parametrize("fitted", [[True, True], [False, True, True], [True, True, True, True]])
def test_a_blend_whose_weights_do_not_fit_its_models_is_refused(
    fitted: list[bool], tmp_path: Path
) -> None:
    path = tmp_path / "forged.matinee"
    header, _ = contents(FOLDER / "blend.matinee")
    members = [
        *header["members"],
        header["members"][0] | {"model": "baseline", "hyperparameters": {}},
    ]
    members = [
        one | {"is_fitted": is_fitted} for one, is_fitted in zip(members, fitted, strict=False)
    ]
    forge(FOLDER / "blend.matinee", {}, {"members": members}, to=path)
    with pytest.raises(ModelFileError):
        load_model(path)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "[" * 990 + "]" * 990, "3", "null"]
)
def test_a_header_of_nested_lists_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "forged.matinee"
    header = json.dumps({"__metadata__": {"matinee": text}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert str(caught.value) == (
        f"'{path}' is not a complete model file (it is truncated, damaged, or of another kind); train the model again."
    )


def test_titles_and_ids_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    ends = whole("baseline-texts")["users.ends"]
    for changed in (ends[::-1], ends + 10**6, with_first(ends, -5)):
        refusal("baseline-texts", {"users.ends": changed}, tmp_path)
    users = whole("mf")["users"]
    for changed in (users[:-1], users[::-1], users.astype(np.float64), users.reshape(2, -1)):
        refusal("mf", {"users": changed}, tmp_path)


# -- writing ---------------------------------------------------------------------------------------


def test_the_same_model_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    model = unfitted("mf").fit(table(), n_threads=1)
    written = set()
    for number in range(20):
        path = tmp_path / f"{number}.matinee"
        save_model(path, model, Catalog(), Origin("simulated", 400))
        written.add(path.read_bytes())
    assert len(written) == 1


def test_a_model_whose_training_diverged_is_not_saved(tmp_path: Path) -> None:
    model = MatrixFactorization(factors=3, epochs=1).fit(simulated(20, 10, 100), n_threads=1)
    model.item_factors_[3, 1] = np.nan
    with pytest.raises(ModelFileError) as caught:
        save_model(tmp_path / "m.matinee", model, Catalog(), Origin())
    assert str(caught.value) == (
        "This model cannot be saved: mf: item_factors_ holds a number that is not finite; training may have diverged."
    )
    assert list(tmp_path.iterdir()) == []


def test_there_is_a_file_of_every_model_to_forge() -> None:
    assert {model.name for model in MODELS} <= set(SETTINGS)
    assert CURVE in {one.name for one in learned_arrays(MatrixFactorization)}
