"""Ratings together with what is known about them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.ratings import Ratings
from matinee.data.reading.summary import ReadingSummary
from matinee.text import html_table

# -- the data set ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Dataset:
    """Ratings with what is known about them.

    Attributes:
        name: of the folder, file or kind of frame: "ml-100k", "u1.base", "DataFrame".
        ratings: the table.
        catalog: titles, years and genres; empty if there was no such file next to the ratings.
        n_duplicates: rows of the same user and item as another row: ratings that a later one
            replaced, or counts that were added up.
        n_bad_rows: rows left out because they could not be read.
        bad_rows_file: the list of these rows; None if there are none, or no folder could be
            written to.
        source_rows: (N,) 0-based data row of the source for each rating; None when rating i is
            row i.
        note: what people must be told wherever results from this data are shown; usually
            empty.
        titles_file: where the catalog comes from; None if it is empty or was made in memory.
        summary: what reading took the table for; None for data made in memory.

    Example:
        >>> data = matinee.load("sample")
        >>> data.name, len(data.ratings), len(data.catalog)
        ('sample', 99136, 340)
        >>> data.note
        'The films of the sample are real, its viewers are simulated.'
    """

    name: str
    ratings: Ratings
    catalog: Catalog
    n_duplicates: int = 0
    n_bad_rows: int = 0
    bad_rows_file: Path | None = None
    source_rows: NDArray[np.int64] | None = None
    note: str = ""
    titles_file: Path | None = None
    summary: ReadingSummary | None = None

    @property
    def catalogue(self) -> Catalog:  # the former spelling
        """The same as `catalog`; the former spelling."""
        return self.catalog

    def _repr_html_(self) -> str:
        """The ratings in numbers, as notebooks show them."""
        rows = self.ratings.facts()
        n_titles = len(self.catalog)
        rows.append(("titles", f"{n_titles:,}" if n_titles else "none"))
        if self.n_duplicates:
            rows.append(("repeated rows", f"{self.n_duplicates:,}"))
        if self.n_bad_rows:
            rows.append(("rows left out", f"{self.n_bad_rows:,}"))
        return html_table((self.name, ""), rows, [self.note])
