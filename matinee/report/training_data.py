"""The training data: counts from any model file, and more if the file holds the histories."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from matinee.data.dataset import Dataset
from matinee.data.describe import Description, describe
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.recommendation.guide import Guide
from matinee.text import counted, share

N_MOST_RATED = 10


@dataclass(frozen=True)
class TrainingData:
    """The figures of the training data.

    Attributes:
        density: the share of all pairs of a user and an item that are rated.
        most_rated: (item id, title, number of ratings, mean), most first.
        busiest_share: the share of all ratings that belongs to the most rated tenth of the
            items.
        median_count: the median number of ratings per item.
        has_stars: whether there are ratings; otherwise the data are implicit feedback.
        whole: what only the histories tell; None for a file without them.
        note: what must be said about the data wherever they are shown; usually empty.
    """

    name: str
    n_ratings: int
    n_users: int
    n_items: int
    n_titles: int
    density: float
    mean: float
    scale: str
    most_rated: list[tuple[Id, str, int, float]]
    busiest_share: float
    median_count: float
    whole: Description | None
    note: str
    has_stars: bool

    @property
    def unit(self) -> str:
        """A row of the data: a rating, or a pair of a person and a film."""
        return "rating" if self.has_stars else "pair"

    def sentences(self) -> list[str]:
        """The figures in words."""
        people = counted(self.n_users, "person", "people")
        films = counted(self.n_items, "film")
        rows = counted(self.n_ratings, self.unit)
        if self.has_stars:
            lines = [
                f"{people} gave {rows} to {films}, on a scale from {self.scale}; the mean is "
                f"{self.mean:.2f}.",
                f"Of all pairs of a person and a film, {share(self.density)} are rated; "
                "the model has to predict the others.",
            ]
        else:
            lines = [
                f"There are no ratings, only which films people have: {rows} of {people} and "
                f"{films}.",
                f"Of all pairs of a person and a film, {share(self.density)} are known; "
                "the model has to predict which others would please.",
            ]
        n_without = self.n_items - self.n_titles
        if self.n_titles == 0:
            lines.append("The films have no titles in this file and are shown by their ids.")
        elif n_without > 0:
            lines.append(f"Shown by id, as they have no title: {counted(n_without, 'film')}.")
        if self.note:
            lines.append(self.note)
        return lines

    def stars_sentence(self) -> str:
        """What the histogram shows, or why there is none."""
        if self.whole is None:
            return (
                "This file was saved without histories, so the distribution of the ratings is "
                "unknown."
            )
        per_user = self.whole.per_user
        films = counted(round(per_user.median), "film")
        if not self.has_stars:
            return (
                f"Half of the people have {films} or more; the most active person has "
                f"{per_user.most:,}."
            )
        stars, count = max(self.whole.histogram, key=lambda bar: bar[1])
        return (
            f"The most frequent rating is {stars:g} ({share(count / self.n_ratings)}). Half of the "
            f"people rated {films} or more; the most active person rated {per_user.most:,}."
        )

    def popularity_sentence(self) -> str:
        """How unevenly the ratings fall on the items."""
        most = "most rated" if self.has_stars else "best known"
        subject = f"The {most} film"
        if self.n_items >= 10:
            subject = f"The {most} tenth of the films"
        median = counted(round(self.median_count), self.unit)
        return (
            f"{subject} has {share(self.busiest_share)} of all {self.unit}s; half of the films "
            f"have {median} or fewer. The fewer {self.unit}s a film has, the less can be "
            "learned about it."
        )

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        histogram = None
        per_user = None
        if self.whole is not None:
            histogram = [{"stars": stars, "count": count} for stars, count in self.whole.histogram]
            per_user = vars(self.whole.per_user)
        most_rated = [
            {"item_id": item_id, "title": title, "n_ratings": n, "mean": mean}
            for item_id, title, n, mean in self.most_rated
        ]
        return {
            "name": self.name,
            "n_ratings": self.n_ratings,
            "n_users": self.n_users,
            "n_items": self.n_items,
            "n_titles": self.n_titles,
            "density": self.density,
            "mean": self.mean,
            "scale": self.scale,
            "histogram": histogram,
            "ratings_per_user": per_user,
            "busiest_share": self.busiest_share,
            "median_count": self.median_count,
            "most_rated": most_rated,
            "sentences": [*self.sentences(), self.stars_sentence(), self.popularity_sentence()],
        }


def training_data(guide: Guide, ratings: Ratings | None) -> TrainingData:
    """Computes the statistics of a model's training data.

    Args:
        ratings: the histories; None if the file does not hold them.
    """
    model, catalog = guide.model, guide.catalog
    counts, means = model.item_counts_, model.item_means_
    rated = np.flatnonzero(counts)
    n_ratings = int(counts.sum())
    n_busiest = max(1, round(len(rated) / 10))
    sorted_counts = np.sort(counts[rated])
    total = (means[rated].astype(np.float64) * counts[rated]).sum()
    whole = None
    if ratings is not None:
        whole = describe(Dataset(guide.origin.dataset, ratings, catalog))
    return TrainingData(
        name=guide.origin.dataset,
        n_ratings=n_ratings,
        n_users=len(model.users_),
        n_items=len(model.items_),
        n_titles=sum(item_id in catalog.films for item_id in model.items_.ids.tolist()),
        density=n_ratings / (len(model.users_) * len(model.items_)),
        mean=float(total / n_ratings),
        scale=str(model.scale_),
        most_rated=_most_rated(guide),
        busiest_share=float(sorted_counts[-n_busiest:].sum() / n_ratings),
        median_count=float(np.median(sorted_counts)),
        whole=whole,
        note=guide.origin.note,
        has_stars=model.scale_.has_stars,
    )


def _most_rated(guide: Guide) -> list[tuple[Id, str, int, float]]:
    model = guide.model
    counts = model.item_counts_
    n = min(N_MOST_RATED, np.count_nonzero(counts))
    rows = []
    for item in np.argsort(-counts, kind="stable")[:n].tolist():
        item_id = model.items_.id(item)
        title = guide.catalog[item_id].title
        rows.append((item_id, title, int(counts[item]), float(model.item_means_[item])))
    return rows
