"""The settings that the server starts with, and the limits that it enforces."""

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Formatter
from typing import Self
from urllib.parse import urlsplit

from matinee.errors import SettingError

MAX_K = 200
"""The maximum length of a list of recommendations or similar films."""
MAX_REQUEST_RATINGS = 1_000
"""The maximum number of ratings in one request."""
MAX_ITEMS = 100
"""The maximum number of films to predict in one request, and of search results on one page."""
MAX_TEXT_LENGTH = 100
"""The maximum length of a search text, in characters."""

UPLOAD_PATHS = ("/you/import", "/api/v1/me/import")
"""The addresses under which people upload files of their ratings."""
MAX_BATCH = 50
"""The maximum number of people in one request."""


POSTER_FIELDS = ("id", "imdb", "tmdb")
"""What the template of a poster's address may hold in braces."""


def poster_fields(setting: str) -> list[str]:
    """The fields of the template of an address; none of a folder.

    Raises:
        SettingError: it has braces, but is not the template of an address.
    """
    if "{" not in setting:
        if setting.startswith(("http://", "https://")):
            raise SettingError(
                f"--posters {setting}: an address needs {{id}}, {{imdb}} or {{tmdb}} where the "
                "film's id goes."
            )
        return []
    try:
        fields = [name for _, name, _, _ in Formatter().parse(setting) if name is not None]
    except ValueError:
        fields = [""]
    parts = urlsplit(setting)
    is_web = parts.scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.:-]+", parts.netloc)
    if not is_web or not set(fields) <= {*POSTER_FIELDS}:
        raise SettingError(
            f"--posters {setting}: give a folder of pictures, or an address that begins with "
            "https://host/ and has {id}, {imdb} or {tmdb} where the film's id goes."
        )
    return fields


@dataclass(frozen=True)
class Limits:
    """Limits on requests; a request that exceeds one is answered with a problem document.

    Attributes:
        body_bytes: maximum size of a request body.
        upload_bytes: maximum size of a request body below `UPLOAD_PATHS`.
        seconds: maximum time for the body of a request to arrive, and from then on to the last
            byte of its response.
        per_second: average number of requests per second and client address; 0 means no limit.
            Each process counts separately, unless `Settings.shared_limits_key` is set.
        burst: number of requests that a client may send at once.
        people_per_minute: average number of people created per minute and client address, and
            the number created at once; 0 means no limit.
        in_flight: maximum number of requests that a process works on at once; further requests
            are answered with 503. A request counts once its body is there, and until its response
            starts.
        connections: maximum number of open connections per client address and process; 0 means
            no limit.
        guesses_per_minute: average number of wrong operator tokens per minute and client address,
            and half the number accepted at once; 0 means no limit.
    """

    body_bytes: int = 256 * 1024
    upload_bytes: int = 2 * 1024 * 1024 + 64 * 1024
    seconds: float = 10.0
    per_second: float = 50.0
    burst: int = 200
    people_per_minute: float = 30.0
    in_flight: int = 500
    connections: int = 300
    guesses_per_minute: float = 10.0


@dataclass(frozen=True)
class Settings:
    """Settings of a server.

    Attributes:
        models: model files; requests that name no model use the first one.
        database: URL of a database, or path of an SQLite file.
        operator_token: secret for the operator endpoints; if empty, they are disabled.
        limits: limits on requests.
        poll_seconds: interval between checks for changed model files.
        log_requests: whether to log one line per request.
        allowed_origins: origins whose pages may use the API, such as https://films.example; "*"
            for all.
        retrain: names or paths of one data set, from which the operator can retrain the models;
            if empty, they cannot.
        update_seconds: interval between updates of the models with what is new in the database;
            0: they are not updated.
        posters: a folder of pictures, or the template of their addresses; empty: no pictures.
        allowed_hosts: names under which the server answers, as `http.hosts.allowed_hosts` returns
            them.
        trusted_proxies: addresses of proxies, separated by commas; their connections are those of
            many clients.
        shared_limits_key: secret with which the worker processes share the limits per client in
            the database; if empty, each has its own.
    """

    models: tuple[Path, ...]
    database: str
    operator_token: str = ""
    limits: Limits = field(default_factory=Limits)
    poll_seconds: float = 1.0
    log_requests: bool = True
    allowed_origins: tuple[str, ...] = ()
    retrain: tuple[str, ...] = ()
    update_seconds: float = 0.0
    posters: str = ""
    allowed_hosts: tuple[str, ...] = ("*",)
    trusted_proxies: str = ""
    shared_limits_key: str = ""

    @property
    def image_origin(self) -> str:
        """The only other origin that pictures may come from; empty if there is none."""
        if not poster_fields(self.posters):
            return ""
        parts = urlsplit(self.posters)
        return f"{parts.scheme}://{parts.netloc}"

    def to_json(self) -> str:
        """Serializes the settings for a worker process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Restores settings that `to_json` serialized."""
        values = json.loads(text)
        values["models"] = tuple(Path(path) for path in values["models"])
        for name in ("allowed_origins", "retrain", "allowed_hosts"):
            values[name] = tuple(values[name])
        return cls(**values | {"limits": Limits(**values["limits"])})
