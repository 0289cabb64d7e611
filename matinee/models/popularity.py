"""Popularity: the items with the most ratings, the same list for everyone except for seen
items."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Indices
from matinee.data.ratings import Ratings
from matinee.models.base import FitOptions, Recommender
from matinee.models.interface import Capabilities


@dataclass(kw_only=True, eq=False)
class Popularity(Recommender):
    """Ranks items by their number of training ratings; predicts no stars.

    The list is the same for everyone, except for what a person has rated.

    Example:
        >>> popularity = matinee.Popularity().fit(data)
        >>> [data.catalog[line.item_id].title for line in popularity.recommend({107: 5}, k=2)]
        ['Inception (2010)', 'Interstellar (2014)']
    """

    name: ClassVar[str] = "popularity"
    summary: ClassVar[str] = (
        "It ranks films by how many people rated them: the same list for everyone, and no stars."
    )
    capabilities = Capabilities(predicts_stars=False)

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        del train, options  # `fit` has already counted the ratings

    def _user_vectors(self, user_index: Indices) -> NDArray[np.float32]:
        return np.zeros((len(user_index), 1), np.float32)  # the same for all users

    def _fold_in(
        self, item_index: NDArray[np.int32], value: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        del item_index, value
        return np.zeros(1, np.float32)

    def _scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.tile(self.item_counts_.astype(np.float32), (len(vectors), 1))  # (B, I)
