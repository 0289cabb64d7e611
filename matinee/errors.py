"""Every exception that matinee raises on purpose.

    MatineeError
    ├── DataError            a ratings table, split or catalogue that cannot be used; names the file, row and value
    │   └── OutOfScaleError  a new person's rating lies outside the scale
    ├── DownloadError        a data set that could not be fetched
    ├── UnknownNameError     a user, item, title, data set, model or setting that does not exist; suggests the nearest
    ├── SettingError         a value outside its range, or options that contradict each other
    ├── UnsupportedError     the chosen model cannot do this; names one that can
    ├── NotFittedError       `fit` or `load` comes first
    ├── ModelFileError       a model file that is truncated, foreign, newer or tampered with
    └── StoreError           the database of people's ratings cannot be opened or reached

Each message is one or two sentences for a person: what was wrong, with the value and where it stood, and what to
type next. The command line prints it as it is and exits with 1.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MatineeError(Exception):
    """The root: catch this to catch everything that matinee raises on purpose."""


class DataError(MatineeError):
    """A ratings table, split or catalogue cannot be used."""


class OutOfScaleError(DataError):
    """A new person's rating lies outside the scale of the training data."""


class DownloadError(MatineeError):
    """A data set could not be fetched."""


class UnknownNameError(MatineeError):
    """A user, item, title, data set, model or setting does not exist."""


class SettingError(MatineeError):
    """A value is outside its range, or two options contradict each other."""


class UnsupportedError(MatineeError):
    """The chosen model cannot do what was asked."""


class NotFittedError(MatineeError):
    """The model was asked before it was fitted."""


class ModelFileError(MatineeError):
    """A model file is truncated, foreign, newer than this library, or tampered with."""


class StoreError(MatineeError):
    """The database in which people's ratings are kept cannot be opened, reached or brought up to date."""


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The names in `known` closest to a misspelt or shortened `name`, best first; empty if none is close."""
    import numpy as np
    from rapidfuzz import fuzz, process, utils

    names, said = list(known), utils.default_process(name)
    others = [utils.default_process(other) for other in names]

    def likeness(scorer: Callable[..., float], rows: Sequence[int]) -> "NDArray[np.float64]":
        matrix = process.cdist([said], [others[row] for row in rows], scorer=scorer, dtype=np.float64)  # (1, rows)
        return np.asarray(matrix[0])

    # Misspelt as a whole; some of its words ("star wars" for "Star Wars: A New Hope"); or both ("hary poter").
    every = range(len(names))
    close = np.maximum(likeness(fuzz.ratio, every), 0.95 * likeness(fuzz.token_set_ratio, every))
    longer = [row for row in every if 5 <= len(said) < len(others[row])]
    close[longer] = np.maximum(close[longer], 0.9 * likeness(fuzz.partial_ratio, longer))
    best = np.argsort(-close, kind="stable")[:limit]
    return [names[row] for row in best.tolist() if close[row] >= 60]


def did_you_mean(name: str, known: Iterable[str], limit: int = 3) -> str:
    """ " Did you mean 'a', 'b' or 'c'?" with a leading space, or an empty string if nothing is close."""
    quoted = [f"'{match}'" for match in nearest(name, known, limit)]
    if not quoted:
        return ""
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return f" Did you mean {listed}?"
