"""The `.matinee` format: a safetensors file with JSON in its header. Loading runs no code.

The tensors hold the model's learned attributes, the ids, the catalog (titles, years, genres,
external ids and tags, also of items that nobody has rated), and the ratings history. The header
holds the model's name, hyperparameters and scale, its origin, the versions of the library and
of this format, and a digest of everything, which detects damaged or altered files. Anyone can
compute the digest of a crafted file, so the tensors are also checked against what the model
declares (`models/declarations.py`).
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from matinee._types import Arrays
from matinee._version import __version__
from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError, MatineeError, ModelFileError, SettingError
from matinee.files import problem_of_place, reason_of, write_atomically
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.declarations import (
    check_history,
    check_indices,
    check_indptr,
    check_magnitude,
    check_state,
    restore,
    state_of,
)
from matinee.models.history import History
from matinee.models.hyperparameters import LARGEST
from matinee.models.neural.network import Network
from matinee.models.registry import member_named

if TYPE_CHECKING:
    from torch import nn

#: Incremented when older versions of the library cannot read the new files.
FORMAT = 1

#: Besides the history, what a blend and its members share; a file holds it once.
SHARED = ("item_counts_", "item_means_")

#: Of the header, and of that of safetensors, which holds it: longer ones cost time and memory.
MOST_LETTERS, MOST_BYTES = 1_000_000, 4_000_000
#: The nesting of the header; of a blend within a hybrid, 7.
MOST_LEVELS = 20
#: The members of one model.
MOST_MEMBERS = 50
#: Half a pair of surrogates or a zero, which neither a page nor a database takes; in bytes, and
#: as a letter.
_UNWRITABLE, _NO_LETTER = re.compile(rb"\0|\xed[\xa0-\xbf]"), re.compile("[\0\ud800-\udfff]")
#: What features may take in memory: this many times the bytes of the tensors, or this many bytes.
MOST_TIMES, ALWAYS = 16, 64 * 1024**2


@dataclass(frozen=True)
class Origin:
    """The origin of a model, for people to read; its file stores it."""

    dataset: str = "unnamed"
    n_ratings: int = 0
    note: str = ""
    has_history: bool = True
    version: str = __version__


def save_model(path: str | Path, model: Recommender, catalog: Catalog, origin: Origin) -> None:
    """Writes the file under a temporary name, then renames it: it is complete, or not there.

    Raises:
        ModelFileError: the file cannot be written, or the model cannot be saved like this.
    """
    path = Path(path)
    check_target(path)
    if model.capabilities.needs_history and not origin.has_history:
        raise ModelFileError(
            f"{model.name} needs the ratings history: save it with the histories, or train "
            "item-knn."
        )
    tensors = _model_tensors(model, origin.has_history)
    tensors |= _catalog_tensors(catalog)
    header = {
        "format": FORMAT,
        "model": model.name,
        "hyperparameters": model.settings(),
        "scale": list(model.scale_),
        "origin": asdict(origin),
        "history_is_complete": model.history_.is_complete,
    }
    if model.members():
        header["members"] = _member_entries(model)
    text = json.dumps(header, sort_keys=True)
    metadata = {"matinee": text, "sha256": digest(text, tensors)}
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    payload = _with_sorted_metadata(to_bytes(arrays, metadata))
    try:
        write_atomically(path, payload)
    except OSError as error:
        raise ModelFileError(
            f"Cannot write '{path}': {reason_of(error)}. Give another place with --out."
        ) from error


def _member_entries(model: Recommender) -> list[dict[str, Any]]:
    """What the header says about the members of a model."""
    entries = []
    for name, member in model.members().items():
        entry: dict[str, Any] = {
            "model": member.name,
            "hyperparameters": member.settings(),
            "is_fitted": member.is_fitted,
        }
        if name != member.name:
            entry["name"] = name
        if member.members():
            entry["members"] = _member_entries(member)
        entries.append(entry)
    return entries


def check_target(path: str | Path, inputs: Iterable[str | Path | None] = ()) -> None:
    """Refuses, before the training, a place where no model file can be written.

    Args:
        inputs: what the command reads, which it must not replace.

    Raises:
        ModelFileError: the path is a file that is not a model file, such as the ratings, or
            there is a problem with the place (`files.problem_of_place`).
    """
    path = Path(path)
    problem = problem_of_place(path, inputs)
    if problem:
        raise ModelFileError(f"Cannot write '{path}': {problem}.")
    if not os.path.isfile(path) or path.suffix == ".matinee":
        return
    try:
        with safe_open(path, framework="np") as file:
            is_model = "matinee" in (file.metadata() or {})
    except (SafetensorError, OSError, ValueError):
        is_model = False
    if not is_model:
        raise ModelFileError(
            f"'{path}' exists and is not a model file; give another name with --out."
        )


def load_model(
    path: str | Path, module: "nn.Module | None" = None, models: Sequence[type[Recommender]] = ()
) -> tuple[Recommender, Catalog, Origin]:
    """The model, its catalog and its origin.

    Args:
        module: for a file with a network of your own, which holds numbers and no code: a
            module of the same shape.
        models: model classes that are not in MODELS, for a file of one of them.

    Raises:
        ModelFileError: the file is missing, truncated, altered, not a model file, or newer
            than this library.
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
            f"'{path}' is a model file that this version of matinee ({__version__}) cannot "
            f"use: {reason}."
        ) from error


#: What a header with unexpected values may raise.
_UNUSABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


def _fill(model: Recommender, header: dict[str, Any], tensors: Arrays) -> None:
    """Sets the learned attributes of the model and of its members, which share the history."""
    users = Vocabulary(_unpack_ids(tensors, "users"), "user")
    items = Vocabulary(_unpack_ids(tensors, "items"), "item")
    history = _unpack_history(tensors, users, items, _scale(header["scale"]))
    history = replace(history, is_complete=header.get("history_is_complete", False) is True)
    shared = {name: tensors[f"model.{name}"] for name in SHARED}
    check_history(history, *shared.values())
    state = _with_prefix(tensors, "model.")
    restore(model, history, state, _members(header, history, state, shared))


def _members(
    header: dict[str, Any], history: History, tensors: Arrays, shared: Arrays
) -> dict[str, Recommender]:
    """The members of a model by name, from its header and its tensors."""
    members: dict[str, Recommender] = {}
    entries = header.get("members", [])
    if len(entries) > MOST_MEMBERS:
        raise DataError(f"it has {len(entries):,} members")
    for entry in entries:
        member = _unfitted(entry, None, ())
        name = str(entry.get("name", member.name))
        if name in members:
            raise DataError(f"it has two members {name}")
        members[name] = member
        if entry["is_fitted"]:
            state = _with_prefix(tensors, f"{name}.") | shared
            restore(member, history, state, _members(entry, history, state, shared))
    return members


def _with_prefix(tensors: Arrays, prefix: str) -> Arrays:
    """The tensors whose names have a prefix, by their names without it."""
    found = {}
    for name, array in tensors.items():
        if name.startswith(prefix):
            found[name.removeprefix(prefix)] = array
    return found


def _scale(numbers: list[float]) -> Scale:
    lowest, highest, step = numbers
    are_usual = all(
        type(number) in (int, float) and -LARGEST <= number <= LARGEST for number in numbers
    )
    if not are_usual or lowest > highest or step < 0:
        raise DataError(f"its scale is {numbers}")
    return Scale(lowest, highest, step)


def _origin(fields: dict[str, Any]) -> Origin:
    origin = Origin(**fields)
    for name, default in asdict(Origin()).items():
        if type(asdict(origin)[name]) is not type(default):
            raise DataError(f"its {name} is '{asdict(origin)[name]}'")
    return origin


def _unfitted(
    header: dict[str, Any], module: "nn.Module | None", models: Sequence[type[Recommender]]
) -> Recommender:
    if header["model"] != Network.name:
        model = member_named(header["model"], (*MODELS, *models))
        return model.from_settings(header["hyperparameters"])
    if module is None:
        raise SettingError(
            "it holds a network of your own: pass its module, Guide.load(path, module=...)"
        )
    return Network(module=module, **header["hyperparameters"])


def _read(path: Path) -> tuple[dict[str, Any], Arrays]:
    _refuse_unreadable(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            # Before the tensors, because other files may have element types that NumPy lacks.
            header = _header(path, metadata)
            names = file.keys()  # `file` is no dict, and has no iterator
            tensors = {name: file.get_tensor(name) for name in names}
    except (*_UNUSABLE, SafetensorError, OSError) as error:
        raise _incomplete(path) from error
    if metadata.get("sha256") != digest(metadata["matinee"], tensors):
        raise ModelFileError(
            f"'{path}' was damaged or altered after it was saved; train the model again."
        )
    return header, tensors


def _refuse_unreadable(path: Path) -> None:
    try:
        if path.is_fifo():  # reading would wait for a writer
            raise ModelFileError(f"Cannot read '{path}': it is a pipe. Give the path of a file.")
        with path.open("rb") as file:
            n_bytes = int.from_bytes(file.read(8), "little")
    except FileNotFoundError:
        raise ModelFileError(
            f"There is no model file '{path}'. Make one:  matinee train DATA --out {path}"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise ModelFileError(
            f"Cannot read {str(path)!r}: {reason_of(error)}. Give the path of a model file."
        ) from error
    if n_bytes > MOST_BYTES:
        raise _incomplete(path)


def _incomplete(path: Path) -> ModelFileError:
    return ModelFileError(
        f"'{path}' is not a complete model file (it is truncated, damaged, or of another "
        "kind); train the model again."
    )


def _header(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    if "matinee" not in metadata:
        raise ModelFileError(f"'{path}' is a safetensors file that matinee did not write.")
    header = _parsed(metadata["matinee"])
    if header["format"] > FORMAT:
        raise ModelFileError(
            f"'{path}' was saved by matinee {header['origin']['version']}, which is newer than "
            f"this one ({__version__}). Update:  pip install --upgrade matinee"
        )
    return header


def _parsed(text: str) -> dict[str, Any]:
    """The header from its JSON.

    Raises:
        ValueError: it is too long or too deep, repeats a key, or holds a number that is not
            finite: no version writes that.
    """
    if len(text) > MOST_LETTERS:
        raise ValueError("its header is too long")
    header: dict[str, Any] = json.loads(
        text, object_pairs_hook=_distinct, parse_constant=_not_a_number
    )
    level: list[Any] = [header]
    for _ in range(MOST_LEVELS):
        level = [part for parts in level for part in _parts(parts)]
    if level:
        raise ValueError("its header is too deep")
    return header


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("its header repeats a key")
    return entries


def _not_a_number(constant: str) -> None:
    raise ValueError(f"its header holds {constant}")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def digest(header: str, tensors: Arrays) -> str:
    """SHA-256 of the text of the header and all tensors, in hexadecimal."""
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        array = np.asarray(tensors[name], order="C")
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _with_sorted_metadata(payload: bytes) -> bytes:
    """The same file with the keys of its metadata sorted; safetensors writes them in any
    order."""
    start = 8 + int.from_bytes(payload[:8], "little")
    header = json.loads(payload[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors stay aligned
    return len(text).to_bytes(8, "little") + text + payload[start:]


# -- arrays ------------------------------------------------------------------------------


def _model_tensors(model: Recommender, has_history: bool) -> Arrays:
    history = model.history_
    try:
        check_history(history, model.item_counts_, model.item_means_)
    except DataError as error:
        raise _not_saved(error) from error
    if not has_history:
        history = history.without_ratings()
    tensors = {f"model.{name}": array for name, array in _checked_state(model).items()}
    tensors |= _member_tensors(model, "model")
    ids = _pack_ids(model.users_.ids, "users") | _pack_ids(model.items_.ids, "items")
    return tensors | _pack_history(history) | ids


def _member_tensors(model: Recommender, prefix: str) -> Arrays:
    """The tensors of the members of a model and of their members, without what they share."""
    tensors: Arrays = {}
    for name, member in model.members().items():
        if not member.is_fitted:
            continue
        for array_name, array in _checked_state(member).items():
            if array_name not in SHARED:
                tensors[f"{prefix}.{name}.{array_name}"] = array
        tensors |= _member_tensors(member, f"{prefix}.{name}")
    return tensors


def _checked_state(model: Recommender) -> Arrays:
    """The learned attributes; what could not be loaded again is not saved."""
    state = state_of(model)
    try:
        check_state(model, model.history_, state)
    except DataError as error:
        raise _not_saved(error) from error
    return state


def _not_saved(error: DataError) -> ModelFileError:
    return ModelFileError(f"This model cannot be saved: {error}.")


def _pack_history(history: History) -> Arrays:
    tensors: Arrays = {
        "model.history_indptr_": history.indptr,
        "model.history_items_": history.item_index,
        "model.history_values_": history.value,
    }
    if history.timestamp is not None:
        tensors["model.history_timestamps_"] = history.timestamp
    tensors |= _pack_features(history.user_features, "model.history_user_features_")
    return tensors | _pack_features(history.item_features, "model.history_item_features_")


def _unpack_history(tensors: Arrays, users: Vocabulary, items: Vocabulary, scale: Scale) -> History:
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


def _pack_features(features: Features | None, name: str) -> Arrays:
    """The names, and the numbers other than 0 as a sparse matrix (CSR)."""
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


def _unpack_features(tensors: Arrays, name: str, n_rows: int) -> Features | None:
    if f"{name}.indptr" not in tensors:
        return None
    indptr = tensors[f"{name}.indptr"]
    column = tensors[f"{name}.columns"]
    value = tensors[f"{name}.values"]
    names = tuple(_unpack_texts(tensors, f"{name}.names"))
    dtypes = indptr.dtype, column.dtype, value.dtype
    shapes = indptr.shape, column.shape, value.shape
    if dtypes != (np.int64, np.int32, np.float32) or shapes != (
        (n_rows + 1,),
        *2 * [(len(value),)],
    ):
        raise DataError(f"{name} has the wrong shape")
    check_indptr(name, indptr, len(column))
    check_indices(name, column, len(names))
    check_magnitude(name, value)
    n_bytes = sum(array.nbytes for array in tensors.values())
    if 4 * n_rows * len(names) > max(ALWAYS, MOST_TIMES * n_bytes):
        raise DataError(f"{name} has {len(names):,} names, far too many for the file")
    table = np.zeros((n_rows, len(names)), np.float32)
    table[np.repeat(np.arange(n_rows), np.diff(indptr)), column] = value
    return Features(names, table)


def _pack_ids(ids: NDArray[np.generic], name: str) -> Arrays:
    if ids.dtype == np.int64:
        return {name: ids}
    return _pack_texts(ids.tolist(), name)


def _unpack_ids(tensors: Arrays, name: str) -> Any:
    if name not in tensors:
        return np.array(_unpack_texts(tensors, name), object)
    if tensors[name].dtype != np.int64 or tensors[name].ndim != 1:
        raise DataError(f"the ids of its {name} are not whole numbers")
    return tensors[name]


def _pack_texts(texts: list[str], name: str) -> Arrays:
    """Texts as one array of UTF-8 bytes and the positions where each text ends."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {f"{name}.text": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.ends": ends}


def _unpack_texts(tensors: Arrays, name: str) -> list[str]:
    letters, places = tensors[f"{name}.text"], tensors[f"{name}.ends"]
    if (letters.dtype, letters.ndim, places.dtype, places.ndim) != (np.uint8, 1, np.int64, 1):
        raise DataError(f"{name} holds no texts")
    check_indptr(name, np.append(0, places), len(letters))
    encoded, ends = letters.tobytes(), places.tolist()
    texts = []
    start = 0
    for end in ends:
        texts.append(encoded[start:end].decode("utf-8", "surrogatepass"))
        start = end
    if _UNWRITABLE.search(encoded):
        return [_NO_LETTER.sub("\N{REPLACEMENT CHARACTER}", text) for text in texts]
    return texts


def _catalog_tensors(catalog: Catalog) -> Arrays:
    films = list(catalog.films.values())
    ids: list[Id] = list(catalog.films)
    are_integers = all(isinstance(item_id, int | np.integer) for item_id in ids)
    dtype = np.int64 if are_integers else object
    tensors = {
        **_pack_ids(np.array(ids, dtype), "films"),
        **_pack_texts([film.title for film in films], "films.title"),
        "films.year": np.array([film.year or 0 for film in films], np.int32),
        **_pack_texts(["|".join(film.genres) for film in films], "films.genres"),
    }
    # Only if there are any: earlier versions wrote the same files for the same catalogs
    if any(film.imdb or film.tmdb for film in films):
        tensors |= _pack_texts([film.imdb for film in films], "films.imdb")
        tensors["films.tmdb"] = np.array([film.tmdb or 0 for film in films], np.int64)
    if any(film.tags for film in films):
        tensors |= _pack_texts(["\n".join(film.tags) for film in films], "films.tags")
    return tensors


def _unpack_catalog(tensors: Arrays) -> Catalog:
    ids = _unpack_ids(tensors, "films").tolist()
    n_films = len(ids)
    titles = _unpack_texts(tensors, "films.title")
    years = _column(tensors, "films.year", np.int32, n_films)
    joined_genres = _unpack_texts(tensors, "films.genres")
    imdb, tmdb, tags = [""] * n_films, [0] * n_films, [""] * n_films
    if "films.tmdb" in tensors:
        imdb = _unpack_texts(tensors, "films.imdb")
        tmdb = _column(tensors, "films.tmdb", np.int64, n_films)
    if "films.tags.text" in tensors:
        tags = _unpack_texts(tensors, "films.tags")
    films: dict[Id, Film] = {}
    columns = zip(ids, titles, years, joined_genres, imdb, tmdb, tags, strict=True)
    for item_id, title, year, genres, imdb_id, tmdb_id, joined_tags in columns:
        films[item_id] = Film(
            title=title,
            year=year or None,
            genres=_split(genres, "|"),
            imdb=imdb_id,
            tmdb=tmdb_id or None,
            tags=_split(joined_tags, "\n"),
        )
    if len(films) < n_films:
        raise DataError("it has two films with the same id")
    return Catalog(films)


def _column(tensors: Arrays, name: str, dtype: type[np.integer], n: int) -> list[int]:
    """A column of whole numbers, one for each film."""
    column = tensors[name]
    if column.dtype != dtype or column.shape != (n,):
        raise DataError(f"{name} has dtype and shape {column.dtype} and {column.shape}")
    return list(column.tolist())


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(text.split(separator)) if text else ()
