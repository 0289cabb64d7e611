"""One model, one file: `.matinee` is a safetensors file whose header holds JSON. Loading it runs no code.

The tensors are the model's learned attributes, the ids, the titles, years and genres, and who rated what. The header
says which model it is, its hyperparameters, the scale, the data it was trained on, the versions of the library and of
this format, and a digest of everything, by which a damaged or altered file is noticed. Anyone can compute the digest of
a file that they made up, so what is read is also checked against what the model declares (`models/declarations.py`).
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from matinee._version import __version__
from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError, MatineeError, ModelFileError, SettingError
from matinee.files import special_kind, write_atomically
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.declarations import check_indices, check_indptr, check_state, restore, state_of
from matinee.models.history import History
from matinee.models.neural.network import Network
from matinee.models.registry import member_named

FORMAT = 1
"""Raised when a file of the new kind cannot be read by an older library."""

SHARED = ("item_counts_", "item_means_")
"""What a blend and its models have in common, and a file holds once; besides the history."""

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Origin:
    """Where a model comes from; kept in its file for people to read."""

    dataset: str = "unnamed"
    n_ratings: int = 0
    note: str = ""
    has_history: bool = True
    version: str = __version__


def save_model(path: str | Path, model: Recommender, catalog: Catalog, origin: Origin) -> None:
    """Writes the file under a temporary name and then renames it, so that it is there whole or not at all."""
    path = Path(path)
    check_target(path)
    if model.capabilities.needs_history and not origin.has_history:
        raise ModelFileError(f"{model.name} is made of who rated what: save it with the histories, or train item-knn.")
    tensors = _model_tensors(model, origin.has_history) | _catalog_tensors(catalog.restrict(model.items_.ids))
    header = {
        "format": FORMAT,
        "model": model.name,
        "hyperparameters": model.settings(),
        "scale": list(model.scale_),
        "origin": asdict(origin),
        "history_is_complete": model.history_.is_complete,
    }
    if model.members():
        header["members"] = [
            {"model": name, "hyperparameters": one.settings(), "is_fitted": one.is_fitted}
            for name, one in model.members().items()
        ]
    text = json.dumps(header, sort_keys=True)
    metadata = {"matinee": text, "sha256": digest(text, tensors)}
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    payload = _with_sorted_metadata(to_bytes(arrays, metadata))
    try:
        write_atomically(path, payload)
    except OSError as error:
        raise ModelFileError(f"Cannot write '{path}': {error.strerror}. Give another place with --out.") from error


def check_target(path: str | Path) -> None:
    """Refuses to replace a file that is not a model by name or content, such as the ratings, or a device.

    Raises:
        ModelFileError: there is such a file.
    """
    path = Path(path)
    kind = special_kind(path)
    if kind:
        raise ModelFileError(f"Cannot write '{path}': it is {kind}, not a regular file. Give another place with --out.")
    if not os.path.isfile(path) or path.suffix == ".matinee":
        return
    try:
        with safe_open(path, framework="np") as file:
            is_model = "matinee" in (file.metadata() or {})
    except (SafetensorError, OSError, ValueError):
        is_model = False
    if not is_model:
        raise ModelFileError(f"'{path}' is there already and is not a model file; give another name with --out.")


def load_model(
    path: str | Path, module: Any = None, models: Sequence[type[Recommender]] = ()
) -> tuple[Recommender, Catalog, Origin]:
    """The model, its catalog and where it comes from.

    Args:
        module: for a file with a network of your own, which holds numbers and no code: a module of the same shape.
        models: classes that are not among MODELS, for a file of one of them.

    Raises:
        ModelFileError: the file is missing, truncated, not a model, newer than this library, or altered.
    """
    path = Path(path)
    header, tensors = _read(path)
    try:
        model = _unfitted(header, module, models)
        _fill(model, header, tensors)
        return model, _unpack_catalog(tensors), _origin(header["origin"])
    except (*_UNUSABLE, MatineeError) as error:
        reason = str(error).rstrip(".")
        raise ModelFileError(
            f"'{path}' is a model file that this version of matinee ({__version__}) cannot use: {reason}."
        ) from error


_UNUSABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What may be raised where a header holds something unexpected."""


def _fill(model: Recommender, header: dict[str, Any], tensors: Tensors) -> None:
    """Sets everything that was learned, of the model and of its members, which share the history."""
    users, items = (Vocabulary(_unpack_ids(tensors, f"{kind}s"), kind) for kind in ("user", "item"))
    history = _unpack_history(tensors, users, items, _scale(header["scale"]))
    history = replace(history, is_complete=header.get("history_is_complete", False) is True)
    shared = {name: tensors[f"model.{name}"] for name in SHARED}
    members: dict[str, Recommender] = {}
    for one in header.get("members", []):
        member = members[one["model"]] = _unfitted(one, None, ())
        if one["is_fitted"]:
            restore(member, history, _below(tensors, f"model.{member.name}.") | shared, {})
    restore(model, history, _below(tensors, "model."), members)


def _below(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin so, without the beginning."""
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _scale(given: list[float]) -> Scale:
    scale = Scale(*given)
    if not all(type(one) in (int, float) and np.isfinite(one) for one in scale):
        raise DataError(f"its scale is {given}")
    if scale.lowest > scale.highest or scale.step < 0:
        raise DataError(f"its scale is {given}")
    return scale


def _origin(given: dict[str, Any]) -> Origin:
    origin = Origin(**given)
    for name, usual in asdict(Origin()).items():
        if type(asdict(origin)[name]) is not type(usual):
            raise DataError(f"its {name} is '{asdict(origin)[name]}'")
    return origin


def _unfitted(header: dict[str, Any], module: Any, models: Sequence[type[Recommender]]) -> Recommender:
    if header["model"] != Network.name:
        return member_named(header["model"], (*MODELS, *models)).from_settings(header["hyperparameters"])
    if module is None:
        raise SettingError("it holds a network of your own: hand its module in, Guide.load(path, module=...)")
    return Network(module=module, **header["hyperparameters"])


def _read(path: Path) -> tuple[dict[str, Any], Tensors]:
    _refuse_unreadable(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            header = _header(
                path, metadata
            )  # before the tensors: those of other files may be of kinds unknown to NumPy
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except (*_UNUSABLE, SafetensorError, OSError) as error:
        raise ModelFileError(
            f"'{path}' is not a whole model file (it is truncated, damaged, or something else); train it again."
        ) from error
    if metadata.get("sha256") != digest(metadata["matinee"], tensors):
        raise ModelFileError(f"'{path}' was damaged or altered after it was saved; train it again.")
    return header, tensors


def _refuse_unreadable(path: Path) -> None:
    try:
        path.open("rb").close()
    except FileNotFoundError:
        raise ModelFileError(
            f"There is no model file '{path}'. Make one:  matinee train DATA --model mf --out {path}"
        ) from None
    except OSError as error:
        raise ModelFileError(f"Cannot read '{path}': {error.strerror}. Give the file of a model.") from error


def _header(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    if "matinee" not in metadata:
        raise ModelFileError(f"'{path}' is a safetensors file, but not one that matinee wrote.")
    header: dict[str, Any] = json.loads(metadata["matinee"])
    if header["format"] > FORMAT:
        raise ModelFileError(
            f"'{path}' was saved by matinee {header['origin']['version']}, which is newer than this one "
            f"({__version__}). Update:  pip install --upgrade matinee"
        )
    return header


def digest(header: str, tensors: Tensors) -> str:
    """Of the text of the header and all tensors, by which a damaged file is noticed."""
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        array = np.asarray(tensors[name], order="C")
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _with_sorted_metadata(payload: bytes) -> bytes:
    """The same file with the keys of its metadata in order, which safetensors leaves to chance."""
    start = 8 + int.from_bytes(payload[:8], "little")
    header = json.loads(payload[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors stay aligned
    return len(text).to_bytes(8, "little") + text + payload[start:]


# -- arrays ----------------------------------------------------------------------------------------


def _model_tensors(model: Recommender, has_history: bool) -> Tensors:
    history = model.history_ if has_history else model.history_.without_ratings()
    tensors = {f"model.{name}": array for name, array in _checked_state(model).items()}
    for prefix, one in model.members().items():
        if one.is_fitted:
            own = {name: array for name, array in _checked_state(one).items() if name not in SHARED}
            tensors |= {f"model.{prefix}.{name}": array for name, array in own.items()}
    ids = _pack_ids(model.users_.ids, "users") | _pack_ids(model.items_.ids, "items")
    return tensors | _pack_history(history) | ids


def _checked_state(model: Recommender) -> Tensors:
    """What it learned; nothing is saved that could not be loaded."""
    state = state_of(model)
    try:
        check_state(model, model.history_, state)
    except DataError as error:
        raise ModelFileError(f"This model cannot be saved: {error}.") from error
    return state


def _pack_history(history: History) -> Tensors:
    tensors: Tensors = {
        "model.history_indptr_": history.indptr,
        "model.history_items_": history.item_index,
        "model.history_values_": history.value,
    }
    if history.timestamp is not None:
        tensors["model.history_timestamps_"] = history.timestamp
    tensors |= _pack_features(history.user_features, "model.history_user_features_")
    return tensors | _pack_features(history.item_features, "model.history_item_features_")


def _unpack_history(tensors: Tensors, users: Vocabulary, items: Vocabulary, scale: Scale) -> History:
    return History(
        users,
        items,
        scale,
        tensors["model.history_indptr_"],
        tensors["model.history_items_"],
        tensors["model.history_values_"],
        tensors.get("model.history_timestamps_"),
        _unpack_features(tensors, "model.history_user_features_", len(users)),
        _unpack_features(tensors, "model.history_item_features_", len(items)),
    )


def _pack_features(features: Features | None, name: str) -> Tensors:
    """The names, and the numbers that are not 0 by row: most are."""
    if features is None:
        return {}
    row, column = np.nonzero(features.table)
    counts = np.bincount(row, minlength=len(features.table))
    return {
        f"{name}.indptr": np.append(0, np.cumsum(counts)),
        f"{name}.columns": column.astype(np.int32),
        f"{name}.values": features.table[row, column],
        **_pack_texts(list(features.names), f"{name}.names"),
    }


def _unpack_features(tensors: Tensors, name: str, n_rows: int) -> Features | None:
    if f"{name}.indptr" not in tensors:
        return None
    indptr, column = tensors[f"{name}.indptr"], tensors[f"{name}.columns"]
    value, names = tensors[f"{name}.values"], tuple(_unpack_texts(tensors, f"{name}.names"))
    if indptr.shape != (n_rows + 1,) or column.shape != value.shape or value.dtype != np.float32:
        raise DataError(f"{name} has the wrong shape")
    check_indptr(name, indptr, len(column))
    check_indices(name, column, len(names))
    if not np.isfinite(value).all():
        raise DataError(f"{name} holds a number that is not finite")
    table = np.zeros((n_rows, len(names)), np.float32)
    table[np.repeat(np.arange(n_rows), np.diff(indptr)), column] = value
    return Features(names, table)


def _pack_ids(ids: NDArray[Any], name: str) -> Tensors:
    return {name: ids} if ids.dtype == np.int64 else _pack_texts(ids.tolist(), name)


def _unpack_ids(tensors: Tensors, name: str) -> Any:
    if name not in tensors:
        return np.array(_unpack_texts(tensors, name), object)
    if tensors[name].dtype != np.int64 or tensors[name].ndim != 1:
        raise DataError(f"the ids of its {name} are not whole numbers")
    return tensors[name]


def _pack_texts(texts: list[str], name: str) -> Tensors:
    """Texts as one run of UTF-8 bytes and the places where each ends."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {f"{name}.text": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.ends": ends}


def _unpack_texts(tensors: Tensors, name: str) -> list[str]:
    run = tensors[f"{name}.text"].tobytes()
    ends = tensors[f"{name}.ends"].tolist()
    check_indptr(name, np.array([0, *ends], np.int64), len(run))
    return [run[start:end].decode("utf-8", "surrogatepass") for start, end in zip([0, *ends], ends, strict=False)]


def _catalog_tensors(catalog: Catalog) -> Tensors:
    films = list(catalog.films.values())
    ids: list[Id] = list(catalog.films)
    are_integers = all(isinstance(item_id, int | np.integer) for item_id in ids)
    return {
        **_pack_ids(np.array(ids, np.int64 if are_integers else object), "films"),
        **_pack_texts([film.title for film in films], "films.title"),
        "films.year": np.array([film.year or 0 for film in films], np.int32),
        **_pack_texts(["|".join(film.genres) for film in films], "films.genres"),
    }


def _unpack_catalog(tensors: Tensors) -> Catalog:
    genres = [tuple(text.split("|")) if text else () for text in _unpack_texts(tensors, "films.genres")]
    titles, years = _unpack_texts(tensors, "films.title"), tensors["films.year"].tolist()
    films = (Film(title, year or None, of) for title, year, of in zip(titles, years, genres, strict=True))
    return Catalog(dict(zip(_unpack_ids(tensors, "films").tolist(), films, strict=True)))
