"""Features for a hierarchical prior, against the singular value decomposition of NumPy."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.data.ratings import Ratings
from matinee.models.bayes.side_information import Block, feature_block, set_block
from matinee.threads import Run, workers
from tests.conftest import simulated


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with workers(1) as one:
        yield one


def sets_of(ratings: Ratings) -> Doubles:
    """The matrix X, (U, I): 1 / sqrt(n) for each of the n items of a user."""
    table = np.zeros((ratings.n_users, ratings.n_items))
    table[ratings.user_index, ratings.item_index] = 1
    return np.asarray(table / np.sqrt(np.maximum(table.sum(axis=1, keepdims=True), 1)))


def block_of(run: Run, ratings: Ratings, rank: int, seed: int = 0) -> Block:
    return set_block(run, ratings.by_user, ratings.by_item, rank, np.random.default_rng(seed))


def whole(block: Block) -> Doubles:
    return np.asarray(block.rows * block.lengths @ block.right.T, np.float64)


def assert_orthonormal(columns: NDArray[np.floating], atol: float = 1e-4) -> None:
    np.testing.assert_allclose(
        columns.T.astype(np.float64) @ columns, np.eye(columns.shape[1]), atol=atol
    )


def test_all_singular_vectors_give_the_sets_back(run: Run, ratings: Ratings) -> None:
    block, table = block_of(run, ratings, 1000), sets_of(ratings)
    assert len(block.lengths) == np.linalg.matrix_rank(table) == ratings.n_items
    np.testing.assert_allclose(whole(block), table, atol=1e-5)


def test_the_largest_singular_vectors_are_those_of_numpy(run: Run, ratings: Ratings) -> None:
    # Of many equal tails the randomised method finds the space nearly: the clear ones at the top, exactly.
    left, values, right = np.linalg.svd(sets_of(ratings), full_matrices=False)
    block = block_of(run, ratings, 40)
    np.testing.assert_allclose(block.lengths[0], values[0], rtol=1e-6)
    np.testing.assert_allclose(block.lengths, values[:40], rtol=0.03)
    assert (block.lengths <= values[:40] * (1 + 1e-6)).all()
    assert abs(left[:, 0] @ block.rows[:, 0]) == pytest.approx(1, abs=1e-5)
    assert abs(right[0] @ block.right[:, 0]) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(sets_of(ratings) - whole(block)) <= 1.02 * np.sqrt(
        (values[40:] ** 2).sum()
    )


def test_features_have_orthonormal_columns_and_falling_lengths(run: Run, ratings: Ratings) -> None:
    features = np.random.default_rng(0).random((50, 7)).astype(np.float32)
    for block in (block_of(run, ratings, 30), feature_block(features)):
        assert_orthonormal(block.rows)
        assert_orthonormal(block.right)
        assert (np.diff(block.lengths) <= 0).all()
        assert [str(part.dtype) for part in block] == ["float32", "float64", "float32"]


def test_any_features_come_back_from_their_block() -> None:
    features = np.random.default_rng(0).random((50, 7)).astype(np.float32)
    block = feature_block(features)
    np.testing.assert_allclose(whole(block), features, atol=1e-5)
    np.testing.assert_allclose(block.lengths, np.linalg.svd(features, compute_uv=False), rtol=1e-5)


def test_features_that_others_add_up_to_are_counted_once() -> None:
    one = np.random.default_rng(0).random((30, 3)).astype(np.float32)
    repeated = np.column_stack([one, one[:, 0] + one[:, 1], np.zeros(30)]).astype(np.float32)
    block = feature_block(repeated)
    assert len(block.lengths) == 3
    np.testing.assert_allclose(whole(block), repeated, atol=1e-5)
    assert_orthonormal(block.rows)


def test_users_and_items_without_ratings_have_no_features(run: Run) -> None:
    table = simulated(30, 20, 200)
    part = table.subset((table.user_index > 2) & (table.item_index > 1))
    block = block_of(run, part, 50)
    np.testing.assert_allclose(block.rows[:3], 0, atol=1e-6)
    np.testing.assert_allclose(block.right[:2], 0, atol=1e-6)
    np.testing.assert_allclose(whole(block), sets_of(part), atol=1e-5)


def test_a_table_of_one_pair_has_one_feature(run: Run) -> None:
    block = block_of(run, Ratings.from_ids([1], [2], [3.0]), 300)
    np.testing.assert_allclose(whole(block), [[1]], atol=1e-6)


def test_the_seed_decides_and_the_number_of_threads_does_not(run: Run, ratings: Ratings) -> None:
    one, again = block_of(run, ratings, 20), block_of(run, ratings, 20)
    with workers(2) as two:
        parallel = block_of(two, ratings, 20)
    for name in Block._fields:
        assert np.array_equal(getattr(one, name), getattr(again, name))
        assert np.array_equal(getattr(one, name), getattr(parallel, name))
