"""What to look at first in a table of ratings: counts, scale, histogram, popularity, dates."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee._types import Reals
from matinee.data.dataset import Dataset
from matinee.data.datasets.registry import SIMULATED
from matinee.data.ratings import NO_TIME, Scale
from matinee.data.vocabulary import Id
from matinee.text import counted

BAR_WIDTH = 30
NO_TITLES = (
    "No titles were found, so lists show ids. Put a table items.csv with the columns item_id and "
    "title next to the ratings, or add the titles to the ratings table."
)


@dataclass(frozen=True)
class Spread:
    """How the ratings are spread over the users, or over the items, that have any."""

    fewest: int
    quarter: float
    median: float
    three_quarters: float
    most: int
    share_of_busiest_tenth: float

    def cells(self) -> list[str]:
        """The figures, for a table."""
        return [
            f"{self.fewest:,}",
            f"{self.quarter:,.0f}",
            f"{self.median:,.0f}",
            f"{self.three_quarters:,.0f}",
            f"{self.most:,}",
            f"{self.share_of_busiest_tenth:.0%}",
        ]


@dataclass(frozen=True)
class Description:
    """The figures; `sentences` and the `..._rows` put them into words and tables.

    Attributes:
        unit: what a row is: a rating, or a pair of a user and an item, whose value says how
            often.
    """

    name: str
    n_ratings: int
    n_users: int
    n_items: int
    n_titles: int
    density: float
    mean: float
    deviation: float
    scale: Scale
    scale_words: str
    histogram: list[tuple[float, int]]
    most_rated: list[tuple[Id, str, int, float]]
    per_user: Spread
    per_item: Spread
    first_day: str | None
    last_day: str | None
    n_without_time: int
    n_duplicates: int
    n_bad_rows: int
    note: str
    unit: str = "rating"

    @property
    def has_stars(self) -> bool:
        """Whether there are ratings."""
        return self.scale.has_stars

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)

    def sentences(self) -> list[str]:
        """The counts, the scale, the dates and the flaws, one sentence each."""
        share = f"{self.density:.2%} of all possible pairs"
        lines = [
            f"{self.name}: {counted(self.n_ratings, self.unit)} by "
            f"{counted(self.n_users, 'user')} of {counted(self.n_items, 'item')}; {share}.",
            self._about_values(),
            self._about_dates(),
        ]
        if self.n_titles == 0:
            lines.append(NO_TITLES)
        elif self.n_titles < self.n_items:
            lines.append(f"Items without a title: {self.n_items - self.n_titles:,}.")
        if self.n_without_time and self.first_day:
            lines.append(f"Rows without a timestamp: {self.n_without_time:,}.")
        if self.n_duplicates:
            lines.append(self._about_duplicates())
        if self.n_bad_rows:
            lines.append(f"Bad rows left out: {self.n_bad_rows:,}.")
        if self.note:
            lines.append(self.note)
        return lines

    def _about_values(self) -> str:
        if self.has_stars:
            return (
                f"Scale {self.scale_words}; mean {self.mean:.2f}, "
                f"standard deviation {self.deviation:.2f}."
            )
        most = max(self.histogram)[0]
        if most == 1:
            return "There are no ratings, only pairs of a user and an item."
        return (
            "There are no ratings, only pairs of a user and an item with counts: "
            f"{self.mean:.2f} on average."
        )

    def _about_dates(self) -> str:
        if self.first_day is None:
            return "No timestamps."
        return f"From {self.first_day} to {self.last_day}."

    def _about_duplicates(self) -> str:
        rows = counted(self.n_duplicates, "row")
        if self.has_stars:
            return f"Repeated ratings by the same user: {rows}; the last rating counts."
        return f"Repeated pairs: {rows}; their counts are added."

    def histogram_rows(self) -> list[tuple[str, str, str, str]]:
        """Stars, count, a bar, share."""
        top = max(count for _, count in self.histogram)
        rows = []
        for stars, count in self.histogram:
            bar = "#" * round(BAR_WIDTH * count / top)
            rows.append((f"{stars:g}", f"{count:,}", bar, f"{count / self.n_ratings:.1%}"))
        return rows

    def most_rated_rows(self) -> list[tuple[str, ...]]:
        """Title, number of ratings, mean; without the mean where every value is the same."""
        rows: list[tuple[str, ...]] = []
        for _, title, count, mean in self.most_rated:
            if len(self.histogram) > 1:
                rows.append((title, f"{count:,}", f"{mean:.2f}"))
            else:
                rows.append((title, f"{count:,}"))
        return rows

    def spread_rows(self) -> list[tuple[str, ...]]:
        """One row for users and one for items."""
        return [
            (f"{self.unit}s per user", *self.per_user.cells()),
            (f"{self.unit}s per item", *self.per_item.cells()),
        ]


def describe(dataset: Dataset, n_most_rated: int = 10) -> Description:
    """The description of a data set."""
    ratings = dataset.ratings
    values, counts = _histogram(ratings.value, ratings.scale)
    titled = [item_id in dataset.catalog.films for item_id in ratings.items.ids.tolist()]
    times = np.empty(0, np.int64)
    if ratings.timestamp is not None:
        times = ratings.timestamp[ratings.timestamp != NO_TIME]
    first_day = last_day = None
    if len(times):
        first_day, last_day = _day(times.min()), _day(times.max())
    return Description(
        name=dataset.name,
        n_ratings=len(ratings),
        n_users=ratings.n_users,
        n_items=ratings.n_items,
        n_titles=sum(titled),
        density=len(ratings) / (ratings.n_users * ratings.n_items),
        mean=float(ratings.value.mean(dtype=np.float64)),
        deviation=float(ratings.value.std(dtype=np.float64)),
        scale=ratings.scale,
        scale_words=str(ratings.scale),
        histogram=list(zip(values.tolist(), counts.tolist(), strict=True)),
        most_rated=_most_rated(dataset, n_most_rated),
        per_user=_spread(ratings.user_counts),
        per_item=_spread(ratings.item_counts),
        first_day=first_day,
        last_day=last_day,
        n_without_time=len(ratings) - len(times),
        n_duplicates=dataset.n_duplicates,
        n_bad_rows=dataset.n_bad_rows,
        note=dataset.note,
        unit=ratings.unit,
    )


def title_sentences(dataset: Dataset) -> list[str]:
    """What is known of the items' titles, for people who train a model on a data set.

    Empty if every title is known and none was read from a file.
    """
    ids = dataset.ratings.items.ids.tolist()
    n_titles = sum(item_id in dataset.catalog.films for item_id in ids)
    items = counted(len(ids), "item")
    sentences = []
    if dataset.titles_file is not None:
        sentences.append(f"Titles from {dataset.titles_file} for {n_titles:,} of {items}.")
    elif not dataset.catalog:
        sentences.append(NO_TITLES)
    if dataset.note and dataset.note != SIMULATED:
        sentences.append(dataset.note)
    return sentences


def _most_rated(dataset: Dataset, n: int) -> list[tuple[Id, str, int, float]]:
    """Id, title, number of ratings and mean of the n items with the most ratings."""
    ratings = dataset.ratings
    sums = np.bincount(ratings.item_index, ratings.value, minlength=ratings.n_items)
    popular = np.argsort(-ratings.item_counts, kind="stable")[:n].tolist()
    rows = []
    for index in popular:
        count = int(ratings.item_counts[index])
        if count > 0:
            item_id = ratings.items.id(index)
            title = dataset.catalog[item_id].title
            rows.append((item_id, title, count, float(sums[index] / count)))
    return rows


def _histogram(value: NDArray[np.float32], scale: Scale) -> tuple[Reals, NDArray[np.int64]]:
    """The distinct values and how often they occur; with more than twenty, bins by their lower
    ends.

    Ratings get ten equal bins. Counts, which differ in size, get bins from 1, 2, 5, 10, 20 and
    so on, or from .1, .2, .5.
    """
    values, counts = np.unique(value, return_counts=True)
    if len(values) > 20 and not scale.has_stars:
        first = min(0.0, np.floor(np.log10(values[0])))  # below 0 for counts such as hours
        decades = 10.0 ** np.arange(first, np.ceil(np.log10(values[-1])) + 1)
        ends = np.outer(decades, [1, 2, 5]).ravel()
        start = 0
        if first < 0:
            start = int(np.searchsorted(ends, values[0], "right")) - 1
        values = ends[start : np.searchsorted(ends, values[-1], "right")]
        counts = np.bincount(np.searchsorted(values, value, "right") - 1, minlength=len(values))
    elif len(values) > 20:
        counts, edges = np.histogram(value, bins=10)
        values = edges[:-1]
    return values, counts.astype(np.int64)


def _spread(counts: NDArray[np.int64]) -> Spread:
    counts = np.sort(counts[counts > 0])
    quarter, median, three_quarters = np.percentile(counts, [25, 50, 75]).tolist()
    busiest = counts[-max(1, round(len(counts) / 10)) :]
    share = float(busiest.sum() / counts.sum())
    return Spread(
        fewest=int(counts[0]),
        quarter=quarter,
        median=median,
        three_quarters=three_quarters,
        most=int(counts[-1]),
        share_of_busiest_tenth=share,
    )


def _day(seconds: np.int64) -> str | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None
