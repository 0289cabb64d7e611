"""Elicitation: the items to ask about, against a slow twin with a fresh inverse at every step."""

import numpy as np
from numpy.typing import NDArray

from matinee.recommendation.elicitation import MAX_CANDIDATES, Elicitation


def unit_rows(rng: np.random.Generator, n_rows: int, n_columns: int) -> NDArray[np.float32]:
    vectors = rng.normal(size=(n_rows, n_columns))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_each_step_takes_the_item_with_the_largest_weighted_variance() -> None:
    rng = np.random.default_rng(0)
    vectors, labels = unit_rows(rng, 30, 5), unit_rows(rng, 30, 3)
    counts = rng.integers(1, 500, 30)
    x = np.hstack([vectors, 0.6 * labels]).astype(np.float64)
    answered = [4, 17]
    found = Elicitation(vectors, labels, counts).next_items(6, answered[:1], answered[1:])
    for item in found:
        a = 0.5 * np.eye(8) + sum(
            (np.outer(x[other], x[other]) for other in answered), np.zeros((8, 8))
        )
        variance = np.einsum("md,de,me->m", x, np.linalg.inv(a), x)
        weighted = variance * np.sqrt(counts / counts.max())
        weighted[answered] = -1
        assert item == int(weighted.argmax())
        answered.append(item)


def test_many_directions_are_reduced_and_the_choice_stays_nearly_the_same() -> None:
    rng = np.random.default_rng(1)
    vectors = unit_rows(rng, 60, 40) @ rng.normal(size=(40, 200)).astype(np.float32)  # of rank 40
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels, counts = np.zeros((60, 1), np.float32), rng.integers(1, 99, 60)
    direct, _, _ = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)
    assert direct.shape[1] > 48
    first = Elicitation(vectors, labels, counts).next_items(5, [], [])
    x = vectors.astype(np.float64)
    inverse = 2.0 * np.eye(200)
    expected: list[int] = []
    for _ in range(5):
        weighted = np.einsum("md,de,me->m", x, inverse, x) * np.sqrt(counts / counts.max())
        weighted[expected] = -1
        expected.append(int(weighted.argmax()))
        along = inverse @ x[expected[-1]]
        inverse -= np.outer(along, along) / (1 + x[expected[-1]] @ along)
    assert first == expected


def test_items_without_ratings_and_beyond_the_most_rated_are_no_candidates() -> None:
    rng = np.random.default_rng(2)
    n_items = MAX_CANDIDATES + 50
    vectors, labels = unit_rows(rng, n_items, 3), unit_rows(rng, n_items, 2)
    counts = rng.permutation(n_items)  # one has none
    elicitation = Elicitation(vectors, labels, counts)
    assert sorted(elicitation.candidates.tolist()) == sorted(
        np.argsort(-counts)[:MAX_CANDIDATES].tolist()
    )
    few = Elicitation(vectors[:4], labels[:4], np.array([0, 5, 1, 2]))
    assert sorted(few.next_items(9, [], [])) == [1, 2, 3]
