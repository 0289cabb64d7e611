"""Rate limits: a token bucket per client address, and the number of open connections."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

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
        self._lock = threading.Lock()
        # client -> number of tokens taken since the last `take_counts`, if they are shared
        self._taken: dict[str, int] | None = None

    def acquire(self, client: str) -> float:
        """Takes a token from a client's bucket. Returns 0.0 if there was one, otherwise the
        seconds until there is one."""
        if self._per_second <= 0:
            return 0.0
        with self._lock:
            tokens = self._tokens(client)
            if tokens < 1:
                return (1 - tokens) / self._per_second
            self._put(client, tokens - 1)
            if self._taken is not None:
                self._taken[client] = self._taken.get(client, 0) + 1
            return 0.0

    def wait(self, client: str) -> float:
        """What `acquire` would return, without taking a token."""
        if self._per_second <= 0:
            return 0.0
        with self._lock:
            return max(0.0, 1 - self._tokens(client)) / self._per_second

    def _tokens(self, client: str) -> float:
        now = self._clock()
        tokens, counted_at = self._buckets.get(client, (self._burst, now))
        return min(self._burst, tokens + (now - counted_at) * self._per_second)

    def _put(self, client: str, tokens: float) -> None:
        self._buckets[client] = (tokens, self._clock())
        self._buckets.move_to_end(client)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)

    # -- buckets that several processes share ---------------------------------------------

    @property
    def per_second(self) -> float:
        """The number of tokens with which a bucket is refilled every second."""
        return self._per_second

    @property
    def burst(self) -> float:
        """The number of tokens in a full bucket."""
        return self._burst

    def take_counts(self) -> dict[str, int]:
        """Client -> number of tokens taken since the last call; counts them from now on."""
        with self._lock:
            taken, self._taken = self._taken or {}, {}
            return taken

    def put_back(self, counts: dict[str, int]) -> None:
        """Adds counts that `take_counts` returned and that could not be shared."""
        with self._lock:
            taken = self._taken = self._taken if self._taken is not None else {}
            for client, n in counts.items():
                taken[client] = taken.get(client, 0) + n
            if len(taken) > MAX_CLIENTS:
                taken.clear()

    def set_tokens(self, tokens: dict[str, float]) -> None:
        """Sets the numbers of tokens that all processes together have left of clients, as they
        were when the last counts were taken; negative if they have taken too many."""
        with self._lock:
            taken = self._taken or {}
            for client, left in tokens.items():
                self._put(client, left - taken.get(client, 0))


class ConnectionLimit:
    """Counts the open connections of each client.

    Args:
        most: per client; 0 means no limit.
        proxies: addresses and networks whose connections are those of many clients, separated by
            commas; "*" for all.
    """

    def __init__(self, most: int, proxies: str = "") -> None:
        self._most, self._n_open = most, dict[str, int]()
        self._has_limit = most > 0 and proxies.strip() != "*"
        texts = [text.strip() for text in proxies.split(",") if text.strip()]
        self._networks = [network for text in texts if (network := _network(text)) is not None]

    def open(self, address: str | None) -> bool:
        """Counts a new connection; whether it is allowed. `close` must be called for both."""
        client = client_key(address)
        self._n_open[client] = self._n_open.get(client, 0) + 1
        return not self._has_limit or self._n_open[client] <= self._most or self._is_proxy(address)

    def close(self, address: str | None) -> None:
        """Counts the end of a connection."""
        client = client_key(address)
        self._n_open[client] -= 1
        if not self._n_open[client]:
            del self._n_open[client]

    def _is_proxy(self, address: str | None) -> bool:
        try:
            parsed = ip_address(address or "")
        except ValueError:
            return address is None  # a socket in the file system, whose peer is a proxy
        return any(parsed in network for network in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


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
