"""What to look at first in a table of ratings: counts, scale, histogram, popularity, spread, dates, problems."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.data.dataset import Dataset
from matinee.data.ratings import NO_TIME, Scale
from matinee.data.vocabulary import Id

BAR_WIDTH = 30


@dataclass(frozen=True)
class Spread:
    """How the ratings are spread over users or items that have any."""

    fewest: int
    quarter: float
    median: float
    three_quarters: float
    most: int
    share_of_busiest_tenth: float


@dataclass(frozen=True)
class Description:
    """The figures; `sentences` and the `..._rows` put them into words and tables."""

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
    """What a row is: a rating, or a pair of a user and an item, whose value says how often."""

    @property
    def has_stars(self) -> bool:
        """Whether there are ratings."""
        return self.scale.has_stars

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def sentences(self) -> list[str]:
        """The counts, the scale, the dates and the problems, one sentence each."""
        lines = [
            f"{self.name}: {self.n_ratings:,} {self.unit}s by {self.n_users:,} users of {self.n_items:,} items; "
            f"{self.density:.2%} of all pairs are {'rated' if self.has_stars else 'there'}.",
            self._about_values(),
            f"From {self.first_day} to {self.last_day}." if self.first_day else "No timestamps.",
        ]
        if self.n_titles < self.n_items:
            lines.append(f"{self.n_items - self.n_titles:,} of the items have no title.")
        if self.n_without_time and self.first_day:
            lines.append(f"{self.n_without_time:,} {self.unit}s have no timestamp.")
        if self.n_duplicates and not self.has_stars:
            lines.append(f"Rows of a pair that was there already: {self.n_duplicates:,}; they are added up.")
        elif self.n_duplicates:
            lines.append(f"Rated again later by the same user: {self.n_duplicates:,}; the last rating counts.")
        if self.n_bad_rows:
            lines.append(f"Bad rows left out: {self.n_bad_rows:,}.")
        return [*lines, self.note] if self.note else lines

    def _about_values(self) -> str:
        if self.has_stars:
            return f"Scale {self.scale_words}; mean {self.mean:.2f}, standard deviation {self.deviation:.2f}."
        most = max(self.histogram)[0]
        if most == 1:
            return "No ratings, only who has what."
        return f"No ratings, only who has what and how often: {self.mean:.2f} times on average."

    def histogram_rows(self) -> list[tuple[str, str, str, str]]:
        """Stars, count, a bar, share."""
        top = max(count for _, count in self.histogram)
        return [
            (f"{stars:g}", f"{count:,}", "#" * round(BAR_WIDTH * count / top), f"{count / self.n_ratings:.1%}")
            for stars, count in self.histogram
        ]

    def most_rated_rows(self) -> list[tuple[str, ...]]:
        """Title, number of ratings, mean; without the mean where every value is the same."""
        n_columns = 3 if len(self.histogram) > 1 else 2
        return [(title, f"{count:,}", f"{mean:.2f}")[:n_columns] for _, title, count, mean in self.most_rated]

    def spread_rows(self) -> list[tuple[str, ...]]:
        """One row for users and one for items."""
        return [
            (
                label,
                f"{spread.fewest:,}",
                f"{spread.quarter:,.0f}",
                f"{spread.median:,.0f}",
                f"{spread.three_quarters:,.0f}",
                f"{spread.most:,}",
                f"{spread.share_of_busiest_tenth:.0%}",
            )
            for label, spread in ((f"{self.unit}s per user", self.per_user), (f"{self.unit}s per item", self.per_item))
        ]


def describe(dataset: Dataset, n_most_rated: int = 10) -> Description:
    """The description of a data set."""
    ratings = dataset.ratings
    values, counts = _histogram(ratings.value, ratings.scale)
    sums = np.bincount(ratings.item_index, ratings.value, minlength=ratings.n_items)
    popular = np.argsort(-ratings.item_counts, kind="stable")[
        : min(n_most_rated, np.count_nonzero(ratings.item_counts))
    ]
    ids = ratings.items.ids[popular].tolist()
    times = np.empty(0, np.int64) if ratings.timestamp is None else ratings.timestamp[ratings.timestamp != NO_TIME]
    return Description(
        name=dataset.name,
        n_ratings=len(ratings),
        n_users=ratings.n_users,
        n_items=ratings.n_items,
        n_titles=sum(item_id in dataset.catalog.films for item_id in ratings.items.ids.tolist()),
        density=len(ratings) / (ratings.n_users * ratings.n_items),
        mean=float(ratings.value.mean(dtype=np.float64)),
        deviation=float(ratings.value.std(dtype=np.float64)),
        scale=ratings.scale,
        scale_words=str(ratings.scale),
        histogram=list(zip(values.tolist(), counts.tolist(), strict=True)),
        most_rated=[
            (
                item_id,
                dataset.catalog[item_id].title,
                int(ratings.item_counts[i]),
                float(sums[i] / ratings.item_counts[i]),
            )
            for i, item_id in zip(popular.tolist(), ids, strict=True)
        ],
        per_user=_spread(ratings.user_counts),
        per_item=_spread(ratings.item_counts),
        first_day=_day(times.min()) if len(times) else None,
        last_day=_day(times.max()) if len(times) else None,
        n_without_time=len(ratings) - len(times),
        n_duplicates=dataset.n_duplicates,
        n_bad_rows=dataset.n_bad_rows,
        note=dataset.note,
        unit=ratings.unit,
    )


def _histogram(value: NDArray[np.float32], scale: Scale) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The distinct values and their counts; with more than twenty, the lower ends of ten equal steps.

    How often somebody has something is spread over many sizes: from 1, 2, 5, 10, 20 and so on.
    """
    values, counts = np.unique(value, return_counts=True)
    if len(values) > 20 and not scale.has_stars:
        ends = np.outer(10.0 ** np.arange(np.ceil(np.log10(values[-1])) + 1), [1, 2, 5]).ravel()
        values = ends[: np.searchsorted(ends, values[-1], "right")]
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
    return Spread(int(counts[0]), quarter, median, three_quarters, int(counts[-1]), share)


def _day(seconds: np.int64) -> str | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None
