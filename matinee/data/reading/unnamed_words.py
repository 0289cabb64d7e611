"""Columns of words that nobody named, in a table without ratings: are they ratings?

Likes and dislikes, or views and purchases, must not count alike without a word.
"""

from collections.abc import Callable, Iterable

import polars as pl

from matinee.data.reading.cells import decoded
from matinee.data.reading.number_forms import listed_words
from matinee.data.reading.rating_forms import opinions_of
from matinee.data.reading.schema import Columns, column_of
from matinee.data.reading.word_order import map_example
from matinee.errors import DataError
from matinee.text import printable

_MOST_WORDS = 12
_DESCRIPTIONS = ("item", "item title", "genres", "year", "user", "age", "gender", "occupation")
_DATE_OR_NUMBER = r"^[+-]?[0-9][0-9.,:/ T-]*"


def refuse_words(
    columns: Columns,
    cells: Callable[[int], pl.Series],
    label: str,
    positions: Iterable[int] | None = None,
) -> None:
    """Raise a `DataError` if a column without a role holds few distinct words, or booleans.

    Args:
        columns: of a table of pairs.
        cells: the cells of a column by its number.
        label: the table's name in messages.
        positions: the columns to look at; None: all without a role.
    """
    for position in columns.unused() if positions is None else positions:
        name = columns.names[position]
        if any(column_of([name], role) is not None for role in _DESCRIPTIONS):
            continue
        weights = _few_words(decoded(cells(position)))
        if weights:
            raise DataError(_question(printable(name[:40]), weights, label))


def _few_words(column: pl.Series) -> dict[str, int]:
    """Word -> number of rows; empty if the column holds one word, many, or no words."""
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Boolean):
        return {}
    text = column.drop_nulls().cast(pl.String).str.strip_chars()
    text = text.filter(text != "")
    counts = text.value_counts()
    if not 2 <= counts.height <= _MOST_WORDS:
        return {}
    is_boolean = set(counts[:, 0].str.to_lowercase()) == {"true", "false"}
    if not is_boolean and 2 * counts.height > len(text):
        return {}
    if bool(counts[:, 0].str.contains(_DATE_OR_NUMBER).all()):
        return {}
    return dict(zip(counts[:, 0].to_list(), counts[:, 1].to_list(), strict=True))


def _question(name: str, weights: dict[str, int], label: str) -> str:
    opinions = opinions_of(weights)
    if opinions is not None:
        ordered = sorted(opinions.items(), key=lambda pair: (-pair[1], pair[0]))
        meaning = ", ".join(f"'{word}' is then {value:g}" for word, value in ordered)
        way = f"Give --rating-column {name} if they are ratings ({meaning})"
    else:
        example = map_example(sorted(weights, key=lambda word: (-weights[word], word)))
        way = (
            f"Give --rating-column {name} and what each is worth, as in "
            f'--map "{example}", if they are ratings'
        )
    return (
        f"No rating column was recognized in {label}, but its column '{name}' holds few distinct "
        f"words: {listed_words(weights)}. {way}; or --pairs if all rows count the same."
    )
