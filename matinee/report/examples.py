"""Examples of what a model says: recommendations with reasons, and its largest errors."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from matinee.data.catalog import Catalog
from matinee.data.vocabulary import Id
from matinee.errors import MatineeError
from matinee.models.base import Person, Recommender
from matinee.recommendation.explanation import explain
from matinee.recommendation.guide import Guide
from matinee.report.quality import Quality
from matinee.text import counted

N_RECOMMENDED = 5
N_LIKED, N_DISLIKED = 3, 2
N_MISTAKES = 5


@dataclass(frozen=True)
class ExampleRating:
    """One rating of the person."""

    item_id: Id
    title: str
    stars: float


@dataclass(frozen=True)
class ExampleItem:
    """A recommended item and the reason; `stars`, as lists show them, is None if the model only
    ranks."""

    item_id: Id
    title: str
    stars: float | None
    why: str


@dataclass(frozen=True)
class Example:
    """A person, some of their ratings, and what the model recommends to them.

    Attributes:
        note: why there are fewer recommendations, or no reasons; usually empty.
    """

    heading: str
    who: str
    ratings: list[ExampleRating]
    recommended: list[ExampleItem]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        return {
            "heading": self.heading,
            "who": self.who,
            "told": [asdict(rating) for rating in self.ratings],
            "picks": [asdict(item) for item in self.recommended],
            "note": self.note,
        }


@dataclass(frozen=True)
class Mistake:
    """A test rating far from its prediction.

    Attributes:
        n_user, n_item: number of training ratings of the user and of the item.
        why: the explanation of the prediction.
    """

    user_id: Id
    item_id: Id
    title: str
    stars: float
    predicted: float
    n_user: int
    n_item: int
    why: str


@dataclass(frozen=True)
class Mistakes:
    """The test ratings furthest below and furthest above their predictions, the furthest
    first."""

    too_high: list[Mistake]
    too_low: list[Mistake]


def examples(guide: Guide) -> list[Example]:
    """A user with the median number of ratings, and a new person with five ratings of a busier
    one.

    Empty for a file without histories.
    """
    model = guide.model
    counts = model.history_.counts
    by_activity = np.argsort(counts, kind="stable")[np.count_nonzero(counts == 0) :]
    if len(by_activity) == 0:
        return []
    typical = int(by_activity[len(by_activity) * 2 // 4])
    busier = int(by_activity[len(by_activity) * 3 // 4])
    return [_typical_person(guide, typical, int(counts[typical])), _new_person(guide, busier)]


def _typical_person(guide: Guide, user: int, n_rated: int) -> Example:
    user_id = guide.model.users_.id(user)
    unit = "rating" if guide.model.scale_.has_stars else "film"
    recommended, note = _recommend(guide, user_id)
    return Example(
        heading=f"A person with a typical number of {unit}s",
        who=f"User {user_id} has {counted(n_rated, unit)}, the median of all people. Among them:",
        ratings=_typical_ratings(guide, user),
        recommended=recommended,
        note=note,
    )


def _new_person(guide: Guide, user: int) -> Example:
    ratings = _typical_ratings(guide, user)
    unit, verb = "film", "have"
    if guide.model.scale_.has_stars:
        unit, verb = "rating", "gave"
    recommended, note = _recommend(guide, {rating.item_id: rating.stars for rating in ratings})
    user_id = guide.model.users_.id(user)
    return Example(
        heading="A new person",
        who=(
            f"A person with {counted(len(ratings), unit)}, taken from user {user_id}. "
            f"The model is not retrained for them. They {verb}:"
        ),
        ratings=ratings,
        recommended=recommended,
        note=note,
    )


def mistakes(quality: Quality, catalog: Catalog) -> Mistakes | None:
    """The worst predictions of the test part; None for a model that predicts no stars."""
    if quality.predicted is None:
        return None
    errors = quality.predicted - quality.part.test.value  # (N,) positive: predicted too high
    order = np.argsort(-errors, kind="stable")
    highest = [row for row in order[:N_MISTAKES].tolist() if errors[row] > 0]
    lowest = [row for row in order[::-1][:N_MISTAKES].tolist() if errors[row] < 0]
    return Mistakes(
        [_mistake(quality, catalog, row) for row in highest],
        [_mistake(quality, catalog, row) for row in lowest],
    )


def _typical_ratings(guide: Guide, user: int) -> list[ExampleRating]:
    """The most telling ratings of a person: the highest and the lowest, best known films
    first."""
    model = guide.model
    items, stars = model.history_.of(user)
    popularity = model.item_counts_[items]
    best = np.lexsort((-popularity, -stars))[:N_LIKED].tolist()
    worst = np.lexsort((-popularity, stars))[:N_DISLIKED].tolist()
    ratings = []
    for row in dict.fromkeys([*best, *worst[::-1]]):  # with few ratings the two overlap
        item_id = model.items_.id(int(items[row]))
        ratings.append(ExampleRating(item_id, guide.catalog[item_id].title, float(stars[row])))
    return ratings


def _recommend(guide: Guide, person: Person) -> tuple[list[ExampleItem], str]:
    """The first recommendations with reasons, and a sentence if something is missing."""
    items = []
    note = ""
    for line in guide.recommend(person, N_RECOMMENDED).items:
        why = ""
        try:
            why = guide.explain(person, line.item_id).sentence()
        except MatineeError as error:
            note = str(error)
        items.append(ExampleItem(line.item_id, line.film.title, line.shown, why))
    if not items:
        note = "This person has rated every film, so there is nothing left to recommend."
    return items, note


def _mistake(quality: Quality, catalog: Catalog, row: int) -> Mistake:
    test, train = quality.part.test, quality.part.train
    assert quality.predicted is not None
    user, item = int(test.user_index[row]), int(test.item_index[row])
    user_id, item_id = test.users.id(user), test.items.id(item)
    return Mistake(
        user_id=user_id,
        item_id=item_id,
        title=catalog[item_id].title,
        stars=float(test.value[row]),
        predicted=float(quality.predicted[row]),
        n_user=int(train.user_counts[user]),
        n_item=int(train.item_counts[item]),
        why=_why(quality.model, catalog, user_id, item_id),
    )


def _why(model: Recommender, catalog: Catalog, user_id: Id, item_id: Id) -> str:
    try:
        return explain(model, catalog, user_id, item_id).sentence()
    except MatineeError as error:
        return str(error)
