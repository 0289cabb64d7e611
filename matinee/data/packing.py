"""Ids, texts, features and catalogs as plain arrays of a file, and back.

What comes from a file is checked; every problem is a DataError, or a KeyError where an array is
missing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee._types import Arrays
from matinee.array_checks import check_indices, check_indptr, check_magnitude
from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.vocabulary import Id
from matinee.errors import DataError

#: What features may take in memory: this many times the bytes of the arrays, or this many bytes.
MOST_TIMES, ALWAYS = 16, 64 * 1024**2


def pack_features(features: Features | None, name: str) -> Arrays:
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


def unpack_features(arrays: Arrays, name: str, n_rows: int) -> Features | None:
    """The features with a name, of n rows; None if there are none."""
    if f"{name}.indptr" not in arrays:
        return None
    names = tuple(_unpack_texts(arrays, f"{name}.names"))
    indptr = _row(arrays, f"{name}.indptr", np.int64, n_rows + 1)
    column = _row(arrays, f"{name}.columns", np.int32)
    value = _row(arrays, f"{name}.values", np.float32, len(column))
    check_indptr(name, indptr, len(column))
    check_indices(name, column, len(names))
    check_magnitude(name, value)
    n_bytes = sum(array.nbytes for array in arrays.values())
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


def unpack_ids(arrays: Arrays, name: str) -> Any:
    """The ids with a name, (n,), as `Vocabulary` takes them."""
    if name not in arrays:
        return np.array(_unpack_texts(arrays, name), object)
    if arrays[name].dtype != np.int64 or arrays[name].ndim != 1:
        raise DataError(f"the ids of its {name} are not whole numbers")
    return arrays[name]


def _pack_texts(texts: list[str], name: str) -> Arrays:
    """Texts as one array of UTF-8 bytes and the positions where each text ends."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {f"{name}.text": np.frombuffer(b"".join(encoded), np.uint8), f"{name}.ends": ends}


def _unpack_texts(arrays: Arrays, name: str) -> list[str]:
    letters = _row(arrays, f"{name}.text", np.uint8)
    places = _row(arrays, f"{name}.ends", np.int64)
    check_indptr(name, np.append(0, places), len(letters))
    encoded, ends = letters.tobytes(), places.tolist()
    texts = []
    start = 0
    for end in ends:
        texts.append(encoded[start:end].decode("utf-8", "surrogatepass"))
        start = end
    return texts


def pack_catalog(catalog: Catalog) -> Arrays:
    """The arrays of a catalog, by column."""
    films = list(catalog.films.values())
    ids: list[Id] = list(catalog.films)
    are_integers = all(isinstance(item_id, int | np.integer) for item_id in ids)
    dtype = np.int64 if are_integers else object
    arrays = {
        **pack_ids(np.array(ids, dtype), "films"),
        **_pack_texts([film.title for film in films], "films.title"),
        "films.year": np.array([film.year or 0 for film in films], np.int32),
        **_pack_texts(["|".join(film.genres) for film in films], "films.genres"),
    }
    # Only if there are any: earlier versions wrote the same files for the same catalogs
    if any(film.imdb or film.tmdb for film in films):
        arrays |= _pack_texts([film.imdb for film in films], "films.imdb")
        arrays["films.tmdb"] = np.array([film.tmdb or 0 for film in films], np.int64)
    if any(film.tags for film in films):
        arrays |= _pack_texts(["\n".join(film.tags) for film in films], "films.tags")
    return arrays


def unpack_catalog(arrays: Arrays) -> Catalog:
    """The catalog from its arrays."""
    ids = unpack_ids(arrays, "films").tolist()
    n_films = len(ids)
    titles = _unpack_texts(arrays, "films.title")
    years = _row(arrays, "films.year", np.int32, n_films).tolist()
    joined_genres = _unpack_texts(arrays, "films.genres")
    imdb, tmdb, tags = [""] * n_films, [0] * n_films, [""] * n_films
    if "films.tmdb" in arrays:
        imdb = _unpack_texts(arrays, "films.imdb")
        tmdb = _row(arrays, "films.tmdb", np.int64, n_films).tolist()
    if "films.tags.text" in arrays:
        tags = _unpack_texts(arrays, "films.tags")
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


def _row(arrays: Arrays, name: str, dtype: type[np.generic], n: int | None = None) -> NDArray[Any]:
    """An array of one dimension; None: of any length."""
    array = arrays[name]
    n = array.size if n is None else n
    if array.dtype != dtype or array.shape != (n,):
        raise DataError(
            f"{name} has dtype and shape {array.dtype} and {array.shape}, not "
            f"{np.dtype(dtype)} and ({n},)"
        )
    return array


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(text.split(separator)) if text else ()
