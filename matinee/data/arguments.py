"""Arguments of the library's functions: what callers give becomes what the code works with.

Ratings may come as any table, a number as any number of NumPy, and a person's ratings as a
series. Anything else is refused in one sentence that says what to give.
"""

import os
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id, Vocabulary, is_collection
from matinee.errors import DataError, MatineeError, SettingError

if TYPE_CHECKING:
    from matinee.data.dataset import Dataset


class ArrowTable(Protocol):
    """A frame of Polars or pandas, or a table of PyArrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Exports the table through the Arrow interface."""
        ...


RatingsLike: TypeAlias = "Ratings | Dataset | ArrowTable | str | os.PathLike[str]"
"""Whatever `ratings_of` converts."""


# -- ratings -----------------------------------------------------------------------------


def ratings_of(value: RatingsLike, function: str) -> Ratings:
    """The ratings in a `Dataset`, a frame or a file, read as `matinee.read` does.

    Args:
        value: `Ratings` are returned as they are.
        function: its name, for the message.

    Raises:
        DataError: the value holds no ratings, or they cannot be read.
    """
    if isinstance(value, Ratings):
        return value
    of_dataset = getattr(value, "ratings", None)
    if isinstance(of_dataset, Ratings):
        return of_dataset
    if _is_table(value):
        return _read(value).ratings
    raise DataError(
        f"{function} takes Ratings, a Dataset, a frame or a path, not {described(value)}."
        f"{hint_for(value)}"
    )


def holds_ratings(value: object) -> bool:
    """Whether `ratings_of` knows what kind of ratings this is."""
    if isinstance(value, Ratings) or isinstance(getattr(value, "ratings", None), Ratings):
        return True
    return _is_table(value)


def rows_to_predict(value: RatingsLike) -> Ratings:
    """`ratings_of` for predictions: one row for each row of the table, in order.

    Raises:
        DataError: as for `ratings_of`; or reading merged or left out rows.
    """
    if isinstance(value, Ratings) or not _is_table(value):
        return ratings_of(value, "predict_ratings")
    advice = "Guide.predict_pairs(user_ids, item_ids) predicts any pairs."
    try:
        dataset = _read(value)
    except MatineeError as error:
        raise DataError(f"{error} {advice}") from error
    if dataset.n_duplicates:
        raise DataError(
            f"predict_ratings needs each pair of user and item once, but {dataset.n_duplicates:,} "
            f"rows repeat one. {advice}"
        )
    if dataset.source_rows is not None:
        raise DataError(
            f"predict_ratings needs a user, an item and a rating in each row, but only "
            f"{len(dataset.ratings):,} rows have them. {advice}"
        )
    return dataset.ratings


def _is_table(value: object) -> bool:
    is_path = isinstance(value, (str, os.PathLike))
    # A series of Polars or pandas has the interface of a table, but only one column
    return is_path or (hasattr(value, "__arrow_c_stream__") and not _is_series(value))


def _read(source: Any) -> "Dataset":
    from matinee.data.reading.read import read  # Polars is slow to import

    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    return read(source)


def hint_for(value: object) -> str:
    """What to call for a value that holds no ratings."""
    if isinstance(getattr(value, "train", None), Ratings):
        return " Give split.train or split.test."
    if hasattr(value, "collect"):
        return " Call collect() first."
    if value is None or isinstance(value, (bool, int, float)):
        return ""
    return " Ratings.from_ids(user_ids, item_ids, values) makes Ratings from three columns."


# -- people ------------------------------------------------------------------------------


def person_of(value: object) -> Any:
    """A user id, or the ratings of a new person as a mapping.

    Args:
        value: an id, a mapping, or a pandas series of stars whose index holds the item ids.

    Raises:
        DataError: it is neither.
    """
    if isinstance(value, (str, int, Mapping)):
        return value
    if _is_series(value):
        return _stars_by_item(value)
    expected = "A person is a user id, or a new person's ratings as {item id: stars}"
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        raise DataError(f"{expected}, not {value}.")
    if is_collection(value) or hasattr(value, "ratings"):
        raise DataError(
            f"{expected}, not {described(value)}. For several people, make one call for each."
        )
    return value


def _is_series(value: object) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "to_frame") and hasattr(value, "name")


def _stars_by_item(series: Any) -> dict[Id, float]:
    """The stars of a series by the ids in its index."""
    index: Any = getattr(series, "index", None)
    # An index that counts from 0 was made by pandas; one from {101: 5, 102: 3} counts from 101
    counts_rows = type(index).__name__ == "RangeIndex" and index.start == 0
    if index is None or counts_rows or index.nlevels > 1:
        raise DataError(
            "A series of stars needs the item ids as its index, such as "
            "frame.set_index('item_id')['rating']; or give a person's ratings as "
            "{item id: stars}."
        )
    if not index.is_unique:
        raise DataError(f"The series of stars has item '{index[index.duplicated()][0]}' twice.")
    return dict(zip(index.tolist(), series.tolist(), strict=True))


# -- numbers and lists -------------------------------------------------------------------


def whole_number(value: object, name: str) -> int:
    """A whole number, from any number of Python or NumPy.

    Args:
        name: of the argument, for the message.

    Raises:
        SettingError: it is not a whole number.
    """
    if type(value) is int:
        return value
    number = value
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        number = value.item()
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise SettingError(f"{name} must be a whole number, not {described(value)}.")
    return number


def list_length(value: object, name: str = "k") -> int:
    """The length of a list: a whole number of at least 1.

    Raises:
        SettingError: it is none.
    """
    length = whole_number(value, name)
    if length < 1:
        raise SettingError(f"{name} must be at least 1, not {length}.")
    return length


def one_id(value: Any, name: str) -> Any:
    """One id or title, as it is.

    Args:
        name: of the argument, for the message.

    Raises:
        DataError: it is None, or several.
    """
    if value is None or is_collection(value) or not isinstance(value, Hashable):
        raise DataError(f"{name} must be one id or title, not {described(value)}.")
    return value


def path_of(value: Any, name: str) -> Path:
    """A path.

    Args:
        name: what it leads to, for the message.

    Raises:
        DataError: it is neither a text nor a path.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise DataError(f"The {name} is given by its path, not by {described(value)}.")
    if "\0" in value:
        raise DataError(f"The path of the {name} contains a null character.")
    return Path(value)


def id_list(value: Any, name: str) -> list[Any]:
    """The ids in a list, tuple, set, array, series or other iterable, as plain Python values.

    Args:
        name: of the argument, for the message.

    Raises:
        DataError: it is a single value or a table.
    """
    is_list = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    if not is_list or getattr(value, "ndim", 1) != 1 or hasattr(value, "columns"):
        raise DataError(f"{name} must be a list, not {described(value)}.")
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value)


def mask_of(allowed: Any, items: Vocabulary) -> NDArray[np.bool_]:
    """A mask of items, (I,), from a mask or a list of ids; None stands for all items.

    Raises:
        DataError: it is neither, or a mask of another length.
        UnknownNameError: an id is unknown.
    """
    if allowed is None:
        return np.ones(len(items), bool)
    if not (isinstance(allowed, np.ndarray) and allowed.dtype == bool):
        ids = id_list(allowed, "allowed")
        if not ids or not all(isinstance(given, (bool, np.bool_)) for given in ids):
            mask = np.zeros(len(items), bool)
            mask[items.indices(ids)] = True
            return mask
        allowed = ids
    given = np.array(allowed)
    if given.shape != (len(items),):
        raise DataError(
            f"The mask of allowed items has shape {given.shape}, "
            f"but must have shape ({len(items)},)."
        )
    return given


def described(value: object) -> str:
    """A value in a message: short ones as they are, others by their kind."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (str, int, float, np.generic)):
        return f"'{value}'"
    return f"a value of type {type(value).__name__}"
