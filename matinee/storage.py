"""One model, one file: `.matinee` is a safetensors file whose header holds JSON. Loading it runs no code.

The tensors are the model's learned attributes, the ids, the titles, years and genres, and who rated what. The header
says which model it is, its hyperparameters, the scale, the data it was trained on, the versions of the library and of
this format, and a digest of everything, by which a damaged or altered file is noticed.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from matinee._version import __version__
from matinee.catalogue import Catalogue, Film
from matinee.errors import MatineeError, ModelFileError, SettingError
from matinee.files import special_kind, write_atomically
from matinee.models import model_named
from matinee.models.base import Recommender
from matinee.ratings import Id, Scale, Vocabulary

FORMAT = 1
"""Raised when a file of the new kind cannot be read by an older library."""

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Origin:
    """Where a model comes from; kept in its file for people to read."""

    dataset: str = "unnamed"
    n_ratings: int = 0
    note: str = ""
    has_history: bool = True
    version: str = __version__


def save_model(path: str | Path, model: Recommender, catalogue: Catalogue, origin: Origin) -> None:
    """Writes the file under a temporary name and then renames it, so that it is there whole or not at all."""
    path = Path(path)
    check_target(path)
    if model.keeps_history and not origin.has_history:
        raise ModelFileError(f"{model.name} is made of who rated what: save it with the histories, or train item-knn.")
    tensors = _model_tensors(model, origin.has_history) | _catalogue_tensors(catalogue.restrict(model.items_.ids))
    header = {
        "format": FORMAT,
        "model": model.name,
        "hyperparameters": model.settings(),
        "scale": list(model.scale_),
        "origin": asdict(origin),
    }
    if model.members_:
        header["members"] = [
            {"model": one.name, "hyperparameters": one.settings(), "is_fitted": one.is_fitted} for one in model.members_
        ]
    text = json.dumps(header, sort_keys=True)
    metadata = {"matinee": text, "sha256": _digest(text, tensors)}
    payload = to_bytes({name: np.asarray(array, order="C") for name, array in tensors.items()}, metadata)
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


def load_model(path: str | Path, module: Any = None) -> tuple[Recommender, Catalogue, Origin]:
    """The model, its catalogue and where it comes from.

    Args:
        module: for a file with a network of your own, which holds numbers and no code: a module of the same shape.

    Raises:
        ModelFileError: the file is missing, truncated, not a model, newer than this library, or altered.
    """
    path = Path(path)
    header, tensors = _read(path)
    try:
        model = _unfitted(header, module)
        _fill(model, header, tensors)
        return model, _unpack_catalogue(tensors), Origin(**header["origin"])
    except (KeyError, TypeError, ValueError, MatineeError) as error:
        reason = str(error).rstrip(".")
        raise ModelFileError(
            f"'{path}' is a model file that this version of matinee ({__version__}) cannot use: {reason}."
        ) from error


def _fill(model: Recommender, header: dict[str, Any], tensors: Tensors) -> None:
    """Sets everything that was learnt, of the model and of what it is made of, which share what is `common`."""
    scale = Scale(*header["scale"])
    users, items = (Vocabulary(_unpack_ids(tensors, f"{kind}s"), kind) for kind in ("user", "item"))
    parts = {"model.": model}
    for one in header.get("members", []):
        model.members_.append(_unfitted(one, None))
        parts |= {f"model.{one['model']}.": model.members_[-1]} if one["is_fitted"] else {}
    for prefix, one in parts.items():
        one.scale_, one.users_, one.items_ = scale, users, items
        for name in model.common:
            setattr(one, name, tensors[f"model.{name}"])
        for name in one.learned:
            setattr(one, name, tensors[f"{prefix}{name}"])


def _unfitted(header: dict[str, Any], module: Any) -> Recommender:
    if header["model"] != "network":
        return model_named(header["model"]).from_settings(header["hyperparameters"])
    if module is None:
        raise SettingError("it holds a network of your own: hand its module in, Guide.load(path, module=...)")
    from matinee.models.network import Network

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
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"'{path}' is not a whole model file (it is truncated, damaged, or something else); train it again."
        ) from error
    if metadata.get("sha256") != _digest(metadata["matinee"], tensors):
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


def _digest(header: str, tensors: Tensors) -> str:
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        array = np.asarray(tensors[name], order="C")
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _model_tensors(model: Recommender, has_history: bool) -> Tensors:
    tensors = {f"model.{name}": np.asarray(getattr(model, name)) for name in (*model.common, *model.learned)}
    for one in model.members_:
        if one.is_fitted:
            tensors |= {f"model.{one.name}.{name}": np.asarray(getattr(one, name)) for name in one.learned}
    if not has_history:
        for name in ("history_indptr_", "history_items_", "history_values_"):
            whole = tensors[f"model.{name}"]
            tensors[f"model.{name}"] = np.zeros_like(whole) if name == "history_indptr_" else whole[:0]
    return tensors | _pack_ids(model.users_.ids, "users") | _pack_ids(model.items_.ids, "items")


def _pack_ids(ids: NDArray[Any], name: str) -> Tensors:
    return {name: ids} if ids.dtype == np.int64 else _pack_texts(ids.tolist(), name)


def _unpack_ids(tensors: Tensors, name: str) -> Any:
    return tensors[name] if name in tensors else np.array(_unpack_texts(tensors, name), object)


def _pack_texts(texts: list[str], name: str) -> Tensors:
    """Texts as one run of UTF-8 bytes and the places where each ends."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {f"{name}.text": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.ends": ends}


def _unpack_texts(tensors: Tensors, name: str) -> list[str]:
    run = tensors[f"{name}.text"].tobytes()
    ends = tensors[f"{name}.ends"].tolist()
    return [run[start:end].decode("utf-8", "surrogatepass") for start, end in zip([0, *ends], ends, strict=False)]


def _catalogue_tensors(catalogue: Catalogue) -> Tensors:
    films = list(catalogue.films.values())
    ids: list[Id] = list(catalogue.films)
    are_integers = all(isinstance(item_id, int | np.integer) for item_id in ids)
    return {
        **_pack_ids(np.array(ids, np.int64 if are_integers else object), "films"),
        **_pack_texts([film.title for film in films], "films.title"),
        "films.year": np.array([film.year or 0 for film in films], np.int32),
        **_pack_texts(["|".join(film.genres) for film in films], "films.genres"),
    }


def _unpack_catalogue(tensors: Tensors) -> Catalogue:
    genres = [tuple(text.split("|")) if text else () for text in _unpack_texts(tensors, "films.genres")]
    titles, years = _unpack_texts(tensors, "films.title"), tensors["films.year"].tolist()
    films = (Film(title, year or None, of) for title, year, of in zip(titles, years, genres, strict=True))
    return Catalogue(dict(zip(_unpack_ids(tensors, "films").tolist(), films, strict=True)))
