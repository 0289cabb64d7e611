"""Model files: each model's own, altered in one to three places, mostly with a digest that fits."""

import json
import random
import struct
import tempfile
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.data.catalog import Catalog, Film
from matinee.models import model_named
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin, save_model
from tests.forged import contents, signed
from tests.fuzz.asked import ask
from tests.recommendation.model_files.write import SETTINGS, network_module, table

FOLDER = Path(__file__).parents[1] / "recommendation" / "model_files"
HALF_LIFE: dict[str, Any] = {"half_life": 300.0}
NEW: dict[str, dict[str, Any]] = {
    "new mf": SETTINGS["mf"] | HALF_LIFE,
    "new bayes": SETTINGS["bayes"],
    "new bayes-probit": SETTINGS["bayes-probit"],
    "new item-knn": SETTINGS["item-knn"] | HALF_LIFE,
    "new user-knn": HALF_LIFE,
    "new ials": SETTINGS["ials"] | HALF_LIFE,
    "new ease": SETTINGS["ease"] | HALF_LIFE,
    "new blend": SETTINGS["blend"],
    "new hybrid": SETTINGS["hybrid"] | HALF_LIFE,
}
"""Models that learn from times or features, which the files of earlier versions do not hold."""
FILES = (*sorted(SETTINGS), *NEW)
ODD_FLOATS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e30, -1e18, 1e9, 1e-45, -1.0, 0.0, 65504.0)
ODD_INTEGERS = (-(2**63), -(2**31), -(10**8), -2, -1, 0, 1, 24, 25, 39, 40, 41, 60_000, 10**8)
ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 5, 2**31, 10**12, 10**30, 1e308, float("nan"), float("inf"), -0.5, 1e-9,
    "", "mf", "blend", "hybrid", "a,b", "1" * 5000, "\ud800", "\0", [], [1], {}, {"mf": 1},
    [[[[]]]], "mf,item-knn,bayes", "mf.factors=1000000000000", "none", "auto", "cpu", "cuda",
)  # fmt: skip
DTYPES = ("u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "?", "u8")

Arrays = dict[str, NDArray[Any]]


@cache
def valid(name: str) -> bytes:
    """A file that nobody has altered: one of the tests, or of a model trained here."""
    if name not in NEW:
        return (FOLDER / f"{name}.matinee").read_bytes()
    ratings, kind = table(), name.removeprefix("new ").removesuffix("-probit")
    model = model_named(kind).from_settings(NEW[name]).fit(ratings, n_threads=1)
    films = {
        item: Film(f"Film {item}", 1990 + place, ("Drama", "War"), f"tt{item}", item, ("slow",))
        for place, item in enumerate(ratings.items.ids.tolist())
    }
    with tempfile.TemporaryDirectory(prefix="matinee-fuzz-") as folder:
        path = Path(folder) / "new.matinee"
        save_model(path, model, Catalog(films), Origin("simulated", len(ratings)))
        return path.read_bytes()


@cache
def whole(name: str) -> tuple[dict[str, Any], Arrays]:
    """The header and the arrays of a file."""
    with tempfile.TemporaryDirectory(prefix="matinee-fuzz-") as folder:
        path = Path(folder) / "valid.matinee"
        path.write_bytes(valid(name))
        return contents(path)


# -- arrays --------------------------------------------------------------------------------


def _values(rng: random.Random, array: NDArray[Any]) -> NDArray[Any]:
    """Some values are others."""
    changed = array.copy()
    if not array.size:
        return np.ones((1, *array.shape[1:]), array.dtype)
    for _ in range(rng.choice((1, 1, 3, 20))):
        place = rng.randrange(array.size)
        if array.dtype.kind == "f":
            changed.flat[place] = rng.choice(ODD_FLOATS)
        else:
            with_sign = np.array(rng.choice((*ODD_INTEGERS, rng.randrange(50)))).astype(np.int64)
            changed.flat[place] = with_sign.astype(array.dtype)
    return changed


def _all_values(rng: random.Random, array: NDArray[Any]) -> NDArray[Any]:
    """All values are others."""
    if array.dtype.kind == "f":
        factor = array.dtype.type(rng.choice((0, -1, 1e-30, 1e5, 1e12, 1e19, 1e37)))
        return np.asarray(array * factor, array.dtype)
    return np.asarray(
        rng.choice((array * 0, -array, array + 1, array * 0 + 24, array * 0 - 1, ~array))
    )


def _order(rng: random.Random, array: NDArray[Any]) -> NDArray[Any]:
    """The same values in another order."""
    flat = array.reshape(-1)
    order = list(range(flat.size))
    rng.shuffle(order)
    ways = (flat[::-1], np.sort(flat), flat[np.array(order, int)], np.roll(flat, 1))
    return rng.choice(ways).reshape(array.shape)


def _shape(rng: random.Random, array: NDArray[Any]) -> NDArray[Any]:
    """Another shape."""
    ways: list[Callable[[], NDArray[Any]]] = [
        lambda: array[None],
        lambda: array.reshape(-1),
        lambda: array.reshape(-1)[:0],
        lambda: array.T,
        lambda: array[..., None],
        lambda: np.concatenate([np.atleast_1d(array)] * 2),
        lambda: np.atleast_1d(array)[:-1],
        lambda: np.atleast_1d(array)[..., :-1],
        lambda: np.zeros((0, 10**12), array.dtype),
        lambda: np.resize(array, (rng.randrange(60),) * max(1, array.ndim)),
    ]
    return rng.choice(ways)()


def _dtype(rng: random.Random, array: NDArray[Any]) -> NDArray[Any]:
    """Another element type, with the same values or the same bytes."""
    dtype = np.dtype(rng.choice(DTYPES))
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if rng.random() < 0.4 and raw.size % dtype.itemsize == 0 and dtype.kind != "b":
        return raw.view(dtype)
    return array.astype(dtype)


WAYS = (_values, _values, _values, _all_values, _order, _shape, _dtype)


def _change_array(rng: random.Random, header: dict[str, Any], arrays: Arrays) -> str:
    del header
    name, way = rng.choice(sorted(arrays)), rng.choice(WAYS)
    arrays[name] = way(rng, arrays[name])
    return f"{way.__name__} {name}"


def _move_array(rng: random.Random, header: dict[str, Any], arrays: Arrays) -> str:
    """An array is missing, added, or that of another name or another file."""
    del header
    name, other = rng.choice(sorted(arrays)), rng.choice(sorted(arrays))
    match rng.randrange(5):
        case 0:
            del arrays[name]
            return f"without {name}"
        case 1:
            arrays[f"{name}.{rng.randrange(9)}"] = arrays[other]
            return f"one more like {name}"
        case 2:
            arrays[name] = arrays[other]
            return f"{other} as {name}"
        case 3:
            arrays[name], arrays[other] = arrays[other], arrays[name]
            return f"{name} for {other}"
    file = rng.choice(FILES)
    strange = whole(file)[1]
    chosen = rng.sample(sorted(strange), min(len(strange), rng.choice((1, 3, 10))))
    arrays |= {one: strange[one] for one in chosen}
    return f"{', '.join(chosen)} of {file}"


HISTORY = {
    *("model.history_items_", "model.history_indptr_", "model.history_values_"),
    "model.item_counts_",
}


def _change_history(rng: random.Random, header: dict[str, Any], arrays: Arrays) -> str:
    """Another history, to which the counts of the items are fitted."""
    if not arrays.keys() >= HISTORY or any(arrays[one].ndim != 1 for one in HISTORY):
        return "no history to change"
    items, indptr = arrays["model.history_items_"].copy(), arrays["model.history_indptr_"].copy()
    n_items = len(arrays["model.item_counts_"])
    what = rng.choice(
        ("one item", "random items", "falling items", "one user", "no ratings", "odd")
    )
    match what:
        case "one item":
            items[:] = rng.randrange(n_items)
        case "random items":
            items = np.array([rng.randrange(n_items) for _ in items], items.dtype)
        case "falling items":
            items = np.sort(items)[::-1]
        case "one user":
            indptr[1:] = len(items)
        case "no ratings":
            items, indptr = items[:0], np.zeros_like(indptr)
            arrays["model.history_values_"] = arrays["model.history_values_"][:0]
        case _:
            value = rng.choice((0, -7, 1e9, 1e30, 3e38))
            arrays["model.history_values_"] = np.full(len(items), value, np.float32)
    arrays["model.history_items_"], arrays["model.history_indptr_"] = items, indptr
    counts = np.zeros(0, np.int64)
    if items.dtype.kind == "i" and items.min(initial=0) >= 0 and items.max(initial=0) < 10**4:
        counts = np.bincount(items, minlength=n_items)
    if len(items) and counts.shape == arrays["model.item_counts_"].shape:
        arrays["model.item_counts_"] = counts
        if rng.random() < 0.5:
            means = np.where(counts > 0, np.float32(3), np.nan)
            arrays["model.item_means_"] = means.astype(np.float32)
    header["history_is_complete"] = rng.random() < 0.9
    return f"history of {what}"


def _change_texts(rng: random.Random, header: dict[str, Any], arrays: Arrays) -> str:
    """Other ids or other texts, whose lengths fit."""
    del header
    name = rng.choice(("films", "films.title", "films.genres", "users", "items"))
    n = arrays[name].size if name in arrays else 25
    texts = [rng.choice(("", "|", "||", "a|a|b", "\0", "é" * 90, "x", "-1", "0" * 400, "\n"))] * n
    for place in range(n):
        if rng.random() < 0.3:
            texts[place] = rng.choice(("", "z", "(1999)", "|b", "☃", "7", "\U0001f600")) * 2
    if name in ("users", "items"):
        texts = sorted({f"{text}{place:04}" for place, text in enumerate(texts)})
    encoded = [text.encode() for text in texts]
    arrays.pop(name, None)
    arrays[f"{name}.text"] = np.frombuffer(b"".join(encoded), np.uint8)
    arrays[f"{name}.ends"] = np.cumsum([len(one) for one in encoded], dtype=np.int64)
    return f"other texts in {name}"


# -- header --------------------------------------------------------------------------------


def _places(part: Any) -> list[tuple[Any, Any]]:
    """Every entry of nested dictionaries and lists, as container and key."""
    keys: list[Any] = []
    if isinstance(part, dict):
        keys = list(part)
    elif isinstance(part, list):
        keys = list(range(len(part)))
    found = []
    for key in keys:
        found += [(part, key), *_places(part[key])]
    return found


def _change_header(rng: random.Random, header: dict[str, Any], arrays: Arrays) -> str:
    """An entry is another, missing or added."""
    del arrays
    container, key = rng.choice(_places(header))
    match rng.randrange(6):
        case 0:
            del container[key]
            return f"header without {key}"
        case 1 if isinstance(container, dict):
            added = rng.choice(("factors", "half_life", "extra", "members", "name", "", "models"))
            container[added] = deepcopy(rng.choice(ODD_VALUES))
            return f"header with {added} = {container[added]!r:.40}"
        case 2 if isinstance(container[key], list):
            container[key] = container[key] * rng.choice((2, 5))
            return f"header with {key} repeated"
        case 3 if isinstance(container[key], int | float):
            container[key] = container[key] * rng.choice((-1, 2, 0, 1e3, 10**9))
            return f"header with {key} = {container[key]}"
    container[key] = deepcopy(rng.choice(ODD_VALUES))
    return f"header with {key} = {container[key]!r:.40}"


def _text_of(rng: random.Random, header: dict[str, Any]) -> str:
    """The header as JSON, which is sometimes odd."""
    text = json.dumps(header, sort_keys=True)
    match rng.randrange(40):
        case 0:
            key = rng.choice(sorted(header))
            return f'{{"{key}": {json.dumps(deepcopy(rng.choice(ODD_VALUES)))}, {text[1:]}'
        case 1:
            return "[" * 10**5 + text
        case 2:
            return text[:-1] + ', "deep": ' + "[" * 900 + "]" * 900 + "}"
        case 3:
            return text[:-1] + f', "long": "{"x" * 10**6}"}}'
        case 4:
            place = rng.randrange(len(text))
            return text[:place] + rng.choice('{}[]",:0 ') + text[place + 1 :]
    return text


# -- bytes ---------------------------------------------------------------------------------


def _damaged(rng: random.Random, content: bytes) -> tuple[bytes, str]:
    """Bytes without a digest that fits."""
    match rng.randrange(5):
        case 0:
            end = rng.randrange(len(content))
            return content[:end], f"cut at byte {end}"
        case 1:
            changed = bytearray(content)
            for _ in range(rng.choice((1, 4, 30))):
                changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            return bytes(changed), "flipped bits"
        case 2:
            n = rng.choice((0, 1, 2**31, 2**40, 2**63, 2**64 - 1))
            return struct.pack("<Q", n) + content[8:], f"a header of {n} bytes"
        case 3:
            return content + bytes(rng.randrange(1, 5000)), "more bytes"
    end = 8 + int.from_bytes(content[:8], "little")
    start = rng.randrange(8, end)
    changed = bytearray(content)
    changed[start : start + rng.randrange(1, 9)] = rng.randbytes(rng.randrange(1, 9))
    return bytes(changed), f"other bytes at {start} of the header"


# -- a case --------------------------------------------------------------------------------

CHANGES = (
    *(_change_array,) * 6, _move_array, _change_history, _change_texts, _change_header,
    _change_header,
)  # fmt: skip


def forged(rng: random.Random) -> tuple[bytes, str]:
    """A file, and what was done to it."""
    name = rng.choice(FILES)
    if rng.random() < 0.1:
        damaged, how = _damaged(rng, valid(name))
        return damaged, f"{name}: {how}"
    header, arrays = whole(name)
    header, arrays = json.loads(json.dumps(header)), dict(arrays)
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        try:
            done.append(rng.choice(CHANGES)(rng, header, arrays))
        except (MemoryError, OverflowError):  # the array of an earlier change cannot be changed so
            done.append("nothing")
    return signed(_text_of(rng, header), arrays), f"{name}: {'; '.join(done)}"


def case(rng: random.Random, folder: Path, say: Callable[[str], None]) -> str:
    """Loads an altered file and asks everything of it."""
    content, what = forged(rng)
    say(what)
    path = folder / "forged.matinee"
    path.write_bytes(content)
    module = network_module() if what.startswith("network:") else None
    ask(Guide.load(path, module))
    return "answered"


def prepare() -> Callable[..., str]:
    """Asks every valid file, so that everything is imported and compiled."""
    for name in FILES:
        with tempfile.TemporaryDirectory(prefix="matinee-fuzz-") as folder:
            path = Path(folder) / "valid.matinee"
            path.write_bytes(valid(name))
            ask(Guide.load(path, network_module() if name == "network" else None))
    return case
