"""Vectors and tiles in compiled code against their twins in Python."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.kernels import kernel, vectors
from matinee.kernels.vectors import (
    LANES,
    TILE,
    add_product,
    add_products,
    any_above,
    broadcast,
    checked,
    inverse_root,
    load,
    maximum,
    prefetch,
    store,
    subtract_product,
    times,
    total,
)


@kernel()
def work(rows: Floats, out: Floats) -> np.float32:
    """Uses every function once; the second vector begins inside a row."""
    prefetch(rows, 1, 3)
    one, other = load(rows, 0, 0), load(rows, 1, 5)
    store(out, 0, 0, add_product(one, other, broadcast(np.float32(2))))
    store(out, 0, LANES, subtract_product(one, other, broadcast(np.float32(2))))
    store(out, 0, 2 * LANES + 1, times(inverse_root(one), other))
    return total(other)


@kernel()
def multiply(sums: Floats, table: Floats, index: NDArray[np.int32], span: tuple[int, int]) -> None:
    add_products(sums, (TILE, LANES), table, index, span)


@kernel()
def compare(rows: Floats, out: Floats) -> tuple[bool, bool]:
    one, other = load(rows, 0, 0), load(rows, 1, 0)
    store(out, 0, 0, maximum(one, other))
    store(out, 1, 0, checked(broadcast(np.float32(0)), one))
    return any_above(one, np.float32(1)), any_above(one, np.float32(2))


def both(function: Any) -> list[Any]:
    return [function, function.py_func]


@pytest.mark.parametrize("function", both(work), ids=["compiled", "python"])
def test_each_instruction_computes_what_its_name_says(function: Any) -> None:
    rows = np.random.default_rng(0).uniform(1, 2, (2, LANES + 5)).astype(np.float32)
    table = np.zeros((1, 3 * LANES + 2), np.float32)
    sum_ = function(rows, table)
    out = table[0]
    one, other = rows[0, :LANES], rows[1, 5:]
    np.testing.assert_allclose(out[:LANES], one + 2 * other, rtol=1e-6)
    np.testing.assert_allclose(out[LANES : 2 * LANES], one - 2 * other, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(out[2 * LANES + 1 : -1], other / np.sqrt(one), rtol=1e-6)
    assert out[2 * LANES] == out[-1] == 0
    assert sum_ == pytest.approx(float(other.sum()), rel=1e-6)


@pytest.mark.parametrize("function", both(compare), ids=["compiled", "python"])
def test_comparisons_see_every_lane_and_numbers_that_are_not_finite(function: Any) -> None:
    rows, out = np.zeros((2, LANES), np.float32), np.ones((2, LANES), np.float32)
    rows[0, 15], rows[1, :3] = 2, (1, 2, -1)
    assert tuple(function(rows, out)) == (True, False)
    assert out[0].tolist() == [1, 2, *[0] * 13, 2]
    assert not out[1].any()
    rows[0, [1, 3, 9, 11]] = np.nan, np.inf, -np.inf, -3e38
    rows[0, 12] = -3e38  # twice, so that a sum would overflow
    function(rows, out)
    assert np.flatnonzero(np.isnan(out[1])).tolist() == [1, 3, 9]


@pytest.mark.parametrize("function", both(multiply), ids=["compiled", "python"])
def test_a_tile_gets_the_products_of_the_rows_of_a_span(function: Any) -> None:
    rng = np.random.default_rng(1)
    table = rng.standard_normal((9, 2 * LANES), np.float32)
    index = rng.integers(9, size=30).astype(np.int32)
    sums = np.ones((2 * LANES, 2 * LANES), np.float32)
    function(sums, table, index, (3, 30))
    chosen = table[index[3:]]
    expected = np.ones_like(sums)
    at = slice(TILE, 2 * TILE), slice(LANES, 2 * LANES)
    expected[at] += (chosen.T @ chosen)[at]
    np.testing.assert_allclose(sums, expected, atol=1e-4)


def test_tables_begin_at_a_cache_line_and_rows_are_whole_vectors() -> None:
    assert [vectors.padded(n) for n in (0, 1, 16, 17)] == [0, 16, 16, 32]
    for n_rows in range(1, 5):
        table = vectors.aligned(n_rows, 48)
        assert table.shape == (n_rows, 48)
        assert table.ctypes.data % vectors.LINE == 0
        assert not table.any()
