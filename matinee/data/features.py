"""Side information on users and items, such as genres: a table with one column per label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 50_000_000
"""Cells of a table of features; rare labels that would take more are left out."""
LABELS_KEPT = 200
"""Labels that have a column however many rows there are."""


@dataclass(frozen=True, eq=False)
class Features:
    """Labels of all users, or of all items.

    Attributes:
        names: the labels, one for each column, sorted: "genre: Comedy", "year: 1995".
        table: (R, C) float32: 1 / sqrt(n) for each of the n labels of one kind that a row has,
            0 elsewhere.
    """

    names: tuple[str, ...]
    table: NDArray[np.float32]

    @classmethod
    def of(cls, labels: Sequence[Sequence[str]]) -> "Features | None":
        """Features from the labels of each row, "kind: value"; None if all rows have the
        same.

        Of very many labels, the most frequent have a column (`MOST_CELLS`).
        """
        counts = Counter(name for row in labels for name in row)
        every = sorted(counts)
        n_kept = max(LABELS_KEPT, MOST_CELLS // max(1, len(labels)))
        names = every
        if len(every) > n_kept:
            names = sorted(sorted(every, key=lambda name: -counts[name])[:n_kept])
        column_of = {name: column for column, name in enumerate(names)}
        number_of = {name: number for number, name in enumerate(every)}
        kinds, kind = np.unique([name.split(":")[0] for name in every], return_inverse=True)  # (C,)
        label = np.array([number_of[name] for row in labels for name in row], np.int64)  # (L,)
        row = np.repeat(np.arange(len(labels)), [len(row_labels) for row_labels in labels])  # (L,)
        row_and_kind = row * len(kinds) + kind[label]  # (L,)
        value = np.bincount(row_and_kind)[row_and_kind] ** -0.5  # (L,)
        column = np.array([column_of.get(name, -1) for name in every], np.int64)[label]  # (L,)
        table = np.zeros((len(labels), len(names)), np.float32)
        table[row[column >= 0], column[column >= 0]] = value[column >= 0]
        if len(table) == 0 or bool((table == table[0]).all()):
            return None
        return cls(tuple(names), table)

    def row_of(self, labels: Sequence[str]) -> NDArray[np.float32]:
        """The row of one more user or item with these labels, (C,).

        Labels without a column are left out, but count among the n of their kind.
        """
        row = np.zeros(len(self.names), np.float32)
        kinds = [name.split(":")[0] for name in labels]
        column_of = {name: column for column, name in enumerate(self.names)}
        for name, kind in zip(labels, kinds, strict=True):
            if name in column_of:
                row[column_of[name]] = kinds.count(kind) ** -0.5
        return row

    def take(self, rows: NDArray[np.integer]) -> "Features":
        """The given rows; a row -1 gives zeros."""
        taken = np.where((rows >= 0)[:, None], self.table[rows], 0)
        return Features(self.names, taken.astype(np.float32))

    def filled_from(self, other: "Features | None") -> "Features":
        """The same features; rows without labels get those that `other` has for the same
        row."""
        if other is None:
            return self
        table = self.table.copy()
        column_of = {name: column for column, name in enumerate(self.names)}
        empty = ~table.any(axis=1)
        for other_column, name in enumerate(other.names):
            if name in column_of:
                table[empty, column_of[name]] = other.table[empty, other_column]
        return Features(self.names, table)
