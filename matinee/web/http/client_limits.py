"""What one client may do: the limits per address, as handlers check them."""

import hashlib
from dataclasses import dataclass

from starlette.requests import Request

from matinee.errors import StoreError
from matinee.text import counted
from matinee.web.db.rate_tokens import RateTokens
from matinee.web.http.problems import Problem
from matinee.web.http.rate_limits import RateLimiter
from matinee.web.settings import Limits


class ClientLimiters:
    """The token buckets of all clients.

    Attributes:
        requests, new_people: see `Limits`.
        codes: links and recovery codes. They are too long to be guessed; the limit keeps the log
            and the database quiet.
        guesses: wrong operator tokens.
    """

    def __init__(self, limits: Limits) -> None:
        people, guesses = limits.people_per_minute, limits.guesses_per_minute
        self.requests = RateLimiter(limits.per_second, limits.burst)
        self.new_people = RateLimiter(people / 60, max(1.0, people))
        self.codes = RateLimiter(people / 120, max(1.0, people / 2))
        self.guesses = RateLimiter(guesses / 60, max(1.0, 2 * guesses))

    def named(self) -> dict[str, RateLimiter]:
        """All of them, by names for the database."""
        return {
            "requests": self.requests,
            "people": self.new_people,
            "codes": self.codes,
            "guesses": self.guesses,
        }


class SharedLimits:
    """Shares the token buckets of a process with the other workers of its server.

    Requests are checked against the buckets of their own process, so they wait for nothing. Now
    and then the process tells the database what its clients have taken, and learns what is left.

    Args:
        key: known to the workers only.
    """

    def __init__(self, limiters: ClientLimiters, tokens: RateTokens, key: str) -> None:
        self._limiters, self._tokens, self._key = limiters.named(), tokens, key.encode()
        for limiter in self._limiters.values():
            limiter.take_counts()  # from now on, they count

    def exchange(self) -> None:
        """Tells and learns.

        Raises:
            StoreError: the database does not respond; the process goes on by itself.
        """
        for name, limiter in self._limiters.items():
            counts = limiter.take_counts()
            if not counts or limiter.per_second <= 0:
                continue
            client_of = {self._bucket(name, client): client for client in counts}
            taken = {bucket: counts[client] for bucket, client in client_of.items()}
            try:
                left = self._tokens.take(taken, limiter.per_second, limiter.burst)
            except StoreError:
                limiter.put_back(counts)
                raise
            limiter.set_tokens({client_of[bucket]: tokens for bucket, tokens in left.items()})

    def _bucket(self, name: str, client: str) -> str:
        text = f"{name} {client}".encode()
        return hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()


@dataclass(frozen=True)
class ClientLimits:
    """The limits of the client of one request; the methods raise Problem, 429."""

    limiters: ClientLimiters
    client: str

    def check_requests(self) -> None:
        """Counts a request."""
        _refuse(self.limiters.requests.acquire(self.client), "requests")

    def check_new_people(self) -> None:
        """Counts a new person. A form on a page may create one too; only the page knows whether
        it will."""
        _refuse(self.limiters.new_people.acquire(self.client), "new people")

    def check_codes(self) -> None:
        """Counts an attempt with a link or a code."""
        _refuse(self.limiters.codes.acquire(self.client), "attempts")

    def check_guesses(self) -> None:
        """Checks, before a token is looked at, that the client has not sent too many wrong ones."""
        _refuse(self.limiters.guesses.wait(self.client), "wrong tokens")

    def count_guess(self) -> None:
        """Counts a wrong token."""
        self.limiters.guesses.acquire(self.client)


def client_limits(request: Request) -> ClientLimits:
    """The limits of the client of a request."""
    limits: ClientLimits = request.state.client_limits
    return limits


def _refuse(seconds: float, what: str) -> None:
    if seconds > 0:
        whole_seconds = int(seconds) + 1
        detail = f"Too many {what} from this address; wait {counted(whole_seconds, 'second')}."
        raise Problem(429, "too-many", detail, {"Retry-After": str(whole_seconds)})
