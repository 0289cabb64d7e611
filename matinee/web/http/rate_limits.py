"""How much one client may ask for: token buckets by address, and bodies that end in time."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network

MOST_CLIENTS = 50_000
"""So many addresses are remembered; the one that has been silent longest is forgotten
first."""


class Buckets:
    """For each client a bucket that holds `burst` requests and is refilled `per_second`; 0 per
    second is no limit."""

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = (
            OrderedDict()
        )  # client -> tokens, and when they were counted

    def wait(self, client: str) -> float:
        """Takes a token: 0.0 if there was one, otherwise the seconds until there is."""
        if self._per_second <= 0:
            return 0.0
        now = self._clock()
        tokens, counted = self._left.get(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - counted) * self._per_second)
        waits = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
        self._left[client] = (tokens - 1 if tokens >= 1 else tokens, now)
        self._left.move_to_end(client)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        return waits


def client_of(address: str | None) -> str:
    """Whom a request counts for: the address, or the network of 64 bits that one household has
    of IPv6.

    What proxies write is understood as well: a port behind the address, and IPv4 within IPv6.
    """
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([\d.]+):\d+$", r"\1\3", address or "")
    try:
        parsed = ip_address(bare)
    except ValueError:
        return "local"
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(mapped) if mapped.version == 4 else str(ip_network((int(mapped), 64), strict=False))
