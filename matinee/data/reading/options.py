"""What a person says about a table that does not describe itself."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from matinee.errors import DataError, SettingError

#: What a row says besides its user and item: stars, how often, or nothing.
Kind = Literal["rating", "count", "pair"]


class ValueRange(NamedTuple):
    """The lowest and the highest value of a good row."""

    lowest: float
    highest: float


_COUNTS = ValueRange(float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max))

#: The name of a column that stands for none.
NO_COLUMN = "none"


@dataclass(frozen=True)
class ReadOptions:
    """How to read a table of ratings.

    Attributes:
        user, item, rating, count, timestamp: names of the columns, or their numbers from 1, such
            as "2"; None stands for the usual names. A count is a number of
            plays, clicks and so on, instead of a rating. The timestamp "none" leaves the times
            out.
        pairs: the table has no ratings; each row says that a user has an item, whatever other
            columns hold.
        scale: lowest and highest rating; a row with a value outside is bad. None takes the
            range of the ratings.
        skip_bad_rows: leave out bad rows and list them in a file, instead of raising at the
            first.
        query: an SQL query, for a database URL as source.
        separator: what separates the fields of a text table, such as ";" or "tab"; None
            detects it.
        encoding: of a text file, such as "cp1252"; None detects it.
        header: whether the first line names the columns; None detects it.
        missing: ratings (numbers) and words that stand for a missing value, such as 0, -1, 99
            or "unknown"; their rows are left out.
        value_map: values for words in the rating column, such as {"like": 1, "dislike": 0}.
        decimal: the decimal mark, "." or ","; None detects it.
        time_format: the unit of times that are numbers (s, ms, us, ns, YYYYMMDD,
            YYYYMMDDhhmmss, YYYYMM, years, days); or how dates are written: dmy, mdy, or a
            format of `strptime`. None detects it.
        text_ids: read ids as text, so that `1` and `1.0` are two ids.
        adds: the table adds to one that a model has learned from, so that ratings of one user,
            one item or one value are enough.
        max_unpacked: bytes that a compressed file or archive may unpack to; None: 100 times its
            size, and at least 250 MB.

    Raises:
        SettingError: two options exclude each other, or a value is impossible.

    Example:
        >>> import polars as pl
        >>> options = matinee.ReadOptions(item="book", rating="points", scale=(0, 10))
        >>> rows = {"user": [1, 1, 2], "book": ["Emma", "Ulysses", "Emma"], "points": [9, 2, 7]}
        >>> matinee.read(pl.DataFrame(rows), options).ratings.scale
        Scale(lowest=0.0, highest=10.0, step=1.0)
    """

    user: str | None = None
    item: str | None = None
    rating: str | None = None
    count: str | None = None
    timestamp: str | None = None
    pairs: bool = False
    scale: tuple[float, float] | None = None
    skip_bad_rows: bool = False
    query: str | None = None
    separator: str | None = None
    encoding: str | None = None
    header: bool | None = None
    missing: tuple[float | str, ...] = ()
    value_map: Mapping[str, float] | None = field(default=None, hash=False)
    decimal: Literal[".", ","] | None = None
    time_format: str | None = None
    text_ids: bool = False
    adds: bool = False
    max_unpacked: int | None = None

    def __post_init__(self) -> None:
        self._check_values()
        given = {
            "--rating-column": self.rating is not None,
            "--count-column": self.count is not None,
            "--pairs": self.pairs,
        }
        exclusive = [option for option, is_given in given.items() if is_given]
        if len(exclusive) > 1:
            raise SettingError(
                f"{' and '.join(exclusive)} cannot be combined: "
                "a row holds a rating, a count or neither."
            )
        if self.scale is not None:
            lowest, highest = self.scale
            if not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
                raise SettingError(
                    f"The scale {lowest:g} to {highest:g} is not valid; "
                    "give LOWEST:HIGHEST, as in 1:5."
                )

    def _check_values(self) -> None:
        if self.decimal not in (None, ".", ","):
            raise SettingError(f"The decimal mark must be . or , but is '{self.decimal}'.")
        if self.max_unpacked is not None and self.max_unpacked < 1:
            raise SettingError(
                f"The limit of unpacking must be at least 1 byte but is {self.max_unpacked}."
            )
        for word, value in (self.value_map or {}).items():
            if not math.isfinite(value):
                raise SettingError(f"The value of '{word}' is {value:g}, which is not finite.")
        if self.value_map and self.pairs:
            raise SettingError("--map and --pairs cannot be combined: pairs have no ratings.")

    @property
    def column_names(self) -> dict[str, str | None]:
        """Role -> the name of its column, None where the usual names apply."""
        return {
            "user": self.user,
            "item": self.item,
            "rating": self.rating or self.count,
            "timestamp": self.timestamp,
        }

    @property
    def given_names(self) -> list[str]:
        """The names and numbers of columns that were given."""
        names = [name for name in self.column_names.values() if name is not None]
        if self.timestamp == NO_COLUMN:
            names.remove(NO_COLUMN)
        return names

    def limits(self, kind: Kind) -> ValueRange | None:
        """The lowest and the highest value of a good row; None without limits.

        Args:
            kind: what a row says: "rating", "count" or "pair".

        Raises:
            SettingError: a scale was given for a table without ratings.
            DataError: it adds to ratings, but has none.
        """
        if kind != "rating" and self.scale is not None and self.adds:
            raise DataError(
                f"The new table has no ratings, only {kind}s, but the model learned from ratings; "
                "name their column with --rating-column."
            )
        if kind != "rating" and self.scale is not None:
            raise SettingError("--scale is for ratings, and this table has none; leave it out.")
        if kind == "count":
            return _COUNTS
        if self.scale is None:
            return None
        return ValueRange(*self.scale)


DEFAULT_OPTIONS = ReadOptions()
