"""Histories, ids, texts and catalogs as the tensors of a model file, and back.

What comes from a file is checked; every problem is a DataError, or a KeyError where a tensor is
missing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee._types import Arrays
from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError
from matinee.models.declarations import check_indices, check_indptr, check_magnitude
from matinee.models.history import History

#: What features may take in memory: this many times the bytes of the tensors, or this many bytes.
MOST_TIMES, ALWAYS = 16, 64 * 1024**2


def pack_history(history: History) -> Arrays:
    """The tensors of a history."""
    tensors: Arrays = {
        "model.history_indptr_": history.indptr,
        "model.history_items_": history.item_index,
        "model.history_values_": history.value,
    }
    if history.timestamp is not None:
        tensors["model.history_timestamps_"] = history.timestamp
    tensors |= _pack_features(history.user_features, "model.history_user_features_")
    return tensors | _pack_features(history.item_features, "model.history_item_features_")


def unpack_history(tensors: Arrays, users: Vocabulary, items: Vocabulary, scale: Scale) -> History:
    """The history from its tensors, as it is in the file."""
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
    names = tuple(_unpack_texts(tensors, f"{name}.names"))
    indptr = _row(tensors, f"{name}.indptr", np.int64, n_rows + 1)
    column = _row(tensors, f"{name}.columns", np.int32)
    value = _row(tensors, f"{name}.values", np.float32, len(column))
    check_indptr(name, indptr, len(column))
    check_indices(name, column, len(names))
    check_magnitude(name, value)
    n_bytes = sum(array.nbytes for array in tensors.values())
    if 4 * n_rows * len(names) > max(ALWAYS, MOST_TIMES * n_bytes):
        raise DataError(f"{name} has {len(names):,} names, far too many for the file")
    table = np.zeros((n_rows, len(names)), np.float32)
    table[np.repeat(np.arange(n_rows), np.diff(indptr)), column] = value
    return Features(names, table)


def pack_ids(ids: NDArray[np.generic], name: str) -> Arrays:
    """Ids as whole numbers, or as texts."""
    if ids.dtype == np.int64:
        return {name: ids}
    return _pack_texts(ids.tolist(), name)


def unpack_ids(tensors: Arrays, name: str) -> Any:
    """The ids with a name, (n,), as `Vocabulary` takes them."""
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
    letters = _row(tensors, f"{name}.text", np.uint8)
    places = _row(tensors, f"{name}.ends", np.int64)
    check_indptr(name, np.append(0, places), len(letters))
    encoded, ends = letters.tobytes(), places.tolist()
    texts = []
    start = 0
    for end in ends:
        texts.append(encoded[start:end].decode("utf-8", "surrogatepass"))
        start = end
    return texts


def catalog_tensors(catalog: Catalog) -> Arrays:
    """The tensors of a catalog, by column."""
    films = list(catalog.films.values())
    ids: list[Id] = list(catalog.films)
    are_integers = all(isinstance(item_id, int | np.integer) for item_id in ids)
    dtype = np.int64 if are_integers else object
    tensors = {
        **pack_ids(np.array(ids, dtype), "films"),
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


def unpack_catalog(tensors: Arrays) -> Catalog:
    """The catalog from its tensors."""
    ids = unpack_ids(tensors, "films").tolist()
    n_films = len(ids)
    titles = _unpack_texts(tensors, "films.title")
    years = _row(tensors, "films.year", np.int32, n_films).tolist()
    joined_genres = _unpack_texts(tensors, "films.genres")
    imdb, tmdb, tags = [""] * n_films, [0] * n_films, [""] * n_films
    if "films.tmdb" in tensors:
        imdb = _unpack_texts(tensors, "films.imdb")
        tmdb = _row(tensors, "films.tmdb", np.int64, n_films).tolist()
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


def _row(tensors: Arrays, name: str, dtype: type[np.generic], n: int | None = None) -> NDArray[Any]:
    """An array of one dimension; None: of any length."""
    array = tensors[name]
    n = array.size if n is None else n
    if array.dtype != dtype or array.shape != (n,):
        raise DataError(
            f"{name} has dtype and shape {array.dtype} and {array.shape}, not "
            f"{np.dtype(dtype)} and ({n},)"
        )
    return array


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(text.split(separator)) if text else ()
