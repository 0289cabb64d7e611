"""How alike items are by who rated them: the cosine of the sets of their raters."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Longs
from matinee.models.history import History

CELLS = 2**22
"""Words of bits at a time."""


class RaterSets(NamedTuple):
    """The users who rated each of S items, as sets of bits.

    Attributes:
        bits: (S, words) uint64, a bit for each user.
        counts: (S,) the number of users in each set.
    """

    bits: NDArray[np.uint64]
    counts: Longs

    def cosines(self, first: Longs, second: Longs) -> Doubles:
        """The cosine of each pair of sets, (P,); 0 where one is empty.

        The number of users in both sets, divided by the root of the product of their sizes.
        """
        common = np.empty(len(first), np.int64)
        at_once = max(1, CELLS // max(1, self.bits.shape[1]))
        for start in range(0, len(first), at_once):
            pairs = slice(start, start + at_once)
            both = self.bits[first[pairs]] & self.bits[second[pairs]]
            common[pairs] = np.bitwise_count(both).sum(axis=1, dtype=np.int64)
        return np.asarray(common / np.sqrt(np.maximum(self.counts[first] * self.counts[second], 1)))


def rater_sets(
    history: History, items: NDArray[np.integer], most_users: int | None = None
) -> RaterSets:
    """The sets of users who rated some items.

    Args:
        items: (S,) the item indices, without repetition.
        most_users: if there are more users, so many are drawn at random, always the same ones.
    """
    n_users = len(history.users)
    user = history.user_index  # (N,)
    row_of_item = np.full(len(history.items), -1)
    row_of_item[items] = np.arange(len(items))
    row = row_of_item[history.item_index]  # (N,)
    if most_users is not None and n_users > most_users:
        drawn = np.full(n_users, -1)
        drawn[np.random.default_rng(0).permutation(n_users)[:most_users]] = np.arange(most_users)
        user, n_users = drawn[user], most_users
    is_wanted = (row >= 0) & (user >= 0)
    row, user = row[is_wanted], user[is_wanted]
    bits = np.zeros((len(items), -(-n_users // 64)), np.uint64)
    np.bitwise_or.at(bits, (row, user // 64), np.uint64(1) << (user % 64).astype(np.uint64))
    return RaterSets(bits, np.bitwise_count(bits).sum(axis=1, dtype=np.int64))
