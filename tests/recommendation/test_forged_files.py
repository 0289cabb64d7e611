"""Altered model files with a new digest: what compiled code would trust is refused when they are loaded."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.features import Features
from matinee.errors import DataError, ModelFileError
from matinee.models import MODELS
from matinee.models.bayes.model import BayesianMF
from matinee.models.declarations import CURVE, learned_arrays
from matinee.models.hyperparameters import Learned
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import simulated
from tests.forged import contents, forge, signed
from tests.fuzz.models import valid
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
        n_more = 2 if one.name == "penalty_" else 1  # two in the files here, or three
        yield "rows more", np.concatenate([array, *[array[-1:]] * n_more])
    if array.ndim > 1 and array.shape[-1] > 1:
        yield "a column less", array[..., :-1]
    if array.size and array.dtype.kind == "f" and not one.allows_nan:
        yield "NaN", with_first(array, np.nan)
        yield "infinite", with_last(array, np.inf)
        if array.dtype != np.float16 and one.most < 1e300:
            yield "far too large", with_last(array, 10 * one.most)
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
        lambda a: np.sort(a),  # as many of each item
        lambda a: np.sort(a)[::-1],
    ],
    "history_values_": [
        lambda a: with_first(a, np.nan),
        lambda a: a.astype(np.float64),
        lambda a: with_first(a, 5.5),
        lambda a: with_last(a, -1e30),
    ],
    "item_counts_": [lambda a: a + 1, lambda a: np.roll(a, 1), lambda a: with_first(a, 10**12)],
    "item_means_": [
        lambda a: with_first(a, np.nan),
        lambda a: with_last(a, np.inf),
        lambda a: with_last(a, 1e30),
        lambda a: with_first(a, 0.5),
        lambda a: a[:-1],
    ],
}


@pytest.mark.parametrize("name", ["mf", "user-knn", "item-knn", "blend"])
@pytest.mark.parametrize("part", HISTORY)
def test_a_history_that_points_elsewhere_is_refused(name: str, part: str, tmp_path: Path) -> None:
    for change in HISTORY[part]:
        changed = change(whole(name)[f"model.{part}"])  # type: ignore[no-untyped-call]
        assert part in refusal(name, {f"model.{part}": changed}, tmp_path)


RELATIONS = [
    ("user-knn", "raters_", np.sort, "raters_ does not match the history"),
    ("user-knn", "raters_", lambda a: np.roll(a, 1), "raters_ does not match the history"),
    (
        "user-knn",
        "rater_starts_",
        lambda a: np.append(np.zeros(len(a) - 1, np.int64), a[-1]),
        "rater_starts_ does not match item_counts_",
    ),
    ("item-knn", "weights_", lambda a: with_first(a, -0.5), "must be at least 0"),
    ("new mf", "penalty_", lambda a: np.append(a, 1.0), "penalty_ has 4 numbers, not 3"),
    ("bayes", "moment_keys_", lambda a: a[::-1], "moment_keys_ does not ascend"),
    ("bayes", "moment_keys_", lambda a: with_first(a, -1), "moment_keys_ holds a key of another"),
    ("bayes", "moment_keys_", lambda a: with_last(a, 2**62), "moment_keys_ holds a key of another"),
    ("bayes", "moment_sizes_", lambda a: [a.sum()], "moment_sizes_ has 1 levels"),
    (
        "new bayes",
        "history_timestamps_",
        lambda a: with_first(a, 2**62),
        "history_timestamps_ holds",
    ),
    ("bayes-probit", "levels_", lambda a: a[::-1], "levels_ or threshold_draws_"),
    ("bayes-probit", "threshold_draws_", lambda a: a[:, ::-1], "levels_ or threshold_draws_"),
    ("dot-product", "range_", lambda a: a[::-1], "range_ does not ascend"),
    ("mlp", "range_", lambda a: a[::-1], "range_ does not ascend"),
]


@pytest.mark.parametrize(("name", "part", "change", "told"), RELATIONS)
def test_arrays_that_do_not_fit_each_other_are_refused(
    name: str, part: str, change: Callable[[Any], Any], told: str, tmp_path: Path
) -> None:
    place, path = f"model.{part}", tmp_path / "whole.matinee"
    path.write_bytes(valid(name))
    array = contents(path)[1][place]
    changed = np.asarray(change(array))
    assert not np.array_equal(changed, array)
    forge(path, {place: changed})
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert told in str(caught.value)


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
        ("scale", [1.0, 1e30, 1.0]),
        ("hyperparameters", {"factors": 10**12}),
        ("hyperparameters", {"half_life": float("nan")}),
        ("deep", json.loads("[" * 30 + "]" * 30)),
        ("long", "x" * 1_000_000),
        ("infinite", float("inf")),
    ],
    ids=lambda value: str(value)[:40],
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


@pytest.mark.parametrize("entry", ["model", "format"])
def test_a_message_quotes_little_of_a_file_and_nothing_that_a_terminal_obeys(
    entry: str, tmp_path: Path
) -> None:
    odd, path = "\x1b[31m\n" * 50_000, tmp_path / "forged.matinee"
    header = {"format": 2, "origin": {"version": odd}} if entry == "format" else {"model": odd}
    forge(FOLDER / "mf.matinee", {}, header, to=path)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert len(str(caught.value)) < 3_000
    assert str(caught.value).isprintable()


def test_a_header_that_repeats_a_key_is_refused(tmp_path: Path) -> None:
    header, tensors = contents(FOLDER / "mf.matinee")
    path, text = tmp_path / "forged.matinee", json.dumps(header)
    path.write_bytes(signed(text, tensors))
    load_model(path)
    path.write_bytes(signed('{"model": "ease", ' + text[1:], tensors))
    with pytest.raises(ModelFileError):
        load_model(path)


def test_a_header_of_many_megabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "forged.matinee"
    header, tensors = contents(FOLDER / "mf.matinee")
    many = {f"empty.{number}": np.zeros(0, np.float32) for number in range(60_000)}
    path.write_bytes(signed(json.dumps(header), tensors | many))
    with pytest.raises(ModelFileError):
        load_model(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members * 3,
        lambda members: [members[0] | {"name": f"mf{number}"} for number in range(60)],
        lambda members: [members[0] | {"name": "ials"}, *members[1:]],
        lambda members: [members[1], members[0], *members[2:]],
        lambda members: [*members[:-1], members[-1] | {"model": "ease", "hyperparameters": {}}],
    ],
)
@pytest.mark.parametrize("name", ["blend", "hybrid"])
def test_members_that_the_settings_do_not_name_are_refused(
    name: str, change: Callable[[Any], Any], tmp_path: Path
) -> None:
    path = tmp_path / "forged.matinee"
    members = change(contents(FOLDER / f"{name}.matinee")[0]["members"])
    forge(FOLDER / f"{name}.matinee", {}, {"members": members}, to=path)
    with pytest.raises(ModelFileError):
        load_model(path)


def texts_of(name: str, texts: list[str]) -> dict[str, NDArray[Any] | None]:
    """The arrays of some texts in a file."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return {
        name: None,
        f"{name}.text": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}.ends": np.cumsum([len(text) for text in encoded], dtype=np.int64),
    }


def test_columns_of_films_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    films = whole("mf")
    n = len(films["films"])
    for changed in (
        {"films.year": films["films.year"].astype(np.float64)},
        {"films.year": films["films.year"][:-1]},
        {"films.title.text": films["films.title.text"].astype(np.int32)},
        {"films.title.ends": films["films.title.ends"][None]},
        {"films": films["films"][:-1]},
    ):
        refusal("mf", dict(changed), tmp_path)
    told = refusal("mf", {"films": np.zeros(n, np.int64)}, tmp_path)
    assert "two films with the same id" in told
    assert "two films with the same id" in refusal("mf", texts_of("films", ["a"] * n), tmp_path)


def test_features_that_would_take_far_more_memory_than_the_file_are_refused(
    tmp_path: Path,
) -> None:
    path, names = tmp_path / "features.matinee", 2_000_000
    path.write_bytes(valid("new bayes"))
    place = "model.history_user_features_.names"
    forge(
        path, {f"{place}.text": np.zeros(0, np.uint8), f"{place}.ends": np.zeros(names, np.int64)}
    )
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert "2,000,000 names, far too many for the file" in str(caught.value)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5_000])
def test_a_name_that_no_file_can_have_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        load_model(name)
    assert str(caught.value).startswith("Cannot read ")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.matinee"
    os.mkfifo(path)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert str(caught.value) == f"Cannot read '{path}': it is a pipe. Give the path of a file."


# -- answers ---------------------------------------------------------------------------------------

USELESS = (
    "This {} model computes numbers that are not finite: its file was altered, or its training "
    "diverged. Train it again."
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_that_are_not_finite_are_no_answers() -> None:
    model = unfitted("mf").fit(table(), n_threads=1)
    assert isinstance(model, MatrixFactorization)
    user, item = model.users_.id(3), model.items_.id(5)
    model.item_factors_[5], model.user_factors_[3] = 3e38, 10
    model.item_bias_[0], new = np.inf, {model.items_.id(0): 5.0, item: 1.0}
    questions: list[Callable[[], object]] = [
        lambda: model.recommend(user),
        lambda: model.predict(user, item),
        lambda: model.predict_ratings(table()),
        lambda: model.scores(user, 0.7),
        lambda: model.ranking(user),
        lambda: model.parts(user, item),
        lambda: model.recommend(new),
    ]
    for question in questions:
        with pytest.raises(DataError) as caught:
            question()
        assert str(caught.value) == USELESS.format("mf")


def test_equations_without_a_solution_are_no_answer() -> None:
    model = unfitted("bayes").fit(table(), n_threads=1)
    assert isinstance(model, BayesianMF)
    model.noise_draws_ = -1e6 * np.ones_like(model.noise_draws_)
    with pytest.raises(DataError) as caught:
        model.fold_in({model.items_.id(place): 5.0 for place in range(20)})
    assert str(caught.value) == USELESS.format("bayes")


# -- titles ----------------------------------------------------------------------------------------


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
