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
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from matinee._types import Arrays
from matinee._version import __version__
from matinee.array_checks import LARGEST
from matinee.data.catalog import Catalog
from matinee.data.packing import pack_catalog, pack_ids, unpack_catalog, unpack_ids
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError, MatineeError, ModelFileError, SettingError
from matinee.files import problem_of_place, reason_of
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.declarations import (
    check_history,
    check_state,
    restore,
    state_of,
)
from matinee.models.history import History
from matinee.models.neural.network import Network
from matinee.models.registry import member_named
from matinee.recommendation.tensor_file import write_tensors
from matinee.recommendation.tensors import pack_history, unpack_history
from matinee.text import printable

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
#: Letters of a file in a message.
MOST_QUOTED = 500


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
    tensors |= pack_catalog(catalog)
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
    try:
        write_tensors(path, tensors, metadata)
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
        return model, unpack_catalog(tensors), _origin(header["origin"])
    except (*_UNUSABLE, MatineeError) as error:
        reason = _shown(error).rstrip(".")
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
    users = Vocabulary(unpack_ids(tensors, "users"), "user")
    items = Vocabulary(unpack_ids(tensors, "items"), "item")
    history = unpack_history(tensors, users, items, _scale(header["scale"]))
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
        version = _shown(header["origin"]["version"])
        raise ModelFileError(
            f"'{path}' was saved by matinee {version}, which is newer than this one "
            f"({__version__}). Update:  pip install --upgrade matinee"
        )
    return header


def _shown(quoted: object) -> str:
    """What a file says, for a message: on one line, and not too long."""
    text = printable(str(quoted)[:MOST_QUOTED])
    return f"{text}..." if len(str(quoted)) > MOST_QUOTED else text


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


# -- arrays ------------------------------------------------------------------------------


def _model_tensors(model: Recommender, has_history: bool) -> Arrays:
    history = model.history_
    if not has_history:
        history = history.without_ratings()
    try:
        check_history(history, model.item_counts_, model.item_means_)
    except DataError as error:
        raise _not_saved(error) from error
    tensors = {f"model.{name}": array for name, array in _checked_state(model).items()}
    tensors |= _member_tensors(model, "model")
    ids = pack_ids(model.users_.ids, "users") | pack_ids(model.items_.ids, "items")
    return tensors | pack_history(history) | ids


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
