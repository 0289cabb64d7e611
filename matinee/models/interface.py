"""The types that models take and return: profiles, scored items, attributions, fit options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import DataError, OutOfScaleError, UnsupportedError
from matinee.progress import Progress
from matinee.training.checkpoints import Checkpoint


@dataclass(frozen=True)
class Capabilities:
    """What a model can do and what it requires; declared on its class."""

    predicts_stars: bool = True
    """Whether it predicts stars; otherwise it only ranks."""
    needs_stars: bool = False
    """Whether it requires ratings and cannot learn from implicit feedback."""
    needs_history: bool = False
    """Whether the training ratings are part of the model, so that no file can omit them."""
    needs_module: bool = False
    """Whether it holds a network supplied by the caller, which settings alone cannot
    rebuild."""
    uses_times: bool = False
    """Whether it learns from timestamps, which are then saved with the history."""
    uses_features: bool = False
    """Whether it learns from user and item features, which are then saved with the history."""
    resumes: bool = False
    """Whether an interrupted `fit` can resume from a checkpoint."""
    thread_safe: bool = False
    """Whether several threads may compute scores at the same time."""

    def check(self, name: str, train: Ratings) -> None:
        """Refuses a table that the model cannot learn from.

        Args:
            name: of the model, for messages.
        """
        if len(train) == 0:
            raise DataError("There are no ratings to train on.")
        if self.needs_stars and train.scale == PAIRS:
            raise UnsupportedError(
                f"{name} needs ratings, but this table holds implicit feedback; use ials."
            )
        train.check_indices()


@dataclass(frozen=True, eq=False)
class TrainingCurve:
    """The losses of a training run, epoch by epoch.

    Attributes:
        loss: the name of the loss, such as "RMSE, stars".
        first: the name of the first column, such as "learning rate".
        rows: (epochs, 3) float64: the first column, the loss on the training part, and the
            loss on the validation part (NaN without one).
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
        """The loss on the validation part, (epochs,); NaN without one."""
        return self.rows[:, 2]


class FitOptions(NamedTuple):
    """The options of one call of `fit`; see there."""

    valid: Ratings | None = None
    n_threads: int | None = None
    progress: Progress | None = None
    checkpoint: Checkpoint | None = None


class Ranking(NamedTuple):
    """What a model says about all items for one person."""

    scores: NDArray[np.float32]
    """The sort keys of lists, (I,), without a unit."""
    stars: NDArray[np.float32] | None
    """The predicted ratings before clipping, (I,); None for models that only rank."""


class ScoredItem(NamedTuple):
    """One recommended item."""

    item_id: Id
    score: float
    """The sort key of the list, without a unit."""
    stars: float | None
    """The predicted rating, clipped to the scale; None for models that only rank."""
    deviation: float | None = None
    """The standard deviation of the rating about `stars`; None if the model cannot estimate
    it."""


class Attribution(NamedTuple):
    """The attribution of one score to its causes; the parts add up to the score (see
    `explain`)."""

    mean: float
    user: float
    """The person's bias: what they give any item beyond the mean."""
    item: float
    """The item's bias: what people give it beyond the mean."""
    ratings: NDArray[np.float64]
    """The contribution of each rating in the profile, (n,); (0,) if all of them are in
    `user`."""
    without: NDArray[np.float64]
    """The score if this one rating had not been given, (n,) or (0,)."""
    is_exact: bool


@dataclass(frozen=True, eq=False)
class UserState:
    """What a model knows about one person, known or new.

    Attributes:
        item_index, value: their ratings, (n,) int32 and (n,) float32.
        vector: (D,) float32, the model's representation of the person; D depends on the model.
        weight: (n,) float32, the weights of the ratings of a known user in a model with a
            half-life; None if all weigh 1.
    """

    item_index: NDArray[np.int32]
    value: NDArray[np.float32]
    vector: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None


ItemLabels = Sequence[Sequence[str]]
"""The features of each of several items, such as ["genre: Comedy", "year: 1995"]."""

Person = Id | UserState | Mapping[Id, float]
"""A user id of the training data, a profile, or the ratings of a new person as {item id:
stars}."""


def values_in(scale: Scale, ratings: Mapping[Id, float]) -> NDArray[np.float32]:
    """The values of a new person's ratings, (n,).

    Raises:
        DataError: a value is not a number.
        OutOfScaleError: a value is outside the scale.
    """
    try:
        values = np.array(list(ratings.values()), np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"The ratings of a new person must be numbers: {error}.") from error
    if values.ndim != 1:
        raise DataError("The ratings of a new person must be numbers, one for each item.")
    for item_id, stars in zip(ratings, values.tolist(), strict=True):
        if not scale.allows(stars):
            fault = f"is outside the scale {scale}"
            if not scale.has_stars:
                fault = "is a count of less than 1"
            raise OutOfScaleError(f"The rating {stars:g} for item '{item_id}' {fault}.")
    return values
