"""Model files: the same answers bit for bit, whole or not at all, and a sentence for every file that is none."""

import ast
import json
import os
import pickle
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import matinee
from matinee._version import __version__
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import ModelFileError, UnsupportedError
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.models.declarations import state_of
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation import model_file
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import simulated
from tests.helpers import Model, every_model, small_table

PACKAGE = Path(matinee.__file__).parent
TRAIN_AGAIN = "is not a complete model file (it is truncated, damaged, or of another kind); train the model again."


@cache
def table(ids: str) -> Ratings:
    """The same 900 ratings with integer ids or with texts that are hard to keep."""
    plain = small_table()
    users, items = (
        plain.users.ids[plain.user_index].tolist(),
        plain.items.ids[plain.item_index].tolist(),
    )
    if ids == "integers":
        return plain
    return Ratings.from_ids(
        [f"zoé {user}" for user in users], [f"tt{item:07} 映画\0" for item in items], plain.value
    )


@cache
def fitted(model: Model, ids: str = "integers") -> Recommender:
    settings = {"samples": 20, "burn_in": 10} if model is BayesianMF else {}
    return model.from_settings(settings).fit(table(ids), n_threads=1)


def catalog_of(model: Recommender, kind: str) -> Catalog:
    """No titles, titles alone, or titles in many scripts with years and genres for all items but one."""
    ids = model.items_.ids.tolist()
    if kind == "no titles":
        return Catalog()
    if kind == "bare titles":
        return Catalog({item_id: Film(f"Film {item_id}") for item_id in ids})
    titles = (
        "Amélie",
        "千と千尋の神隠し (2001)",
        "Ночной дозор",
        "🎬",
        "",
        'a "quoted", comma\nand line',
        "e\u0301",
    )
    films = {
        item_id: Film(
            titles[place % len(titles)],
            1900 + place if place % 3 else None,
            ("Drama", "喜劇")[: place % 3],
        )
        for place, item_id in enumerate(ids[1:])
    }
    return Catalog(films)


def answers(model: Recommender, ratings: Ratings) -> dict[str, Any]:
    """All that a model can be asked, or the words with which it refuses."""
    user, item = model.users_.id(3), model.items_.id(5)
    new = {model.items_.id(0): ratings.scale.highest, model.items_.id(7): ratings.scale.lowest}
    asked: dict[str, Callable[[], Any]] = {
        "predictions": lambda: model.predict_ratings(ratings).tobytes(),
        "one prediction": lambda: model.predict(user, item),
        "list": lambda: model.recommend(user, 100),
        "whole list": lambda: model.recommend(user, 100, include_seen=True),
        "newcomer": lambda: model.recommend(new, 100),
        "similar": lambda: model.similar(item, 100),
    }
    return {name: answer(question) for name, question in asked.items()}


def answer(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except UnsupportedError as error:
        return str(error)


def saved(folder: Path, *, has_history: bool = True, model: Model = Baseline) -> Path:
    path = folder / f"{model.name}-{has_history}.matinee"
    one = fitted(model)
    save_model(path, one, catalog_of(one, "rich"), Origin("simulated", 900, "", has_history))
    return path


def message(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    return str(caught.value)


# -- the same model comes back -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "ids", "titles"),
    [
        *((model, ids, "rich") for model in MODELS for ids in ("integers", "texts")),
        *((MatrixFactorization, "integers", titles) for titles in ("no titles", "bare titles")),
        *((MatrixFactorization, "texts", titles) for titles in ("no titles", "bare titles")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_loaded_model_answers_bit_for_bit_as_the_saved_one(
    model: Model, ids: str, titles: str, tmp_path: Path
) -> None:
    one, ratings = fitted(model, ids), table(ids)
    save_model(
        tmp_path / "m.matinee", one, catalog_of(one, titles), Origin("simulated", len(ratings))
    )
    other, catalog, origin = load_model(tmp_path / "m.matinee")
    assert type(other) is type(one)
    assert other.settings() == one.settings()
    assert (other.users_, other.items_, other.scale_) == (one.users_, one.items_, one.scale_)
    assert (other.users_.kind, other.items_.kind) == ("user", "item")
    assert answers(other, ratings) == answers(one, ratings)
    assert catalog.films == catalog_of(one, titles).films
    assert origin == Origin("simulated", len(ratings))


@every_model
def test_every_learned_array_keeps_its_values_shape_and_type(model: Model, tmp_path: Path) -> None:
    one = fitted(model)
    other = load_model(saved(tmp_path, model=model))[0]
    found = state_of(other)
    for name, mine in state_of(one).items():
        loaded = found[name]
        assert (mine.dtype, mine.shape, mine.tobytes()) == (
            loaded.dtype,
            loaded.shape,
            loaded.tobytes(),
        ), name


def test_settings_other_than_the_defaults_and_the_origin_travel_along(tmp_path: Path) -> None:
    model = MODELS[-1](seed=11).fit(simulated(60, 40, 900), n_threads=1)
    origin = Origin("films, 2024", 900, "Simulated.", False)
    save_model(tmp_path / "m.matinee", model, Catalog(), origin)
    other, _, loaded = load_model(tmp_path / "m.matinee")
    assert (other.settings(), loaded) == (model.settings(), origin)
    assert loaded.version == __version__


def test_ids_keep_their_type(tmp_path: Path) -> None:
    for ids, kind in (("integers", int), ("texts", str)):
        one = fitted(Baseline, ids)
        save_model(tmp_path / "m.matinee", one, catalog_of(one, "rich"), Origin())
        model, catalog, _ = load_model(tmp_path / "m.matinee")
        assert {type(one.item_id) for one in model.recommend(model.users_.id(0))} == {kind}
        assert {type(item_id) for item_id in catalog.films} == {kind}


def test_items_that_nobody_has_rated_stay_in_the_catalog(tmp_path: Path) -> None:
    model = fitted(Baseline)
    save_model(
        tmp_path / "m.matinee",
        model,
        Catalog({7: Film("Seven"), 999_999: Film("Never rated")}),
        Origin(),
    )
    assert load_model(tmp_path / "m.matinee")[1].films == {
        7: Film("Seven"),
        999_999: Film("Never rated"),
    }


def test_external_ids_and_tags_are_kept_and_old_files_without_them_stay_the_same(
    tmp_path: Path,
) -> None:
    films: dict[Id, Film] = {
        7: Film("Seven", imdb="tt0114369", tmdb=807, tags=("dark|grim", "twist ending")),
        8: Film("Eight"),
    }
    save_model(tmp_path / "m.matinee", fitted(Baseline), Catalog(films), Origin())
    assert load_model(tmp_path / "m.matinee")[1].films == films
    save_model(tmp_path / "plain.matinee", fitted(Baseline), Catalog({7: Film("Seven")}), Origin())
    with safe_open(tmp_path / "plain.matinee", framework="np") as file:
        assert not [name for name in file.keys() if "imdb" in name or "tags" in name]  # noqa: SIM118


def test_text_that_is_not_valid_unicode_is_preserved(tmp_path: Path) -> None:
    model = fitted(Baseline)
    save_model(tmp_path / "m.matinee", model, Catalog({7: Film("caf\udce9")}), Origin())
    assert load_model(tmp_path / "m.matinee")[1].films == {7: Film("caf\udce9")}


def test_a_suffix_is_neither_needed_nor_added(tmp_path: Path) -> None:
    save_model(str(tmp_path / "films"), fitted(Baseline), Catalog(), Origin())
    assert load_model(str(tmp_path / "films"))[0].name == "baseline"
    assert [path.name for path in tmp_path.iterdir()] == ["films"]


# -- files that are none -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_file_is_refused(part: float, tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    assert message(path) == f"'{path}' {TRAIN_AGAIN}"


def test_a_file_with_something_after_its_end_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes() + b"more")
    assert message(path) == f"'{path}' {TRAIN_AGAIN}"


@pytest.mark.parametrize(
    "content",
    [
        b"title,rating\nAlien (1979),5\n" * 50,
        pickle.dumps({"model": [1, 2, 3]}),
        b"PK\x03\x04" + bytes(99),
        b"\x80",
    ],
    ids=["text", "pickle", "zip", "one byte"],
)
def test_another_kind_of_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.matinee"
    path.write_bytes(content)
    assert message(path) == f"'{path}' {TRAIN_AGAIN}"


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weights": np.ones(3, np.float32)}, path)
    assert message(path) == f"'{path}' is a safetensors file that matinee did not write."


@pytest.mark.parametrize(("kind", "size"), [("BF16", 4), ("F8_E4M3", 2)])
def test_a_safetensors_file_with_numbers_that_numpy_does_not_know_is_refused(
    kind: str, size: int, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    header = json.dumps(
        {"weights": {"dtype": kind, "shape": [2], "data_offsets": [0, size]}}
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    assert message(path) == f"'{path}' is a safetensors file that matinee did not write."


def test_the_error_for_a_file_of_a_newer_version_says_how_to_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(model_file, "FORMAT", 2)
        path = tmp_path / "m.matinee"
        save_model(path, fitted(Baseline), Catalog(), Origin(version="3.1.4"))
    assert message(path) == (
        f"'{path}' was saved by matinee 3.1.4, which is newer than this one ({__version__}). "
        "Update:  pip install --upgrade matinee"
    )


def test_a_file_with_a_model_that_is_not_known_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.matinee"
    with monkeypatch.context() as other:
        other.setattr(Baseline, "name", "crystal-ball")
        save_model(path, fitted(Baseline), Catalog(), Origin())
    known = ", ".join(model.name for model in MODELS)
    assert message(path) == (
        f"'{path}' is a model file that this version of matinee ({__version__}) cannot use: "
        f"There is no model 'crystal-ball'. The models are: {known}."
    )


def test_a_file_with_a_setting_outside_its_range_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.matinee"
    with monkeypatch.context() as other:
        other.setattr(Baseline, "settings", lambda self: {"seed": -1 - self.seed})
        save_model(path, fitted(Baseline), Catalog(), Origin())
    assert message(path) == (
        f"'{path}' is a model file that this version of matinee ({__version__}) cannot use: "
        "baseline: seed must be between 0 and 2147483647, not -1 (default 0)."
    )


def test_one_altered_number_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert (
        message(path)
        == f"'{path}' was damaged or altered after it was saved; train the model again."
    )


def test_an_altered_header_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path)
    content = path.read_bytes()
    altered = content.replace(b"simulated", b"stimulate", 1)
    assert altered != content
    path.write_bytes(altered)
    assert (
        message(path)
        == f"'{path}' was damaged or altered after it was saved; train the model again."
    )


def test_no_altered_byte_anywhere_gives_anything_but_the_model_or_a_sentence(
    tmp_path: Path,
) -> None:
    path = saved(tmp_path)
    content, expected = path.read_bytes(), answers(fitted(Baseline), table("integers"))
    rng = np.random.default_rng(0)
    n_header = struct.unpack("<Q", content[:8])[0]
    places = [
        *range(8),
        *rng.integers(8, 8 + n_header, 250).tolist(),
        *rng.integers(n_header, len(content), 30).tolist(),
    ]
    for place in places:
        altered = bytearray(content)
        altered[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(altered)
        try:
            model = load_model(path)[0]
        except ModelFileError:
            continue
        assert answers(model, table("integers")) == expected  # only white space was altered


def test_the_error_for_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "none.matinee"
    assert (
        message(path)
        == f"There is no model file '{path}'. Make one:  matinee train DATA --out {path}"
    )


def test_a_folder_is_no_model_file(tmp_path: Path) -> None:
    assert (
        message(tmp_path)
        == f"Cannot read '{tmp_path}': Is a directory. Give the path of a model file."
    )


# -- writing -----------------------------------------------------------------------------------------------------


def refused_to_write(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        save_model(path, fitted(Baseline), Catalog(), Origin())
    return str(caught.value)


def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "none" / "m.matinee"
    assert refused_to_write(path) == (
        f"Cannot write '{path}': the folder '{path.parent}' does not exist; create it first."
    )


def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "m.matinee"
    assert (
        refused_to_write(path)
        == f"Cannot write '{path}': the folder '{path.parent}' does not exist; create it first."
    )


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    assert (
        refused_to_write(tmp_path)
        == f"Cannot write '{tmp_path}': it is a folder; add the name of a file."
    )
    assert list(tmp_path.parent.glob(f".{tmp_path.name}*")) == []


def test_a_folder_that_may_not_be_written_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # the rights themselves do not stop an administrator
    path = tmp_path / "m.matinee"
    assert (
        refused_to_write(path)
        == f"Cannot write '{path}': Permission denied. Give another place with --out."
    )


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "key"]
)
def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(
    step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, step, crash)
    expected = ModelFileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        save_model(path, fitted(MODELS[-1]), Catalog(), Origin())
    if expected is ModelFileError:
        told = (
            f"Cannot write '{path}': the disk is full; free some space on it. "
            "Give another place with --out."
        )
        assert str(caught.value) == told
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_can_be_replaced_while_its_model_is_in_use(tmp_path: Path) -> None:
    path = saved(tmp_path)
    model = load_model(path)[0]
    before = answers(model, table("integers"))
    path.write_bytes(b"something else")
    save_model(path, fitted(MODELS[-1]), Catalog(), Origin())
    assert answers(model, table("integers")) == before


def test_the_rights_of_the_file_are_those_that_the_person_chose(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        path = saved(tmp_path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600


# -- histories ---------------------------------------------------------------------------------------------------


def test_without_history_nobody_can_read_who_rated_what(tmp_path: Path) -> None:
    whole, bare = saved(tmp_path), saved(tmp_path, has_history=False)
    n_ratings = len(table("integers"))
    assert (
        whole.stat().st_size - bare.stat().st_size >= 8 * n_ratings
    )  # an item and a value for each
    model, _, origin = load_model(bare)
    assert not origin.has_history
    assert len(model.history_.item_index) == len(model.history_.value) == 0
    assert model.history_.indptr.tolist() == [0] * (len(model.users_) + 1)


@every_model
def test_without_history_the_scores_stay_and_only_the_seen_items_come_back(
    model: Model, tmp_path: Path
) -> None:
    one = fitted(model)
    if one.capabilities.needs_history:  # refused; see the tests of user-knn
        return
    bare = load_model(saved(tmp_path, has_history=False, model=model))[0]
    user = one.users_.id(3)
    if model.name in (
        "item-knn",
        "ease",
        "blend",
        "hybrid",
    ):  # know people by their ratings alone; see their tests
        assert answer(lambda: bare.recommend(user)) != one.recommend(user)
        return
    whole_list = one.recommend(user, 100, include_seen=True)
    if np.array_equal(bare.profile(user).vector, one.profile(user).vector):
        assert bare.recommend(user, 100) == whole_list
    assert len(bare.recommend(user, 100)) == len(whole_list)
    if model.capabilities.predicts_stars:
        predicted = bare.predict_ratings(table("integers"))
        assert predicted.tobytes() == one.predict_ratings(table("integers")).tobytes()


def test_saving_without_history_changes_nothing_in_the_model_itself(tmp_path: Path) -> None:
    model = fitted(Baseline)
    before = answers(model, table("integers"))
    saved(tmp_path, has_history=False)
    assert answers(model, table("integers")) == before


# -- safety ------------------------------------------------------------------------------------------------------


def unsafe_names(tree: ast.AST) -> list[str]:
    """Modules and calls by which a file could run code."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or "", *(f"{node.module}.{name.name}" for name in node.names)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found += [f"{node.func.id}()"]
        elif isinstance(node, ast.keyword) and node.arg in {"allow_pickle", "weights_only"}:
            found += [f"{node.arg}={ast.unparse(node.value)}"]
    forbidden = {
        "pickle",
        "cPickle",
        "cloudpickle",
        "dill",
        "joblib",
        "marshal",
        "shelve",
        "eval()",
        "exec()",
    }
    forbidden |= {"allow_pickle=True", "weights_only=False", "compile()", "__import__()"}
    return [name for name in found if name in forbidden or name.split(".")[0] in forbidden]


def test_nothing_in_the_package_can_run_code_from_a_file() -> None:
    found = {
        path.name: unsafe_names(ast.parse(path.read_text("utf-8")))
        for path in PACKAGE.rglob("*.py")
    }
    assert found.pop("isolated.py") == [
        "pickle"
    ]  # between a process and the child it started; never a file
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from joblib import load", ["joblib", "joblib.load"]),
        ("np.load(f, allow_pickle=True)", ["allow_pickle=True"]),
        ("eval('1')", ["eval()"]),
        ("re.compile('a'); np.load(f, allow_pickle=False)", []),
    ],
)
def test_the_search_for_unsafe_code_finds_it(code: str, found: list[str]) -> None:
    assert unsafe_names(ast.parse(code)) == found


def test_a_model_with_one_item_and_no_titles_goes_round(tmp_path: Path) -> None:
    ratings = Ratings.from_ids(["a", "b"], [5, 5], [1.0, 2.0], scale=Scale(0.5, 5.0, 0.5))
    model = Baseline().fit(ratings)
    save_model(tmp_path / "m.matinee", model, Catalog(), Origin())
    other, catalog, _ = load_model(tmp_path / "m.matinee")
    assert other.users_ == Vocabulary(["a", "b"], "user")
    assert other.scale_ == Scale(0.5, 5.0, 0.5)
    assert len(catalog) == 0
