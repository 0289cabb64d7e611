"""Token buckets, and the keys under which clients are counted."""

from matinee.web.http.rate_limits import MAX_CLIENTS, ConnectionLimit, RateLimiter, client_key


def test_a_bucket_is_emptied_and_refilled() -> None:
    now = 0.0
    limiter = RateLimiter(2, 3, clock=lambda: now)
    assert [limiter.acquire("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.acquire("b") == 0
    now = 0.25
    assert limiter.acquire("a") == 0.25
    now = 0.5
    assert [limiter.acquire("a"), limiter.acquire("a")] == [0, 0.5]
    now = 1000.0
    assert [limiter.acquire("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert [RateLimiter(0, 0).acquire("a") for _ in range(100)] == [0] * 100


def test_the_number_of_buckets_is_bounded() -> None:
    limiter = RateLimiter(1, 1, clock=lambda: 0.0)
    assert limiter.acquire("first") == 0
    assert limiter.acquire("first") > 0
    for number in range(MAX_CLIENTS):
        limiter.acquire(str(number))
    assert limiter.acquire("first") == 0


def test_a_client_is_an_ipv4_address_or_an_ipv6_network() -> None:
    assert client_key("192.0.2.7") == "192.0.2.7"
    assert (
        client_key("2001:db8:1:2:3:4:5:6")
        == client_key("2001:db8:1:2::9")
        != client_key("2001:db8:1:3::9")
    )
    assert client_key("::ffff:192.0.2.7") == client_key("192.0.2.7:4711") == client_key("192.0.2.7")
    assert client_key("::ffff:192.0.2.8") != client_key("192.0.2.7")
    assert (
        client_key("[2001:db8:1:2::9]:443")
        == client_key("[2001:db8:1:2::9]")
        == client_key("2001:db8:1:2::9")
    )
    assert client_key(None) == client_key("a socket") == "local"


def test_connections_are_counted_per_client_but_not_for_proxies() -> None:
    limit = ConnectionLimit(2, "192.0.2.7, 198.51.100.0/24")
    assert [limit.open("203.0.113.9") for _ in range(4)] == [True, True, False, False]
    assert limit.open("203.0.113.10")
    for _ in range(3):
        limit.close("203.0.113.9")
    assert limit.open("203.0.113.9")
    for proxy in ("192.0.2.7", "198.51.100.200"):
        assert all(limit.open(proxy) for _ in range(5))
    for without in (ConnectionLimit(0), ConnectionLimit(1, "*")):
        assert all(without.open("203.0.113.9") for _ in range(5))
