"""What is known of users and items beside the ratings, as numbers: a column for each label, such as a genre."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Features:
    """Labels of all users, or of all items.

    Attributes:
        names: of the columns, sorted: "genre: Comedy", "year: 1995", "occupation: artist".
        table: (R, C) float32, 1 / sqrt(n) for each of the n labels of one kind that a row has, and 0 elsewhere.
    """

    names: tuple[str, ...]
    table: NDArray[np.float32]

    @classmethod
    def of(cls, labels: Sequence[Sequence[str]]) -> "Features | None":
        """From the labels of each row, "kind: value"; None if no two rows differ in them."""
        names = sorted({name for row in labels for name in row})
        number = {name: place for place, name in enumerate(names)}
        kinds, kind = np.unique([name.split(":")[0] for name in names], return_inverse=True)
        column = np.array([number[name] for row in labels for name in row], np.int64)  # of each label of each row
        row = np.repeat(np.arange(len(labels)), [len(of_row) for of_row in labels])
        place = row * len(kinds) + kind[column]
        table = np.zeros((len(labels), len(names)), np.float32)
        table[row, column] = np.bincount(place)[place] ** -0.5
        return cls(tuple(names), table) if len(table) and bool((table != table[0]).any()) else None

    def take(self, rows: NDArray[np.integer]) -> "Features":
        """The given rows; zeros for -1."""
        return Features(self.names, np.where((rows >= 0)[:, None], self.table[rows], 0).astype(np.float32))

    def filled_from(self, other: "Features | None") -> "Features":
        """The same with the labels that `other`, of the same rows, has for those that have none here."""
        if other is None:
            return self
        table, column = self.table.copy(), {name: number for number, name in enumerate(self.names)}
        empty = ~table.any(axis=1)
        for number, name in enumerate(other.names):
            if name in column:
                table[empty, column[name]] = other.table[empty, number]
        return Features(self.names, table)
