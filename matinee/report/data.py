"""What the model was trained on: counts that every model file holds, and more where it keeps who rated what."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from matinee.describe import Description, describe
from matinee.guide import Guide
from matinee.ratings import Id, Ratings
from matinee.readers import Dataset
from matinee.text import counted, share

N_MOST_RATED = 10


@dataclass(frozen=True)
class TheData:
    """The figures of the training data.

    Attributes:
        density: the part of all pairs of a user and an item that are rated.
        most_rated: (item id, title, number of ratings, mean), most first.
        busiest_share: the part of all ratings that the most rated tenth of the items holds.
        median_count: half of the items have at most so many ratings.
        has_stars: whether there are ratings, and not only who has what.
        whole: what only the histories tell; None for a file without them.
        note: what must be known of the data wherever it is shown; usually empty.
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

    def sentences(self) -> list[str]:
        """The figures in words."""
        people, films = counted(self.n_users, "person", "people"), counted(self.n_items, "film")
        if not self.has_stars:
            pairs, known = counted(self.n_ratings, "pair"), share(self.density)
            lines = [
                f"There are no ratings, only who has what: {pairs} of {people} and {films}.",
                f"That is {known} of all pairs that there could be; which of the rest would please, a model has to "
                "guess.",
            ]
            return [*lines, *self._about_titles()]
        lines = [
            f"{people} gave {counted(self.n_ratings, 'rating')} to {films}, on a scale from {self.scale}; "
            f"the mean is {self.mean:.2f}.",
            f"Of all pairs of a person and a film {share(self.density)} are rated; the rest a model has to guess.",
        ]
        return [*lines, *self._about_titles()]

    def _about_titles(self) -> list[str]:
        lines = []
        if self.n_titles == 0:
            lines.append("The films have no titles here and go by their ids.")
        elif self.n_titles < self.n_items:
            lines.append(
                f"Without a title, and so called by their ids: {counted(self.n_items - self.n_titles, 'film')}."
            )
        return [*lines, self.note] if self.note else lines

    @property
    def unit(self) -> str:
        """What a row of the data is: a rating, or a pair of a person and a film."""
        return "rating" if self.has_stars else "pair"

    def stars_sentence(self) -> str:
        """What the histogram shows, or why there is none."""
        if self.whole is None:
            return "This file was saved without who rated what, so how the stars are spread is not known here."
        stars, count = max(self.whole.histogram, key=lambda bar: bar[1])
        people = self.whole.per_user
        if not self.has_stars:
            return (
                f"Half of the people have {counted(round(people.median), 'film')} or more; the busiest {people.most:,}."
            )
        return (
            f"The most frequent rating is {stars:g} ({share(count / self.n_ratings)}). Half of the people rated "
            f"{counted(round(people.median), 'film')} or more; the busiest rated {people.most:,}."
        )

    def popularity_sentence(self) -> str:
        """How unevenly the ratings fall on the items."""
        most = "The best known tenth of the films" if self.n_items >= 10 else "The best known film"
        most = most if not self.has_stars else most.replace("best known", "most rated")
        return (
            f"{most} holds {share(self.busiest_share)} of all {self.unit}s; half of the films "
            f"have {counted(round(self.median_count), self.unit)} or fewer. The fewer {self.unit}s, the less can be "
            "known of a film."
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        whole = self.whole
        return {
            "name": self.name,
            "n_ratings": self.n_ratings,
            "n_users": self.n_users,
            "n_items": self.n_items,
            "n_titles": self.n_titles,
            "density": self.density,
            "mean": self.mean,
            "scale": self.scale,
            "histogram": None if whole is None else [{"stars": s, "count": n} for s, n in whole.histogram],
            "ratings_per_user": None if whole is None else vars(whole.per_user),
            "busiest_share": self.busiest_share,
            "median_count": self.median_count,
            "most_rated": [
                {"item_id": item_id, "title": title, "n_ratings": n, "mean": mean}
                for item_id, title, n, mean in self.most_rated
            ],
            "sentences": [*self.sentences(), self.stars_sentence(), self.popularity_sentence()],
        }


def the_data(guide: Guide, ratings: Ratings | None) -> TheData:
    """The figures of a model's training data.

    Args:
        ratings: who rated what; None if the file does not hold it.
    """
    model, catalogue = guide.model, guide.catalogue
    counts, means = model.item_counts_, model.item_means_
    rated = np.flatnonzero(counts)
    n_ratings = int(counts.sum())
    popular = np.argsort(-counts, kind="stable")[: min(N_MOST_RATED, len(rated))].tolist()
    ids = [model.items_.id(index) for index in popular]
    ordered = np.sort(counts[rated])
    whole = None
    if ratings is not None:
        whole = describe(Dataset(guide.origin.dataset, ratings, catalogue))
    return TheData(
        name=guide.origin.dataset,
        n_ratings=n_ratings,
        n_users=len(model.users_),
        n_items=len(model.items_),
        n_titles=sum(item_id in catalogue.films for item_id in model.items_.ids.tolist()),
        density=n_ratings / (len(model.users_) * len(model.items_)),
        mean=float((means[rated].astype(np.float64) * counts[rated]).sum() / n_ratings),
        scale=str(model.scale_),
        most_rated=[
            (item_id, catalogue[item_id].title, int(counts[index]), float(means[index]))
            for item_id, index in zip(ids, popular, strict=True)
        ],
        busiest_share=float(ordered[-max(1, round(len(ordered) / 10)) :].sum() / n_ratings),
        median_count=float(np.median(ordered)),
        whole=whole,
        note=guide.origin.note,
        has_stars=model.scale_.has_stars,
    )
