"""Repeated pairs, against a dictionary of all pairs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.data import repeats
from matinee.data.ratings import Ratings, Scale
from matinee.data.repeats import last_of_each_pair
from matinee.data.vocabulary import Vocabulary


def table(user: NDArray[np.int64], item: NDArray[np.int64], timed: bool = False) -> Ratings:
    """Ratings in rows as given; repeats stay."""
    n_users, n_items = int(user.max(initial=0)) + 1, int(item.max(initial=0)) + 1
    return Ratings(
        users=Vocabulary(np.arange(n_users), "user"),
        items=Vocabulary(np.arange(n_items), "item"),
        user_index=user.astype(np.int32),
        item_index=item.astype(np.int32),
        value=np.ones(len(user), np.float32),
        timestamp=np.arange(len(user), dtype=np.int64)[::-1].copy() if timed else None,
        scale=Scale(1, 5, 1),
    )


def kept_slowly(user: NDArray[np.int64], item: NDArray[np.int64], timed: bool) -> list[int]:
    """The first row of each pair where times fall, else the last."""
    rows = range(len(user))
    last = {(user[row], item[row]): row for row in (reversed(rows) if timed else rows)}
    return sorted(last.values())


@pytest.mark.parametrize("cells", [0, 1 << 27])
@pytest.mark.parametrize("timed", [False, True])
def test_every_order_of_rows(timed: bool, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_BITMAP_CELLS", cells)
    monkeypatch.setattr(repeats, "_BLOCK", 4)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n, n_items = int(rng.integers(1, 14)), int(rng.integers(1, 20))
        pair = rng.integers(0, 6 * n_items, n)
        if seed % 3:
            pair = np.sort(pair)
        user, item = pair // n_items, pair % n_items
        found, expected = (
            last_of_each_pair(table(user, item, timed)),
            kept_slowly(user, item, timed),
        )
        if len(expected) == n:
            assert found is None
        else:
            assert found is not None
            assert found.tolist() == expected


@pytest.mark.parametrize("row", [0, 1, 7, 8, 9, 28])
def test_a_repeat_at_the_ends_of_blocks(row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_BLOCK", 8)
    pair = np.arange(30)
    assert last_of_each_pair(table(pair // 5, pair % 5)) is None
    pair[row + 1] = pair[row]
    found = last_of_each_pair(table(pair // 5, pair % 5))
    assert found is not None
    assert found.tolist() == [other for other in range(30) if other != row]


def test_a_table_without_rows_and_one_of_one_row() -> None:
    assert last_of_each_pair(table(np.empty(0, np.int64), np.empty(0, np.int64))) is None
    assert last_of_each_pair(table(np.zeros(1, np.int64), np.zeros(1, np.int64))) is None
