"""Rate limits: a token bucket per client address."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network

MAX_CLIENTS = 50_000
"""The maximum number of clients with a bucket; the least recently active ones are removed
first."""


class RateLimiter:
    """A token bucket per client. A bucket holds `burst` tokens and is refilled with `per_second`
    tokens per second; 0 means no limit."""

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        # client -> number of tokens, and the time at which they were counted
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def acquire(self, client: str) -> float:
        """Takes a token from a client's bucket. Returns 0.0 if there was one, otherwise the
        seconds until there is one."""
        if self._per_second <= 0:
            return 0.0
        now = self._clock()
        tokens, counted_at = self._buckets.get(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - counted_at) * self._per_second)
        seconds = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
        self._buckets[client] = (tokens - 1 if tokens >= 1 else tokens, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return seconds


def client_key(address: str | None) -> str:
    """The key under which a client's requests are counted: its IPv4 address, or the /64 network
    of its IPv6 address, because a household usually has a whole /64 network.

    Also accepts an address with a port, and an IPv4-mapped IPv6 address, as proxies write them.
    """
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([\d.]+):\d+$", r"\1\3", address or "")
    try:
        parsed = ip_address(bare)
    except ValueError:
        return "local"
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(mapped) if mapped.version == 4 else str(ip_network((int(mapped), 64), strict=False))
