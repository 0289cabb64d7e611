"""Examples of what a model says: recommendations with their reasons, and the predictions that went most wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee.catalogue import Catalogue
from matinee.errors import MatineeError
from matinee.explain import explain
from matinee.guide import Guide
from matinee.models.base import Person, Recommender
from matinee.ratings import Id
from matinee.report.quality import Quality
from matinee.text import counted

N_PICKS = 5
N_TOLD_LIKED, N_TOLD_DISLIKED = 3, 2
N_MISTAKES = 5


@dataclass(frozen=True)
class Told:
    """One rating of somebody."""

    item_id: Id
    title: str
    stars: float


@dataclass(frozen=True)
class Pick:
    """One recommended item and why; `stars` is None where the model only ranks."""

    item_id: Id
    title: str
    stars: float | None
    why: str


@dataclass(frozen=True)
class Example:
    """A person, some of what they rated, and what the model recommends to them."""

    heading: str
    who: str
    told: list[Told]
    picks: list[Pick]
    note: str
    """Why there are fewer picks, or no reasons; usually empty."""


@dataclass(frozen=True)
class Mistake:
    """A test rating far from its prediction, what the model had learnt of the two sides, and why it thought so."""

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
    """The test ratings furthest below and furthest above their predictions, the furthest first."""

    too_high: list[Mistake]
    too_low: list[Mistake]


def examples(guide: Guide) -> list[Example]:
    """A user of middling activity, and a busier one as if five of their ratings were all that is known of them.

    Empty for a file without histories.
    """
    model = guide.model
    counts = model.history_.counts
    by_activity = np.argsort(counts, kind="stable")[np.count_nonzero(counts == 0) :]
    if len(by_activity) == 0:
        return []
    typical, other = (int(by_activity[len(by_activity) * part // 4]) for part in (2, 3))
    newcomer = _telling(guide, other)
    known = {one.item_id: one.stars for one in newcomer}
    user_id, n_rated = model.users_.id(typical), int(counts[typical])
    unit, gave = ("rating", "gave") if model.scale_.has_stars else ("film", "have")
    return [
        Example(
            f"For somebody who {'rates' if model.scale_.has_stars else 'has'} as much as most",
            f"User {user_id} stands in the middle of all people by activity, with {counted(n_rated, unit)}. Among "
            "them:",
            _telling(guide, typical),
            *_picks(guide, user_id),
        ),
        Example(
            "For somebody new",
            f"Somebody of whom nothing is known but {counted(len(newcomer), unit)}, taken from user "
            f"{model.users_.id(other)}. Nothing is trained again for them. They {gave}:",
            newcomer,
            *_picks(guide, known),
        ),
    ]


def mistakes(quality: Quality, catalogue: Catalogue) -> Mistakes | None:
    """The worst predictions of the test part; None for a model that predicts no stars."""
    if quality.predicted is None:
        return None
    errors = quality.predicted - quality.part.test.value  # (N,) positive: thought too highly of
    order = np.argsort(-errors, kind="stable")
    too_high = [row for row in order[:N_MISTAKES].tolist() if errors[row] > 0]
    too_low = [row for row in order[::-1][:N_MISTAKES].tolist() if errors[row] < 0]
    return Mistakes(_mistakes(quality, catalogue, too_high), _mistakes(quality, catalogue, too_low))


def _telling(guide: Guide, user: int) -> list[Told]:
    """A few ratings that tell most of somebody's taste: what they liked most and least, the best known first."""
    model = guide.model
    items, stars = model.history_.of(user)
    best = _order(-stars, -model.item_counts_[items])[:N_TOLD_LIKED]
    worst = _order(stars, -model.item_counts_[items])[:N_TOLD_DISLIKED]
    chosen = dict.fromkeys([*best, *worst[::-1]])  # somebody with few ratings: each once
    ids = [model.items_.id(int(items[row])) for row in chosen]
    return [
        Told(item_id, guide.catalogue[item_id].title, float(stars[row]))
        for item_id, row in zip(ids, chosen, strict=True)
    ]


def _order(first: NDArray[Any], second: NDArray[Any]) -> list[int]:
    """Positions by the first key, then the second, then where they stand."""
    return [int(row) for row in np.lexsort((second, first))]


def _picks(guide: Guide, person: Person) -> tuple[list[Pick], str]:
    """The first recommendations with their reasons, and a sentence if something is missing."""
    lines = guide.recommend(person, N_PICKS).items
    note = "" if lines else "Every film is rated already, so nothing is left to recommend."
    picks = []
    for line in lines:
        try:
            why = guide.explain(person, line.item_id).sentence()
        except MatineeError as error:
            why, note = "", str(error)
        picks.append(Pick(line.item_id, line.film.title, line.stars, why))
    return picks, note


def _mistakes(quality: Quality, catalogue: Catalogue, rows: list[int]) -> list[Mistake]:
    test, train, model = quality.part.test, quality.part.train, quality.model
    assert quality.predicted is not None
    found = []
    for row in rows:
        user, item = int(test.user_index[row]), int(test.item_index[row])
        user_id, item_id = test.users.id(user), test.items.id(item)
        found.append(
            Mistake(
                user_id,
                item_id,
                catalogue[item_id].title,
                float(test.value[row]),
                float(quality.predicted[row]),
                int(train.user_counts[user]),
                int(train.item_counts[item]),
                _why(model, catalogue, user_id, item_id),
            )
        )
    return found


def _why(model: Recommender, catalogue: Catalogue, user_id: Id, item_id: Id) -> str:
    try:
        return explain(model, catalogue, user_id, item_id).sentence()
    except MatineeError as error:
        return str(error)
