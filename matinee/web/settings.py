"""What the server is told when it starts, and the limits that it keeps."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

MOST_K = 200
"""The longest list that is made."""
MOST_OWN_RATINGS = 1_000
"""So many ratings one request may bring."""
MOST_ITEMS = 100
"""So many films are predicted at once, and shown on a page of a search."""
MOST_TEXT = 100
"""Characters in what is searched for."""


UPLOADS = "/you/import"


@dataclass(frozen=True)
class Limits:
    """Beyond these a request is answered with a problem document, and the server goes on.

    Attributes:
        body_bytes: of a request.
        upload_bytes: of a request below `UPLOADS`, where people bring a file of their ratings.
        seconds: for a request, from its first byte to the last of the answer.
        per_second, burst: requests of one client address in the long run, and at once; 0 per
            second is no limit. Each process counts by itself.
        people_per_minute: new people from one address, and as many at once; 0 is no limit.
        in_flight: requests that a process works on at the same time; more are told to come
            again.
    """

    body_bytes: int = 256 * 1024
    upload_bytes: int = 2 * 1024 * 1024 + 64 * 1024
    seconds: float = 10.0
    per_second: float = 50.0
    burst: int = 200
    people_per_minute: float = 30.0
    in_flight: int = 500


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Attributes:
        models: files; the first is used where a request names none.
        database: a URL, or a file of SQLite.
        operator_token: the secret of operator endpoints; empty: there are none.
        poll_seconds: how often the model files are looked at.
        log_requests: one line for each request.
    """

    models: tuple[Path, ...]
    database: str
    operator_token: str = ""
    limits: Limits = field(default_factory=Limits)
    poll_seconds: float = 1.0
    log_requests: bool = True

    def to_json(self) -> str:
        """As text, for a worker process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        told = json.loads(text)
        told["models"] = tuple(Path(path) for path in told["models"])
        return cls(**told | {"limits": Limits(**told["limits"])})
