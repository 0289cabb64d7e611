"""Quantiles of durations, from counts in narrow buckets."""

import numpy as np
import pytest

from matinee.web.latency import EDGES, N_BUCKETS, bucket_of, quantile


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(("median", "spread"), [(0.004, 0.3), (0.03, 1.0), (0.7, 0.5)])
def test_a_quantile_is_close_to_that_of_the_durations(
    share: float, median: float, spread: float
) -> None:
    durations = np.random.default_rng(0).lognormal(np.log(median), spread, 20_000)
    counts = [0] * N_BUCKETS
    for seconds in durations:
        counts[bucket_of(seconds)] += 1
    assert quantile(counts, share) == pytest.approx(np.quantile(durations, share), rel=0.05)


def test_without_requests_or_above_the_last_edge_there_is_none() -> None:
    counts = [0] * N_BUCKETS
    assert quantile(counts, 0.5) is None
    counts[bucket_of(11.0)] = 1
    assert bucket_of(11.0) == N_BUCKETS - 1
    assert quantile(counts, 0.5) is None


def test_the_edges_ascend_in_small_steps() -> None:
    steps = np.array(EDGES[1:]) / np.array(EDGES[:-1])
    assert (steps > 1).all()
    assert steps[2:].max() < 1.3
