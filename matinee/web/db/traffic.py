"""Traffic over time: requests, errors, durations and what people stored, a row a minute.

Each process counts in memory and adds its counts to the rows every few seconds, so a row is the
sum over all processes. Minutes are kept for a week and hours for a year.
"""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import sqlalchemy as sa

from matinee.errors import StoreError
from matinee.web.db.schema import traffic
from matinee.web.db.transactions import Database
from matinee.web.latency import N_BUCKETS, bucket_of, quantile

MINUTE, HOUR, DAY = 60, 3_600, 86_400
KEEP_MINUTES = 7 * DAY
"""Minutes older than this many seconds become hours."""
KEEP_HOURS = 365 * DAY
_MAX_PENDING = 24 * 60
"""Minutes that are kept in memory while the database does not respond."""


@dataclass
class TrafficCounts:
    """What happened within a period."""

    requests: int = 0
    refusals: int = 0
    """Responses with a status of 4xx."""
    errors: int = 0
    """Responses with a status of 5xx."""
    lists: int = 0
    """Lists of recommendations."""
    ratings: int = 0
    """Ratings stored."""
    people: int = 0
    """People created."""
    durations: list[int] = field(default_factory=lambda: [0] * N_BUCKETS)
    """Number of requests in each bucket of `latency.EDGES`."""

    def add(self, other: "TrafficCounts") -> None:
        """Adds the counts of another process or period."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        pairs = zip(self.durations, other.durations, strict=True)
        self.durations = [own + more for own, more in pairs]

    def milliseconds(self, share: float) -> float | None:
        """A quantile of the durations in milliseconds; None without requests, or if it is above
        ten seconds."""
        seconds = quantile(self.durations, share)
        return None if seconds is None else 1000 * seconds


_NUMBERS = tuple(one.name for one in fields(TrafficCounts) if one.name != "durations")


class TrafficLog:
    """Counts the traffic of this process, and stores that of all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock, self._pending = threading.Lock(), dict[int, TrafficCounts]()
        self._condense_at = 0.0

    def count_request(self, status: int, seconds: float, *, is_list: bool = False) -> None:
        """Counts an answered request."""
        with self._lock:
            now = self._now()
            now.requests += 1
            now.refusals += 400 <= status < 500
            now.errors += status >= 500
            now.lists += is_list and status < 400
            now.durations[bucket_of(seconds)] += 1

    def count_stored(self, *, ratings: int = 0, people: int = 0) -> None:
        """Counts what a person has stored."""
        with self._lock:
            now = self._now()
            now.ratings += ratings
            now.people += people

    def _now(self) -> TrafficCounts:
        minute = int(time.time()) // MINUTE * MINUTE
        counts = self._pending.get(minute)
        if counts is None:
            counts = self._pending[minute] = TrafficCounts()
        return counts

    def flush(self) -> None:
        """Adds the counts of this process to the database. If that fails, they wait for the next
        time.

        Raises:
            StoreError: the database does not respond.
        """
        with self._lock:
            taken, self._pending = self._pending, {}
        try:
            self._add_rows(taken)
        except StoreError:
            with self._lock:
                for minute, counts in sorted(taken.items())[-_MAX_PENDING:]:
                    self._pending.setdefault(minute, TrafficCounts()).add(counts)
            raise
        if time.monotonic() >= self._condense_at:
            self.condense(int(time.time()))
            self._condense_at = time.monotonic() + HOUR

    def condense(self, now: int) -> None:
        """Adds old minutes up to hours, and deletes old hours."""
        columns, oldest = traffic.c, (now - KEEP_MINUTES) // HOUR * HOUR
        is_old = (columns.seconds == MINUTE) & (columns.starts_at < oldest)
        with self._database.writing() as connection:
            rows = connection.execute(sa.select(traffic).where(is_old).with_for_update()).all()
            hours: dict[int, TrafficCounts] = {}
            for row in rows:
                hour = row.starts_at // HOUR * HOUR
                hours.setdefault(hour, TrafficCounts()).add(_counts_of(row))
            for hour, counts in sorted(hours.items()):
                self._add_row(connection, hour, HOUR, counts)
            if rows:
                connection.execute(traffic.delete().where(is_old))
            is_too_old = (columns.seconds == HOUR) & (columns.starts_at < now - KEEP_HOURS)
            connection.execute(traffic.delete().where(is_too_old))

    def periods(self, start: int, seconds: int, n: int) -> list[TrafficCounts]:
        """The counts of n periods in a row, oldest first.

        Args:
            start: Unix seconds.
            seconds: length of a period; at least a minute.
        """
        found = [TrafficCounts() for _ in range(n)]
        for row in self._rows(start, start + n * seconds):
            found[(row.starts_at - start) // seconds].add(_counts_of(row))
        return found

    def _rows(self, start: int, end: int) -> Iterable[Any]:
        is_within = (traffic.c.starts_at >= start) & (traffic.c.starts_at < end)
        with self._database.reading() as connection:
            return connection.execute(sa.select(traffic).where(is_within)).all()

    def _add_rows(self, minutes: dict[int, TrafficCounts]) -> None:
        if not minutes:
            return
        with self._database.writing() as connection:
            for minute, counts in sorted(minutes.items()):
                self._add_row(connection, minute, MINUTE, counts)

    def _add_row(
        self, connection: sa.Connection, start: int, seconds: int, counts: TrafficCounts
    ) -> None:
        """Adds counts to a row, in one transaction: the row is created, locked and changed."""
        key = {"starts_at": start, "seconds": seconds}
        empty = key | _values_of(TrafficCounts())
        connection.execute(self._database.insert(traffic).on_conflict_do_nothing(), empty)
        is_row = (traffic.c.starts_at == start) & (traffic.c.seconds == seconds)
        row = connection.execute(sa.select(traffic).where(is_row).with_for_update()).one()
        total = _counts_of(row)
        total.add(counts)
        connection.execute(traffic.update().where(is_row).values(_values_of(total)))


def _counts_of(row: Any) -> TrafficCounts:
    durations = json.loads(row.durations)
    # Another version of matinee may have had other buckets
    if len(durations) != N_BUCKETS:
        durations = [0] * N_BUCKETS
    return TrafficCounts(**{name: getattr(row, name) for name in _NUMBERS}, durations=durations)


def _values_of(counts: TrafficCounts) -> dict[str, object]:
    numbers = {name: getattr(counts, name) for name in _NUMBERS}
    return numbers | {"durations": json.dumps(counts.durations, separators=(",", ":"))}
