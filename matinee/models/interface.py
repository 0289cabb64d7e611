"""What models are handed and what they answer: people as a model knows them, scores and their parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import DataError, OutOfScaleError
from matinee.progress import Progress


@dataclass(frozen=True)
class Capabilities:
    """What a model can do, and what it needs; declared on its class."""

    predicts_stars: bool = True
    """Whether it predicts stars, or only ranks."""
    needs_stars: bool = False
    """Whether it learns from ratings alone: not from implicit feedback."""
    needs_history: bool = False
    """Whether it is made of who rated what, so that no file can leave it out."""
    needs_module: bool = False
    """Whether it holds a network of your own, so that its settings alone cannot make another."""
    uses_times: bool = False
    """Whether it learns from timestamps; they are then kept with the history."""
    uses_features: bool = False
    """Whether it learns from features of users and items; they are then kept with the history."""
    resumes: bool = False
    """Whether an interrupted `fit` can go on from a checkpoint."""
    thread_safe: bool = False
    """Whether several threads may ask for scores at once."""


@dataclass(frozen=True, eq=False)
class TrainingCurve:
    """How a training went, epoch by epoch.

    Attributes:
        loss: what was measured: "RMSE, stars".
        first: what the first column holds: "learning rate".
        rows: (epochs, 3) float64: the first column, the loss on the training part, and on the valid
            part (NaN without one).
    """

    loss: str
    first: str
    rows: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def train(self) -> NDArray[np.float64]:
        """The loss on the training part, (epochs,)."""
        return self.rows[:, 1]

    @property
    def valid(self) -> NDArray[np.float64]:
        """The loss on the valid part, (epochs,); NaN without one."""
        return self.rows[:, 2]


class Fitting(NamedTuple):
    """What accompanies one call of `fit`; see there."""

    valid: Ratings | None = None
    n_threads: int | None = None
    progress: Progress | None = None
    checkpoint: Path | None = None


class Scored(NamedTuple):
    """One recommended item."""

    item_id: Id
    score: float
    """What the list is sorted by; no unit."""
    stars: float | None
    """The predicted rating on the data's scale, clipped to it; None for models that only rank."""
    deviation: float | None = None
    """How far, in stars, the rating would be from it (a standard deviation); None for models that cannot tell."""


class Parts(NamedTuple):
    """What a model's score of one item for one person is made of; the score is their sum, or nearly (see `explain`)."""

    mean: float
    user: float
    """What this person gives any item beyond the mean."""
    item: float
    """What people give this item beyond the mean."""
    ratings: NDArray[np.float64]
    """What each of the person's ratings adds, (n,) as in their profile; (0,) if they count in `user` alone."""
    without: NDArray[np.float64]
    """The score had this one rating not been given, (n,) or (0,)."""
    is_exact: bool


@dataclass(frozen=True, eq=False)
class Profile:
    """What a model knows of one person, known or new.

    Attributes:
        item_index, value: their ratings, (n,) int32 and (n,) float32.
        vector: (D,) float32, the model's own description of them; D depends on the model.
    """

    item_index: NDArray[np.int32]
    value: NDArray[np.float32]
    vector: NDArray[np.float32]


Person = Id | Profile | Mapping[Id, float]
"""Somebody: a user id of the training data, a profile, or a new person's ratings as {item id: stars}."""


def values_in(scale: Scale, ratings: Mapping[Id, float]) -> NDArray[np.float32]:
    """What a new person gave, (n,).

    Raises:
        DataError: it is no number; OutOfScaleError: it is outside the scale.
    """
    try:
        values = np.array(list(ratings.values()), np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"The ratings of a new person must be numbers: {error}.") from error
    for item_id, stars in zip(ratings, values.tolist(), strict=True):
        if not scale.allows(stars):
            beyond = f"is outside the scale {scale}" if scale.has_stars else "is a count of less than 1"
            raise OutOfScaleError(f"the rating {stars:g} for item '{item_id}' {beyond}.")
    return values
