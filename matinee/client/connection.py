"""What both clients share: the address, the token, errors, and when to try again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from matinee.client.calls import RETRYABLE, Answer, Call, problem_of
from matinee.errors import ApiError

API = "/api/v1"
MOST_SECONDS = 30.0
"""The longest wait before another attempt."""


class Connection:
    """The address of a server, and whom a client speaks for.

    Args:
        url: of the server, such as http://127.0.0.1:8000.
        token: of a person, from `create_person`; only the methods for stored ratings need it.
        retries: how often a request is sent again that the server was too busy for.
    """

    def __init__(self, url: str, token: str, *, retries: int) -> None:
        self.url, self.retries = url.rstrip("/"), retries
        self.api = self.url + API
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    @contextmanager
    def told(self, call: Call[Answer]) -> Iterator[None]:
        """Turns failures of the connection into `ApiError`."""
        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise ApiError(
                f"'{self.url}' is not the address of a server; give one such as "
                "http://127.0.0.1:8000."
            ) from None
        except httpx.TimeoutException:
            raise ApiError(
                f"{self.url} did not answer {call.method} {API}{call.path} in time; try again, or "
                "give the client more seconds."
            ) from None
        except httpx.TransportError as error:
            raise ApiError(
                f"No server answers at {self.url} ({error}); start one with 'matinee serve'."
            ) from None

    def seconds_to_wait(self, response: httpx.Response, attempt: int) -> float | None:
        """How long to wait before the next attempt; None if there is to be none."""
        if response.status_code not in RETRYABLE or attempt >= self.retries:
            return None
        given = response.headers.get("retry-after", "")
        return min(float(given) if given.isdigit() else 1.0, MOST_SECONDS)

    def answer(self, call: Call[Answer], response: httpx.Response) -> Answer:
        """The typed answer in a response.

        Raises:
            ApiError: the server refuses the request, or the answer is not that of the API.
        """
        content: Any = None
        if response.content:
            try:
                content = response.json()
            except ValueError:
                raise self._foreign(response) from None
        if not response.is_success:
            raise problem_of(response.status_code, content if isinstance(content, dict) else {})
        try:
            return call.read(content)
        except (KeyError, TypeError):
            raise self._foreign(response) from None

    def _foreign(self, response: httpx.Response) -> ApiError:
        return ApiError(
            f"{self.url} answers, but not as a matinee server does (status "
            f"{response.status_code}); check the address.",
            status=response.status_code,
        )
