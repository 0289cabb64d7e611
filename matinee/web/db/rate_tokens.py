"""Token buckets that the worker processes of a server share, in PostgreSQL.

The table is not logged: what it holds may be lost, and costs no wait for the disk. A bucket is
named after a keyed hash, so the database does not contain the addresses of clients.
"""

import time
from collections.abc import Mapping

import sqlalchemy as sa

from matinee.web.db.schema import rate_tokens
from matinee.web.db.transactions import Database

KEEP_SECONDS = 600
"""A bucket that nobody has used for so long is full, and is deleted."""
_SECONDS_BETWEEN_CLEANINGS = 60.0

_TAKE = sa.text("""
    INSERT INTO rate_tokens AS kept (bucket, tokens, counted_at)
    SELECT bucket, :burst - n, extract(epoch FROM clock_timestamp())
    FROM unnest(CAST(:buckets AS text[]), CAST(:counts AS float8[])) AS taken (bucket, n)
    ON CONFLICT (bucket) DO UPDATE SET
        tokens = greatest(-:burst, least(:burst, kept.tokens
            + :per_second * greatest(0, excluded.counted_at - kept.counted_at))
            - (:burst - excluded.tokens)),
        counted_at = greatest(excluded.counted_at, kept.counted_at)
    RETURNING bucket, tokens
""")


class RateTokens:
    """The buckets of all processes that use a database."""

    def __init__(self, database: Database) -> None:
        self._database, self._clean_at = database, 0.0

    def take(self, counts: Mapping[str, int], per_second: float, burst: float) -> dict[str, float]:
        """Takes tokens from buckets; the numbers that are left, negative if too many were taken.

        Args:
            counts: bucket -> number of tokens.
            per_second, burst: as in `http.rate_limits.RateLimiter`.

        Raises:
            StoreError: the database does not respond.
        """
        buckets = sorted(counts)  # processes lock rows in the same order
        values = {
            "buckets": buckets,
            "counts": [float(counts[bucket]) for bucket in buckets],
            "per_second": per_second,
            "burst": burst,
        }
        with self._database.unsafe_writing() as connection:
            left = {str(row.bucket): float(row.tokens) for row in connection.execute(_TAKE, values)}
        if time.monotonic() >= self._clean_at:
            self._clean_at = time.monotonic() + _SECONDS_BETWEEN_CLEANINGS
            self._clean()
        return left

    def _clean(self) -> None:
        is_old = rate_tokens.c.counted_at < time.time() - KEEP_SECONDS
        with self._database.unsafe_writing() as connection:
            connection.execute(rate_tokens.delete().where(is_old))
