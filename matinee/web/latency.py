"""Buckets for the durations of requests, and quantiles from the counts in them.

The buckets are narrow (ten between 1 and 10 ms), so that a quantile, which is interpolated within
one of them, is off by a few percent at most.
"""

from bisect import bisect_left
from collections.abc import Sequence

EDGES = (
    *(0.00025, 0.0005),
    *(0.001, 0.00125, 0.0016, 0.002, 0.0025, 0.0032, 0.004, 0.005, 0.0063, 0.008),
    *(0.01, 0.0125, 0.016, 0.02, 0.025, 0.032, 0.04, 0.05, 0.063, 0.08),
    *(0.1, 0.125, 0.16, 0.2, 0.25, 0.32, 0.4, 0.5, 0.63, 0.8),
    *(1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0, 10.0),
)
"""Upper ends of the buckets in seconds; one more bucket, without an end, follows."""
N_BUCKETS = len(EDGES) + 1


def bucket_of(seconds: float) -> int:
    """The number of the bucket that contains a duration."""
    return bisect_left(EDGES, seconds)


def quantile(counts: Sequence[float], share: float, edges: Sequence[float] = EDGES) -> float | None:
    """The duration in seconds that a share of the requests does not exceed, interpolated within a
    bucket; None without requests, or if it is above the last edge.

    Args:
        counts: number of requests in each bucket.
        share: from 0 to 1.
        edges: upper ends of the buckets.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, before, low = share * total, 0.0, 0.0
    for count, high in zip(counts, edges, strict=False):
        if count and before + count >= wanted:
            return low + (high - low) * max(0.0, wanted - before) / count
        before, low = before + count, high
    return None
