"""Requests to the API and the pages: odd bodies, forms, files, queries and addresses.

A server must answer with a status below 500, or with 503 and a sentence.
"""

import asyncio
import json
import random
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from matinee.data.catalog import Catalog, Film
from matinee.data.vocabulary import Id, Vocabulary
from matinee.recommendation.model_file import Origin, save_model
from matinee.web.app import create_app
from matinee.web.settings import Limits, Settings
from tests.fuzz.damage import ODD_TEXTS, damaged
from tests.fuzz.personal import upload
from tests.recommendation.model_files.write import table, unfitted

MODELS = Path(__file__).parents[1] / "recommendation" / "model_files"
OPERATOR = "the-operator-of-the-tests"
ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, 1e308, -1e-300, [], {}, [[]], [None], {"a": 1}, [[[[[[[]]]]]]],
    2**63, -(2**63), "7", "17", "x" * 101, "\ud800", float("nan"), float("inf"),
)  # fmt: skip
RATINGS = [{"item_id": 7, "stars": 5}, {"item_id": "17", "stars": 1.5}, {"item_id": 27, "stars": 4}]
LIST = {"k": 5, "genre": ["Drama"], "popularity": 0.2, "diversity": 0.1, "explain": True}
BODIES: tuple[Any, ...] = (
    ("POST", "/api/v1/recommend", {"ratings": RATINGS, "not_interested": [37], **LIST}),
    ("POST", "/api/v1/recommend", {"ratings": RATINGS, "k": 200, "model": "item-knn"}),
    ("POST", "/api/v1/recommend/batch", {"people": [{"ratings": RATINGS}, {"ratings": []}], "k": 3}),
    ("POST", "/api/v1/predict", {"ratings": RATINGS, "item_ids": [7, 47, "57"]}),
    ("POST", "/api/v1/explain", {"ratings": RATINGS, "item_id": 47, "reasons": 3}),
    ("POST", "/api/v1/me/ratings", {"ratings": RATINGS}),
    ("PUT", "/api/v1/me/ratings/7", {"stars": 4}),
    ("POST", "/api/v1/me/groups", {"name": "Ada", "group_name": "Friday films"}),
    ("PUT", "/api/v1/me/groups/abc", {"name": "Ada"}),
    ("POST", "/api/v1/operator/trainings", {"model": "mf"}),
)  # fmt: skip
FORMS: tuple[Any, ...] = (
    ("/rate", {"item_id": "7", "stars": "4", "back": "/for-you", "shown": "7"}),
    *((path, {"item_id": "7", "back": "/"}) for path in ("/unrate", "/hide", "/show")),
    *((f"/watchlist/{what}", {"item_id": "7"}) for what in ("add", "remove")),
    *((path, {"item_id": "7", "skip": "17"}) for path in ("/not-seen", "/not-seen/undo")),
    ("/you/delete", {"sure": "true"}),
    ("/you/import/keep", {"sure": "[[7, 3, 1139045764]]", "doubtful": "[[17, 4.5, null]]"}),
    ("/together", {"name": "Ada", "group_name": "Friday"}),
    ("/together/abc/join", {"name": "Bea"}),
    ("/together/abc/mark", {"item_id": "7", "kind": "veto", "how": "mean", "genre": "Drama"}),
    *((f"/together/abc/{what}", {"member": "x", "sure": "true"}) for what in ("remove", "leave")),
    ("/devices/code", {"code": "ABCD-EFGH"}),
    *((path, {"brings": "true"}) for path in ("/devices/link", "/devices/join/abc")),
    ("/devices/recover", {"code": "a-b-c-d"}),
    ("/operator", {"token": OPERATOR, "back": "/operator"}),
    ("/operator/people/x/delete", {"sure": "true"}),
)  # fmt: skip
ADDRESSES: tuple[Any, ...] = (
    ("/api/v1/films", {"q": "film", "genre": "Drama", "year_from": "1990", "order": "title", "page": "1"}),
    ("/api/v1/films/7/similar", {"k": "5", "min_ratings": "3", "model": "mf"}),
    *((f"/api/v1/{path}", {"model": "mf"}) for path in ("films/7", "genres", "me/taste", "me/ratings")),
    ("/api/v1/me/recommendations", {"k": "5", "popularity": "0.5", "diversity": "0.5", "taste": "0.5", "genre": "Drama", "explain": "true"}),
    ("/api/v1/me/films/47/explanation", {"reasons": "3"}),
    ("/api/v1/me/groups/abc/recommendations", {"k": "3", "how": "least-misery"}),
    ("/api/v1/operator/people", {"page": "1", "q": "a", "sort": "ratings"}),
    ("/api/v1/operator/films", {"page": "1", "q": "film", "sort": "title"}),
    ("/api/v1/operator/traffic", {"window": "day"}),
    ("/api/v1/operator/comparison", {"left": "mf", "right": "item-knn"}),
    *((path, {"q": "film 3", "page": "1", "sort": "title"}) for path in ("/films", "/search", "/browse")),
    ("/for-you", {"genre": "Drama", "popularity": "0.5", "variety": "0.5", "from": "1990", "k": "12", "sort": "stars"}),
    *((path, {"genre": "Drama", "shown": "7"}) for path in ("/for-you/surprise", "/browse/random", "/")),
    *((path, {"color": "genre", "item_id": "7"}) for path in ("/map", "/map/film", "/map/you.json", "/films/7")),
    *((path, {"sort": "title"}) for path in ("/you", "/you/ratings", "/watchlist", "/together/abc")),
    *((path, {}) for path in ("/you/ratings.csv", "/you/matinee.json", "/posters/7", "/operator/people/x")),
    *((path, {"q": "1"}) for path in ("/operator", "/operator/films", "/operator/people", "/operator/training")),
)  # fmt: skip
TYPES = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
    "multipart/form-data; boundary=x",
)


def _places(part: Any) -> list[tuple[Any, Any]]:
    """Every entry of nested dictionaries and lists, as container and key."""
    keys = (
        list(part)
        if isinstance(part, dict)
        else list(range(len(part)))
        if isinstance(part, list)
        else []
    )
    found = []
    for key in keys:
        found += [(part, key), *_places(part[key])]
    return found


def _odd_json(rng: random.Random, body: Any) -> bytes:
    """A body with odd entries, or damaged."""
    body = json.loads(json.dumps(body))
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        places = _places(body)
        if not places:
            break
        container, key = rng.choice(places)
        match rng.randrange(6):
            case 0:
                del container[key]
            case 1 if isinstance(container[key], list):
                container[key] = container[key] * rng.choice((2, 50, 400))
            case 2 if isinstance(container, dict):
                container[rng.choice(("model", "k", "", "extra"))] = deepcopy(
                    rng.choice(ODD_VALUES)
                )
            case _:
                container[key] = deepcopy(rng.choice((*ODD_VALUES, rng.choice(ODD_TEXTS))))
    content = json.dumps(body).encode()
    match rng.randrange(12):
        case 0:
            return damaged(rng, content)
        case 1:
            return b"[" * rng.choice((10, 50_000)) + content
        case 2:
            return content[:-1] + b', "k": 3, "k": 4}'
    return content


def _odd_fields(rng: random.Random, fields: dict[str, str]) -> list[tuple[str, str]]:
    """The fields of a form or query, some of them odd, missing or repeated."""
    changed = []
    for name, value in fields.items():
        match rng.randrange(8):
            case 0:
                continue
            case 1 | 2:
                changed.append((name, rng.choice((*ODD_TEXTS, "3", "1", "Drama", "7"))))
            case 3:
                changed += [(name, value)] * rng.choice((2, 200))
            case _:
                changed.append((name, value))
    if rng.random() < 0.1:
        changed.append((rng.choice(ODD_TEXTS), rng.choice(ODD_TEXTS)))
    return changed


def _odd_path(rng: random.Random, path: str) -> str:
    """An address, in which a part may be odd."""
    parts = path.split("/")
    if rng.random() < 0.15:
        parts[rng.randrange(1, len(parts))] = quote(
            rng.choice((*ODD_TEXTS, "..", "%00", "7", "47")), safe=""
        )
    return "/".join(parts)


def _query(rng: random.Random, fields: dict[str, str]) -> str:
    query = urlencode([(n, v.encode(errors="replace")) for n, v in _odd_fields(rng, fields)])
    return query if rng.random() < 0.9 else query.replace("%", "%%")


def request(rng: random.Random) -> dict[str, Any]:
    """The arguments of a request."""
    headers = {
        "accept": rng.choice(("text/html", "*/*")),
        "x-part": rng.choice(("", "page", "card")),
    }
    kind = rng.randrange(4)
    if kind == 0:
        method, path, body = rng.choice(BODIES)
        headers["content-type"] = rng.choice((*TYPES[:1] * 8, *TYPES))
        content = _odd_json(rng, body)
        return {
            "method": method,
            "url": _odd_path(rng, path),
            "content": content,
            "headers": headers,
        }
    if kind == 1:
        path, fields = rng.choice(FORMS)
        content = urlencode(
            [(n, v.encode(errors="replace")) for n, v in _odd_fields(rng, fields)]
        ).encode()
        headers["content-type"] = TYPES[2]
        if rng.random() < 0.1:
            content = damaged(rng, content)
        return {
            "method": "POST",
            "url": _odd_path(rng, path),
            "content": content,
            "headers": headers,
        }
    if kind == 2:
        path = rng.choice(("/api/v1/me/import", "/you/import", "/api/v1/me/import?dry_run=true"))
        name = rng.choice(("ratings.csv", "a.zip", "watchlist.csv", "\0", "x" * 300))
        files = {rng.choice(("file", "file", "file", "other")): (name, upload(rng))}
        return {"method": "POST", "url": path, "files": files, "headers": headers}
    path, fields = rng.choice(ADDRESSES)
    method = rng.choice(("GET", "GET", "GET", "GET", "HEAD", "DELETE", "PUT", "POST"))
    return {
        "method": method,
        "url": f"{_odd_path(rng, path)}?{_query(rng, fields)}",
        "headers": headers,
    }


def _save_odd_films(path: Path) -> None:
    """Writes a model whose films nobody expects."""
    plain, texts = (
        table(),
        sorted({text for text in ODD_TEXTS if text.strip() and "\0" not in text}),
    )
    items = Vocabulary(texts[: plain.n_items], "item")
    ratings = replace(plain, items=items)
    films: dict[Id, Film] = {
        text: Film(
            texts[-place], place * 9999, (texts[-place - 1], "Drama"), text, 7, (text, "slow")
        )
        for place, text in enumerate(items.ids.tolist(), 1)
    }
    model = unfitted("mf").fit(ratings, n_threads=1)
    save_model(path, model, Catalog(films), Origin("simulated", len(ratings)))


class _Server:
    """The application in this process, with its background tasks, and a client of it."""

    def __init__(self, *models: Path) -> None:
        folder = tempfile.mkdtemp(prefix="matinee-fuzz-server-")
        limits = Limits(per_second=0, people_per_minute=0, seconds=60)
        database = f"{folder}/people.db"
        settings = Settings(models, database, OPERATOR, limits, log_requests=False)
        self.app, self.runner = create_app(settings), asyncio.Runner()
        self.context = self.app.router.lifespan_context(self.app)
        self.runner.run(self.context.__aenter__())
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://testserver", timeout=60
        )

    def send(self, sent: dict[str, Any]) -> httpx.Response:
        """Sends a request and returns the whole response."""
        return self.runner.run(self.client.request(**sent))

    def newcomer(self, *, has_ratings: bool) -> str:
        """The token of a new person."""
        answer = self.send({"method": "POST", "url": "/api/v1/people"})
        token: str = answer.json()["token"]
        if has_ratings:
            self.send_as(token, "/api/v1/me/ratings", {"ratings": RATINGS})
        return token

    def group(self, token: str) -> str:
        """The key of a new group of a person."""
        answer = self.send_as(token, "/api/v1/me/groups", {"name": "Ada", "group_name": ""})
        return str(answer.json()["id"])

    def send_as(self, token: str, path: str, body: object) -> httpx.Response:
        """Sends a body as a person."""
        headers = {"authorization": f"Bearer {token}"}
        return self.send({"method": "POST", "url": path, "json": body, "headers": headers})


def prepare() -> Callable[..., str]:
    """Starts two servers; the films of one have odd ids, titles, genres and tags."""
    odd = Path(tempfile.mkdtemp(prefix="matinee-fuzz-server-")) / "odd.matinee"
    _save_odd_films(odd)
    usual = (MODELS / f"{name}.matinee" for name in ("mf", "item-knn", "hybrid"))
    servers = _Server(*usual), _Server(odd)

    def case(rng: random.Random, folder: Path, say: Callable[[str], None]) -> str:
        del folder
        sent, server = request(rng), rng.choice(servers)
        say(f"{sent['method']} {sent['url'][:200]} {str(sent.get('content', b''))[:300]}")
        server.client.cookies.clear()
        if rng.random() < 0.9:
            has_ratings = rng.random() < 0.5
            token = server.newcomer(has_ratings=has_ratings)
            if "/abc" in sent["url"]:
                sent["url"] = sent["url"].replace("/abc", f"/{server.group(token)}")
            if "operator" in sent["url"] and rng.random() < 0.9:
                token = OPERATOR
            sent["headers"]["authorization"] = f"Bearer {token}"
        answer = server.send(sent)
        status = answer.status_code
        assert status < 500 or (status == 503 and answer.text), f"{status}: {answer.text[:2000]}"
        return "answered" if status < 400 else "refused"

    return case
